/* The orderly end: groups stop in descending priority, those of one priority at the same time, and the next ones
 * when all of these have ended. */
#include <stdio.h>
#include <string.h>

#include "board/log.h"
#include "core/events.h"
#include "core/state.h"

/* How often it is said whom we wait for. */
#define REPORT_INTERVAL (3 * REEVE_SEC)

static bool has_unstopped(const struct group *group)
{
	for (size_t i = 0; i < group->process_count; i++)
		if (!process_state_is_stopped(process_state(&group->processes[i])))
			return true;
	return false;
}

/* The last started first. What is stopping already goes on to. */
static void stop_group(struct group *group)
{
	if (events_has_work(group))
		return;
	for (size_t i = group->process_count; i-- > 0;) {
		struct process *process = &group->processes[i];

		if (process_state(process) == STATE_BACKOFF)
			process_event(process, LIFECYCLE_GIVE_UP);
		else
			process_stop(process);
	}
}

/* The highest priority among groups that have something running; false: none has. */
static bool next_priority(const struct core *core, int64_t *ret)
{
	bool found = false;

	for (size_t g = 0; g < core->group_count; g++) {
		const struct group *group = core->groups[g];

		if (has_unstopped(group) && (!found || group->settings->priority > *ret)) {
			*ret = group->settings->priority;
			found = true;
		}
	}
	return found;
}

static void finish(struct core *core)
{
	struct message_finished message = {
		.type = MESSAGE_FINISHED,
		.again = core_mood(core) == MOOD_RESTARTING,
	};

	core->finished = true;
	mail_to_keeper(core, &message, NULL, 0);
	reeve_loop_stop(core->loop, 0);
}

static void report(const struct core *core)
{
	char names[LOG_RECORD_MAX / 2] = "";
	size_t used = 0;

	for (size_t g = 0; g < core->group_count; g++) {
		for (size_t p = 0; p < core->groups[g]->process_count; p++) {
			const struct process *process = &core->groups[g]->processes[p];
			int length;

			if (process_state_is_stopped(process_state(process)))
				continue;
			length = snprintf(names + used, sizeof names - used, "%s%s",
				used > 0 ? ", " : "", process_name(process));
			if (used + (size_t)length >= sizeof names) {
				names[used] = '\0';
				goto full;
			}
			used += (size_t)length;
		}
	}
full:
	if (used > 0)
		log_line(LOG_INFO, "waiting for %s to die", names);
}

static void report_due(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	report(data);
}

/* At once, and then now and again. */
static void begin_reports(struct core *core)
{
	if (core->report)
		return;
	report(core);
	if (reeve_loop_add_timer(core->loop, report_due, core, &core->report) == 0)
		reeve_loop_timer_start(core->report, REPORT_INTERVAL, REPORT_INTERVAL);
}

void shutdown_progress(struct core *core)
{
	int64_t priority = 0;

	if (core_mood(core) >= MOOD_RUNNING || core->finished)
		return;
	if (!next_priority(core, &priority)) {
		finish(core);
		return;
	}
	for (size_t g = core->group_count; g-- > 0;)
		if (core->groups[g]->settings->priority == priority)
			stop_group(core->groups[g]);
	begin_reports(core);
}

void shutdown_begin(struct core *core, enum mood mood)
{
	atomic_store(&core->board->header->mood, mood);
	events_stopping(core);
	core_schedule_progress(core);
}
