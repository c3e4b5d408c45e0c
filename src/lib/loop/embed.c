/* The one descriptor through which another loop watches this one: an epoll instance of its own that holds the loop's
 * (which may be replaced: descriptor.c) and a timerfd that stands for timers and deferred calls. A loop that is run by
 * reeve_loop_run() never needs either. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/loop/source.h"

/* When there is something to do: REEVE_FOREVER where nothing but descriptors can bring it about. */
static reeve_nsec next_turn(const struct reeve_loop *loop)
{
	const struct timer_node *first = timer_heap_first(&loop->timers);

	if (!list_empty(&loop->deferred))
		return 0;
	return first ? first->deadline : REEVE_FOREVER;
}

static int arm(int timer_fd, reeve_nsec turn)
{
	struct itimerspec setting = { 0 };

	if (turn != REEVE_FOREVER) {
		if (turn == 0)
			turn = 1; /* 0 would disarm it */
		setting.it_value.tv_sec = turn / REEVE_SEC;
		setting.it_value.tv_nsec = turn % REEVE_SEC;
	}
	if (sys_timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &setting, NULL) < 0)
		return -errno;
	return 0;
}

int embed_update(struct reeve_loop *loop)
{
	reeve_nsec turn;
	int r;

	if (loop->embed_fd < 0 || loop->running || !loop_is_ours(loop))
		return 0;
	turn = next_turn(loop);
	if (turn == loop->armed)
		return 0;
	r = arm(loop->timer_fd, turn);
	if (r == 0)
		loop->armed = turn;
	return r;
}

static int watch(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (sys_epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	return 0;
}

int embed_replace(struct reeve_loop *loop, int new_epoll)
{
	return loop->embed_fd < 0 ? 0 : watch(loop->embed_fd, new_epoll);
}

int reeve_loop_fd(struct reeve_loop *loop)
{
	CLEANUP_FD int outer = -EBADF;
	CLEANUP_FD int timer = -EBADF;
	reeve_nsec turn = next_turn(loop);
	int r;

	if (!loop_is_ours(loop))
		return -ECHILD;
	if (loop->embed_fd >= 0)
		return loop->embed_fd;
	outer = sys_epoll_create1(EPOLL_CLOEXEC);
	if (outer < 0)
		return -errno;
	timer = sys_timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer < 0)
		return -errno;
	r = arm(timer, turn);
	if (r == 0)
		r = watch(outer, timer);
	if (r == 0)
		r = watch(outer, loop->epoll_fd);
	if (r < 0)
		return r;
	loop->armed = turn;
	loop->timer_fd = TAKE_FD(timer);
	loop->embed_fd = TAKE_FD(outer);
	return loop->embed_fd;
}
