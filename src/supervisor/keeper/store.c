#include "keeper/store.h"

#include <errno.h>
#include <unistd.h>

static void replace(int32_t *held, int fd)
{
	if (*held > 0)
		close(*held - 1);
	*held = fd + 1;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

/* Where descriptors of this kind are held, and how many; 0 for what can't be. */
static size_t place(struct keeper_memory *memory, uint32_t row, uint32_t kind, int32_t **ret)
{
	if (row == ROW_SELF) {
		if (kind >= READINGS_MAX)
			return 0;
		*ret = kind == KEPT_NEXT ? &memory->next_snapshot : &memory->readings[kind];
		return 1;
	}
	if (row >= BOARD_ROWS_MAX)
		return 0;
	switch (kind) {
	case KEPT_STDOUT:
		*ret = memory->rows[row].stdout_pipe;
		return 2;
	case KEPT_STDERR:
		*ret = memory->rows[row].stderr_pipe;
		return 2;
	case KEPT_STDIN:
		*ret = &memory->rows[row].stdin_pipe;
		return 1;
	case KEPT_SOCKET:
		*ret = &memory->rows[row].socket;
		return 1;
	case KEPT_CHANNEL:
		*ret = &memory->rows[row].channel;
		return 1;
	case KEPT_SENDING:
		*ret = memory->rows[row].sending;
		return 2;
	}
	return 0;
}

int store_keep_consume(
	struct keeper_memory *memory, const struct message_keep *keep, const int *fds, size_t count)
{
	int32_t *held = NULL;

	if (count == 0 || place(memory, keep->row, keep->kind, &held) != count) {
		close_all(fds, count);
		return -EBADMSG;
	}
	for (size_t i = 0; i < count; i++)
		replace(&held[i], fds[i]);
	return 0;
}

int store_forget(struct keeper_memory *memory, const struct message_forget *forget)
{
	int32_t *held = NULL;
	size_t count = place(memory, forget->row, forget->kind, &held);

	if (count == 0)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		replace(&held[i], -1);
	return 0;
}

int store_drop(struct keeper_memory *memory, uint32_t row)
{
	if (row >= BOARD_ROWS_MAX)
		return -EBADMSG;
	for (uint32_t kind = 0; kind < KEPT_KINDS; kind++)
		store_forget(memory, &(struct message_forget){ MESSAGE_FORGET, row, kind });
	return 0;
}

void store_drop_all(struct keeper_memory *memory, uint32_t rows)
{
	for (uint32_t row = 0; row < rows && row < BOARD_ROWS_MAX; row++)
		store_drop(memory, row);
}

void store_drop_readings(struct keeper_memory *memory)
{
	for (uint32_t number = 0; number < READINGS_MAX; number++)
		replace(&memory->readings[number], -1);
}
