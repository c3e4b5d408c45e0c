#include "lib/base/interrupt.h"

#include <errno.h>
#include <stdatomic.h>

#include "lib/base/sys.h"

static _Atomic(interrupt_hook *) installed;

void interrupt_set_hook(interrupt_hook *hook)
{
	atomic_store_explicit(&installed, hook, memory_order_release);
}

int interrupt_run(void)
{
	interrupt_hook *hook = atomic_load_explicit(&installed, memory_order_acquire);

	return hook ? hook() : 0;
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

int poll_until(struct pollfd *fds, nfds_t count, reeve_nsec deadline)
{
	for (;;) {
		reeve_nsec left = deadline_left(deadline);
		struct timespec wait = {
			.tv_sec = left / REEVE_SEC,
			.tv_nsec = left % REEVE_SEC,
		};
		int r = sys_ppoll(fds, count, left == REEVE_FOREVER ? NULL : &wait, NULL);

		if (r >= 0)
			return r;
		if (errno != EINTR)
			return -errno;
		r = interrupt_run();
		if (r < 0)
			return r;
	}
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
