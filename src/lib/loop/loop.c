#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "lib/base/cleanup.h"
#include "lib/base/fork.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/loop/source.h"

/* How many descriptors one round looks at; the others have their turn in the next, as epoll goes round. */
#define REPORTS_MAX 128

int reeve_loop_new(struct reeve_loop **ret)
{
	CLEANUP_FREE struct reeve_loop *loop = NULL;
	int r = fork_watch();

	if (r < 0)
		return r;
	loop = sys_calloc(1, sizeof *loop);
	if (!loop)
		return -ENOMEM;
	loop->epoll_fd = sys_epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->embed_fd = -EBADF;
	loop->timer_fd = -EBADF;
	loop->generation = fork_generation();
	loop->now = reeve_now();
	list_init(&loop->sources);
	list_init(&loop->ready);
	list_init(&loop->deferred);
	*ret = TAKE_PTR(loop);
	return 0;
}

struct reeve_loop *reeve_loop_free(struct reeve_loop *loop)
{
	if (!loop)
		return NULL;
	loop->signal_watch = NULL; /* it is one of the sources */
	while (!list_empty(&loop->sources))
		source_free(LIST_ENTRY(loop->sources.next, struct reeve_loop_source, in_loop), false);
	close_fd(loop->embed_fd);
	close_fd(loop->timer_fd);
	close_fd(loop->epoll_fd);
	if (loop->freed)
		*loop->freed = true;
	free(loop->descriptors);
	free(loop->timers.nodes);
	free(loop);
	return NULL;
}

void reeve_loop_stop(struct reeve_loop *loop, int result)
{
	loop->stopping = true;
	loop->result = result;
}

reeve_nsec reeve_loop_now(const struct reeve_loop *loop)
{
	return loop->now;
}

/* --- waiting --- */

/* epoll_wait(2) with nanoseconds: epoll_pwait2(2) where the kernel has it (5.11), else ppoll(2) on the epoll
 * descriptor first. */
static int wait_for_reports(int epoll_fd, struct epoll_event *reports, reeve_nsec wait)
{
	static atomic_bool lacks_pwait2;
	struct timespec limit = { .tv_sec = wait / REEVE_SEC, .tv_nsec = wait % REEVE_SEC };
	struct pollfd polled = { .fd = epoll_fd, .events = POLLIN };
	int r;

	if (wait == 0 || wait == REEVE_FOREVER) {
		r = sys_epoll_wait(epoll_fd, reports, REPORTS_MAX, wait ? -1 : 0);
		return r < 0 ? -errno : r;
	}
	if (!atomic_load_explicit(&lacks_pwait2, memory_order_relaxed)) {
		r = sys_epoll_pwait2(epoll_fd, reports, REPORTS_MAX, &limit);
		if (r >= 0)
			return r;
		if (errno != ENOSYS && errno != EPERM)
			return -errno;
		atomic_store_explicit(&lacks_pwait2, true, memory_order_relaxed);
	}
	r = sys_ppoll(&polled, 1, &limit, NULL);
	if (r > 0)
		r = sys_epoll_wait(epoll_fd, reports, REPORTS_MAX, 0);
	return r < 0 ? -errno : r;
}

/* How long a round that ends at `deadline` may wait. */
static reeve_nsec time_to_wait(const struct reeve_loop *loop, reeve_nsec deadline)
{
	const struct timer_node *first = timer_heap_first(&loop->timers);

	if (loop->stopping || !list_empty(&loop->deferred))
		return 0;
	if (first && (deadline == REEVE_FOREVER || first->deadline < deadline))
		deadline = first->deadline;
	return deadline_left(deadline);
}

/* --- rounds --- */

/* Call what is queued. Returns how many callbacks that were; -ECANCELED where one of them freed the loop, -ECHILD in a
 * child that one of them forked. */
static int dispatch(struct reeve_loop *loop, const bool *freed)
{
	struct list *queued;
	int called = 0;

	while ((queued = list_pop(&loop->ready))) {
		struct reeve_loop_source *source = LIST_ENTRY(queued, struct reeve_loop_source, queued);

		called += source != loop->signal_watch; /* its callbacks are counted where they are called */
		source->kind->call(source);
		if (*freed)
			return -ECANCELED;
		if (!loop_is_ours(loop))
			return -ECHILD;
	}
	return called;
}

/* One wait and what it brought. Returns how many callbacks were called; 0 may be for nothing. */
static int turn(struct reeve_loop *loop, reeve_nsec deadline, const bool *freed)
{
	struct epoll_event reports[REPORTS_MAX];
	int called, deferred, r;

	loop->signal_calls = 0;
	loop->signal_error = 0;
	r = wait_for_reports(loop->epoll_fd, reports, time_to_wait(loop, deadline));
	if (r == -EINTR) {
		r = interrupt_run();
		if (*freed)
			return -ECANCELED;
		if (!loop_is_ours(loop))
			return -ECHILD;
	}
	if (r < 0)
		return r;
	loop->now = reeve_now();
	descriptors_collect(loop, reports, r);
	r = descriptors_exorcise(loop);
	timers_collect(loop);
	called = dispatch(loop, freed);
	if (called < 0)
		return called;
	list_splice(&loop->ready, &loop->deferred);
	deferred = dispatch(loop, freed);
	if (deferred < 0)
		return deferred;
	if (r == 0)
		r = loop->signal_error;
	return r < 0 ? r : called + deferred + loop->signal_calls;
}

static int round_until(struct reeve_loop *loop, reeve_nsec deadline)
{
	bool freed = false;
	int r;

	loop->running = true;
	loop->freed = &freed;
	do
		r = turn(loop, deadline, &freed);
	while (r == 0 && !loop->stopping && deadline_left(deadline) != 0);
	if (freed)
		return r;
	loop->running = false;
	loop->freed = NULL;
	embed_update(loop);
	return r;
}

static int check_may_run(const struct reeve_loop *loop)
{
	if (!loop_is_ours(loop))
		return -ECHILD;
	return loop->running ? -EBUSY : 0;
}

int reeve_loop_run_once(struct reeve_loop *loop, reeve_nsec timeout)
{
	reeve_nsec deadline;
	int r = check_may_run(loop);

	if (r < 0)
		return r;
	r = deadline_from(timeout, &deadline);
	return r < 0 ? r : round_until(loop, deadline);
}

int reeve_loop_run(struct reeve_loop *loop)
{
	int r = check_may_run(loop);

	while (r >= 0 && !loop->stopping)
		r = round_until(loop, REEVE_FOREVER);
	if (r < 0)
		return r;
	loop->stopping = false;
	return loop->result;
}
