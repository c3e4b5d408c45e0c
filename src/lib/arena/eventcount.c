#include "lib/arena/eventcount.h"

#include <limits.h>

/* The number is changed first: who prepared before it and is not asleep yet will not fall
 * asleep. */
void eventcount_wake(struct eventcount *event, unsigned count)
{
	uint32_t now = atomic_fetch_add(&event->word, EVENTCOUNT_STEP) + EVENTCOUNT_STEP;
	unsigned woken = (unsigned)arena_wake(&event->word, count);

	if (woken < count)
		atomic_compare_exchange_strong(&event->word, &now, now & ~EVENTCOUNT_SLEEPERS);
}

void eventcount_recover(struct eventcount *event)
{
	eventcount_wake(event, INT_MAX);
}
