/* reeve/timer.h - alarm and the three interval timers of a process.
 *
 * Each expiry is a signal to the process; subscribe to it (reeve/signal.h) beforehand, for the
 * default action of all three ends the process. Timers on an event loop, any number of them, are
 * reeve/loop.h's.
 *
 * The kernel counts these in microseconds: what is not a multiple is rounded up, so nothing that
 * was asked for becomes 0. They are not inherited by fork(2), and kept by execve(2).
 * Thread-safe, from any thread; async-signal-safe. See setitimer(2). */
#ifndef REEVE_TIMER_H
#define REEVE_TIMER_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum reeve_timer_which {
	REEVE_TIMER_REAL,    /* time that passes; SIGALRM */
	REEVE_TIMER_VIRTUAL, /* processor time of the process in user mode; SIGVTALRM */
	REEVE_TIMER_PROF,    /* processor time of the process, user and kernel; SIGPROF */
};

struct reeve_timer_value {
	reeve_nsec left;     /* until the next expiry; 0: disarmed */
	reeve_nsec interval; /* between later ones; 0: only once */
};

/* Arm `which` to expire in `left` and then each `interval`; a `left` of 0 disarms, whatever
 * `interval` says.
 *
 *   ret_old   what was set before, `left` counted down; {0, 0} if disarmed; may be NULL
 *
 * 0, or -EINVAL (no such timer, a negative duration). */
REEVE_API int reeve_timer_set(enum reeve_timer_which which, struct reeve_timer_value value,
	struct reeve_timer_value *ret_old);

/* What is set now; {0, 0} if disarmed. 0, or -EINVAL. */
REEVE_API int reeve_timer_get(enum reeve_timer_which which, struct reeve_timer_value *ret);

/* The signal that `which` sends, or -EINVAL. */
REEVE_API int reeve_timer_signal(enum reeve_timer_which which);

/* SIGALRM to the process in `delay`, once; 0 cancels. This is REEVE_TIMER_REAL: there is one of
 * them, and the last call counts.
 *
 *   ret_left   what was left of the one before, 0 if none; may be NULL
 *
 * 0, or -EINVAL (a negative delay). */
REEVE_API int reeve_alarm(reeve_nsec delay, reeve_nsec *ret_left);

#ifdef __cplusplus
}
#endif

#endif
