/* Running callbacks: when asked to, when something arrived, and within the library's blocking
 * calls. */
#include "lib/signal/dispatch.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>

#include "lib/base/sys.h"
#include "lib/signal/action.h"
#include "lib/signal/engine.h"
#include "lib/signal/locks.h"
#include "lib/signal/subscription.h"
#include "lib/signal/waker.h"

/* So many, then the caller gets a say again: a flood must not keep it for ever. */
#define AT_MOST 8192

static atomic_uint sleepers; /* calls that wait, for whatever */
static bool handed_out;      /* the descriptor was: it is watched at any time */

bool dispatch_is_awaited(void)
{
	return atomic_load(&sleepers) > 0;
}

void dispatch_forked(void)
{
	atomic_store(&sleepers, this_thread.sleeps);
	waker_set_sleepers(this_thread.sleeps + handed_out);
}

void dispatch_stopped(void)
{
	handed_out = false;
}

/* Around a call that waits, and may sleep on the descriptor. 0, or negative errno: there is
 * nothing to sleep on. */
static int begin_wait(void)
{
	int r;

	atomic_fetch_add(&sleepers, 1);
	r = engine_begin();
	if (r < 0) {
		atomic_fetch_sub(&sleepers, 1);
		return r;
	}
	this_thread.sleeps++;
	engine_mode()->arm();
	return 0;
}

static void end_wait(void)
{
	engine_mode()->disarm();
	this_thread.sleeps--;
	atomic_fetch_sub(&sleepers, 1);
}

/* The caller has the turn. */
static int run_due(bool *ret_interrupted)
{
	const struct signal_mode *mode = engine_mode();
	struct reeve_signal_event event;
	int count, r = 0;

	if (mode->begin)
		mode->begin();
	for (count = 0; r != TAKEN_LAST && (count < AT_MOST || r == TAKEN_SOME); count++) {
		r = mode->take(&event);
		if (r <= 0)
			break;
		subscription_run(&event);
		*ret_interrupted |= action_interrupts(event.signo);
	}
	if (count >= AT_MOST)
		mode->wake();
	if (this_thread.depth == 1)
		subscription_sweep();
	return r < 0 && count == 0 ? r : count;
}

int reeve_signal_dispatch(void)
{
	bool interrupted = false;
	int r = engine_refresh();

	if (r < 0 || !engine_is_started())
		return r;
	take_turn();
	if (engine_is_started())
		r = run_due(&interrupted);
	end_turn();
	return r;
}

/* Until the descriptor is readable, the time is over or a handler ran (-EINTR). */
static int sleep_until(reeve_nsec deadline)
{
	struct pollfd polled = { .fd = engine_mode()->fd(), .events = POLLIN };
	reeve_nsec left = deadline_left(deadline);
	struct timespec wait = { .tv_sec = left / REEVE_SEC, .tv_nsec = left % REEVE_SEC };

	if (left == 0)
		return -ETIMEDOUT;
	return sys_ppoll(&polled, 1, left == REEVE_FOREVER ? NULL : &wait, NULL) < 0 ? -errno : 0;
}

/* Until something was dispatched, or, if `any_handler`, a signal interrupted the sleep. */
static int wait_until(reeve_nsec deadline, bool any_handler)
{
	for (;;) {
		int slept = engine_mode()->is_due() ? 0 : sleep_until(deadline), r;

		if (slept < 0 && slept != -EINTR)
			return slept;
		r = reeve_signal_dispatch();
		if (r != 0 || (any_handler && slept == -EINTR))
			return r;
	}
}

static int wait_for_signals(reeve_nsec timeout, bool any_handler)
{
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	if (r == 0)
		r = reeve_signal_dispatch();
	if (r != 0)
		return r;
	r = begin_wait();
	if (r < 0)
		return r;
	r = wait_until(deadline, any_handler);
	end_wait();
	return r;
}

int reeve_signal_wait(reeve_nsec timeout)
{
	return wait_for_signals(timeout, false);
}

int reeve_signal_pause(reeve_nsec timeout)
{
	return wait_for_signals(timeout, true);
}

int reeve_signal_fd(void)
{
	int r = engine_begin();

	if (r < 0)
		return r;
	registry_lock();
	if (!handed_out)
		engine_mode()->arm();
	handed_out = true;
	registry_unlock();
	if (engine_mode()->is_due())
		engine_mode()->wake();
	return engine_mode()->fd();
}

/* --- Blocking calls -------------------------------------------------------------------------- */

int dispatch_interrupted(void)
{
	bool interrupted = false;
	int r;

	if (!engine_is_started() || !is_main_thread() || engine_refresh() < 0)
		return 0;
	if (!try_turn())
		return INTERRUPT_BUSY;
	r = run_due(&interrupted);
	end_turn();
	return r > 0 && interrupted ? -EINTR : 0;
}

static int begin_sleep(void)
{
	if (!is_main_thread() || !engine_is_started() || begin_wait() < 0)
		return -EBADF;
	if (engine_mode()->is_due())
		engine_mode()->wake();
	return engine_mode()->fd();
}

const struct interrupt_watch dispatch_watch = {
	.begin = begin_sleep,
	.end = end_wait,
};
