/* Waiting for a word of memory to change, within one process or between several. */
#ifndef LIB_BASE_FUTEX_H
#define LIB_BASE_FUTEX_H

#include <stdatomic.h>

#include "reeve/base.h"

/* Sleep while *word is `value`, until `deadline`, running the handlers of signals that interrupt (interrupt.h). May return
 * early: look at the word again. Returns 0, -ETIMEDOUT, or -EINTR where an interrupting signal was handled. */
int futex_wait_until(_Atomic uint32_t *word, uint32_t value, reeve_nsec deadline);

/* Wake all who sleep on it. To be called after the word was changed; touches nothing but the address, so that it may be
 * called when the memory is somebody else's already. */
void futex_wake_all(_Atomic uint32_t *word);

/* The same for a word in shared memory. */
int futex_wait_shared_until(_Atomic uint32_t *word, uint32_t value, reeve_nsec deadline);

/* Wake up to `count` of those who sleep on it in whatever process. Returns how many. */
int futex_wake_shared(_Atomic uint32_t *word, unsigned count);

#endif
