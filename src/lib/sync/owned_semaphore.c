/* Counts that have owners: a cell for each, whose word says who has it, in the one store that takes
 * it. How many are free is counted and never stored, so there is nothing that a death could make
 * wrong.
 *
 * Cells are looked at one after the other, while others take and free them: a process's only cell may
 * be freed where the search has not been yet, and another be taken where it has. So a word counts how
 * often its cell was freed, and "there is none" is believed of two searches between which nothing was:
 * what each cell was in between is known then. */
#include "lib/base/interrupt.h"
#include "lib/arena/eventcount.h"
#include "lib/sync/hold.h"

/* Beside the owner in a cell's word, which keeps it when it is free; wraps. */
#define TURN_STEP 0x00010000u
#define TURN_MASK 0xffff0000u

struct cell {
	_Atomic uint64_t word; /* hold_by() and the turn; by nobody: free */
	_Atomic reeve_nsec since;
};

struct owned_semaphore {
	struct eventcount released;
	uint32_t count;
	unsigned char reserved[64 - 8];
	struct cell cells[];
};

struct reeve_owned_semaphore {
	struct sync sync;
	uint32_t count;
	_Atomic uint32_t hint; /* where this process last took or freed one: below count */
};

/* How many cells an object of this size may have. */
static uint32_t most_cells(uint64_t size)
{
	uint64_t most = (size - sizeof(struct owned_semaphore)) / sizeof(struct cell);

	return most < REEVE_OWNED_SEMAPHORE_MAX ? (uint32_t)most : REEVE_OWNED_SEMAPHORE_MAX;
}

static int check(struct sync *sync)
{
	struct reeve_owned_semaphore *handle = (struct reeve_owned_semaphore *)sync;
	const struct owned_semaphore *semaphore = sync->memory;

	handle->count = __atomic_load_n(&semaphore->count, __ATOMIC_RELAXED);
	return handle->count > 0 && handle->count <= most_cells(sync->size) ? 0 : -EUCLEAN;
}

static const struct sync_kind kind = {
	.type = ARENA_TYPE_OWNED_SEMAPHORE,
	.handle_size = sizeof(struct reeve_owned_semaphore),
	.least = sizeof(struct owned_semaphore) + sizeof(struct cell),
	.check = check,
};

/* The time first, as long as the cell is not another's. (Two threads of its owner that come to the same
 * cell may blank the next one's: then it was "just now".) */
static bool free_cell(struct cell *cell, uint64_t *word)
{
	atomic_store_explicit(&cell->since, 0, memory_order_relaxed);
	return atomic_compare_exchange_strong(&cell->word, word, (*word + TURN_STEP) & TURN_MASK);
}

static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	struct owned_semaphore *semaphore = object;

	if (size < kind.least)
		return -EUCLEAN;
	for (uint32_t i = 0; i < most_cells(size); i++) {
		uint64_t word = atomic_load(&semaphore->cells[i].word);

		if (hold_participant(word) == participant)
			free_cell(&semaphore->cells[i], &word);
	}
	eventcount_recover(&semaphore->released);
	return 0;
}

const struct arena_type sync_owned_semaphore_type = { .number = ARENA_TYPE_OWNED_SEMAPHORE,
	.recover = recover };

SYNC_HANDLE_FUNCTIONS(owned_semaphore, &kind)

static int init(struct reeve_arena *arena, const struct arena_object *object, void *data)
{
	struct owned_semaphore *semaphore = object->memory;
	const uint32_t *count = data;

	semaphore->count = *count;
	return 0;
}

int reeve_owned_semaphore_new(struct reeve_arena *arena, const char *name, unsigned count,
	reeve_nsec timeout, struct reeve_owned_semaphore **ret)
{
	struct sync *sync;
	int r;

	if (!ret)
		return -EFAULT;
	if (count == 0)
		return -EINVAL;
	if (count > REEVE_OWNED_SEMAPHORE_MAX)
		return -EOVERFLOW;
	r = sync_new(arena, name, &kind,
		sizeof(struct owned_semaphore) + count * sizeof(struct cell), init, &count, timeout,
		&sync);
	if (r == 0)
		*ret = (struct reeve_owned_semaphore *)sync;
	return r;
}

static struct owned_semaphore *memory_of(struct reeve_owned_semaphore *handle)
{
	return handle->sync.memory;
}

static bool take_cell(struct cell *cell, uint64_t *word, uint64_t me)
{
	if (!atomic_compare_exchange_strong(&cell->word, word, me | (*word & TURN_MASK)))
		return false;
	atomic_store_explicit(&cell->since, sync_now(), memory_order_relaxed);
	return true;
}

/* Look from the hint on for a cell of participant `from` (0: a free one), and free it or take it (then
 * for `me`). `ret_turns`, the sum of all turns, is for a search that found none. */
static bool search(
	struct reeve_owned_semaphore *handle, unsigned from, uint64_t me, uint64_t *ret_turns)
{
	uint32_t at = atomic_load_explicit(&handle->hint, memory_order_relaxed);
	uint64_t turns = 0;

	for (uint32_t n = 0; n < handle->count; n++, at = at + 1 < handle->count ? at + 1 : 0) {
		struct cell *cell = &memory_of(handle)->cells[at];
		uint64_t word = atomic_load(&cell->word);

		while (hold_participant(word) == from)
			if (from ? free_cell(cell, &word) : take_cell(cell, &word, me)) {
				atomic_store_explicit(&handle->hint, at, memory_order_relaxed);
				return true;
			}
		turns += word & TURN_MASK;
	}
	*ret_turns = turns;
	return false;
}

/* The same, as if done at one instant: false is that there was none at one. */
static bool find(struct reeve_owned_semaphore *handle, unsigned from, uint64_t me)
{
	uint64_t before = UINT64_MAX, turns = 0;

	while (turns != before) {
		before = turns;
		if (search(handle, from, me, &turns))
			return true;
	}
	return false;
}

static bool try_acquire(struct reeve_owned_semaphore *handle, uint64_t me)
{
	return find(handle, 0, me);
}

static int acquire_contended(struct reeve_owned_semaphore *handle, uint64_t me, reeve_nsec timeout)
{
	struct eventcount *released = &memory_of(handle)->released;
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	while (r == 0) {
		uint32_t key;

		if (timeout == 0)
			return -ETIMEDOUT;
		key = eventcount_prepare(released);
		if (try_acquire(handle, me))
			return 0;
		r = eventcount_wait(handle->sync.arena, released, key, deadline);
		if (try_acquire(handle, me))
			return 0;
	}
	return r;
}

int reeve_owned_semaphore_acquire(struct reeve_owned_semaphore *handle, reeve_nsec timeout)
{
	uint64_t me;
	int self;

	if (!handle)
		return -EFAULT;
	if (!sync_is_timeout(timeout))
		return -EINVAL;
	self = arena_self(handle->sync.arena);
	if (self < 0)
		return self;
	me = hold_by((unsigned)self, thread_id());
	return try_acquire(handle, me) ? 0 : acquire_contended(handle, me, timeout);
}

int reeve_owned_semaphore_release(struct reeve_owned_semaphore *handle)
{
	unsigned self;

	if (!handle)
		return -EFAULT;
	self = atomic_load_explicit(&handle->sync.arena->self, memory_order_relaxed);
	if (!self || !find(handle, self, 0))
		return -EPERM;
	eventcount_notify(&memory_of(handle)->released, 1);
	return 0;
}

int reeve_owned_semaphore_value(struct reeve_owned_semaphore *handle)
{
	int value = 0;

	if (!handle)
		return -EFAULT;
	for (uint32_t i = 0; i < handle->count; i++)
		if (hold_participant(atomic_load(&memory_of(handle)->cells[i].word)) == 0)
			value++;
	return value;
}

int reeve_owned_semaphore_holders(
	struct reeve_owned_semaphore *handle, struct reeve_sync_holder *ret, size_t size)
{
	int found = 0;

	if (!handle || (!ret && size))
		return -EFAULT;
	for (uint32_t i = 0; i < handle->count; i++) {
		struct cell *cell = &memory_of(handle)->cells[i];
		uint64_t word = atomic_load(&cell->word);
		reeve_nsec since = atomic_load(&cell->since);

		if (hold_participant(word) == 0)
			continue;
		if ((size_t)found < size) {
			int r = sync_holder(handle->sync.arena, hold_participant(word),
				(pid_t)(word >> 32), since, &ret[found]);

			if (r < 0)
				return r;
		}
		found++;
	}
	return found;
}
