#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/process/process.h"
#include "lib/process/reap.h"
#include "lib/process/registry.h"

#define EVENTS_ALL                                                                                 \
	(REEVE_PROCESS_WAIT_ENDED | REEVE_PROCESS_WAIT_STOPPED | REEVE_PROCESS_WAIT_CONTINUED)
/* How many processes reeve_process_wait_any() waits for without the heap. */
#define FEW 64

static bool are_valid(unsigned events)
{
	return events & EVENTS_ALL && !(events & ~(EVENTS_ALL | REEVE_PROCESS_WAIT_PEEK));
}

static int options_from(unsigned events)
{
	return (events & REEVE_PROCESS_WAIT_ENDED ? WEXITED : 0) |
	       (events & REEVE_PROCESS_WAIT_STOPPED ? WSTOPPED : 0) |
	       (events & REEVE_PROCESS_WAIT_CONTINUED ? WCONTINUED : 0) |
	       (events & REEVE_PROCESS_WAIT_PEEK ? WNOWAIT : 0);
}

/* Look at a status, then take it (unless a look is all); whoever is faster leaves us to look again. */
static int peek_and_reap(
	int type, id_t id, int options, reeve_nsec deadline, struct reeve_process_outcome *ret)
{
	const struct rusage unknown = { { 0 } };
	siginfo_t info;
	int r;

	do {
		r = wait_peek(type, id, options, deadline, &info);
		if (r < 0)
			return r;
		if (options & WNOWAIT)
			outcome_from(&info, &unknown, ret);
		else if (type == P_PIDFD)
			r = reap_one(type, id, options, ret);
		else
			r = reap_one(P_PID, (id_t)info.si_pid, options, ret);
	} while (r == -EAGAIN || (r == -ECHILD && type != P_PIDFD));
	return r;
}

pid_t reeve_process_wait_pid(
	pid_t pid, unsigned events, reeve_nsec timeout, struct reeve_process_outcome *ret)
{
	int type = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
	id_t id = (id_t)(pid > 0 ? pid : pid == -1 ? 0 : -pid);
	struct reeve_process_outcome outcome;
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	if (r < 0)
		return r;
	if (!are_valid(events))
		return -EINVAL;
	registry_sweep(1);
	r = peek_and_reap(type, id, options_from(events), deadline, &outcome);
	if (r < 0)
		return r;
	if (ret)
		*ret = outcome;
	return outcome.pid;
}

/* --- By handle -------------------------------------------------------------------------------- */

int process_collect(struct reeve_process *process, struct reeve_process_outcome *ret)
{
	struct reeve_process_outcome outcome;
	int r = -ECHILD;

	if (registry_ended(process, ret))
		return 0;
	if (process->is_child)
		r = reap_one(P_PIDFD, (id_t)process->pidfd, WEXITED, &outcome);
	if (r == -ECHILD) {
		registry_lost(process, ret);
		return 0;
	}
	if (r == 0 && ret)
		*ret = outcome;
	return r;
}

/* A dead process that is being traced is its tracer's first: then there is nothing to poll for. */
static int collect_until(
	struct reeve_process *process, reeve_nsec deadline, struct reeve_process_outcome *ret)
{
	siginfo_t info;
	int r;

	while ((r = process_collect(process, ret)) == -EAGAIN) {
		r = wait_peek(P_PIDFD, (id_t)process->pidfd, WEXITED, deadline, &info);
		if (r < 0 && r != -ECHILD)
			break;
	}
	return r;
}

int reeve_process_wait(
	struct reeve_process *process, reeve_nsec timeout, struct reeve_process_outcome *ret)
{
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	if (r < 0)
		return r;
	if (registry_ended(process, ret))
		return 0;
	r = wait_fd(process->pidfd, POLLIN, deadline);
	return r < 0 ? r : collect_until(process, deadline, ret);
}

int reeve_process_wait_events(struct reeve_process *process, unsigned events, reeve_nsec timeout,
	struct reeve_process_outcome *ret)
{
	struct reeve_process_outcome outcome;
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	if (r < 0)
		return r;
	if (!are_valid(events))
		return -EINVAL;
	if (events == REEVE_PROCESS_WAIT_ENDED)
		return reeve_process_wait(process, timeout, ret);
	if (!process->is_child)
		return -ECHILD;
	if (registry_ended(process, &outcome)) {
		r = events & REEVE_PROCESS_WAIT_ENDED ? 0 : -ECHILD;
	} else {
		r = peek_and_reap(
			P_PIDFD, (id_t)process->pidfd, options_from(events), deadline, &outcome);
		if (r == -ECHILD && events & REEVE_PROCESS_WAIT_ENDED)
			return collect_until(process, deadline, ret);
	}
	if (r == 0 && ret)
		*ret = outcome;
	return r;
}

/* Wait for the first that ends: its index, or a negative errno. */
static int poll_processes(struct reeve_process *const *processes, size_t count,
	struct pollfd *polled, reeve_nsec deadline)
{
	size_t left = 0;
	int r;

	for (size_t i = 0; i < count; i++) {
		bool waits = processes[i] && !registry_ended(processes[i], NULL);

		polled[i] =
			(struct pollfd){ .fd = waits ? processes[i]->pidfd : -1, .events = POLLIN };
		left += waits;
	}
	if (left == 0)
		return -ECHILD;
	r = poll_until(polled, count, deadline);
	if (r <= 0)
		return r < 0 ? r : -ETIMEDOUT;
	for (r = 0; polled[r].revents == 0; r++)
		;
	return r;
}

int reeve_process_wait_any(struct reeve_process *const *processes, size_t count, reeve_nsec timeout,
	size_t *ret_index, struct reeve_process_outcome *ret)
{
	CLEANUP_FREE struct pollfd *many = NULL;
	struct pollfd few[FEW];
	reeve_nsec deadline;
	int i, r = deadline_from(timeout, &deadline);

	if (r < 0)
		return r;
	if (count > INT_MAX)
		return -EINVAL;
	if (count > FEW) {
		many = sys_calloc(count, sizeof *many);
		if (!many)
			return -ENOMEM;
	}
	i = poll_processes(processes, count, many ? many : few, deadline);
	if (i < 0)
		return i;
	r = collect_until(processes[i], deadline, ret);
	if (r == 0 && ret_index)
		*ret_index = (size_t)i;
	return r;
}
