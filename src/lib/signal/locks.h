/* The two locks of this layer. Order: the turn first, then the registry.
 *
 *   turn      who dispatches: held while callbacks run; the same thread may take it again (a nested
 *             dispatch)
 *   registry  what is subscribed and installed: held for moments, never while a callback runs */
#ifndef LIB_SIGNAL_LOCKS_H
#define LIB_SIGNAL_LOCKS_H

#include <stdbool.h>

#include "reeve/signal.h"

/* What a thread knows of itself. Initial-exec, so that a handler may look: no allocation at
 * first use. */
struct thread_state {
	unsigned depth; /* how many dispatches of this thread are under way, one within the other */
	unsigned sleeps; /* how many of its calls wait for signals to come, likewise */
	int rank;        /* is_main_thread()'s memory */
	_Atomic reeve_signal_set held; /* blocked by our handler in this thread (handler_mode.c) */
};

extern _Thread_local struct thread_state this_thread __attribute__((tls_model("initial-exec")));

bool is_main_thread(void);

/* Take the turn; false only from try_turn(), where another thread has it. */
void take_turn(void);
bool try_turn(void);
void end_turn(void);

void registry_lock(void);
void registry_unlock(void);

/* Whether this is the thread that dispatched last, or the one that will, there being no other.
 * Async-signal-safe. */
bool is_dispatcher(void);

/* In a forked child, by the only thread: nobody else holds anything. */
void locks_forked(void);

#endif
