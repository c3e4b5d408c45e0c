#include "lib/signal/mask.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/signal/locks.h"

void mask_to_sigset(reeve_signal_set set, sigset_t *ret)
{
	set &= reeve_signal_valid();
	sigemptyset(ret);
	for (; set; set &= set - 1)
		sigaddset(ret, __builtin_ctzll(set) + 1);
}

reeve_signal_set mask_from_sigset(const sigset_t *set)
{
	reeve_signal_set result = 0;

	for (reeve_signal_set left = reeve_signal_valid(); left; left &= left - 1)
		if (sigismember(set, __builtin_ctzll(left) + 1) == 1)
			result |= left & -left;
	return result;
}

void mask_change(int how, reeve_signal_set set, reeve_signal_set *ret_old)
{
	sigset_t wanted, old;

	mask_to_sigset(set, &wanted);
	pthread_sigmask(how, &wanted, &old);
	if (ret_old)
		*ret_old = mask_from_sigset(&old);
}

int reeve_signal_mask(enum reeve_signal_how how, reeve_signal_set set, reeve_signal_set *ret_old)
{
	static const int kernels[] = {
		[REEVE_SIGNAL_BLOCK] = SIG_BLOCK,
		[REEVE_SIGNAL_UNBLOCK] = SIG_UNBLOCK,
		[REEVE_SIGNAL_SETMASK] = SIG_SETMASK,
	};
	reeve_signal_set held;

	if ((unsigned)how >= sizeof kernels / sizeof kernels[0])
		return -EINVAL;
	/* What a handler of ours blocked (handler_mode.c) is not in the program's mask, until
	 * the program says so. */
	held = atomic_fetch_and(
		&this_thread.held, how == REEVE_SIGNAL_SETMASK ? REEVE_SIGNAL_NONE : ~set);
	mask_change(kernels[how], set, ret_old);
	if (ret_old)
		*ret_old &= ~held;
	return 0;
}

reeve_signal_set reeve_signal_get_mask(void)
{
	reeve_signal_set now;

	mask_change(SIG_BLOCK, REEVE_SIGNAL_NONE, &now);
	return now & ~atomic_load(&this_thread.held);
}

reeve_signal_set reeve_signal_pending(void)
{
	sigset_t pending;

	sigemptyset(&pending);
	sigpending(&pending);
	return mask_from_sigset(&pending);
}
