/* Counts that have owners: a cell for each, whose word says who has it, in the one store that takes
 * it. How many are free is counted and never stored, so there is nothing that a death could make
 * wrong. */
#include "lib/base/interrupt.h"
#include "lib/arena/eventcount.h"
#include "lib/sync/hold.h"

struct cell {
	_Atomic uint64_t word; /* hold_by(), 0: free */
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
static bool free_cell(struct cell *cell, uint64_t word)
{
	atomic_store_explicit(&cell->since, 0, memory_order_relaxed);
	return atomic_compare_exchange_strong(&cell->word, &word, 0);
}

static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	struct owned_semaphore *semaphore = object;

	if (size < kind.least)
		return -EUCLEAN;
	for (uint32_t i = 0; i < most_cells(size); i++) {
		uint64_t word = atomic_load(&semaphore->cells[i].word);

		if (hold_participant(word) == participant)
			free_cell(&semaphore->cells[i], word);
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

static uint32_t hint_of(struct reeve_owned_semaphore *handle)
{
	return atomic_load_explicit(&handle->hint, memory_order_relaxed);
}

static uint32_t next_to(const struct reeve_owned_semaphore *handle, uint32_t i)
{
	return i + 1 < handle->count ? i + 1 : 0;
}

/* The first free cell from the hint on. */
static bool try_acquire(struct reeve_owned_semaphore *handle, uint64_t me)
{
	uint32_t at = hint_of(handle);

	for (uint32_t n = 0; n < handle->count; n++, at = next_to(handle, at)) {
		struct cell *cell = &memory_of(handle)->cells[at];
		uint64_t free = atomic_load(&cell->word);

		if (free || !atomic_compare_exchange_strong(&cell->word, &free, me))
			continue;
		atomic_store_explicit(&cell->since, sync_now(), memory_order_relaxed);
		atomic_store_explicit(&handle->hint, at, memory_order_relaxed);
		return true;
	}
	return false;
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
	uint32_t at;

	if (!handle)
		return -EFAULT;
	self = atomic_load_explicit(&handle->sync.arena->self, memory_order_relaxed);
	if (!self)
		return -EPERM;
	at = hint_of(handle);
	for (uint32_t n = 0; n < handle->count; n++, at = next_to(handle, at)) {
		struct cell *cell = &memory_of(handle)->cells[at];
		uint64_t word = atomic_load(&cell->word);

		if (hold_participant(word) != self || !free_cell(cell, word))
			continue;
		atomic_store_explicit(&handle->hint, at, memory_order_relaxed);
		eventcount_notify(&memory_of(handle)->released, 1);
		return 0;
	}
	return -EPERM;
}

int reeve_owned_semaphore_value(struct reeve_owned_semaphore *handle)
{
	int value = 0;

	if (!handle)
		return -EFAULT;
	for (uint32_t i = 0; i < handle->count; i++)
		if (atomic_load(&memory_of(handle)->cells[i].word) == 0)
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
