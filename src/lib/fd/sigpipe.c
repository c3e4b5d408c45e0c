#include "lib/fd/sigpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/sys.h"

enum { UNKNOWN, YES, NO };

static atomic_int flag_works = UNKNOWN;

/* Asked of a pipe of our own: of others EOPNOTSUPP can mean a flag given beside it. */
static int probe(void)
{
	char byte = 0;
	struct iovec part = { &byte, 1 };
	int fds[2];
	bool works;

	if (sys_pipe2(fds, O_CLOEXEC) < 0)
		return UNKNOWN;
	works = sys_pwritev2(fds[1], &part, 1, -1, RWF_NOSIGNAL) == 1;
	close(fds[0]);
	close(fds[1]);
	return works ? YES : NO;
}

bool sigpipe_flag_works(void)
{
	int known = atomic_load_explicit(&flag_works, memory_order_relaxed);

	if (known == UNKNOWN) {
		int saved = errno;

		known = probe();
		atomic_store_explicit(&flag_works, known, memory_order_relaxed);
		errno = saved;
	}
	return known == YES;
}

static sigset_t only_sigpipe(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	return set;
}

void sigpipe_block(struct sigpipe_guard *guard)
{
	sigset_t set = only_sigpipe(), pending;

	pthread_sigmask(SIG_BLOCK, &set, &guard->mask);
	/* What is not blocked is never pending. */
	guard->was_pending = sigismember(&guard->mask, SIGPIPE) && sigpending(&pending) == 0 &&
			     sigismember(&pending, SIGPIPE);
}

void sigpipe_restore(const struct sigpipe_guard *guard, bool failed)
{
	const struct timespec now = { 0 };
	sigset_t set = only_sigpipe();
	int saved = errno;

	if (failed && !guard->was_pending)
		while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &guard->mask, NULL);
	errno = saved;
}
