/* Stopping, from the polite to the certain. */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "lib/base/interrupt.h"
#include "lib/process/process.h"
#include "lib/process/registry.h"
#include "lib/process/target.h"

#define JOB_CONTROL                                                                                \
	(REEVE_SIGNAL_SET(SIGSTOP) | REEVE_SIGNAL_SET(SIGTSTP) | REEVE_SIGNAL_SET(SIGTTIN) |       \
		REEVE_SIGNAL_SET(SIGTTOU) | REEVE_SIGNAL_SET(SIGCONT))

static int send(
	struct reeve_process *process, const struct reeve_process_stop_plan *plan, int signal)
{
	switch (plan->target) {
	case REEVE_PROCESS_TARGET_GROUP: return reeve_process_signal_group(process, signal);
	case REEVE_PROCESS_TARGET_CGROUP:
		return reeve_process_signal_cgroup(plan->cgroup_fd, signal);
	default: return reeve_process_signal(process, signal);
	}
}

/* A stopped process would leave the signal pending for ever. */
static bool needs_continue(int signal)
{
	return signal != 0 && signal != SIGKILL && !(REEVE_SIGNAL_SET(signal) & JOB_CONTROL);
}

static int send_and_continue(
	struct reeve_process *process, const struct reeve_process_stop_plan *plan, int signal)
{
	int r = send(process, plan, signal);

	return r == 0 && needs_continue(signal) ? send(process, plan, SIGCONT) : r;
}

/* 0 when the process has ended, -ETIMEDOUT when it has not. */
static int take_step(struct reeve_process *process, const struct reeve_process_stop_plan *plan,
	const struct reeve_process_stop_step *step)
{
	reeve_nsec deadline;
	int r, ended = process_has_ended(process);

	if (ended == 0) {
		r = send_and_continue(process, plan, step->signal);
		ended = process_has_ended(process);
		if (r < 0 && ended == 0)
			return r;
	}
	if (ended != 0)
		return ended < 0 ? ended : 0;
	r = deadline_from(step->wait, &deadline);
	return r < 0 ? r : wait_fd(process->pidfd, POLLIN, deadline);
}

/* What the process leaves behind. While it is a zombie its group's number is its own. */
static int sweep(struct reeve_process *process, const struct reeve_process_stop_plan *plan,
	reeve_nsec deadline)
{
	int r;

	if (plan->target == REEVE_PROCESS_TARGET_PROCESS)
		return 0;
	r = send(process, plan, SIGKILL);
	if (r == -ESRCH)
		return 0;
	if (r == 0 && plan->target == REEVE_PROCESS_TARGET_CGROUP)
		r = cgroup_wait_empty(plan->cgroup_fd, deadline);
	return r;
}

static int check(const struct reeve_process_stop_plan *plan)
{
	reeve_nsec deadline;

	if (plan->target > REEVE_PROCESS_TARGET_CGROUP || (plan->step_count > 0 && !plan->steps))
		return -EINVAL;
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct reeve_process_stop_step *step = &plan->steps[i];

		if (step->signal < 0 || step->signal > 64 ||
			deadline_from(step->wait, &deadline) < 0)
			return -EINVAL;
	}
	return 0;
}

int reeve_process_stop(struct reeve_process *process, const struct reeve_process_stop_plan *plan,
	reeve_nsec timeout, struct reeve_process_outcome *ret)
{
	const struct reeve_process_stop_step kill = { .signal = SIGKILL, .wait = timeout };
	reeve_nsec deadline;
	int r = check(plan);

	if (r == 0)
		r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	r = -ETIMEDOUT;
	for (size_t i = 0; r == -ETIMEDOUT && i < plan->step_count; i++)
		r = take_step(process, plan, &plan->steps[i]);
	if (r == -ETIMEDOUT)
		r = take_step(process, plan, &kill);
	if (r == 0 && deadline_from(timeout, &deadline) == 0)
		r = sweep(process, plan, deadline);
	return r < 0 ? r : reeve_process_wait(process, timeout, ret);
}
