/* Sleeping until something that is not one word has changed: a queue's contents, a free cell.
 *
 *	for (;;) {
 *		if (try_it() == 0)
 *			return 0;
 *		key = eventcount_prepare(&event);
 *		if (try_it() == 0)
 *			return 0;
 *		r = eventcount_wait(arena, &event, key, deadline);
 *		if (r < 0)
 *			return r;
 *	}
 *
 * One word: a sequence number above the bit SLEEPERS, "somebody may be asleep". Who may sleep sets
 * the bit before it looks for the last time; who changed something looks at the bit afterwards,
 * so that one of the two sees the other. A bit and no count: who is killed asleep leaves nothing
 * behind but a call of the kernel for nothing. The bit is cleared only where the kernel said that
 * nobody was left, and only if nobody prepared since: that is why preparing counts on, too.
 *
 * Who is killed between a change and its notification, or after it was woken in another's place,
 * leaves a sleeper: eventcount_recover(), which each type's recovery calls, wakes all. */
#ifndef LIB_ARENA_EVENTCOUNT_H
#define LIB_ARENA_EVENTCOUNT_H

#include "lib/base/fence.h"
#include "lib/arena/arena.h"

struct eventcount {
	_Atomic uint32_t word;
};

#define EVENTCOUNT_SLEEPERS 1u
#define EVENTCOUNT_STEP 2u

/* Announce that the caller may sleep. What it looks at after this, by whatever loads, cannot change
 * unnoticed. */
static inline uint32_t eventcount_prepare(struct eventcount *event)
{
	uint32_t now = atomic_load(&event->word), key;

	do
		key = (now + EVENTCOUNT_STEP) | EVENTCOUNT_SLEEPERS;
	while (!atomic_compare_exchange_weak(&event->word, &now, key));
	full_fence();
	return key;
}

/* Sleep unless there was a notification since `key`, as arena_wait(). May return early. */
static inline int eventcount_wait(
	struct reeve_arena *arena, struct eventcount *event, uint32_t key, reeve_nsec deadline)
{
	return arena_wait(arena, &event->word, key, deadline);
}

/* Wake up to `count` sleepers, knowing that there may be some. */
void eventcount_wake(struct eventcount *event, unsigned count);

/* Tell up to `count` sleepers of a change that was made by a sequentially consistent store or
 * read-modify-write: that order is what keeps the load below from being done before it. */
static inline void eventcount_notify(struct eventcount *event, unsigned count)
{
	if (atomic_load(&event->word) & EVENTCOUNT_SLEEPERS)
		eventcount_wake(event, count);
}

/* Wake all, whatever the word says. */
void eventcount_recover(struct eventcount *event);

#endif
