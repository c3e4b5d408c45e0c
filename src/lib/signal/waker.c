#include "lib/signal/waker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
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
static atomic_bool stays_armed;

int waker_open(void)
{
	int fd;

	if (atomic_load(&descriptor) >= 0)
		return 0;
	fd = sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	atomic_store(&state, IDLE);
	atomic_store(&stays_armed, false);
	atomic_store(&descriptor, fd);
	return 0;
}

void waker_close(void)
{
	close_fd(atomic_exchange(&descriptor, -EBADF));
}

int waker_reopen(void)
{
	int number = atomic_load(&descriptor), r;

	if (number < 0)
		return waker_open();
	close_fd(number);
	atomic_store(&descriptor, -EBADF);
	r = sys_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r < 0)
		return -errno;
	r = descriptor_move(r, number);
	atomic_store(&descriptor, r);
	atomic_store(&state, atomic_load(&stays_armed) ? ARMED : IDLE);
	return 0;
}

int waker_fd(void)
{
	return atomic_load_explicit(&descriptor, memory_order_relaxed);
}

void waker_stay_armed(void)
{
	atomic_store(&stays_armed, true);
	waker_arm();
}

void waker_arm(void)
{
	int idle = IDLE;

	atomic_compare_exchange_strong(&state, &idle, ARMED);
}

void waker_wake(void)
{
	static const uint64_t one = 1;
	int armed = ARMED;

	if (atomic_load(&state) != ARMED || !atomic_compare_exchange_strong(&state, &armed, WRITTEN))
		return;
	/* It can't be full, and no failure is left to tell anyone of. */
	if (sys_write(waker_fd(), &one, sizeof one) < 0)
		atomic_store(&state, ARMED);
}

void waker_clear(void)
{
	uint64_t count;

	if (atomic_load(&state) != WRITTEN)
		return;
	if (sys_read(waker_fd(), &count, sizeof count) < 0 && errno != EAGAIN)
		return; /* still readable: the next one clears it */
	atomic_store(&state, atomic_load(&stays_armed) ? ARMED : IDLE);
}
