/* A core that is told anything by what should be its keeper, with a few programs in every state.
 *
 * The input is a list of messages: a byte for the number of descriptors, one for the length, and as many bytes. Its
 * programs can't be started (there is no such command), so nothing runs. */
#include "fuzz/core_fixture.h"
#include "fuzz/fuzz.h"

#define MESSAGES_MOST 64

/* One message of the input; returns how much of it was used. */
static size_t send_one(int peer, const uint8_t *data, size_t size)
{
	int fd = 0;
	size_t length = data[1];

	if (length > size - 2)
		length = size - 2;
	if (length > 0)
		reeve_channel_send(peer, data + 2, length, &fd, data[0] % 2, 0);
	return 2 + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keeper_memory memory;
	struct board board;
	struct role_start start = { .board = &board, .memory = &memory, .settings = &settings,
		.log_read = -1, .log_write = 2 };
	struct core core = { .start = &start, .board = &board };
	int keeper, scribe, before = count_fds();

	make_core(&core, &start, &keeper, &scribe);
	populate(&core);
	for (int i = 0; i < MESSAGES_MOST && size > 2 && !core.finished && !core.orphaned; i++) {
		size_t used = send_one(keeper, data, size);
		char drained[MESSAGE_MAX];

		data += used;
		size -= used;
		reeve_loop_run_once(core.loop, 0);
		while (reeve_channel_receive(keeper, drained, sizeof drained, NULL, 0, NULL, 0) > 0)
			;
	}
	free_core(&core, &start, keeper, scribe);
	if (count_fds() != before)
		abort();
	return 0;
}
