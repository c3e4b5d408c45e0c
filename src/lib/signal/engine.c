/* A forked child goes through two steps. The first needs system calls only and runs in fork(2)
 * itself, by pthread_atfork(3): forget what was due in the parent, replace its descriptors. The
 * second runs when the child first uses signals: the thread is started anew. A child that came
 * about in another way is recognised by the gate, and does both then. */
#include "lib/signal/engine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/signal/dispatch.h"
#include "lib/signal/gate.h"
#include "lib/signal/intake.h"
#include "lib/signal/locks.h"
#include "lib/signal/mask.h"
#include "lib/signal/subscription.h"
#include "lib/signal/wakeup_fd.h"

static const struct signal_mode *const modes[] = {
	[REEVE_SIGNAL_HANDLER] = &handler_mode,
	[REEVE_SIGNAL_THREAD] = &thread_mode,
	[REEVE_SIGNAL_FD] = &fd_mode,
};

static atomic_int chosen = REEVE_SIGNAL_HANDLER;
static atomic_bool started;
static bool is_new;       /* started, and not used yet */
static bool child_forked; /* the first step was done */
static bool prepared;     /* pthread_atfork() */

const struct signal_mode *engine_mode(void)
{
	return modes[atomic_load_explicit(&chosen, memory_order_relaxed)];
}

bool engine_is_started(void)
{
	return atomic_load(&started);
}

/* --- fork ------------------------------------------------------------------------------------ */

static reeve_signal_set mask_before_fork;

/* No handler runs in the child before it forgot what is the parent's. */
static void before_fork(void)
{
	reeve_signal_set before;

	mask_change(SIG_SETMASK, REEVE_SIGNAL_ALL, &before);
	registry_lock();
	mask_before_fork = before;
}

static void after_fork_in_parent(void)
{
	reeve_signal_set before = mask_before_fork;

	registry_unlock();
	mask_change(SIG_SETMASK, before, NULL);
}

static void forget_parent(void)
{
	mask_change(SIG_UNBLOCK, atomic_load(&this_thread.held), NULL);
	locks_forked();
	wakeup_fd_forget();
	intake_reset();
	dispatch_forked();
	child_forked = engine_mode()->forked() == 0;
}

static void after_fork_in_child(void)
{
	reeve_signal_set before = mask_before_fork & ~atomic_load(&this_thread.held);

	if (engine_is_started()) {
		gate_close();
		forget_parent();
		if (child_forked && engine_mode() != &thread_mode)
			gate_open();
	}
	registry_unlock();
	mask_change(SIG_SETMASK, before, NULL);
}

static int refresh_locked(void)
{
	int r;

	if (gate_is_open())
		return 0;
	if (!child_forked)
		forget_parent();
	r = engine_mode()->start();
	if (r == 0)
		r = gate_open();
	if (r == 0)
		child_forked = false;
	return r;
}

int engine_refresh(void)
{
	int r;

	if (!engine_is_started() || gate_is_open())
		return 0;
	registry_lock();
	r = engine_is_started() ? refresh_locked() : 0;
	registry_unlock();
	return r;
}

/* --- start, stop ----------------------------------------------------------------------------- */

static int start_parts(void)
{
	int r;

	if (!prepared) {
		r = sys_pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
		if (r != 0)
			return -r;
		prepared = true;
	}
	r = engine_mode()->start();
	if (r < 0)
		return r;
	r = gate_open();
	if (r < 0)
		engine_mode()->stop();
	return r;
}

int engine_start(void)
{
	int r;

	if (engine_is_started())
		return refresh_locked();
	r = start_parts();
	if (r < 0)
		return r;
	interrupt_set_hook(dispatch_interrupted);
	interrupt_set_watch(&dispatch_watch);
	child_forked = false;
	is_new = true;
	atomic_store(&started, true);
	return 0;
}

/* A call that waits counts itself first and looks whether all is started then; here it is the other
 * way round, so that one of the two sees the other. */
static int stop(void)
{
	atomic_store(&started, false);
	if (dispatch_is_awaited()) {
		atomic_store(&started, true);
		return -EBUSY;
	}
	interrupt_set_watch(NULL);
	interrupt_set_hook(NULL);
	engine_mode()->stop();
	dispatch_stopped();
	intake_wait_for_producers();
	intake_reset();
	gate_close();
	is_new = false;
	return 0;
}

void engine_stop_if_new(void)
{
	if (is_new)
		stop();
}

void engine_keep(void)
{
	is_new = false;
}

int engine_begin(void)
{
	int r;

	if (engine_is_started() && gate_is_open())
		return 0;
	registry_lock();
	r = engine_start();
	engine_keep();
	registry_unlock();
	return r;
}

/* --- A child that starts over ---------------------------------------------------------------- */

#define KEPT                                                                                       \
	(REEVE_SIGNAL_SET(SIGSEGV) | REEVE_SIGNAL_SET(SIGBUS) | REEVE_SIGNAL_SET(SIGFPE) |         \
		REEVE_SIGNAL_SET(SIGILL) | REEVE_SIGNAL_SET(SIGTRAP) | REEVE_SIGNAL_SET(SIGSYS) |  \
		REEVE_SIGNAL_SET(SIGABRT))

/* As execve(2) does it: what is handled gets its default. */
static void drop_handler(int signo)
{
	static const struct sigaction by_default = { .sa_handler = SIG_DFL };
	struct sigaction now;

	if (sys_sigaction(signo, NULL, &now) == 0 && now.sa_handler != SIG_DFL &&
		now.sa_handler != SIG_IGN)
		sys_sigaction(signo, &by_default, NULL);
}

void engine_start_over(void)
{
	this_thread.depth = 0;
	this_thread.sleeps = 0;
	locks_forked();
	registry_lock();
	dispatch_forked();
	subscription_drop_all();
	if (engine_is_started())
		stop();
	atomic_store(&chosen, REEVE_SIGNAL_HANDLER);
	registry_unlock();
	for (reeve_signal_set left = reeve_signal_valid() & ~KEPT; left; left &= left - 1)
		drop_handler(__builtin_ctzll(left) + 1);
}

int reeve_signal_set_mode(enum reeve_signal_mode mode)
{
	int r = 0;

	if ((unsigned)mode >= sizeof modes / sizeof modes[0])
		return -EINVAL;
	registry_lock();
	if (engine_is_started())
		r = -EBUSY;
	else
		atomic_store(&chosen, (int)mode);
	registry_unlock();
	return r;
}

enum reeve_signal_mode reeve_signal_get_mode(void)
{
	return (enum reeve_signal_mode)atomic_load(&chosen);
}

static int shutdown_locked(void)
{
	if (subscription_exists())
		return -EBUSY;
	return engine_is_started() ? stop() : 0;
}

int reeve_signal_shutdown(void)
{
	int r;

	if (this_thread.depth > 0 || !try_turn())
		return -EBUSY;
	subscription_sweep();
	registry_lock();
	r = shutdown_locked();
	registry_unlock();
	end_turn();
	return r;
}
