/* reeve/signal.h - signals: handled at a safe point, with everything the sender said; sent; masked;
 * waited for.
 *
 * A callback that is subscribed to a signal runs later, in ordinary context, where it may call
 * anything: in reeve_signal_dispatch(), reeve_signal_wait() and reeve_signal_pause(), and, in the
 * main thread, inside every libreeve call that blocks. Such a call runs the callbacks that are due
 * and goes on with the time that is left (PEP 475).
 *
 * How signals get in (reeve_signal_set_mode(), once, before the first subscription):
 *
 *   REEVE_SIGNAL_HANDLER  The default; lives with foreign code, threads and handlers. A
 *                         sigaction(2) handler copies each siginfo to a ring of 4096. When 1024
 *                         wait there, and the thread that is interrupted is the one that dispatches
 *                         (the last that did; at first the only one there is), real-time signals
 *                         stay in the kernel's queue until that thread dispatches again, so that a
 *                         flood loses nothing and keeps its order where one thread takes the
 *                         signals and dispatches. Signals that several threads take may change
 *                         places, and a thread that takes more than the ring holds while nobody
 *                         dispatches leaves a count instead (see `count` below).
 *   REEVE_SIGNAL_THREAD   A thread of the library takes signals from the kernel's queue as they
 *                         arrive. Nothing is lost or reordered in a threaded program either: when
 *                         the ring is full, the kernel's queue is the buffer, and when that is full
 *                         the sender gets EAGAIN.
 *   REEVE_SIGNAL_FD       signalfd(2), read by whoever dispatches; likewise without loss. The
 *                         fastest; for a program that owns its threads.
 *
 * In the last two a subscribed signal is blocked in the subscribing thread and in threads made
 * later. A thread made before that still has it open is no danger: what it gets is put back into
 * the process's queue, and the signal blocked there too. Blocked signals are inherited through
 * execve(2): reset the mask in children (reeve/process.h does). A subscribed signal then interrupts
 * no system call; libreeve's blocking calls in the main thread wake up for it all the same. A
 * signal that is directed to one thread is dispatched by that thread alone (FD), or never (THREAD:
 * take it with reeve_signal_wait_for()).
 *
 * Standard signals (1 to 31) that are pending already are coalesced by the kernel, and by nobody
 * else: reeve_signal_count() tells how many arrived. Real-time signals are all told, with their
 * value.
 *
 * Refusals: -EINVAL no such signal (0, -1, 65); -EPERM SIGKILL and SIGSTOP, which cannot be
 * handled; -EBUSY those that the C library keeps for itself (32 and 33 with glibc).
 * reeve_signal_refusal() says it in words.
 *
 * A real fault (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS raised by the processor or the
 * kernel, not by kill(2)) cannot wait for a safe point: what was installed before gets it, at once.
 * SIGCHLD is like any other signal and left alone unless subscribed to; reeve/process.h does not
 * need it.
 *
 * After fork(2) the child keeps subscriptions, forgets what was due in the parent, has a descriptor
 * of its own behind the same number (which must be added anew to an epoll(7) set), no wakeup
 * descriptor, and never writes to its parent's. A child of vfork(2) must not call anything here.
 *
 * Everything here is thread-safe. Nothing is async-signal-safe but what says so. See signal(7). */
#ifndef REEVE_SIGNAL_H
#define REEVE_SIGNAL_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- Sets of signals ------------------------------------------------------------------------- */

/* Bit n-1 stands for signal n; combine with |, &, ~. */
typedef uint64_t reeve_signal_set;

/* The set of one signal; empty for what is out of range. */
#define REEVE_SIGNAL_SET(signo)                                                                    \
	((signo) >= 1 && (signo) <= 64 ? (reeve_signal_set)1 << (((signo)-1) & 63)                 \
				       : (reeve_signal_set)0)
#define REEVE_SIGNAL_NONE ((reeve_signal_set)0)
#define REEVE_SIGNAL_ALL (~(reeve_signal_set)0)

/* --- Names ----------------------------------------------------------------------------------- */

/* "SIGTERM", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMAX"; NULL for what is no signal or the C library's
 * own. Static text. Async-signal-safe. */
REEVE_API const char *reeve_signal_name(int signo);

/* The signal called `text`: "TERM", "SIGTERM", "SIGRTMIN+3", "RTMAX-1", "15", in either case. Or
 * -EINVAL, and -EBUSY for the C library's own. SIGKILL and SIGSTOP are signals as any other
 * here. */
REEVE_API int reeve_signal_number(const char *text);

/* "Terminated", "Real-time signal 3"; NULL for what is no signal. Static text, the same in every
 * locale. */
REEVE_API const char *reeve_signal_description(int signo);

/* All signals that can be sent: without 0 and the C library's own, with SIGKILL and SIGSTOP. */
REEVE_API reeve_signal_set reeve_signal_valid(void);

/* 0 if `signo` can be handled, or -EINVAL, -EPERM, -EBUSY as above. Async-signal-safe. */
REEVE_API int reeve_signal_check(int signo);

/* Why `signo` cannot be handled, as "SIGKILL cannot be caught, blocked or ignored"; NULL if it
 * can. Static text. */
REEVE_API const char *reeve_signal_refusal(int signo);

/* --- Subscriptions --------------------------------------------------------------------------- */

enum reeve_signal_mode {
	REEVE_SIGNAL_HANDLER,
	REEVE_SIGNAL_THREAD,
	REEVE_SIGNAL_FD,
};

/* Choose how signals get in, before the first subscription and before reeve_signal_fd().
 * Returns 0, -EINVAL (no such mode), or -EBUSY (too late: see reeve_signal_shutdown()). */
REEVE_API int reeve_signal_set_mode(enum reeve_signal_mode mode);
REEVE_API enum reeve_signal_mode reeve_signal_get_mode(void);

/* One arrival, after sigaction(2). Fields that its `code` does not fill are 0. */
struct reeve_signal_event {
	int signo;
	int code;      /* si_code: SI_USER (kill), SI_QUEUE (with a value), CLD_EXITED, ... */
	int error;     /* si_errno: nearly always 0 */
	pid_t pid;     /* sender's, or the child's for SIGCHLD; 0 where the kernel sent it */
	uid_t uid;     /* the same one's real uid */
	int status;    /* SIGCHLD: exit status or signal */
	int value;     /* SI_QUEUE, SI_TIMER, SI_MESGQ: sival_int */
	void *pointer; /* ... and sival_ptr */
	int timer;     /* SI_TIMER: the kernel's timer id */
	int overrun;   /* SI_TIMER: expirations that were missed */
	long band;     /* SIGIO: poll(2) events */
	int fd;        /* SIGIO: descriptor */
	void *address; /* fault signals that were sent by the kernel: address */
	int64_t utime; /* SIGCHLD: user and system time, in clock ticks */
	int64_t stime;
	uint64_t count; /* 1; or how many arrivals that found the ring full: no more is known */
};

/* Runs at a safe point; may subscribe, unsubscribe (itself too), dispatch, block, fork. */
typedef void reeve_signal_callback(const struct reeve_signal_event *event, void *data);

struct reeve_signal_subscription;

/* Have `callback` run for each arrival of `signo`. Several subscriptions to one signal run in the
 * order in which they were made; the first one installs, and saves what was installed before.
 *
 *   data   passed through; borrowed until unsubscribed
 *   ret    a handle, to be given to reeve_signal_unsubscribe()
 *
 * Returns 0; -EINVAL, -EPERM, -EBUSY for signals that cannot be handled; -ENOMEM, -EMFILE,
 * -ENFILE, -EAGAIN (no thread) for lack of means. */
REEVE_API int reeve_signal_subscribe(int signo, reeve_signal_callback *callback, void *data,
	struct reeve_signal_subscription **ret);

/* End a subscription; takes NULL, returns NULL. With the last one of a signal, what was installed
 * before is put back, unless somebody replaced our handler meanwhile. Arrivals that were not
 * dispatched yet are dropped, or told to who subscribes before they are.
 *
 * When it returns the callback does not run and won't: another thread that is running callbacks is
 * waited for, so hold no lock that they take. Within a callback it returns at once; what it ended
 * runs no more. */
REEVE_API struct reeve_signal_subscription *reeve_signal_unsubscribe(
	struct reeve_signal_subscription *subscription);

/* How many arrivals of `signo` were taken in since its first subscription ever; 0 for what is no
 * signal. Async-signal-safe. */
REEVE_API uint64_t reeve_signal_count(int signo);

/* Release what subscriptions share: descriptor, ring, thread. Another mode may be chosen
 * afterwards. Returns 0, or -EBUSY while there is a subscription or a call is dispatching or
 * waiting. */
REEVE_API int reeve_signal_shutdown(void);

/* --- Safe points ----------------------------------------------------------------------------- */

/* Run the callbacks of the arrivals so far (at most some thousands in one call: then the
 * descriptor stays readable). Returns how many arrivals there were (0: none), or negative errno
 * (signals could not be read, or a forked child lacks the means to start over: -ENOMEM, -EMFILE,
 * ...; nothing is lost). One thread dispatches at a time, others wait for it; a callback may
 * dispatch, nested: what comes after its own. */
REEVE_API int reeve_signal_dispatch(void);

/* Wait until something arrived, and dispatch. Returns how many arrivals (at least 1), or
 * -ETIMEDOUT, -EINVAL. Foreign handlers don't end it. */
REEVE_API int reeve_signal_wait(reeve_nsec timeout);

/* pause(2) without its race: wait until a handler ran in this thread, ours or a foreign one, or
 * something is to be dispatched, and dispatch. Returns how many arrivals (0: only a foreign
 * handler ran), or -ETIMEDOUT, -EINVAL. */
REEVE_API int reeve_signal_pause(reeve_nsec timeout);

/* One descriptor for any event loop: readable (POLLIN) when dispatch is due. Never read it; call
 * reeve_signal_dispatch(). The same one until reeve_signal_shutdown(), which closes it. Or
 * -EMFILE, -ENFILE, -ENOMEM, -EAGAIN. */
REEVE_API int reeve_signal_fd(void);

/* --- Dispositions ---------------------------------------------------------------------------- */

enum reeve_signal_disposition {
	REEVE_SIGNAL_DEFAULT, /* SIG_DFL */
	REEVE_SIGNAL_IGNORED, /* SIG_IGN */
	REEVE_SIGNAL_HANDLED, /* subscribed to, here */
	REEVE_SIGNAL_FOREIGN, /* somebody else's handler */
};

/* What is registered now: an enum reeve_signal_disposition, or -EINVAL, -EBUSY. SIGKILL and
 * SIGSTOP: default. */
REEVE_API int reeve_signal_disposition(int signo);

/* Ignore a signal, or give it its default action. What was there before is kept for
 * reeve_signal_restore(). Returns 0, -EINVAL, -EPERM, -EBUSY, or -EEXIST (there are
 * subscriptions: end them first). */
REEVE_API int reeve_signal_ignore(int signo);
REEVE_API int reeve_signal_default(int signo);

/* Put back what the first reeve_signal_ignore() or reeve_signal_default() replaced. 0, -ENOENT
 * (nothing is kept), or as above. */
REEVE_API int reeve_signal_restore(int signo);

/* Whether `signo` interrupts (siginterrupt(3)). false, the default: system calls restart where
 * the kernel can, and blocking libreeve calls go on after the callbacks ran. true: system calls
 * fail with EINTR, and so do libreeve's, in the main thread, after the callbacks ran. Lasts over
 * subscriptions; a foreign handler is changed too. 0, -EINVAL, -EPERM, -EBUSY. */
REEVE_API int reeve_signal_interrupt(int signo, bool interrupts);

/* Whether the handler that was installed before the first subscription runs too, at once, in the
 * signal handler, as if it were still installed. SIG_DFL and SIG_IGN do nothing. Ends with the
 * last subscription. 0, -EINVAL, -EPERM, -EBUSY, -ENOENT (no subscription), -EOPNOTSUPP (not in
 * REEVE_SIGNAL_HANDLER mode). */
REEVE_API int reeve_signal_chain(int signo, bool chained);

/* --- Wakeup descriptor ----------------------------------------------------------------------- */

/* Have the number of each arriving signal written to `fd` as one byte, in order, at once (in
 * REEVE_SIGNAL_FD: when dispatched). For a foreign loop that wants to see numbers;
 * reeve_signal_fd() needs none of this. When it returns, nothing is written to the previous one any
 * more.
 *
 *   fd             non-blocking pipe, FIFO, socket or the like, borrowed; -1 for none
 *   ret_previous   the one before, -1 if none; may be NULL
 *
 * 0, -EBADF, -EINVAL (it would block). */
REEVE_API int reeve_signal_set_wakeup_fd(int fd, int *ret_previous);

/* How many bytes could not be written since reeve_signal_set_wakeup_fd(), and why the last one
 * could not (negative errno, -EAGAIN: full; 0 if all could; may be NULL). It never ends the
 * program: SIGPIPE is not raised. */
REEVE_API uint64_t reeve_signal_wakeup_dropped(int *ret_error);

/* --- Masks, pending, waiting for one --------------------------------------------------------- */

enum reeve_signal_how {
	REEVE_SIGNAL_BLOCK,   /* add to the mask */
	REEVE_SIGNAL_UNBLOCK, /* remove from it */
	REEVE_SIGNAL_SETMASK, /* replace it */
};

/* Change the calling thread's mask; what cannot be blocked (SIGKILL, SIGSTOP, the C library's)
 * is passed over. `ret_old` may be NULL. 0, or -EINVAL. See pthread_sigmask(3). */
REEVE_API int reeve_signal_mask(
	enum reeve_signal_how how, reeve_signal_set set, reeve_signal_set *ret_old);

/* The calling thread's mask. */
REEVE_API reeve_signal_set reeve_signal_get_mask(void);

/* The signals that are blocked and pending for the calling thread or the process. See
 * sigpending(2). */
REEVE_API reeve_signal_set reeve_signal_pending(void);

/* Take one of `set` without running callbacks for it (sigwait, sigwaitinfo, sigtimedwait). Block
 * them first, or they may go to a handler instead. Other signals that interrupt are handled, and it
 * goes on with the time that is left.
 *
 *   ret   what arrived; may be NULL
 *
 * Returns the signal's number, or -ETIMEDOUT, -EINVAL (empty set, or one that holds SIGKILL or
 * SIGSTOP only), -EINTR. */
REEVE_API int reeve_signal_wait_for(
	reeve_signal_set set, reeve_nsec timeout, struct reeve_signal_event *ret);

/* --- Sending --------------------------------------------------------------------------------- */

/* All: 0, or -ESRCH (no such target; also a pid that is not positive: kill(2)'s 0 and -1 never
 * reach the kernel), -EPERM (not allowed), -EINVAL (no such signal), -EBUSY (the C library's
 * own). `signo` 0 sends nothing, and only asks. Those that queue a value add -EAGAIN (the
 * receiver's queue is full; RLIMIT_SIGPENDING). Async-signal-safe. */

REEVE_API int reeve_signal_send(pid_t pid, int signo);

/* A process group; 0 is the caller's own, 1 is refused (-ESRCH). */
REEVE_API int reeve_signal_send_group(pid_t group, int signo);

/* One thread, by its gettid(2), of process `pid`. */
REEVE_API int reeve_signal_send_thread(pid_t pid, pid_t tid, int signo);

/* A process by pidfd: never the wrong one. -EBADF for what is no pidfd. */
REEVE_API int reeve_signal_send_pidfd(int pidfd, int signo);

/* With a value, told to the receiver as `pointer` and, its lower half, as `value`; `code` is
 * SI_QUEUE. */
REEVE_API int reeve_signal_queue(pid_t pid, int signo, intptr_t value);
REEVE_API int reeve_signal_queue_thread(pid_t pid, pid_t tid, int signo, intptr_t value);
REEVE_API int reeve_signal_queue_pidfd(int pidfd, int signo, intptr_t value);

/* To oneself: to the calling thread where `signo` is let in by a handler, to the process in the
 * other two modes. */
REEVE_API int reeve_signal_raise(int signo);

#ifdef __cplusplus
}
#endif

#endif
