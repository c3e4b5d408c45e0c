/* reeve_signal_set and the C library's sigset_t. */
#ifndef LIB_SIGNAL_MASK_H
#define LIB_SIGNAL_MASK_H

#include <signal.h>

#include "reeve/signal.h"

void mask_to_sigset(reeve_signal_set set, sigset_t *ret);
reeve_signal_set mask_from_sigset(const sigset_t *set);

/* pthread_sigmask(3), which does not fail for a valid `how`; `ret_old` may be NULL.
 * Async-signal-safe. */
void mask_change(int how, reeve_signal_set set, reeve_signal_set *ret_old);

#endif
