#include "lib/base/futex.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"

int futex_wait_until(_Atomic uint32_t *word, uint32_t value, reeve_nsec deadline)
{
	/* Never without a limit: only then does the kernel let every handler interrupt, those with SA_RESTART too. */
	reeve_nsec limit = deadline == REEVE_FOREVER ? INT64_MAX : deadline;
	struct timespec until = { .tv_sec = limit / REEVE_SEC, .tv_nsec = limit % REEVE_SEC };

	if (sys_futex_wait(word, value, &until) == 0)
		return 0;
	switch (errno) {
	case EAGAIN: return 0;
	case EINTR: return interrupt_run();
	default: return -errno;
	}
}

void futex_wake_all(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
