#include "lib/base/interrupt.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/base/sys.h"

static _Atomic(interrupt_hook *) installed;
static _Atomic(const struct interrupt_watch *) installed_watch;

void interrupt_set_hook(interrupt_hook *hook)
{
	atomic_store_explicit(&installed, hook, memory_order_release);
}

void interrupt_set_watch(const struct interrupt_watch *watch)
{
	atomic_store_explicit(&installed_watch, watch, memory_order_release);
}

static int run_hook(void)
{
	interrupt_hook *hook = atomic_load_explicit(&installed, memory_order_acquire);

	return hook ? hook() : 0;
}

int interrupt_run(void)
{
	int r = run_hook();

	return r == INTERRUPT_BUSY ? 0 : r;
}

int deadline_from(reeve_nsec timeout, reeve_nsec *ret)
{
	reeve_nsec deadline;

	if (timeout < 0 && timeout != REEVE_FOREVER)
		return -EINVAL;
	if (timeout == REEVE_FOREVER)
		deadline = REEVE_FOREVER;
	else if (__builtin_add_overflow(reeve_now(), timeout, &deadline))
		deadline = INT64_MAX;
	*ret = deadline;
	return 0;
}

reeve_nsec deadline_left(reeve_nsec deadline)
{
	reeve_nsec now;

	if (deadline == REEVE_FOREVER)
		return REEVE_FOREVER;
	now = reeve_now();
	return deadline > now ? deadline - now : 0;
}

static int poll_once(struct pollfd *fds, nfds_t count, reeve_nsec deadline)
{
	reeve_nsec left = deadline_left(deadline);
	struct timespec wait = {
		.tv_sec = left / REEVE_SEC,
		.tv_nsec = left % REEVE_SEC,
	};
	int r = sys_ppoll(fds, count, left == REEVE_FOREVER ? NULL : &wait, NULL);

	return r < 0 ? -errno : r;
}

/* Without a descriptor that tells of signals: only those that interrupt the sleep are noticed. */
static int poll_unwatched(struct pollfd *fds, nfds_t count, reeve_nsec deadline)
{
	for (;;) {
		int r = poll_once(fds, count, deadline);

		if (r != -EINTR)
			return r;
		r = interrupt_run();
		if (r < 0)
			return r;
	}
}

#define MOST_WATCHED 15

/* With one, at the end of a copy of `fds`. */
static int poll_watched(struct pollfd *fds, nfds_t count, reeve_nsec deadline, int signals)
{
	struct pollfd copy[MOST_WATCHED + 1];

	memcpy(copy, fds, count * sizeof *fds);
	copy[count] = (struct pollfd){ .fd = signals, .events = POLLIN };
	for (;;) {
		int r = poll_once(copy, count + 1, deadline);
		int others = r > 0 ? r - (copy[count].revents != 0) : 0, ran;

		if (r == 0 || (r < 0 && r != -EINTR))
			return r;
		ran = r == others ? 0 : run_hook();
		if (ran < 0)
			return ran;
		if (others > 0 || deadline_left(deadline) == 0) {
			memcpy(fds, copy, count * sizeof *fds);
			return others;
		}
		if (ran == INTERRUPT_BUSY)
			return poll_unwatched(fds, count, deadline);
	}
}

int poll_until(struct pollfd *fds, nfds_t count, reeve_nsec deadline)
{
	const struct interrupt_watch *watch =
		atomic_load_explicit(&installed_watch, memory_order_acquire);
	int signals = watch && count <= MOST_WATCHED ? watch->begin() : -EBADF, r;

	if (signals < 0)
		return poll_unwatched(fds, count, deadline);
	r = poll_watched(fds, count, deadline, signals);
	watch->end();
	return r;
}

int back_off(reeve_nsec *pause, reeve_nsec longest, reeve_nsec deadline)
{
	struct pollfd nothing = { .fd = -1 };
	reeve_nsec left = deadline_left(deadline), now = *pause;

	if (left == 0)
		return -ETIMEDOUT;
	*pause = now < longest ? 2 * now : now;
	return poll_until(&nothing, 1, reeve_now() + (left > 0 && left < now ? left : now));
}

int wait_fd(int fd, short events, reeve_nsec deadline)
{
	struct pollfd polled = { .fd = fd, .events = events };
	int r = poll_until(&polled, 1, deadline);

	if (r < 0)
		return r;
	if (r == 0)
		return -ETIMEDOUT;
	return polled.revents & POLLNVAL ? -EBADF : 0;
}
