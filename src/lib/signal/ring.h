/* A bounded queue of events: many producers, among them signal handlers that interrupt one
 * another's threads anywhere, and one consumer at a time. No lock: a producer that is stopped
 * half-way delays the consumer, never another producer.
 *
 * A slot's turn says whose it is: 2n, it is empty for the n-th lap; 2n+1, it holds that lap's
 * event. All zero is a valid empty ring, so one that lives in zeroed memory costs nothing until
 * it is used. */
#ifndef LIB_SIGNAL_RING_H
#define LIB_SIGNAL_RING_H

#include <stdatomic.h>

#include "reeve/signal.h"

#define RING_SIZE 4096

struct ring_slot {
	_Alignas(64) _Atomic uint64_t turn;
	struct reeve_signal_event event;
};

struct ring {
	_Alignas(64) _Atomic uint64_t tail; /* the next to be filled */
	_Alignas(64) _Atomic uint64_t head; /* the next to be emptied; the consumer's */
	struct ring_slot slots[RING_SIZE];
};

/* False: full. Async-signal-safe. A total order with ring_is_empty() and other sequentially
 * consistent operations, so that either the producer sees that the consumer sleeps, or the
 * consumer sees the event. */
bool ring_push(struct ring *ring, const struct reeve_signal_event *event);

/* False: empty. */
bool ring_pop(struct ring *ring, struct reeve_signal_event *ret);

bool ring_is_empty(struct ring *ring);

/* How many there are, at about this moment. */
uint64_t ring_length(const struct ring *ring);

/* Forget everything, when nobody else can be at it. */
void ring_reset(struct ring *ring);

#endif
