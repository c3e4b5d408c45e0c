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

/* Its row: the one that a predecessor gave it, or a new one. */
static int take_row(struct process *process, uint32_t *hint)
{
	struct group *group = process->group;
	struct core *core = group->core;
	int row = core->start->again ? find_row(core, process, *hint) : -ENOENT;
	bool is_new = row < 0;

	if (is_new)
		row = board_add(core->board, group->settings->name, process->settings->name, group->reading);
	if (row < 0)
		return row;
	process->row = (uint32_t)row;
	*hint = process->row + 1;
	if (is_new)
		return 0;
	take_descriptors(core, process);
	if (process_record(process)->reading != group->reading)
		process_enter_reading(process, group->reading);
	return 0;
}

static int make_process(struct group *group, struct process *process,
	const struct program_settings *settings, uint32_t *hint)
{
	int r;

	*process = (struct process){
		.group = group,
		.settings = settings,
		.channel = -1,
		.sending = { -1, -1 },
		.stdout_pipe = { -1, -1 },
		.stderr_pipe = { -1, -1 },
		.stdin_pipe = -1,
	};
	r = take_row(process, hint);
	if (r == 0)
		logs_choose_names(process);
	return r;
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

struct group *group_free(struct group *group)
{
	for (size_t p = 0; p < group->process_count; p++) {
		struct process *process = &group->processes[p];

		waiters_drop(process);
		input_drop(process);
		reeve_loop_source_free(process->alarm);
		reeve_loop_source_free(process->timer);
		reeve_process_free(process->handle);
		close_all(process);
	}
	if (group->socket >= 0)
		close(group->socket);
	name_index_deinit(&group->by_name);
	free(group->processes);
	free(group);
	return NULL;
}

static int make_processes(struct group *group, uint32_t *hint)
{
	const struct config_group *settings = group->settings;
	int r;

	group->processes = calloc(settings->start_count + 1, sizeof *group->processes);
	if (!group->processes)
		return -ENOMEM;
	r = name_index_init(&group->by_name, settings->start_count);
	for (size_t i = 0; r == 0 && i < settings->start_count; i++) {
		const struct program_settings *program = &settings->processes[settings->start_order[i]];
		struct process *process = &group->processes[i];

		r = make_process(group, process, program, hint);
		if (r < 0) {
			log_line(LOG_CRITICAL, "cannot have a process '%s:%s': %s", settings->name,
				program->name, reeve_error_text(r));
			return r;
		}
		group->process_count++;
		name_index_add(&group->by_name, program->name, process);
	}
	return r;
}

int group_make(struct core *core, const struct config_group *settings, uint32_t reading,
	uint32_t *hint, struct group **ret)
{
	struct group *group = calloc(1, sizeof *group);
	int r;

	if (!group)
		return -ENOMEM;
	*group = (struct group){
		.core = core,
		.settings = settings,
		.reading = reading,
		.socket = -EBADF,
	};
	r = make_processes(group, hint);
	if (r == 0)
		r = groups_insert(core, group);
	*ret = r < 0 ? group_free(group) : group;
	return r;
}

/* ---- the list ---- */

static bool starts_before(const struct config_group *a, const struct config_group *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return strcmp(a->name, b->name) < 0;
}

/* Anew, for the names belong to configurations that come and go. */
int groups_index(struct core *core)
{
	struct name_index index;
	int r = name_index_init(&index, core->group_capacity);

	if (r < 0)
		return r;
	for (size_t g = 0; g < core->group_count; g++)
		name_index_add(&index, core->groups[g]->settings->name, core->groups[g]);
	name_index_deinit(&core->groups_by_name);
	core->groups_by_name = index;
	return 0;
}

/* Room for one more, in the list and in its index. */
static int make_room(struct core *core)
{
	size_t capacity = core->group_capacity ? 2 * core->group_capacity : 16;
	struct group **groups;

	if (core->group_count < core->group_capacity)
		return 0;
	groups = reallocarray(core->groups, capacity, sizeof *groups);
	if (!groups)
		return -ENOMEM;
	core->groups = groups;
	core->group_capacity = capacity;
	return groups_index(core);
}

/* Where it belongs in start order. */
int groups_insert(struct core *core, struct group *group)
{
	size_t at = core->group_count;
	int r = make_room(core);

	if (r < 0)
		return r;
	while (at > 0 && starts_before(group->settings, core->groups[at - 1]->settings)) {
		core->groups[at] = core->groups[at - 1];
		at--;
	}
	core->groups[at] = group;
	core->group_count++;
	name_index_add(&core->groups_by_name, group->settings->name, group);
	return 0;
}

struct group *group_by_name(const struct core *core, const char *name)
{
	return name_index_find(&core->groups_by_name, name);
}

struct process *process_by_name(const struct core *core, const char *group_name, const char *name)
{
	struct group *group = group_by_name(core, group_name);

	return group ? name_index_find(&group->by_name, name) : NULL;
}

/* Those that a reading has and that are not there yet. Of one name the first wins. */
static int make_all(struct core *core, uint32_t number)
{
	const struct reading *reading = reading_get(core, number);
	struct group *group;
	uint32_t hint = 0;
	int r = reading ? 0 : -EBADMSG;

	for (size_t i = 0; r == 0 && i < reading->config->group_count; i++)
		if (!group_by_name(core, reading->config->groups[i].name))
			r = group_make(core, &reading->config->groups[i], number, &hint, &group);
	return r;
}

int groups_make(struct core *core)
{
	struct board_header *header = core->board->header;
	int r;

	if (atomic_load(&header->populated))
		return groups_resume(core);
	r = make_all(core, 0);
	if (r < 0)
		return r;
	atomic_store(&header->populated, 1);
	atomic_fetch_add(&header->tables, 1);
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
	memset(memory->rows, 0, atomic_load(&core->board->header->rows) * sizeof *memory->rows);
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
	name_index_deinit(&core->groups_by_name);
	free(core->groups);
	core->groups = NULL;
	core->group_count = core->group_capacity = 0;
}

void group_autostart(struct group *group)
{
	for (size_t p = 0; p < group->process_count; p++) {
		struct process *process = &group->processes[p];

		if (process->settings->autostart && process_record(process)->starts == 0)
			process_start(process);
	}
}

void groups_autostart(struct core *core)
{
	for (size_t g = 0; g < core->group_count; g++)
		group_autostart(core->groups[g]);
}
