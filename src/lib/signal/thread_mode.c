/* REEVE_SIGNAL_THREAD: the signals stay blocked everywhere, and a thread of ours moves them from
 * the kernel's queue to the ring as they arrive. When the ring is full it waits for the
 * dispatcher, and the kernel's queue fills up instead. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/signal/blocked.h"
#include "lib/signal/event.h"
#include "lib/signal/intake.h"
#include "lib/signal/mask.h"
#include "lib/signal/mode.h"
#include "lib/signal/ring.h"
#include "lib/signal/waker.h"

#define BATCH 64
#define ROOM_AGAIN (RING_SIZE / 2)

static int signals = -EBADF; /* signalfd */
static int control = -EBADF; /* eventfd: there is room again, or quit */
static pthread_t thread;
static bool running;
static atomic_bool quit;
static atomic_bool waits_for_room;

/* --- The thread ------------------------------------------------------------------------------ */

/* Until `fd` (or only control, if it is negative) is readable. */
static void sleep_on(int fd)
{
	struct pollfd fds[] = { { .fd = control, .events = POLLIN },
		{ .fd = fd, .events = POLLIN } };
	uint64_t count;

	if (sys_ppoll(fds, 2, NULL, NULL) > 0 && fds[0].revents)
		(void)!sys_read(control, &count, sizeof count);
}

static void put(const struct reeve_signal_event *event)
{
	while (intake_try_put(event) < 0 && !atomic_load(&quit)) {
		atomic_store(&waits_for_room, true);
		if (intake_length() > ROOM_AGAIN)
			sleep_on(-1);
	}
}

static void *move_signals(void *unused)
{
	struct signalfd_siginfo batch[BATCH];

	while (!atomic_load(&quit)) {
		ssize_t size = sys_read(signals, batch, sizeof batch);

		for (ssize_t i = 0; i < size / (ssize_t)sizeof batch[0]; i++) {
			struct reeve_signal_event event;

			event_from_signalfd(&batch[i], &event);
			put(&event);
		}
		if (size < (ssize_t)sizeof batch)
			sleep_on(signals);
	}
	return NULL;
}

/* --- The mode -------------------------------------------------------------------------------- */

static int set_signals(void)
{
	int fd =
		sys_signalfd(signals < 0 ? -1 : signals, blocked_set(), SFD_CLOEXEC | SFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (signals < 0)
		signals = fd;
	return 0;
}

static int start_thread(void)
{
	reeve_signal_set before;
	int r;

	atomic_store(&quit, false);
	atomic_store(&waits_for_room, false);
	mask_change(SIG_SETMASK, REEVE_SIGNAL_ALL, &before);
	r = sys_pthread_create(&thread, NULL, move_signals, NULL);
	mask_change(SIG_SETMASK, before, NULL);
	if (r != 0)
		return -r;
	pthread_setname_np(thread, "reeve-signal");
	running = true;
	return 0;
}

static void stop(void)
{
	static const uint64_t one = 1;

	if (running) {
		atomic_store(&quit, true);
		while (sys_write(control, &one, sizeof one) < 0)
			; /* it has room for one more, always */
		pthread_join(thread, NULL);
		running = false;
	}
	signals = close_fd(signals);
	control = close_fd(control);
	waker_close();
}

static int start_parts(void)
{
	int r = waker_open();

	if (r == 0 && control < 0) {
		control = sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r = control < 0 ? -errno : 0;
	}
	if (r == 0)
		r = set_signals();
	if (r == 0 && !running)
		r = start_thread();
	return r;
}

/* In a forked child the waker is there already, and kept if the rest fails. */
static int start(void)
{
	bool had_waker = waker_fd() >= 0;
	int r = start_parts();

	if (r < 0 && !had_waker)
		stop();
	return r;
}

static int forked(void)
{
	running = false; /* threads don't survive a fork */
	signals = close_fd(signals);
	control = close_fd(control);
	return waker_reopen();
}

static int watch(int signo)
{
	int r = blocked_watch(signo);

	if (r < 0)
		return r;
	r = set_signals();
	if (r < 0)
		blocked_unwatch(signo);
	return r;
}

static void unwatch(int signo)
{
	blocked_unwatch(signo);
	set_signals(); /* a smaller set on a descriptor that is there: cannot fail */
}

static void make_room(void)
{
	static const uint64_t one = 1;

	if (atomic_load(&waits_for_room) && intake_length() <= ROOM_AGAIN &&
		atomic_exchange(&waits_for_room, false))
		(void)!sys_write(control, &one, sizeof one);
}

static int take(struct reeve_signal_event *ret)
{
	bool taken = intake_take(ret);

	make_room();
	return taken;
}

static bool is_due(void)
{
	return !intake_is_empty();
}

const struct signal_mode thread_mode = {
	.start = start,
	.stop = stop,
	.forked = forked,
	.watch = watch,
	.unwatch = unwatch,
	.fd = waker_fd,
	.arm = waker_arm,
	.disarm = waker_disarm,
	.is_due = is_due,
	.wake = waker_wake,
	.begin = waker_clear,
	.take = take,
};
