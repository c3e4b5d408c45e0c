#include "lib/signal/waker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/signal/descriptor.h"

enum {
	IDLE,    /* nobody sleeps */
	ARMED,   /* somebody may: write once */
	WRITTEN, /* readable, or about to be */
};

static atomic_int state;
static atomic_int descriptor = -EBADF;
static atomic_uint sleepers;

static int open_eventfd(void)
{
	int fd = sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

static void rearm(void)
{
	int idle = IDLE;

	if (atomic_load(&sleepers) > 0)
		atomic_compare_exchange_strong(&state, &idle, ARMED);
}

int waker_open(void)
{
	int fd;

	if (atomic_load(&descriptor) >= 0)
		return 0;
	fd = open_eventfd();
	if (fd < 0)
		return fd;
	atomic_store(&state, IDLE);
	rearm();
	atomic_store(&descriptor, fd);
	return 0;
}

void waker_close(void)
{
	close_fd(atomic_exchange(&descriptor, -EBADF));
	atomic_store(&sleepers, 0);
}

int waker_reopen(void)
{
	int number = atomic_exchange(&descriptor, -EBADF), fd;

	close_fd(number);
	fd = open_eventfd();
	if (fd < 0)
		return fd;
	atomic_store(&state, IDLE);
	rearm();
	atomic_store(&descriptor, number < 0 ? fd : descriptor_move(fd, number));
	return 0;
}

int waker_fd(void)
{
	return atomic_load_explicit(&descriptor, memory_order_relaxed);
}

void waker_arm(void)
{
	atomic_fetch_add(&sleepers, 1);
	rearm();
}

void waker_disarm(void)
{
	atomic_fetch_sub(&sleepers, 1);
}

void waker_set_sleepers(unsigned count)
{
	atomic_store(&sleepers, count);
}

void waker_wake(void)
{
	static const uint64_t one = 1;
	int armed = ARMED;

	if (atomic_load(&state) != ARMED ||
		!atomic_compare_exchange_strong(&state, &armed, WRITTEN))
		return;
	/* It can't be full, and nobody is there to be told of another failure. */
	if (sys_write(waker_fd(), &one, sizeof one) < 0)
		atomic_store(&state, ARMED);
}

/* A read that finds nothing came before the write: leave it to the next time, for then it is
 * readable. A sleeper that comes in between finds either IDLE to arm, or is found by rearm(). */
void waker_clear(void)
{
	uint64_t count;

	if (atomic_load(&state) != WRITTEN || sys_read(waker_fd(), &count, sizeof count) < 0)
		return;
	atomic_store(&state, IDLE);
	rearm();
}
