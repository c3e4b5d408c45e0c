#include "lib/base/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"

typedef int futex_wait_call(
	const _Atomic uint32_t *word, uint32_t value, const struct timespec *until);

static int wait_until(
	futex_wait_call *wait, _Atomic uint32_t *word, uint32_t value, reeve_nsec deadline)
{
	/* Never without a limit: only then does the kernel let every handler interrupt, those with SA_RESTART too. */
	reeve_nsec limit = deadline == REEVE_FOREVER ? INT64_MAX : deadline;
	struct timespec until = { .tv_sec = limit / REEVE_SEC, .tv_nsec = limit % REEVE_SEC };

	if (wait(word, value, &until) == 0)
		return 0;
	switch (errno) {
	case EAGAIN: return 0;
	case EINTR: return interrupt_run();
	default: return -errno;
	}
}

int futex_wait_until(_Atomic uint32_t *word, uint32_t value, reeve_nsec deadline)
{
	return wait_until(sys_futex_wait, word, value, deadline);
}

int futex_wait_shared_until(_Atomic uint32_t *word, uint32_t value, reeve_nsec deadline)
{
	return wait_until(sys_futex_wait_shared, word, value, deadline);
}

void futex_wake_all(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

int futex_wake_shared(_Atomic uint32_t *word, unsigned count)
{
	long woken = syscall(
		SYS_futex, word, FUTEX_WAKE, count < INT_MAX ? count : INT_MAX, NULL, NULL, 0);

	return woken < 0 ? 0 : (int)woken;
}
