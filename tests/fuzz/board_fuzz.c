/* A board whose bytes are anybody's: it is refused, or can be read row by row. */
#include <stdlib.h>
#include <string.h>

#include "board/board.h"
#include "fuzz/fuzz.h"

static int memory = -1;
static uint8_t *bytes;

/* A board, of which its maker alone can write: here, anything. */
static void make_memory(void)
{
	static struct board made;

	if (board_create("fuzz", &made) < 0)
		abort();
	memory = reeve_map_fd(made.map);
	bytes = (uint8_t *)made.header;
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
