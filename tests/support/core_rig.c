#include "support/core_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/snapshot.h"
#include "config/snapshot_memory.h"
#include "core/core.h"
#include "keeper/exits.h"
#include "keeper/store.h"
#include "reeve/channel.h"
#include "support/harness.h"

static const char head[] = "[supervisord]\nnodaemon = true\nlogfile = %s/log\npidfile = %s/pid\nchildlogdir = %s\n";

void rig_configure(struct core_rig *rig, const char *text)
{
	FILE *file = fopen(rig->file, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file, head, rig->directory, rig->directory, rig->directory);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

/* ---- the core ---- */

_Noreturn static void be_core(const struct core_rig *rig, int keeper, int scribe, int gateway)
{
	int log = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct role_start start = {
		.board = (struct board *)(uintptr_t)&rig->board,
		.memory = rig->memory,
		.keeper = keeper,
		.peers = { [ROLE_CORE] = -EBADF, [ROLE_SCRIBE] = scribe, [ROLE_GATEWAY] = gateway },
		.log_read = log,
		.log_write = rig->log,
		.again = rig->again,
		.settings = &rig->settings,
	};

	close(rig->keeper);
	close(rig->scribe);
	close(rig->gateway);
	signal(SIGPIPE, SIG_IGN);
	_exit(core_run(&start, NULL));
}

void rig_start_core(struct core_rig *rig)
{
	int keeper[2], scribe[2], gateway[2];

	ck_assert_int_eq(reeve_channel_pair(keeper), 0);
	ck_assert_int_eq(reeve_channel_pair(scribe), 0);
	ck_assert_int_eq(reeve_channel_pair(gateway), 0);
	rig->keeper = keeper[0];
	rig->scribe = scribe[0];
	rig->gateway = gateway[0];
	rig->ready = false;
	rig->exits_sent = rig->memory->exits_first;
	rig->core = fork();
	ck_assert_int_ge(rig->core, 0);
	if (rig->core == 0)
		be_core(rig, keeper[1], scribe[1], gateway[1]);
	rig->again = true;
	close(keeper[1]);
	close(scribe[1]);
	close(gateway[1]);
	RIG_UNTIL(rig, rig->ready || rig->core == 0);
}

static void take_snapshot(struct core_rig *rig)
{
	struct config_snapshot *snapshot;
	struct config *config;
	struct report report;

	report_init(&report);
	ck_assert_int_eq(config_snapshot_take(&rig->request, &snapshot, &config, &report), 0);
	rig->memory->readings[0] = config_snapshot_memory(snapshot) + 1;
	ck_assert_int_gt(rig->memory->readings[0], 0);
	config_snapshot_free(snapshot);
	config_free(config);
	report_deinit(&report);
}

void rig_start(struct core_rig *rig, const char *text)
{
	*rig = (struct core_rig){ .directory = "/tmp/core-rig-XXXXXX" };
	ck_assert_ptr_nonnull(mkdtemp(rig->directory));
	snprintf(rig->file, sizeof rig->file, "%s/conf", rig->directory);
	rig->request = (struct config_request){ .path = rig->file, .environment = (const char *const *)environ };
	rig->settings = (struct role_settings){
		.request = &rig->request,
		.program_files = { 1024, 1024 },
		.in_foreground = true,
		.log_level = 3,
	};
	rig->memory = calloc(1, sizeof *rig->memory);
	ck_assert_ptr_nonnull(rig->memory);
	rig->memory->exits_first = rig->memory->exits_next = 1;
	ck_assert_int_eq(board_create("rig", &rig->board), 0);
	rig_configure(rig, text);
	take_snapshot(rig);
	snprintf(rig->file, sizeof rig->file, "%s/core.log", rig->directory);
	rig->log = open(rig->file, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0600);
	ck_assert_int_ge(rig->log, 0);
	snprintf(rig->file, sizeof rig->file, "%s/conf", rig->directory);
	rig_start_core(rig);
}

/* ---- being the others ---- */

/* Its descriptors are the keeper's store's, or closed. */
static void hear_keeper_mail(struct core_rig *rig, const union message *message, const int *fds, size_t count)
{
	switch (message->type) {
	case MESSAGE_KEEP:
		ck_assert_int_eq(store_keep_consume(rig->memory, &message->keep, fds, count), 0);
		return;
	case MESSAGE_FORGET:
		ck_assert_int_eq(store_forget(rig->memory, &message->forget), 0);
		break;
	case MESSAGE_DROP:
		ck_assert_int_eq(store_drop(rig->memory, message->row.row), 0);
		break;
	case MESSAGE_EXIT_SEEN:
		ck_assert_int_eq(exits_seen(rig->memory, message->exit_seen.number), 0);
		break;
	case MESSAGE_READY:
		rig->ready = true;
		break;
	case MESSAGE_FINISHED:
		rig->finished = true;
		break;
	}
}

static void hear_gateway_mail(struct core_rig *rig, const union message *message, const int *fds, size_t count)
{
	char **data = &rig->reply_data[rig->reply_count];
	struct stat status;

	if (message->type == MESSAGE_CHANGED)
		rig->changed++;
	if (message->type != MESSAGE_REPLY)
		return;
	ck_assert_uint_lt(rig->reply_count, RIG_LOG_MESSAGES);
	if (count > 0) {
		ck_assert_int_eq(fstat(fds[0], &status), 0);
		*data = calloc(1, (size_t)status.st_size + 1);
		ck_assert_int_eq(pread(fds[0], *data, (size_t)status.st_size, 0), status.st_size);
		close(fds[0]);
	}
	rig->replies[rig->reply_count++] = message->reply;
}

static void hear_scribe_mail(struct core_rig *rig, const union message *message, const int *fds, size_t count)
{
	if (count > 0)
		close(fds[0]);
	if (message->type == MESSAGE_LOG_CLOSE || message->type == MESSAGE_LOG_CLEAR)
		rig->closed[rig->closed_count++ % RIG_LOG_MESSAGES] = message->stream;
}

static void hear(struct core_rig *rig, int channel,
	void (*act)(struct core_rig *, const union message *, const int *, size_t))
{
	for (;;) {
		union message message;
		int fds[MESSAGE_FDS_MAX];
		struct reeve_channel_info info;
		ssize_t size = reeve_channel_receive(
			channel, &message, sizeof message, fds, MESSAGE_FDS_MAX, &info, 0);

		if (size <= 0)
			return;
		ck_assert_int_gt(message_check(&message, (size_t)size, (unsigned)info.descriptor_count), 0);
		act(rig, &message, fds, info.descriptor_count);
	}
}

static void reap(struct core_rig *rig)
{
	int status;
	pid_t pid;

	/* A keeper without a core reaps nothing but roles. */
	while ((pid = waitpid(rig->ready ? -1 : rig->core, &status, WNOHANG)) > 0) {
		struct reeve_process_outcome outcome = {
			.pid = pid,
			.how = WIFEXITED(status) ? REEVE_PROCESS_EXITED : REEVE_PROCESS_SIGNALLED,
			.status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
		};

		if (pid != rig->core) {
			exits_add(rig->memory, &outcome);
			continue;
		}
		rig->core = 0;
		rig->core_status = status;
		rig->ready = false;
		return;
	}
}

static void tell_exits(struct core_rig *rig)
{
	while (rig->ready && rig->exits_sent < rig->memory->exits_next) {
		const struct message_exited *exited = exits_get(rig->memory, rig->exits_sent);

		if (reeve_channel_send(rig->keeper, exited, sizeof *exited, NULL, 0, 0) < 0)
			return;
		rig->exits_sent++;
	}
}

void rig_hear(struct core_rig *rig)
{
	hear(rig, rig->keeper, hear_keeper_mail);
	hear(rig, rig->gateway, hear_gateway_mail);
	hear(rig, rig->scribe, hear_scribe_mail);
}

void rig_pump(struct core_rig *rig)
{
	struct pollfd polled[] = {
		{ rig->keeper, POLLIN, 0 },
		{ rig->gateway, POLLIN, 0 },
		{ rig->scribe, POLLIN, 0 },
	};

	poll(polled, 3, 1); /* children end without a word */
	rig_hear(rig);
	reap(rig);
	tell_exits(rig);
}

/* ---- death ---- */

static void close_channels(struct core_rig *rig)
{
	rig_hear(rig);
	close(rig->keeper);
	close(rig->gateway);
	close(rig->scribe);
	rig->ready = false; /* whatever it still said */
}

void rig_kill_core(struct core_rig *rig)
{
	ck_assert_int_eq(kill(rig->core, SIGKILL), 0);
	ck_assert_int_eq(waitpid(rig->core, NULL, 0), rig->core);
	rig->core = 0;
	close_channels(rig);
}

void rig_replace_core(struct core_rig *rig)
{
	rig_kill_core(rig);
	rig_start_core(rig);
	ck_assert(rig->ready);
}

static void remove_directory(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory)))
		unlinkat(dirfd(directory), entry->d_name, 0); /* "." is not to be unlinked */
	closedir(directory);
	ck_assert_int_eq(rmdir(path), 0);
}

void rig_forget_answers(struct core_rig *rig)
{
	for (unsigned i = 0; i < rig->reply_count; i++)
		free(rig->reply_data[i]);
	memset(rig->reply_data, 0, sizeof rig->reply_data);
	rig->reply_count = 0;
}

static void free_rig(struct core_rig *rig)
{
	rig_forget_answers(rig);
	store_drop_all(rig->memory, BOARD_ROWS_MAX);
	store_drop_readings(rig->memory);
	store_forget(rig->memory, &(struct message_forget){ MESSAGE_FORGET, ROW_SELF, KEPT_NEXT });
	free(rig->memory);
	board_close(&rig->board);
	close(rig->log);
	remove_directory(rig->directory);
}

void rig_end(struct core_rig *rig)
{
	struct message_request shutdown = { .type = MESSAGE_REQUEST, .kind = REQUEST_SHUTDOWN };

	shutdown.number = ++rig->number;
	/* It may have ended by itself, if it was to. */
	(void)reeve_channel_send(rig->gateway, &shutdown, sizeof shutdown, NULL, 0, REEVE_FOREVER);
	RIG_UNTIL(rig, rig->core == 0);
	ck_assert(rig->finished);
	ck_assert_int_eq(rig->core_status, 0);
	close_channels(rig);
	free_rig(rig);
}

/* ---- requests ---- */

static int make_data(const char *data)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, strlen(data)), (ssize_t)strlen(data));
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	return fd;
}

uint64_t rig_send(struct core_rig *rig, const struct message_request *request, const char *data)
{
	struct message_request message = *request;
	int fd = data ? make_data(data) : -EBADF;

	message.type = MESSAGE_REQUEST;
	message.number = ++rig->number;
	ck_assert_int_eq(
		reeve_channel_send(rig->gateway, &message, sizeof message, &fd, data ? 1 : 0,
			REEVE_FOREVER),
		0);
	if (fd >= 0)
		close(fd);
	return message.number;
}

uint64_t rig_ask(struct core_rig *rig, enum request_kind kind, const char *group, const char *name)
{
	struct message_request request = { .kind = kind, .wait = 1, .value = SIGHUP };

	snprintf(request.group, sizeof request.group, "%s", group);
	snprintf(request.name, sizeof request.name, "%s", name);
	return rig_send(rig, &request, NULL);
}

static int find_reply(const struct core_rig *rig, uint64_t number)
{
	for (unsigned i = 0; i < rig->reply_count; i++)
		if (rig->replies[i].number == number)
			return (int)i;
	return -1;
}

bool rig_has_answer(const struct core_rig *rig, uint64_t number)
{
	return find_reply(rig, number) >= 0;
}

const struct message_reply *rig_answer(struct core_rig *rig, uint64_t number, const char **ret_data)
{
	RIG_UNTIL(rig, find_reply(rig, number) >= 0);
	if (ret_data)
		*ret_data = rig->reply_data[find_reply(rig, number)];
	return &rig->replies[find_reply(rig, number)];
}

int rig_do(struct core_rig *rig, enum request_kind kind, const char *group, const char *name)
{
	return rig_answer(rig, rig_ask(rig, kind, group, name), NULL)->fault;
}

/* ---- the board ---- */

static bool find_record(struct core_rig *rig, const char *group, const char *name, struct board_record *ret)
{
	for (uint32_t row = 0; row < atomic_load(&rig->board.header->rows); row++)
		if (board_read(&rig->board, row, ret) == 0 && strcmp(ret->group, group) == 0 &&
			strcmp(ret->name, name) == 0)
			return true;
	return false;
}

bool rig_has(struct core_rig *rig, const char *group, const char *name)
{
	struct board_record record;

	return find_record(rig, group, name, &record);
}

struct board_record rig_record(struct core_rig *rig, const char *group, const char *name)
{
	struct board_record record = { 0 };

	ck_assert_msg(find_record(rig, group, name, &record), "there is no %s:%s", group, name);
	return record;
}

unsigned rig_count_state(struct core_rig *rig, int state)
{
	struct board_record record;
	unsigned count = 0;

	for (uint32_t row = 0; row < atomic_load(&rig->board.header->rows); row++)
		count += board_read(&rig->board, row, &record) == 0 && record.state == state;
	return count;
}

unsigned rig_count_children(struct core_rig *rig)
{
	char path[64];
	unsigned count = 0;
	FILE *file;
	int pid;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fscanf(file, "%d", &pid) == 1)
		count += pid != rig->core;
	fclose(file);
	return count;
}

void rig_wait_state(struct core_rig *rig, const char *group, const char *name, int state)
{
	RIG_UNTIL(rig, rig_record(rig, group, name).state == state);
}
