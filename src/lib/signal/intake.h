/* Where events come in, whichever way: counted, told to the wakeup descriptor, queued for the
 * dispatcher, which is woken. */
#ifndef LIB_SIGNAL_INTAKE_H
#define LIB_SIGNAL_INTAKE_H

#include "reeve/signal.h"

/* From a handler, or a thread of ours. Returns how many wait now; 0 if this one could only be
 * counted, the ring being full. Async-signal-safe. */
uint64_t intake_put(const struct reeve_signal_event *event);

/* As intake_put(), but -EAGAIN if the ring is full: nothing happened. */
int intake_try_put(const struct reeve_signal_event *event);

/* One that is dispatched at once: count it and tell the wakeup descriptor. */
void intake_note(const struct reeve_signal_event *event);

/* One that got lost: it will be counted, and told as an event with a count alone.
 * Async-signal-safe. */
void intake_lose(int signo);

/* The next event, or false. The dispatcher's. */
bool intake_take(struct reeve_signal_event *ret);

/* The same, of those that got lost only. */
bool intake_take_lost(struct reeve_signal_event *ret);
bool intake_has_lost(void);

bool intake_is_empty(void);
uint64_t intake_length(void);

/* Forget what waits, in a forked child or when nothing is subscribed. */
void intake_reset(void);

/* Until every intake_put() that is under way has ended. Not for handlers. */
void intake_wait_for_producers(void);

#endif
