/* REEVE_SIGNAL_FD: the signals stay blocked, and the dispatcher reads them from a signalfd(2),
 * many at a time. What one read brought is kept here, not on a stack, so that a nested dispatch
 * goes on where the outer one was. */
#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/signal/blocked.h"
#include "lib/signal/descriptor.h"
#include "lib/signal/event.h"
#include "lib/signal/intake.h"
#include "lib/signal/mode.h"

#define BATCH 64

static _Atomic int descriptor = -EBADF;

static struct {
	struct signalfd_siginfo read[BATCH];
	size_t next, end;
} batch;

/* A new one for -1, or another set for one that is there. */
static int open_signalfd(int fd)
{
	fd = sys_signalfd(fd, blocked_set(), SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int start(void)
{
	int fd;

	if (descriptor >= 0)
		return 0;
	fd = open_signalfd(-1);
	if (fd < 0)
		return fd;
	batch.next = batch.end = 0;
	descriptor = fd;
	return 0;
}

static void stop(void)
{
	descriptor = close_fd(descriptor);
}

/* The description is shared with the parent: to change its set would change the parent's. */
static int forked(void)
{
	int number = descriptor, r;

	batch.next = batch.end = 0;
	descriptor = close_fd(descriptor);
	r = open_signalfd(-1);
	if (r < 0)
		return r;
	descriptor = number < 0 ? r : descriptor_move(r, number);
	return 0;
}

static int watch(int signo)
{
	int r = blocked_watch(signo);

	if (r < 0)
		return r;
	r = open_signalfd(descriptor);
	if (r < 0) {
		blocked_unwatch(signo);
		return r;
	}
	return 0;
}

static void unwatch(int signo)
{
	blocked_unwatch(signo);
	open_signalfd(descriptor); /* a smaller set on a descriptor that is there: cannot fail */
}

static int get_fd(void)
{
	return descriptor;
}

static int refill(void)
{
	ssize_t size = sys_read(descriptor, batch.read, sizeof batch.read);

	batch.next = batch.end = 0;
	if (size < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	batch.end = (size_t)size / sizeof batch.read[0];
	return 1;
}

/* A read that brought less than it could emptied the queue: the next one is left to the next
 * dispatch. */
static int what_is_left(void)
{
	if (batch.next < batch.end)
		return TAKEN_SOME;
	return batch.end < BATCH && !intake_has_lost() ? TAKEN_LAST : TAKEN;
}

static int take(struct reeve_signal_event *ret)
{
	if (batch.next == batch.end) {
		int r = refill();

		if (r <= 0)
			return r < 0 ? r : intake_take_lost(ret);
	}
	event_from_signalfd(&batch.read[batch.next++], ret);
	intake_note(ret);
	return what_is_left();
}

static void nothing(void)
{
}

const struct signal_mode fd_mode = {
	.start = start,
	.stop = stop,
	.forked = forked,
	.watch = watch,
	.unwatch = unwatch,
	.fd = get_fd,
	.arm = nothing,
	.disarm = nothing,
	.is_due = intake_has_lost,
	.wake = nothing,
	.take = take,
};
