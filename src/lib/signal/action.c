#include "lib/signal/action.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/base/sys.h"
#include "lib/signal/event.h"
#include "lib/signal/locks.h"
#include "reeve/signal.h"

/* What handlers look up while others change it: function and kind as two atomics each, set
 * before ours is installed. */
struct previous {
	_Atomic(action_handler *) with_info;
	_Atomic(void (*)(int)) plain;
};

static struct sigaction saved[65]; /* what ours replaced */
static action_handler *installed[65];
static struct previous previous[65];
static _Atomic reeve_signal_set chained;
static _Atomic reeve_signal_set interrupting;

/* reeve_signal_ignore() and _default(): what the first of them replaced. */
static struct sigaction set_aside[65];
static reeve_signal_set have_set_aside;

static bool in_set(_Atomic reeve_signal_set *set, int signo)
{
	return atomic_load_explicit(set, memory_order_relaxed) & REEVE_SIGNAL_SET(signo);
}

static void change_set(_Atomic reeve_signal_set *set, int signo, bool on)
{
	if (on)
		atomic_fetch_or(set, REEVE_SIGNAL_SET(signo));
	else
		atomic_fetch_and(set, ~REEVE_SIGNAL_SET(signo));
}

static bool is_function(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) ||
	       (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static void keep_previous(int signo, const struct sigaction *action)
{
	bool with_info = action->sa_flags & SA_SIGINFO;

	saved[signo] = *action;
	atomic_store(&previous[signo].with_info, with_info ? action->sa_sigaction : NULL);
	atomic_store(&previous[signo].plain,
		!with_info && is_function(action) ? action->sa_handler : NULL);
}

int action_install(int signo, action_handler *handler)
{
	struct sigaction ours = { .sa_sigaction = handler }, before;

	ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (in_set(&interrupting, signo) ? 0 : SA_RESTART);
	sigfillset(&ours.sa_mask);
	if (sys_sigaction(signo, NULL, &before) < 0)
		return -errno;
	keep_previous(signo, &before);
	if (sys_sigaction(signo, &ours, NULL) < 0)
		return -errno;
	installed[signo] = handler;
	return 0;
}

bool action_is_ours(int signo)
{
	struct sigaction now;

	return installed[signo] && sys_sigaction(signo, NULL, &now) == 0 &&
	       (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == installed[signo];
}

void action_remove(int signo)
{
	if (action_is_ours(signo))
		sys_sigaction(signo, &saved[signo], NULL);
	installed[signo] = NULL;
	change_set(&chained, signo, false);
}

bool action_interrupts(int signo)
{
	return in_set(&interrupting, signo);
}

static bool call_previous(int signo, siginfo_t *info, void *context)
{
	action_handler *with_info = atomic_load(&previous[signo].with_info);
	void (*plain)(int) = atomic_load(&previous[signo].plain);

	if (with_info)
		with_info(signo, info, context);
	else if (plain)
		plain(signo);
	return with_info || plain;
}

void action_call_chained(int signo, siginfo_t *info, void *context)
{
	if (in_set(&chained, signo))
		call_previous(signo, info, context);
}

/* The processor or the kernel sent it, on the spot. (A memory error that was found in passing is
 * no such thing.) */
static bool is_fault(int signo, const siginfo_t *info)
{
	return info->si_code > 0 && (SYNCHRONOUS_SIGNALS & REEVE_SIGNAL_SET(signo)) &&
	       !(signo == SIGBUS && info->si_code == BUS_MCEERR_AO);
}

/* Nobody can deal with it: the default action ends the process, with a core that shows the
 * place. The failed instruction runs again when the handler returns; a trap or a system call is
 * past by then and sent again. */
static void fail_by_default(int signo, siginfo_t *info)
{
	struct sigaction by_default = { .sa_handler = SIG_DFL };

	sys_sigaction(signo, &by_default, NULL);
	if (signo == SIGTRAP || signo == SIGSYS)
		sys_rt_tgsigqueueinfo(getpid(), gettid(), signo, info);
}

bool action_pass_fault(int signo, siginfo_t *info, void *context)
{
	if (!is_fault(signo, info))
		return false;
	if (!call_previous(signo, info, context))
		fail_by_default(signo, info);
	return true;
}

/* --- reeve_signal_ignore() and the like ------------------------------------------------------ */

int reeve_signal_disposition(int signo)
{
	int r = reeve_signal_check(signo);
	struct sigaction now;

	if (r < 0 && r != -EPERM)
		return r;
	if (sys_sigaction(signo, NULL, &now) < 0)
		return -errno;
	if (!is_function(&now))
		return now.sa_handler == SIG_IGN ? REEVE_SIGNAL_IGNORED : REEVE_SIGNAL_DEFAULT;
	registry_lock();
	r = action_is_ours(signo) ? REEVE_SIGNAL_HANDLED : REEVE_SIGNAL_FOREIGN;
	registry_unlock();
	return r;
}

static int dispose_locked(int signo, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler }, before;

	if (installed[signo])
		return -EEXIST;
	if (sys_sigaction(signo, &action, &before) < 0)
		return -errno;
	if (!(have_set_aside & REEVE_SIGNAL_SET(signo))) {
		set_aside[signo] = before;
		have_set_aside |= REEVE_SIGNAL_SET(signo);
	}
	return 0;
}

static int dispose(int signo, void (*handler)(int))
{
	int r = reeve_signal_check(signo);

	if (r < 0)
		return r;
	registry_lock();
	r = dispose_locked(signo, handler);
	registry_unlock();
	return r;
}

int reeve_signal_ignore(int signo)
{
	return dispose(signo, SIG_IGN);
}

int reeve_signal_default(int signo)
{
	return dispose(signo, SIG_DFL);
}

static int restore_locked(int signo)
{
	if (installed[signo])
		return -EEXIST;
	if (!(have_set_aside & REEVE_SIGNAL_SET(signo)))
		return -ENOENT;
	if (sys_sigaction(signo, &set_aside[signo], NULL) < 0)
		return -errno;
	have_set_aside &= ~REEVE_SIGNAL_SET(signo);
	return 0;
}

int reeve_signal_restore(int signo)
{
	int r = reeve_signal_check(signo);

	if (r < 0)
		return r;
	registry_lock();
	r = restore_locked(signo);
	registry_unlock();
	return r;
}

static int interrupt_locked(int signo, bool interrupts)
{
	struct sigaction now;

	if (sys_sigaction(signo, NULL, &now) < 0)
		return -errno;
	if (is_function(&now)) {
		now.sa_flags = interrupts ? now.sa_flags & ~SA_RESTART : now.sa_flags | SA_RESTART;
		if (sys_sigaction(signo, &now, NULL) < 0)
			return -errno;
	}
	change_set(&interrupting, signo, interrupts);
	return 0;
}

int reeve_signal_interrupt(int signo, bool interrupts)
{
	int r = reeve_signal_check(signo);

	if (r < 0)
		return r;
	registry_lock();
	r = interrupt_locked(signo, interrupts);
	registry_unlock();
	return r;
}

static int chain_locked(int signo, bool on)
{
	if (!installed[signo])
		return -ENOENT;
	if (reeve_signal_get_mode() != REEVE_SIGNAL_HANDLER)
		return -EOPNOTSUPP;
	change_set(&chained, signo, on);
	return 0;
}

int reeve_signal_chain(int signo, bool on)
{
	int r = reeve_signal_check(signo);

	if (r < 0)
		return r;
	registry_lock();
	r = chain_locked(signo, on);
	registry_unlock();
	return r;
}
