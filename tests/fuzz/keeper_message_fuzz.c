/* A keeper that is told anything by what should be its core.
 *
 * The input is a list of messages: a byte for the number of descriptors, one for the length, and as many bytes.
 * Nothing may crash; what is held is what is open, and no descriptor is lost. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "keeper/state.h"
#include "keeper/store.h"
#include "reeve/channel.h"

#define MESSAGES_MOST 64

static struct board board;
static struct keeper_setup setup = { .board = &board };

static int count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	if (!directory)
		abort();
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int make_keeper(struct keeper *keeper, int *ret_peer)
{
	int ends[2];

	*keeper = (struct keeper){ .setup = &setup, .exits_sent = 1 };
	keeper->memory = calloc(1, sizeof *keeper->memory);
	if (!keeper->memory || reeve_channel_pair(ends) < 0 || reeve_loop_new(&keeper->loop) < 0)
		abort();
	keeper->memory->exits_first = keeper->memory->exits_next = 1;
	for (enum role role = 0; role < ROLES; role++)
		keeper->roles[role] = (struct keeper_role){ .channel = -1, .new_peers = { -1, -1, -1 } };
	keeper->roles[ROLE_CORE].channel = ends[0];
	*ret_peer = ends[1];
	return reeve_loop_add_fd(keeper->loop, ends[0], REEVE_LOOP_READABLE, keeper_mail_ready, keeper,
		&keeper->roles[ROLE_CORE].source);
}

static void free_keeper(struct keeper *keeper, int peer)
{
	store_drop_all(keeper->memory, BOARD_ROWS_MAX);
	store_drop_readings(keeper->memory);
	if (keeper->memory->next_snapshot > 0)
		close(keeper->memory->next_snapshot - 1);
	close(keeper->roles[ROLE_CORE].channel);
	close(peer);
	reeve_loop_free(keeper->loop);
	free(keeper->memory);
}

/* One message of the input; returns how much of it was used. */
static size_t send_one(int peer, const uint8_t *data, size_t size)
{
	int fds[3] = { 0, 1, 2 };
	size_t count = data[0] % 4, length = data[1];

	if (length > size - 2)
		length = size - 2;
	if (length > 0)
		reeve_channel_send(peer, data + 2, length, fds, count, 0);
	return 2 + length;
}

static void check(const struct keeper *keeper)
{
	const struct keeper_memory *memory = keeper->memory;

	if (memory->exits_first > memory->exits_next ||
		memory->exits_next - memory->exits_first > KEEPER_EXITS_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keeper keeper;
	int peer, before;

	if (!board.map && board_create("fuzz", &board) < 0)
		abort();
	before = count_fds();
	if (make_keeper(&keeper, &peer) < 0)
		abort();
	for (int i = 0; i < MESSAGES_MOST && size > 2; i++) {
		size_t used = send_one(peer, data, size);

		data += used;
		size -= used;
		reeve_loop_run_once(keeper.loop, 0);
		check(&keeper);
	}
	free_keeper(&keeper, peer);
	if (count_fds() != before)
		abort();
	return 0;
}
