/* Who is subscribed to what (reeve_signal_subscribe()). */
#ifndef LIB_SIGNAL_SUBSCRIPTION_H
#define LIB_SIGNAL_SUBSCRIPTION_H

#include "reeve/signal.h"

/* Run the callbacks of `event`'s signal that are subscribed now. The caller has the turn. */
void subscription_run(const struct reeve_signal_event *event);

/* Release what was ended in the course of a turn. The caller has the turn, and no callback of it
 * is under way. */
void subscription_sweep(void);

/* Whether there is any. The registry is locked. */
bool subscription_exists(void);

/* End all of them; their handles can still be unsubscribed. In a forked child, with the registry
 * locked. */
void subscription_drop_all(void);

#endif
