#include "core/waiters.h"

#include <errno.h>
#include <stdlib.h>

#include "board/log.h"
#include "core/state.h"

/* How often it is said who is waited for. */
#define REPORT_INTERVAL (2 * REEVE_SEC)

struct waiter {
	struct waiter *next;
	uint64_t number; /* of the request */
	enum wait_for what;
};

/* By what the API tells of it: a start that left an error behind has failed with that. */
static int start_verdict(const struct process *process)
{
	const struct board_record *record = process_record(process);

	if (record->error[0])
		return FAULT_SPAWN_ERROR;
	switch (record->state) {
	case STATE_RUNNING:
		return FAULT_SUCCESS;
	case STATE_STARTING:
		return 0;
	default:
		return FAULT_ABNORMAL_TERMINATION;
	}
}

int wait_verdict(const struct process *process, enum wait_for what)
{
	if (what == WAIT_STARTED)
		return start_verdict(process);
	return process_state_is_stopped(process_state(process)) ? FAULT_SUCCESS : 0;
}

static void report(const struct process *process)
{
	if (process_state(process) == STATE_STOPPING)
		log_line(LOG_INFO, "waiting for %s to stop", process_name(process));
}

static bool is_waited_for(const struct process *process, enum wait_for what)
{
	const struct waiter *waiter = process->waiters;

	while (waiter && waiter->what != what)
		waiter = waiter->next;
	return waiter;
}

void waiters_report(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	const struct core *core = data;

	for (size_t g = 0; g < core->group_count; g++)
		for (size_t p = 0; p < core->groups[g]->process_count; p++)
			if (is_waited_for(&core->groups[g]->processes[p], WAIT_STOPPED))
				report(&core->groups[g]->processes[p]);
}

int waiters_add(struct process *process, enum wait_for what, uint64_t number)
{
	struct control *control = &process->group->core->control;
	struct waiter *waiter;

	if (control->waiters == WAITERS_MAX)
		return -ENOBUFS;
	waiter = malloc(sizeof *waiter);
	if (!waiter)
		return -ENOMEM;
	if (what == WAIT_STOPPED && !is_waited_for(process, what))
		report(process);
	*waiter = (struct waiter){ .next = process->waiters, .number = number, .what = what };
	process->waiters = waiter;
	control->waiters++;
	if (what == WAIT_STOPPED && control->stop_waiters++ == 0)
		reeve_loop_timer_start(control->stop_report, REPORT_INTERVAL, REPORT_INTERVAL);
	return 0;
}

static void unlink_and_free(struct control *control, struct waiter **link)
{
	struct waiter *waiter = *link;

	*link = waiter->next;
	control->waiters--;
	if (waiter->what == WAIT_STOPPED && --control->stop_waiters == 0)
		reeve_loop_timer_stop(control->stop_report);
	free(waiter);
}

void waiters_look(struct process *process)
{
	struct core *core = process->group->core;
	struct waiter **link = &process->waiters;
	char name[PROCESS_NAMESPEC_SIZE];

	while (*link) {
		int fault = wait_verdict(process, (*link)->what);

		if (fault == 0) {
			link = &(*link)->next;
			continue;
		}
		process_namespec(process, name);
		control_answer(core, (*link)->number, fault, fault == FAULT_SUCCESS ? "" : name, -EBADF);
		unlink_and_free(&core->control, link);
	}
}

void waiters_drop(struct process *process)
{
	while (process->waiters)
		unlink_and_free(&process->group->core->control, &process->waiters);
}

void waiters_drop_all(struct core *core)
{
	if (core->control.waiters == 0)
		return;
	for (size_t g = 0; g < core->group_count; g++)
		for (size_t p = 0; p < core->groups[g]->process_count; p++)
			waiters_drop(&core->groups[g]->processes[p]);
}
