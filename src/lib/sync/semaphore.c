/* A number, and an eventcount to sleep on while it is 0. */
#include "lib/base/interrupt.h"
#include "lib/arena/eventcount.h"
#include "lib/sync/object.h"

struct semaphore {
	_Atomic uint32_t value;
	uint32_t maximum;
	struct eventcount released;
};

struct reeve_semaphore {
	struct sync sync;
	uint32_t maximum;
};

static int check(struct sync *sync)
{
	struct reeve_semaphore *handle = (struct reeve_semaphore *)sync;
	const struct semaphore *semaphore = sync->memory;

	handle->maximum = __atomic_load_n(&semaphore->maximum, __ATOMIC_RELAXED);
	return handle->maximum > 0 && handle->maximum <= REEVE_SEMAPHORE_MAX ? 0 : -EUCLEAN;
}

static const struct sync_kind kind = {
	.type = ARENA_TYPE_SEMAPHORE,
	.handle_size = sizeof(struct reeve_semaphore),
	.least = sizeof(struct semaphore),
	.check = check,
};

/* It has no owners; but who died may have been about to wake. */
static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	struct semaphore *semaphore = object;

	if (size < sizeof *semaphore)
		return -EUCLEAN;
	eventcount_recover(&semaphore->released);
	return 0;
}

const struct arena_type sync_semaphore_type = { .number = ARENA_TYPE_SEMAPHORE,
	.recover = recover };

SYNC_HANDLE_FUNCTIONS(semaphore, &kind)

static int init(struct reeve_arena *arena, const struct arena_object *object, void *data)
{
	struct semaphore *semaphore = object->memory;
	const struct semaphore *wanted = data;

	atomic_store(&semaphore->value, atomic_load(&wanted->value));
	semaphore->maximum = wanted->maximum;
	return 0;
}

int reeve_semaphore_new(struct reeve_arena *arena, const char *name, unsigned value,
	unsigned maximum, reeve_nsec timeout, struct reeve_semaphore **ret)
{
	struct semaphore wanted = { .value = value, .maximum = maximum };
	struct sync *sync;
	int r;

	if (!ret)
		return -EFAULT;
	if (maximum > REEVE_SEMAPHORE_MAX)
		return -EOVERFLOW;
	if (maximum == 0 || value > maximum)
		return -EINVAL;
	r = sync_new(arena, name, &kind, sizeof(struct semaphore), init, &wanted, timeout, &sync);
	if (r == 0)
		*ret = (struct reeve_semaphore *)sync;
	return r;
}

static bool try_acquire(struct semaphore *semaphore)
{
	uint32_t value = atomic_load(&semaphore->value);

	while (value)
		if (atomic_compare_exchange_weak(&semaphore->value, &value, value - 1))
			return true;
	return false;
}

static int acquire_contended(struct reeve_semaphore *handle, reeve_nsec timeout)
{
	struct semaphore *semaphore = handle->sync.memory;
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	while (r == 0) {
		uint32_t key;

		if (timeout == 0)
			return -ETIMEDOUT;
		key = eventcount_prepare(&semaphore->released);
		if (try_acquire(semaphore))
			return 0;
		r = eventcount_wait(handle->sync.arena, &semaphore->released, key, deadline);
		if (try_acquire(semaphore))
			return 0;
	}
	return r;
}

int reeve_semaphore_acquire(struct reeve_semaphore *handle, reeve_nsec timeout)
{
	int self;

	if (!handle)
		return -EFAULT;
	if (!sync_is_timeout(timeout))
		return -EINVAL;
	self = arena_self(handle->sync.arena); /* so that a death that matters is noticed */
	if (self < 0)
		return self;
	return try_acquire(handle->sync.memory) ? 0 : acquire_contended(handle, timeout);
}

int reeve_semaphore_release(struct reeve_semaphore *handle, unsigned count)
{
	struct semaphore *semaphore;
	uint32_t value;
	int self;

	if (!handle)
		return -EFAULT;
	if (count == 0)
		return -EINVAL;
	self = arena_self(handle->sync.arena);
	if (self < 0)
		return self;
	semaphore = handle->sync.memory;
	value = atomic_load(&semaphore->value);
	do
		if (value > handle->maximum || count > handle->maximum - value)
			return value > handle->maximum ? -EUCLEAN : -EOVERFLOW;
	while (!atomic_compare_exchange_weak(&semaphore->value, &value, value + count));
	eventcount_notify(&semaphore->released, count);
	return 0;
}

int reeve_semaphore_value(struct reeve_semaphore *handle)
{
	struct semaphore *semaphore;
	uint32_t value;

	if (!handle)
		return -EFAULT;
	semaphore = handle->sync.memory;
	value = atomic_load(&semaphore->value);
	return value <= handle->maximum ? (int)value : -EUCLEAN;
}
