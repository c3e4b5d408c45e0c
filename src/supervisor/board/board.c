#include "board/board.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How often a reader looks again at a row that is being written: far longer than any write takes. */
#define READ_TRIES 1000

static size_t rows_offset(void)
{
	return (sizeof(struct board_header) + _Alignof(max_align_t) - 1) &
	       ~(_Alignof(max_align_t) - 1);
}

static size_t board_size(void)
{
	return rows_offset() + (size_t)BOARD_ROWS_MAX * sizeof(struct board_row);
}

static void attach(struct board *board, struct reeve_map *map)
{
	char *data = reeve_map_data(map);

	board->map = map;
	board->header = (struct board_header *)data;
	board->rows = (struct board_row *)(data + rows_offset());
	board->free_from = 0;
}

int board_create(const char *identifier, struct board *ret)
{
	struct reeve_map *map;
	struct board_header *header;
	int r;

	r = reeve_map_memory(
		BOARD_MAGIC, board_size(), REEVE_MAP_SEAL_SHRINK | REEVE_MAP_SEAL_GROW, &map);
	if (r < 0)
		return r;
	r = reeve_map_seal(map, REEVE_MAP_SEAL_FUTURE_WRITE | REEVE_MAP_SEAL_SEAL);
	if (r < 0) {
		reeve_map_free(map);
		return r;
	}
	attach(ret, map);
	header = ret->header;
	header->version = BOARD_VERSION;
	header->row_size = sizeof(struct board_row);
	header->rows_max = BOARD_ROWS_MAX;
	board_set_identifier(ret, identifier);
	atomic_store(&header->mood, MOOD_RUNNING);
	atomic_store(&header->started_wall, time(NULL));
	memcpy(header->magic, BOARD_MAGIC, sizeof BOARD_MAGIC);
	return 0;
}

void board_set_identifier(struct board *board, const char *identifier)
{
	char *text = board->header->identifier;
	size_t length = strnlen(identifier, sizeof board->header->identifier - 1);

	memcpy(text, identifier, length);
	text[length] = '\0';
}

int board_open(int fd, struct board *ret)
{
	const struct board_header *header;
	struct reeve_map *map;
	int r;

	r = reeve_map_received(fd, REEVE_MAP_READ, sizeof *header, REEVE_MAP_SEAL_SHRINK, &map);
	if (r == -EPERM || r == -ENODATA || r == -ENODEV)
		return -EPROTO;
	if (r < 0)
		return r;
	header = reeve_map_data(map);
	if (memcmp(header->magic, BOARD_MAGIC, sizeof BOARD_MAGIC) != 0 ||
		header->version != BOARD_VERSION || header->row_size != sizeof(struct board_row) ||
		header->rows_max != BOARD_ROWS_MAX || reeve_map_size(map) < board_size()) {
		reeve_map_free(map);
		return -EPROTO;
	}
	attach(ret, map);
	return 0;
}

void board_close(struct board *board)
{
	reeve_map_free(board->map);
	*board = (struct board){ 0 };
}

void board_clear(struct board *board)
{
	uint32_t rows = atomic_load(&board->header->rows);

	for (uint32_t row = 0; row < rows; row++)
		board_remove(board, row);
	atomic_store(&board->header->rows, 0);
	atomic_store(&board->header->populated, 0);
	atomic_store(&board->header->latest_reading, 0);
	atomic_fetch_add(&board->header->tables, 1);
}

/* The first row that is free, made known to readers; -ENOSPC. */
static int find_free(struct board *board)
{
	uint32_t rows = atomic_load(&board->header->rows);

	for (uint32_t row = board->free_from; row < rows; row++) {
		if (!atomic_load(&board->rows[row].used)) {
			board->free_from = row + 1;
			return (int)row;
		}
	}
	if (rows == BOARD_ROWS_MAX)
		return -ENOSPC;
	atomic_store(&board->header->rows, rows + 1);
	board->free_from = rows + 1;
	return (int)rows;
}

int board_add(struct board *board, const char *group, const char *name, uint32_t reading)
{
	size_t group_length = strlen(group), name_length = strlen(name);
	struct board_record *record;
	int row;

	if (group_length >= BOARD_NAME_SIZE || name_length >= BOARD_NAME_SIZE)
		return -ENAMETOOLONG;
	row = find_free(board);
	if (row < 0)
		return row;
	record = board_begin(board, (uint32_t)row);
	memset(record, 0, sizeof *record);
	memcpy(record->group, group, group_length + 1);
	memcpy(record->name, name, name_length + 1);
	record->reading = reading;
	atomic_store(&board->rows[row].newborn, 0);
	board_end(board, (uint32_t)row);
	atomic_store(&board->rows[row].used, 1);
	return row;
}

void board_remove(struct board *board, uint32_t row)
{
	atomic_store(&board->rows[row].used, 0);
	if (row < board->free_from)
		board->free_from = row;
}

/* The fences are those of the sequence lock in Boehm, "Can seqlocks get along with programming language
 * memory models?" (MSPC 2012). */
struct board_record *board_begin(struct board *board, uint32_t row)
{
	struct board_row *entry = &board->rows[row];
	uint32_t sequence = atomic_load_explicit(&entry->sequence, memory_order_relaxed);

	atomic_store_explicit(&entry->sequence, sequence + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	return &entry->record;
}

void board_end(struct board *board, uint32_t row)
{
	struct board_row *entry = &board->rows[row];
	uint32_t sequence = atomic_load_explicit(&entry->sequence, memory_order_relaxed);

	atomic_store_explicit(&entry->sequence, sequence + 1, memory_order_release);
}

const struct board_record *board_peek(const struct board *board, uint32_t row)
{
	return &board->rows[row].record;
}

pid_t *board_newborn(struct board *board, uint32_t row)
{
	_Static_assert(sizeof(pid_t) == sizeof board->rows->newborn, "the kernel writes a pid_t");
	return (pid_t *)(uintptr_t)&board->rows[row].newborn;
}

static void terminate_strings(struct board_record *record)
{
	record->group[sizeof record->group - 1] = '\0';
	record->name[sizeof record->name - 1] = '\0';
	record->error[sizeof record->error - 1] = '\0';
	record->stdout_suffix[sizeof record->stdout_suffix - 1] = '\0';
	record->stderr_suffix[sizeof record->stderr_suffix - 1] = '\0';
}

void board_repair(struct board *board)
{
	uint32_t rows = atomic_load(&board->header->rows);

	for (uint32_t row = 0; row < rows; row++) {
		struct board_row *entry = &board->rows[row];

		if (atomic_load(&entry->sequence) % 2 == 0)
			continue;
		terminate_strings(&entry->record);
		board_end(board, row);
	}
}

/* Word by word, for the compiler must not take the record for memory that nobody else writes. */
static void copy_record(struct board_record *to, const struct board_record *from)
{
	const volatile uint64_t *source = (const volatile uint64_t *)from;
	uint64_t *target = (uint64_t *)to;

	_Static_assert(sizeof *to % sizeof *target == 0, "a record is made of whole words");
	for (size_t i = 0; i < sizeof *to / sizeof *target; i++)
		target[i] = source[i];
}

int board_read(const struct board *board, uint32_t row, struct board_record *ret)
{
	const struct board_row *entry;

	if (row >= BOARD_ROWS_MAX)
		return -ENOENT;
	entry = &board->rows[row];
	if (!atomic_load(&entry->used))
		return -ENOENT;
	for (int tries = 0; tries < READ_TRIES; tries++) {
		uint32_t before = atomic_load_explicit(&entry->sequence, memory_order_acquire);

		if (before % 2 != 0)
			continue;
		copy_record(ret, &entry->record);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&entry->sequence, memory_order_relaxed) == before) {
			terminate_strings(ret);
			return 0;
		}
	}
	return -EAGAIN;
}
