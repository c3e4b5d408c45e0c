/* Groups and processes as the configuration has them, each process with its row on the board. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "core/state.h"
#include "core/waiters.h"
#include "reeve/error.h"

/* The row that the board has for this process, looked for from `from` on, where it most likely is; or -ENOENT. */
static int find_row(struct core *core, const struct process *process, uint32_t from)
{
	uint32_t rows = atomic_load(&core->board->header->rows);

	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = (from + i) % rows;
		const struct board_record *record = board_peek(core->board, row);

		if (atomic_load(&core->board->rows[row].used) &&
			strcmp(record->name, process->settings->name) == 0 &&
			strcmp(record->group, process->group->settings->name) == 0)
			return (int)row;
	}
	return -ENOENT;
}

/* What the keeper holds for the row was our predecessor's, and we were born with it. */
static void take_descriptors(struct core *core, struct process *process)
{
	const struct kept_row *kept = &core->start->memory->rows[process->row];

	for (int end = 0; end < 2; end++) {
		process->stdout_pipe[end] = kept->stdout_pipe[end] - 1;
		process->stderr_pipe[end] = kept->stderr_pipe[end] - 1;
	}
	process->stdin_pipe = kept->stdin_pipe - 1;
	process->channel = kept->channel - 1;
	process->sending[0] = kept->sending[0] - 1;
	process->sending[1] = kept->sending[1] - 1;
	if (process == process->group->processes)
		process->group->socket = kept->socket - 1;
}

static int make_process(struct group *group, struct process *process,
	const struct program_settings *settings, uint32_t *hint)
{
	struct core *core = group->core;
	int row = -ENOENT;

	*process = (struct process){
		.group = group,
		.settings = settings,
		.channel = -1,
		.sending = { -1, -1 },
		.stdout_pipe = { -1, -1 },
		.stderr_pipe = { -1, -1 },
		.stdin_pipe = -1,
	};
	if (core->start->again)
		row = find_row(core, process, *hint);
	if (row >= 0) {
		process->row = (uint32_t)row;
		take_descriptors(core, process);
	} else {
		row = board_add(core->board, group->settings->name, settings->name);
		if (row < 0)
			return row;
		process->row = (uint32_t)row;
	}
	*hint = process->row + 1;
	logs_choose_names(process);
	return 0;
}

static void close_all(const struct process *process)
{
	int fds[] = {
		process->stdout_pipe[0],
		process->stdout_pipe[1],
		process->stderr_pipe[0],
		process->stderr_pipe[1],
		process->stdin_pipe,
		process->channel,
		process->sending[0],
		process->sending[1],
	};

	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void group_free(struct group *group)
{
	for (size_t p = 0; p < group->process_count; p++) {
		waiters_drop(&group->processes[p]);
		input_drop(&group->processes[p]);
		reeve_loop_source_free(group->processes[p].alarm);
		reeve_loop_source_free(group->processes[p].timer);
		reeve_process_free(group->processes[p].handle);
		close_all(&group->processes[p]);
	}
	if (group->socket >= 0)
		close(group->socket);
	free(group->processes);
	free(group);
}

static int make_processes(struct group *group, uint32_t *hint)
{
	const struct config_group *settings = group->settings;

	group->processes = calloc(settings->start_count + 1, sizeof *group->processes);
	if (!group->processes)
		return -ENOMEM;
	for (size_t i = 0; i < settings->start_count; i++) {
		const struct program_settings *program = &settings->processes[settings->start_order[i]];
		int r = make_process(group, &group->processes[i], program, hint);

		if (r < 0) {
			log_line(LOG_CRITICAL, "cannot have a process '%s:%s': %s", settings->name,
				program->name, reeve_error_text(r));
			return r;
		}
		group->process_count++;
	}
	return 0;
}

static int make_group(struct core *core, const struct config_group *settings, uint32_t *hint)
{
	struct group *group = calloc(1, sizeof *group);

	if (!group)
		return -ENOMEM;
	*group = (struct group){ .core = core, .settings = settings, .socket = -EBADF };
	core->groups[core->group_count++] = group;
	return make_processes(group, hint);
}

struct group *group_by_name(const struct core *core, const char *name)
{
	for (size_t i = 0; i < core->group_count; i++)
		if (strcmp(core->groups[i]->settings->name, name) == 0)
			return core->groups[i];
	return NULL;
}

struct process *process_by_name(const struct core *core, const char *group_name, const char *name)
{
	struct group *group = group_by_name(core, group_name);

	for (size_t i = 0; group && i < group->process_count; i++)
		if (strcmp(process_name(&group->processes[i]), name) == 0)
			return &group->processes[i];
	return NULL;
}

const struct config *latest_config(const struct core *core)
{
	return core->config;
}

int groups_make(struct core *core)
{
	const struct config *config = core->config;
	uint32_t hint = 0;

	core->groups = calloc(config->group_count + 1, sizeof *core->groups);
	if (!core->groups)
		return -ENOMEM;
	for (size_t i = 0; i < config->group_count; i++) {
		int r;

		if (group_by_name(core, config->groups[i].name))
			continue; /* of groups of one name the first wins */
		r = make_group(core, &config->groups[i], &hint);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Move a descriptor to where it is held as itself plus 1. */
static void hand_over(int *fd, int32_t *held)
{
	*held = *fd + 1;
	*fd = -EBADF;
}

void groups_hand_over(struct core *core, struct keeper_memory *memory)
{
	for (size_t g = 0; g < core->group_count; g++) {
		struct group *group = core->groups[g];

		for (size_t p = 0; p < group->process_count; p++) {
			struct process *process = &group->processes[p];
			struct kept_row *kept = &memory->rows[process->row];

			for (int end = 0; end < 2; end++) {
				hand_over(&process->stdout_pipe[end], &kept->stdout_pipe[end]);
				hand_over(&process->stderr_pipe[end], &kept->stderr_pipe[end]);
			}
			hand_over(&process->stdin_pipe, &kept->stdin_pipe);
			hand_over(&process->channel, &kept->channel);
			hand_over(&process->sending[0], &kept->sending[0]);
			hand_over(&process->sending[1], &kept->sending[1]);
			if (p == 0)
				hand_over(&group->socket, &kept->socket);
		}
	}
	memory->exits_first = memory->exits_next = core->exit_seen + 1;
}

void groups_free(struct core *core)
{
	for (size_t g = 0; g < core->group_count; g++)
		group_free(core->groups[g]);
	free(core->groups);
	core->groups = NULL;
	core->group_count = 0;
}

void groups_autostart(struct core *core)
{
	for (size_t g = 0; g < core->group_count; g++) {
		struct group *group = core->groups[g];

		for (size_t p = 0; p < group->process_count; p++) {
			struct process *process = &group->processes[p];

			if (process->settings->autostart && process_record(process)->starts == 0)
				process_start(process);
		}
	}
}
