/* Groups that come and go while all runs; and come back after the core was killed, at whatever point.
 *
 * A group is there from its first row on: a core that finds some of a group's rows makes the others. It is gone from
 * the mark on its first row on (`leaving`): a core that finds that removes what is left, that row last. */
#include <errno.h>
#include <string.h>

#include "board/log.h"
#include "core/events.h"
#include "core/state.h"
#include "reeve/error.h"

static void rows_changed(struct core *core)
{
	atomic_fetch_add(&core->board->header->tables, 1);
	control_changed(core);
}

/* ---- going ---- */

/* What other roles have of a row. */
static void take_back(struct core *core, uint32_t row)
{
	struct message_row drop = { .type = MESSAGE_DROP, .row = row };

	for (unsigned is_stderr = 0; is_stderr < 2; is_stderr++) {
		union message close = { .stream = {
			.type = MESSAGE_LOG_CLOSE,
			.stream = STREAM_OF(row, is_stderr),
		} };

		outbox_send(&core->scribe, &close, -EBADF);
	}
	mail_to_keeper(core, &drop, NULL, 0);
	board_remove(core->board, row);
}

/* From here on the group is gone. */
static void mark(struct core *core, uint32_t row)
{
	board_begin(core->board, row)->leaving = 1;
	board_end(core->board, row);
}

static void leave_list(struct group *group)
{
	struct core *core = group->core;
	size_t at = 0;

	while (core->groups[at] != group)
		at++;
	core->group_count--;
	memmove(&core->groups[at], &core->groups[at + 1],
		(core->group_count - at) * sizeof *core->groups);
	name_index_remove(&core->groups_by_name, group->settings->name);
}

void group_remove(struct group *group)
{
	struct core *core = group->core;

	events_group_removed(core, group);
	if (group->process_count > 0)
		mark(core, group->processes[0].row);
	for (size_t p = group->process_count; p-- > 0;) {
		struct process *process = &group->processes[p];

		spawn_finish(process);
		process_leave(process);
		take_back(core, process->row);
	}
	leave_list(group);
	group_free(group);
	readings_forget_unused(core);
	rows_changed(core);
}

/* The row's record, or NULL where the row is not in use. */
static const struct board_record *used_row(const struct core *core, uint32_t row)
{
	return atomic_load(&core->board->rows[row].used) ? board_peek(core->board, row) : NULL;
}

/* All rows of the group that `last` belongs to, that one last. */
static void take_back_group(struct core *core, uint32_t last)
{
	const char *name = board_peek(core->board, last)->group;
	uint32_t rows = atomic_load(&core->board->header->rows);

	for (uint32_t row = 0; row < rows; row++) {
		const struct board_record *record = used_row(core, row);

		if (row != last && record && strcmp(record->group, name) == 0)
			take_back(core, row);
	}
	take_back(core, last);
}

/* ---- coming ---- */

static bool has_room(const struct core *core, size_t count)
{
	size_t used = 0;

	for (size_t g = 0; g < core->group_count; g++)
		used += core->groups[g]->process_count;
	return count <= BOARD_ROWS_MAX - used;
}

/* There was not enough memory for all of it. */
static void undo_add(struct core *core, const char *name)
{
	uint32_t rows = atomic_load(&core->board->header->rows);

	for (uint32_t row = 0; row < rows; row++) {
		const struct board_record *record = used_row(core, row);

		if (record && strcmp(record->group, name) == 0) {
			mark(core, row);
			take_back_group(core, row);
		}
	}
}

int group_add(struct core *core, const struct config_group *settings, uint32_t reading)
{
	struct group *group;
	uint32_t hint = 0;
	int r;

	if (!has_room(core, settings->start_count))
		return -ENOSPC;
	r = group_make(core, settings, reading, &hint, &group);
	if (r < 0) {
		undo_add(core, settings->name);
		return r;
	}
	rows_changed(core);
	events_group_added(core, group);
	group_autostart(group);
	return 0;
}

/* ---- staying, by another reading ---- */

static void move_group(struct group *group, const struct config_group *settings, uint32_t reading)
{
	struct core *core = group->core;

	name_index_remove(&core->groups_by_name, group->settings->name);
	name_index_add(&core->groups_by_name, settings->name, group);
	for (size_t p = 0; p < group->process_count; p++) {
		struct process *process = &group->processes[p];
		const struct program_settings *program = &settings->processes[settings->start_order[p]];

		name_index_remove(&group->by_name, process_name(process));
		name_index_add(&group->by_name, program->name, process);
		process->settings = program;
		process_enter_reading(process, reading);
	}
	group->settings = settings;
	group->reading = reading;
}

void groups_move(struct core *core, uint32_t number)
{
	const struct reading *reading = reading_get(core, number);

	for (size_t g = 0; reading && g < core->group_count; g++) {
		struct group *group = core->groups[g];
		const struct config_group *settings =
			name_index_find(&reading->groups, group->settings->name);

		if (settings && group->reading != number &&
			config_group_identical(group->settings, settings))
			move_group(group, settings, number);
	}
}

/* ---- coming back ---- */

static void finish_removals(struct core *core)
{
	uint32_t rows = atomic_load(&core->board->header->rows);

	for (uint32_t row = 0; row < rows; row++) {
		const struct board_record *record = used_row(core, row);

		if (record && record->leaving) {
			take_back_group(core, row);
			rows_changed(core);
		}
	}
}

/* The group of a row, where it is not there yet. */
static int resume_group(struct core *core, uint32_t row, const struct board_record *record)
{
	const struct reading *reading;
	const struct config_group *settings;
	struct group *group;
	uint32_t hint = row;

	if (group_by_name(core, record->group))
		return 0;
	reading = reading_get(core, record->reading);
	settings = reading ? name_index_find(&reading->groups, record->group) : NULL;
	if (!settings) {
		log_line(LOG_CRITICAL, "there is no group '%s' in the configuration it came from",
			record->group);
		return -EBADMSG;
	}
	return group_make(core, settings, record->reading, &hint, &group);
}

/* Groups without a process leave no trace: those of the latest reading are taken to be there. */
static int resume_empty(struct core *core)
{
	uint32_t number = reading_latest(core), hint = 0;
	const struct reading *reading = reading_get(core, number);
	struct group *group;
	int r = reading ? 0 : -EBADMSG;

	for (size_t i = 0; r == 0 && i < reading->config->group_count; i++) {
		const struct config_group *settings = &reading->config->groups[i];

		if (settings->start_count == 0 && !group_by_name(core, settings->name))
			r = group_make(core, settings, number, &hint, &group);
	}
	return r;
}

int groups_resume(struct core *core)
{
	uint32_t rows = atomic_load(&core->board->header->rows);
	int r = 0;

	finish_removals(core);
	for (uint32_t row = 0; r == 0 && row < rows; row++) {
		const struct board_record *record = used_row(core, row);

		if (record)
			r = resume_group(core, row, record);
	}
	return r == 0 ? resume_empty(core) : r;
}
