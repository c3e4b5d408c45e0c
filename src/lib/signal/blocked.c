#include "lib/signal/blocked.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>
#include <unistd.h>

#include "lib/base/sys.h"
#include "lib/signal/action.h"
#include "lib/signal/intake.h"
#include "lib/signal/mask.h"

static _Atomic reeve_signal_set watched;
static reeve_signal_set blocked_by_us;

/* Only a thread that has the signal open gets here. With it blocked, on return, it won't again. */
static void put_back(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	if (!action_pass_fault(signo, info, context)) {
		sigaddset(&((ucontext_t *)context)->uc_sigmask, signo);
		if (sys_rt_sigqueueinfo(getpid(), signo, info) < 0)
			intake_lose(signo);
	}
	errno = saved;
}

int blocked_watch(int signo)
{
	reeve_signal_set one = REEVE_SIGNAL_SET(signo), before;
	int r;

	mask_change(SIG_BLOCK, one, &before);
	r = action_install(signo, put_back);
	if (r < 0) {
		mask_change(SIG_SETMASK, before, NULL);
		return r;
	}
	if (!(before & one))
		blocked_by_us |= one;
	atomic_fetch_or(&watched, one);
	return 0;
}

/* What is still waiting would do what it does by default once it is open again. Where it was blocked before us it stays
 * so, and what waits is for whoever blocked it. */
void blocked_unwatch(int signo)
{
	static const struct timespec at_once;
	reeve_signal_set one = REEVE_SIGNAL_SET(signo);
	sigset_t set;

	mask_to_sigset(one, &set);
	while ((blocked_by_us & one) && sys_sigtimedwait(&set, NULL, &at_once) > 0)
		;
	atomic_fetch_and(&watched, ~one);
	action_remove(signo);
	if (blocked_by_us & one)
		mask_change(SIG_UNBLOCK, one, NULL);
	blocked_by_us &= ~one;
}

reeve_signal_set blocked_set(void)
{
	return atomic_load(&watched);
}
