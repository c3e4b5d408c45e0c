/* One word: a flag, whether somebody may sleep, and how often the flag was set, so that who slept
 * meanwhile knows that it was, even if it is clear again. */
#include "lib/base/fence.h"
#include "lib/base/interrupt.h"
#include "lib/sync/object.h"

#define SET 1u
#define WAITERS 2u
#define TIMES 4u

struct event {
	_Atomic uint32_t word;
};

struct reeve_event {
	struct sync sync;
};

static const struct sync_kind kind = {
	.type = ARENA_TYPE_EVENT,
	.handle_size = sizeof(struct reeve_event),
	.least = sizeof(struct event),
};

/* Who died may have been about to wake. */
static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	struct event *event = object;

	if (size < sizeof *event)
		return -EUCLEAN;
	arena_wake(&event->word, INT_MAX);
	return 0;
}

const struct arena_type sync_event_type = { .number = ARENA_TYPE_EVENT, .recover = recover };

SYNC_HANDLE_FUNCTIONS(event, &kind)

int reeve_event_new(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout, struct reeve_event **ret)
{
	struct sync *sync;
	int r = ret ? sync_new(arena, name, &kind, sizeof(struct event), NULL, NULL, timeout, &sync)
		    : -EFAULT;

	if (r == 0)
		*ret = (struct reeve_event *)sync;
	return r;
}

int reeve_event_set(struct reeve_event *handle)
{
	struct event *event;
	uint32_t word;

	if (!handle)
		return -EFAULT;
	event = handle->sync.memory;
	/* Where it is set already nothing is stored: what the caller wrote before is to be seen all
	 * the same by one who clears it from now on. */
	full_fence();
	word = atomic_load(&event->word);
	do
		if (word & SET)
			return 0;
	while (!atomic_compare_exchange_weak(
		&event->word, &word, ((word + TIMES) & ~WAITERS) | SET));
	if (word & WAITERS)
		arena_wake(&event->word, INT_MAX);
	return 0;
}

int reeve_event_clear(struct reeve_event *handle)
{
	struct event *event;

	if (!handle)
		return -EFAULT;
	event = handle->sync.memory;
	atomic_fetch_and(&event->word, ~SET);
	full_fence();
	return 0;
}

int reeve_event_is_set(struct reeve_event *handle)
{
	struct event *event;

	if (!handle)
		return -EFAULT;
	event = handle->sync.memory;
	return (atomic_load(&event->word) & SET) != 0;
}

/* Whether it was set since it was as in `before`. */
static bool was_set(uint32_t before, uint32_t word)
{
	return word & SET || word / TIMES != before / TIMES;
}

int reeve_event_wait(struct reeve_event *handle, reeve_nsec timeout)
{
	struct event *event;
	uint32_t before, word;
	reeve_nsec deadline;
	int r;

	if (!handle)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	event = handle->sync.memory;
	before = word = atomic_load(&event->word);
	while (!was_set(before, word)) {
		if (timeout == 0)
			return -ETIMEDOUT;
		if (!(word & WAITERS) &&
			!atomic_compare_exchange_strong(&event->word, &word, word | WAITERS))
			continue;
		r = arena_wait(handle->sync.arena, &event->word, word | WAITERS, deadline);
		word = atomic_load(&event->word);
		if (r < 0 && !was_set(before, word))
			return r;
	}
	return 0;
}
