/* Sleeping on a word of an arena.
 *
 * Who is killed between changing a word and waking for it leaves a sleeper behind. Recovery
 * wakes it; and so that there is a recovery even where nobody supervises, a sleeper does it
 * itself now and then. */
#include <errno.h>

#include "lib/base/futex.h"
#include "lib/base/interrupt.h"
#include "lib/arena/arena.h"

reeve_nsec arena_recheck = REEVE_SEC;

int arena_wait(
	struct reeve_arena *arena, _Atomic uint32_t *word, uint32_t value, reeve_nsec deadline)
{
	reeve_nsec recheck = reeve_now() + arena_recheck;
	bool last = deadline != REEVE_FOREVER && deadline <= recheck;
	int r = futex_wait_shared_until(word, value, last ? deadline : recheck);

	if (r != -ETIMEDOUT)
		return r;
	/* Without waiting for others: whatever it cannot do, it or another does the next time. */
	(void)reeve_arena_recover(arena, 0);
	return last && atomic_load(word) == value ? -ETIMEDOUT : 0;
}

int arena_wake(_Atomic uint32_t *word, unsigned count)
{
	return futex_wake_shared(word, count);
}
