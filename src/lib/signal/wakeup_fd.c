#include "lib/signal/wakeup_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "lib/base/sys.h"
#include "lib/signal/intake.h"
#include "reeve/signal.h"

static atomic_int descriptor = -1;
static atomic_int last_error;
static _Atomic uint64_t dropped;

/* A pipe without a reader sent us SIGPIPE along with EPIPE. It is blocked here: take it back before
 * it ends the program. */
static void take_back_sigpipe(void)
{
	static const struct timespec at_once;
	sigset_t pipe_only;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sys_sigtimedwait(&pipe_only, NULL, &at_once);
}

static ssize_t write_quietly(int fd, unsigned char byte)
{
	sigset_t all, before;
	ssize_t r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = sys_write(fd, &byte, 1);
	if (r < 0 && errno == EPIPE) {
		take_back_sigpipe();
		errno = EPIPE;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

void wakeup_fd_write(int signo)
{
	int fd = atomic_load(&descriptor);

	if (fd < 0 || write_quietly(fd, (unsigned char)signo) == 1)
		return;
	atomic_store(&last_error, -errno);
	atomic_fetch_add(&dropped, 1);
}

void wakeup_fd_forget(void)
{
	atomic_store(&descriptor, -1);
}

int reeve_signal_set_wakeup_fd(int fd, int *ret_previous)
{
	int previous, flags;

	if (fd >= 0) {
		flags = sys_fcntl(fd, F_GETFL, 0);
		if (flags < 0)
			return -errno;
		if (!(flags & O_NONBLOCK))
			return -EINVAL;
	} else if (fd != -1) {
		return -EBADF;
	}
	previous = atomic_exchange(&descriptor, fd);
	atomic_store(&last_error, 0);
	atomic_store(&dropped, 0);
	intake_wait_for_producers(); /* none writes to the old one any more */
	if (ret_previous)
		*ret_previous = previous;
	return 0;
}

uint64_t reeve_signal_wakeup_dropped(int *ret_error)
{
	uint64_t count = atomic_load(&dropped); /* before the error, which is stored before it */

	if (ret_error)
		*ret_error = atomic_load(&last_error);
	return count;
}
