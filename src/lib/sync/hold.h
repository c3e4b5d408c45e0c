/* A word that one thread at a time holds: what locks are made of.
 *
 * The lower half, on which sleepers sleep, has the holder's participant and flags; the upper half
 * its thread. All of it is taken in one store, so there is no instruction at which it is held and
 * not known by whom. It is as robust as that:
 *
 *	killed with it        recovery leaves it free, and marked: the next one is told
 *	killed before it woke a waiter, or woken and killed before it could take it
 *	                      recovery wakes all, whoever died
 *	killed asleep         leaves the flag that there are waiters: a call of the kernel for nothing
 *
 * Who has slept takes it with that flag set, since others may sleep yet. */
#ifndef LIB_SYNC_HOLD_H
#define LIB_SYNC_HOLD_H

#include "lib/base/thread_id.h"
#include "lib/sync/object.h"

#define HOLD_PARTICIPANT 0x0000ffffu
#define HOLD_DRAINING 0x20000000u /* claimed, and may not be used yet: rwlock.c */
#define HOLD_DIED 0x40000000u     /* a holder did; told to the next one */
#define HOLD_WAITERS 0x80000000u  /* somebody may sleep */
#define HOLD_FLAGS (HOLD_DRAINING | HOLD_DIED | HOLD_WAITERS)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the lower half of the word comes first");
_Static_assert(REEVE_ARENA_PARTICIPANTS_MAX <= HOLD_PARTICIPANT, "a participant has room");

struct hold {
	union {
		_Atomic uint64_t word;
		_Atomic uint32_t lower; /* for futex(2) */
	};
	_Atomic reeve_nsec since; /* for people; 0: free, or just taken */
	_Atomic uint32_t depth;   /* the holder's own, where it is recursive: how often */
};

static inline uint64_t hold_by(unsigned participant, pid_t tid)
{
	return (uint64_t)(uint32_t)tid << 32 | participant;
}

static inline unsigned hold_participant(uint64_t word)
{
	return word & HOLD_PARTICIPANT;
}

static inline uint64_t hold_owner(uint64_t word)
{
	return word & ~(uint64_t)HOLD_FLAGS;
}

/* Whether the calling thread holds it. */
static inline bool hold_is_mine(const struct reeve_arena *arena, struct hold *hold)
{
	uint64_t me =
		hold_by(atomic_load_explicit(&arena->self, memory_order_relaxed), thread_id());

	return hold_owner(atomic_load_explicit(&hold->word, memory_order_relaxed)) == me;
}

/* Look at it until it is free, or for so long that it is better to sleep. */
uint64_t hold_look(struct hold *hold);

/* Sleep while it is `word`, which is held. May return early. 0, -ETIMEDOUT, -EINTR; -EUCLEAN: it is
 * held by a number that nobody has. */
int hold_wait(struct reeve_arena *arena, struct hold *hold, uint64_t word, reeve_nsec deadline);

/* hold_acquire() where it is not simply free. `flags` are set with it. */
int hold_acquire_contended(struct reeve_arena *arena, struct hold *hold, uint64_t me,
	uint32_t flags, reeve_nsec timeout);

/* 0; -EOWNERDEAD (held all the same); -EDEADLK, -ETIMEDOUT, -EINTR, -EINVAL, -EUCLEAN; as
 * reeve_arena_attach(). */
static inline int hold_acquire(
	struct reeve_arena *arena, struct hold *hold, uint32_t flags, reeve_nsec timeout)
{
	uint64_t free = 0, me;
	int self;

	if (!sync_is_timeout(timeout))
		return -EINVAL;
	self = arena_self(arena);
	if (self < 0)
		return self;
	me = hold_by((unsigned)self, thread_id());
	if (!atomic_compare_exchange_strong(&hold->word, &free, me | flags))
		return hold_acquire_contended(arena, hold, me, flags, timeout);
	atomic_store_explicit(&hold->since, sync_now(), memory_order_relaxed);
	return 0;
}

/* Free it, and wake `count` sleepers if there are. The caller holds it. */
static inline void hold_release(struct hold *hold, unsigned count)
{
	atomic_store_explicit(&hold->since, 0, memory_order_relaxed);
	if (atomic_exchange(&hold->word, 0) & HOLD_WAITERS)
		arena_wake(&hold->lower, count);
}

/* Give back what a dead participant holds, and wake all. */
void hold_recover(struct hold *hold, unsigned participant);

/* 0 if `word` can be one; -EUCLEAN. */
int hold_check(const struct reeve_arena *arena, uint64_t word);

/* Who holds it: 1, or 0 if nobody; -EUCLEAN. */
int hold_holder(struct reeve_arena *arena, struct hold *hold, struct reeve_sync_holder *ret);

#endif
