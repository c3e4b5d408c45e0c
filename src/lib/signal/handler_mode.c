/* REEVE_SIGNAL_HANDLER: a sigaction(2) handler fills the ring.
 *
 * When the ring holds much, and it is the dispatcher that a real-time signal interrupts, the
 * signal is held: blocked in that thread from the handler's return on, so that more of it wait
 * in the kernel's queue. The dispatcher takes them from there after it emptied the ring, and
 * lets the signal in again when the queue is empty. Holding only where the dispatcher itself was
 * interrupted makes sure that the thread comes by to let it in again. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>

#include "lib/base/sys.h"
#include "lib/signal/action.h"
#include "lib/signal/event.h"
#include "lib/signal/intake.h"
#include "lib/signal/locks.h"
#include "lib/signal/mask.h"
#include "lib/signal/mode.h"
#include "lib/signal/waker.h"

#define HOLD_AT 1024

static void hold(int signo, ucontext_t *context)
{
	sigaddset(&context->uc_sigmask, signo);
	atomic_fetch_or(&this_thread.held, REEVE_SIGNAL_SET(signo));
}

static void put_in_ring(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	if (!action_pass_fault(signo, info, context)) {
		struct reeve_signal_event event;

		event_from_info(info, &event);
		if (intake_put(&event) > HOLD_AT && signo >= SIGRTMIN && is_dispatcher())
			hold(signo, context);
		action_call_chained(signo, info, context);
	}
	errno = saved;
}

static void let_in_again(void)
{
	mask_change(SIG_UNBLOCK, atomic_exchange(&this_thread.held, REEVE_SIGNAL_NONE), NULL);
}

/* One that waits in the kernel's queue because we held it; when there is none, let them in
 * again. */
static bool take_held(struct reeve_signal_event *ret)
{
	static const struct timespec at_once;
	sigset_t set;
	siginfo_t info;

	if (atomic_load_explicit(&this_thread.held, memory_order_relaxed) == 0)
		return false;
	mask_to_sigset(atomic_load(&this_thread.held), &set);
	if (sys_sigtimedwait(&set, &info, &at_once) > 0) {
		event_from_info(&info, ret);
		intake_note(ret);
		return true;
	}
	if (errno == EAGAIN)
		let_in_again();
	return false;
}

static int take(struct reeve_signal_event *ret)
{
	return intake_take(ret) || take_held(ret) || intake_take(ret);
}

static bool is_due(void)
{
	return !intake_is_empty() || atomic_load(&this_thread.held) != 0;
}

static int watch(int signo)
{
	return action_install(signo, put_in_ring);
}

static void unwatch(int signo)
{
	action_remove(signo);
	if (atomic_fetch_and(&this_thread.held, ~REEVE_SIGNAL_SET(signo)) & REEVE_SIGNAL_SET(signo))
		mask_change(SIG_UNBLOCK, REEVE_SIGNAL_SET(signo), NULL);
}

const struct signal_mode handler_mode = {
	.start = waker_open,
	.stop = waker_close,
	.forked = waker_reopen,
	.watch = watch,
	.unwatch = unwatch,
	.fd = waker_fd,
	.arm = waker_arm,
	.disarm = waker_disarm,
	.is_due = is_due,
	.wake = waker_wake,
	.begin = waker_clear,
	.take = take,
};
