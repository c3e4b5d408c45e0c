/* Taking one signal of a set: sigwait, sigwaitinfo and sigtimedwait in one. */
#include <errno.h>
#include <signal.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/signal/event.h"
#include "lib/signal/mask.h"

int reeve_signal_wait_for(reeve_signal_set set, reeve_nsec timeout, struct reeve_signal_event *ret)
{
	reeve_signal_set never = REEVE_SIGNAL_SET(SIGKILL) | REEVE_SIGNAL_SET(SIGSTOP);
	reeve_nsec deadline;
	sigset_t kernels;
	siginfo_t info;
	int r = deadline_from(timeout, &deadline);

	if (r < 0)
		return r;
	if ((set & reeve_signal_valid() & ~never) == 0)
		return -EINVAL;
	mask_to_sigset(set, &kernels);
	for (;;) {
		reeve_nsec left = deadline_left(deadline);
		struct timespec wait = { .tv_sec = left / REEVE_SEC, .tv_nsec = left % REEVE_SEC };

		r = sys_sigtimedwait(&kernels, &info, left == REEVE_FOREVER ? NULL : &wait);
		if (r > 0)
			break;
		if (errno == EAGAIN)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
		r = interrupt_run();
		if (r < 0)
			return r;
	}
	if (ret)
		event_from_info(&info, ret);
	return r;
}
