/* A board whose bytes are anybody's: it is refused, or can be read row by row. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board/board.h"
#include "fuzz/fuzz.h"

static int memory = -1;
static uint8_t *bytes;
static size_t mapped;

/* A memfd as large as a board is, that nobody can shrink. */
static void make_memory(void)
{
	struct board board;

	if (board_create("fuzz", &board) < 0)
		abort();
	mapped = reeve_map_size(board.map);
	memory = fcntl(reeve_map_fd(board.map), F_DUPFD_CLOEXEC, 0);
	bytes = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (memory < 0 || bytes == MAP_FAILED)
		abort();
	board_close(&board);
}

static void check_terminated(const char *text, size_t size)
{
	if (!memchr(text, '\0', size))
		abort();
}

static void read_all(const struct board *board)
{
	struct board_record record;
	uint32_t rows = atomic_load(&board->header->rows);

	for (uint32_t row = 0; row < rows && row < 64; row++) {
		if (board_read(board, row, &record) < 0)
			continue;
		check_terminated(record.name, sizeof record.name);
		check_terminated(record.group, sizeof record.group);
		check_terminated(record.error, sizeof record.error);
	}
	board_read(board, rows, &record);
	board_read(board, UINT32_MAX, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t header[sizeof(struct board_header)];
	struct board board;

	if (memory < 0) {
		make_memory();
		memcpy(header, bytes, sizeof header);
	}
	if (size > 65536)
		size = 65536;
	memcpy(bytes, header, sizeof header);
	if (size > 0 && data[0] & 1) /* keep the header, so that the rows are looked at */
		memcpy(bytes + sizeof header, data, size);
	else
		memcpy(bytes, data, size);
	if (board_open(memory, &board) == 0) {
		atomic_store(&((struct board_header *)bytes)->rows, 64);
		read_all(&board);
		board_close(&board);
	}
	memset(bytes, 0, size + sizeof header);
	return 0;
}
