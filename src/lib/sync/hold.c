#include "lib/sync/hold.h"

#include "lib/base/interrupt.h"
#include "lib/base/relax.h"

/* How long to look again before sleeping, which costs some microseconds on both sides. The pauses
 * grow: who looks often takes the cache line away from the holder, and slows it down. */
#define LONGEST_PAUSE 32u
#define PAUSES 6u

int hold_check(const struct reeve_arena *arena, uint64_t word)
{
	unsigned participant = hold_participant(word);
	uint32_t lower = (uint32_t)word;

	if (participant > arena->participants || (lower & ~HOLD_FLAGS) != participant)
		return -EUCLEAN;
	return participant || word >> 32 == 0 ? 0 : -EUCLEAN;
}

uint64_t hold_look(struct hold *hold)
{
	uint64_t word = atomic_load_explicit(&hold->word, memory_order_relaxed);

	for (unsigned i = 0, pause = 1; i < PAUSES && hold_participant(word); i++) {
		relax(pause);
		if (pause < LONGEST_PAUSE)
			pause *= 2;
		word = atomic_load_explicit(&hold->word, memory_order_relaxed);
	}
	return word;
}

int hold_wait(struct reeve_arena *arena, struct hold *hold, uint64_t word, reeve_nsec deadline)
{
	unsigned participant = hold_participant(word);
	uint64_t waited = word | HOLD_WAITERS, place;
	int r;

	if (waited != word && !atomic_compare_exchange_strong(&hold->word, &word, waited))
		return 0;
	place = sync_place(arena, participant);
	r = arena_wait(arena, &hold->lower, (uint32_t)waited, deadline);
	if (r == 0 && sync_is_nobodys(arena, participant, place) &&
		atomic_load(&hold->word) == waited)
		return -EUCLEAN;
	return r;
}

int hold_acquire_contended(struct reeve_arena *arena, struct hold *hold, uint64_t me,
	uint32_t flags, reeve_nsec timeout)
{
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	while (r == 0) {
		uint64_t word = timeout ? hold_look(hold) : atomic_load(&hold->word);

		r = hold_check(arena, word);
		if (r < 0)
			return r;
		if (hold_participant(word) == 0) {
			uint64_t taken = me | flags | (word & (HOLD_WAITERS | HOLD_DIED));

			if (!(flags & HOLD_DRAINING))
				taken &= ~(uint64_t)HOLD_DIED;
			if (!atomic_compare_exchange_strong(&hold->word, &word, taken))
				continue;
			atomic_store_explicit(&hold->since, sync_now(), memory_order_relaxed);
			return word & HOLD_DIED ? -EOWNERDEAD : 0;
		}
		if (hold_owner(word) == me)
			return -EDEADLK;
		if (timeout == 0)
			return -ETIMEDOUT;
		r = hold_wait(arena, hold, word, deadline);
		flags |= HOLD_WAITERS;
	}
	return r;
}

void hold_recover(struct hold *hold, unsigned participant)
{
	uint64_t word = atomic_load(&hold->word);

	while (hold_participant(word) == participant) {
		/* Who still waited for others to leave has changed nothing. */
		uint64_t left = word & HOLD_DRAINING ? word & HOLD_DIED : HOLD_DIED;

		atomic_store_explicit(&hold->since, 0, memory_order_relaxed);
		if (atomic_compare_exchange_weak(&hold->word, &word, left | (word & HOLD_WAITERS)))
			break;
	}
	arena_wake(&hold->lower, INT_MAX);
}

int hold_holder(struct reeve_arena *arena, struct hold *hold, struct reeve_sync_holder *ret)
{
	uint64_t word = atomic_load(&hold->word);
	reeve_nsec since = atomic_load(&hold->since);
	int r;

	if (atomic_load(&hold->word) != word)
		since = 0;
	r = hold_check(arena, word);
	if (r < 0 || hold_participant(word) == 0)
		return r;
	r = sync_holder(arena, hold_participant(word), (pid_t)(word >> 32), since, ret);
	return r < 0 ? r : 1;
}
