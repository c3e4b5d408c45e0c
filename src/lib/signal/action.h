/* What sigaction(2) has installed: ours put in, the one before saved, put back, chained. */
#ifndef LIB_SIGNAL_ACTION_H
#define LIB_SIGNAL_ACTION_H

#include <signal.h>
#include <stdbool.h>

typedef void action_handler(int signo, siginfo_t *info, void *context);

/* Install `handler`, with every signal blocked while it runs, and save what was there. 0, or
 * negative errno. */
int action_install(int signo, action_handler *handler);

/* Put back what was there, unless somebody replaced ours meanwhile. */
void action_remove(int signo);

/* Whether ours is what is installed now. */
bool action_is_ours(int signo);

/* Whether `signo` was made interrupting (reeve_signal_interrupt()). Async-signal-safe. */
bool action_interrupts(int signo);

/* In a handler: call what is chained, if anything is. Async-signal-safe. */
void action_call_chained(int signo, siginfo_t *info, void *context);

/* In a handler: if an instruction failed, which can't wait, have what was installed before deal
 * with it, and return true. Async-signal-safe. */
bool action_pass_fault(int signo, siginfo_t *info, void *context);

#endif
