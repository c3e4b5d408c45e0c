/* A gateway that is told anything by what should be its keeper, core and scribe, while it has asked for things.
 *
 * The input is a list of steps: a byte for the step, one for the length, and as many bytes. Nothing may crash, nothing
 * may be answered twice, and no descriptor is lost. The whole input is settings and a table, too. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "gateway/mail.h"
#include "gateway/settings.h"
#include "gateway/table.h"
#include "reeve/channel.h"

#define STEPS_MOST 64

static const struct gateway_settings settings = { .identifier = "fuzz" };

struct fuzzed {
	struct gateway gateway;
	int ends[ROLES]; /* ours; that of the keeper at ROLE_GATEWAY */
	unsigned asked, answered;
	struct watcher watcher;
	struct table_waiter waiter;
};

static int first_free_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	if (fd >= 0)
		close(fd);
	return fd;
}

static void answered(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	struct fuzzed *fuzzed = data;

	fuzzed->answered++;
	if (size > 0 && !memchr(bytes, bytes[size - 1], size)) /* all of it can be read */
		abort();
}

static void have_file(void *data, int fd)
{
	if (fd >= 0)
		close(fd);
}

static void changed(struct watcher *watcher)
{
}

static void here(struct table_waiter *waiter, const struct table *table)
{
	if (table && table->count > 0 && !table_find(table, table->rows[0].group, table->rows[0].name))
		abort();
}

static void make(struct fuzzed *fuzzed, const struct board *board)
{
	struct mail_channels channels;
	int pairs[ROLES][2];

	memset(fuzzed, 0, sizeof *fuzzed);
	for (enum role role = 0; role < ROLES; role++) {
		if (reeve_channel_pair(pairs[role]) < 0)
			abort();
		fuzzed->ends[role] = pairs[role][0];
	}
	channels = (struct mail_channels){ .keeper = pairs[ROLE_GATEWAY][1],
		.core = pairs[ROLE_CORE][1],
		.scribe = pairs[ROLE_SCRIBE][1] };
	if (gateway_init(&fuzzed->gateway, &settings, reeve_map_fd(board->map), &channels) < 0)
		abort();
	fuzzed->watcher.changed = changed;
	fuzzed->waiter.here = here;
	watch_begin(&fuzzed->gateway, &fuzzed->watcher);
}

static void send_raw(int end, const uint8_t *data, size_t size, unsigned fds)
{
	const int some[2] = { STDIN_FILENO, STDIN_FILENO };

	if (size > 0)
		reeve_channel_send(end, data, size, some, fds, 0);
}

/* Answer the request of number `size`, with all that follows as its data. */
static void reply(struct fuzzed *fuzzed, const uint8_t *data, size_t size, size_t all)
{
	struct message_reply message = { .type = MESSAGE_REPLY, .fault = FAULT_SUCCESS, .number = size };
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, data, all) != (ssize_t)all || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		abort();
	reeve_channel_send(fuzzed->ends[ROLE_CORE], &message, sizeof message, &fd, 1, 0);
	close(fd);
}

static void ask(struct fuzzed *fuzzed, uint8_t what)
{
	struct message_request message = { .kind = 1 + what % (REQUEST_KINDS - 1), .group = "g" };

	if (request_send(&fuzzed->gateway, &message, "data", what % 2 ? 4 : 0, answered, fuzzed, NULL) == 0)
		fuzzed->asked++;
}

static void step(struct fuzzed *fuzzed, uint8_t what, const uint8_t *data, size_t size, size_t all)
{
	switch (what % 8) {
	case 0:
	case 1:
	case 2:
		send_raw(fuzzed->ends[what % 8], data, size, what / 8 % 3);
		break;
	case 3:
		ask(fuzzed, what / 8);
		break;
	case 4:
		log_file_ask(&fuzzed->gateway, what, have_file, NULL, NULL);
		break;
	case 5:
		reply(fuzzed, data, size, all);
		break;
	case 6:
		table_stop_waiting(&fuzzed->gateway, &fuzzed->waiter);
		table_wait(&fuzzed->gateway, &fuzzed->waiter);
		break;
	default:
		table_now(&fuzzed->gateway);
	}
	reeve_loop_run_once(fuzzed->gateway.loop, 0);
}

static void parse(const uint8_t *data, size_t size)
{
	struct gateway_settings *parsed = NULL;
	const struct table *table;

	if (settings_parse((const char *)data, size, &parsed) == 0)
		settings_free(parsed);
	if (table_parse((const char *)data, size, &table) == 0)
		table_release(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct board board;
	struct fuzzed fuzzed;
	int before;

	if (!board.map && board_create("fuzz", &board) < 0)
		abort();
	before = first_free_descriptor();
	parse(data, size);
	make(&fuzzed, &board);
	for (int i = 0; i < STEPS_MOST && size > 2; i++) {
		size_t length = data[1] < size - 2 ? data[1] : size - 2;

		step(&fuzzed, data[0], data + 2, length, size - 2);
		data += 2 + length;
		size -= 2 + length;
	}
	if (fuzzed.answered > fuzzed.asked)
		abort();
	gateway_deinit(&fuzzed.gateway);
	for (enum role role = 0; role < ROLES; role++)
		close(fuzzed.ends[role]);
	if (first_free_descriptor() != before)
		abort();
	return 0;
}
