/* A core in the fuzz target's own process, with a few programs in every state that can't be started: there are no such
 * commands. */
#ifndef TESTS_FUZZ_CORE_FIXTURE_H
#define TESTS_FUZZ_CORE_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/state.h"
#include "reeve/channel.h"

static const char fixture_text[] = "[supervisord]\nlogfile=/dev/null\npidfile=/dev/null\nchildlogdir=/\n"
			   "[program:a]\ncommand=/nowhere/a\nautorestart=true\n"
			   "[program:b]\ncommand=/nowhere/b\nstartsecs=0\nstartretries=0\n"
			   "[group:g]\nprograms=c,d\n"
			   "[program:c]\ncommand=/nowhere/c\nautorestart=false\n"
			   "[program:d]\ncommand=/nowhere/d\nexitcodes=0,2\n";

/* What the configuration is, whenever it is read. */
static const char *fixture_says = fixture_text;

static int read_text(void *context, const char *path, struct config_answer *ret)
{
	ret->bytes = strdup(fixture_says);
	ret->length = strlen(fixture_says);
	return ret->bytes ? 0 : -ENOMEM;
}

static int find_none(void *context, const char *name, struct config_answer *ret)
{
	return -ENOENT;
}

static int nobody(void *context, const char *name, struct config_identity *ret)
{
	return -ENOENT;
}

static int everywhere(void *context, const char *path)
{
	return 1;
}

static const struct config_source source = {
	.read = read_text,
	.glob = find_none,
	.find_user = nobody,
	.find_group = nobody,
	.is_directory = everywhere,
};

static const struct config_request request = { .path = "/fuzz.conf", .source = &source };
static const struct role_settings settings = { .request = &request };

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

static void progress(struct reeve_loop_source *deferred, void *data)
{
	shutdown_progress(data);
}

static bool take_nothing(void *data, const union message *message, int fd_consume)
{
	if (fd_consume >= 0)
		close(fd_consume);
	return true;
}

static void make_core(struct core *core, struct role_start *start, int *ret_keeper, int *ret_scribe)
{
	struct report report;
	struct config *config;
	int keeper[2], scribe[2];

	report_init(&report);
	if (board_create("fuzz", start->board) < 0 || reeve_channel_pair(keeper) < 0 ||
		reeve_channel_pair(scribe) < 0 || reeve_loop_new(&core->loop) < 0 ||
		config_read(&request, &config, &report) < 0 ||
		readings_begin_consume(core, config) < 0)
		abort();
	report_deinit(&report);
	start->keeper = keeper[0];
	*ret_keeper = keeper[1];
	*ret_scribe = scribe[1];
	outbox_init(&core->scribe, core->loop, "scribe", take_nothing, NULL);
	if (outbox_connect_take(&core->scribe, scribe[0]) < 0 ||
		control_init(core) < 0 || reeve_loop_defer(core->loop, progress, core, &core->progress) < 0 ||
		reeve_loop_add_fd(core->loop, keeper[0], REEVE_LOOP_READABLE, core_mail_ready, core,
			&core->keeper_source) < 0 ||
		shelf_make(core) < 0 || groups_make(core) < 0)
		abort();
}

/* The first two have children, the third is stopping. Their pids are nobody's: above any that can be. */
static void populate(struct core *core)
{
	static const enum process_state states[] = { STATE_RUNNING, STATE_STARTING, STATE_STOPPING,
		STATE_BACKOFF };
	int pid = 0x40000001;
	size_t n = 0;

	for (size_t g = 0; g < core->group_count; g++) {
		for (size_t p = 0; p < core->groups[g]->process_count; p++) {
			struct process *process = &core->groups[g]->processes[p];

			process_begin(process)->state = states[n];
			process_end(process);
			if (states[n++] != STATE_BACKOFF)
				process_enter_pid(process, pid++);
		}
	}
}

static void free_core(struct core *core, struct role_start *start, int keeper, int scribe)
{
	groups_free(core);
	shelf_free(core);
	account_free_all(core);
	outbox_deinit(&core->scribe);
	control_deinit(core);
	reeve_loop_free(core->loop);
	readings_free(core);
	for (unsigned number = 0; number < READINGS_MAX; number++)
		if (start->memory->readings[number] > 0)
			close(start->memory->readings[number] - 1);
	if (start->memory->next_snapshot > 0)
		close(start->memory->next_snapshot - 1);
	memset(start->memory->readings, 0, sizeof start->memory->readings);
	start->memory->next_snapshot = 0;
	board_close(start->board);
	close(start->keeper);
	close(keeper);
	close(scribe);
}

#endif
