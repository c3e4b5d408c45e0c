/* Which types of objects there are. All are known to every process that has the library, so that
 * anybody can recover anything. */
#include <errno.h>

#include "lib/ipc/arena.h"
#include "lib/ipc/pool_table.h"
#include "lib/ipc/queue.h"
#include "lib/ipc/sync_object.h"

static const struct arena_type block = { .number = ARENA_TYPE_BLOCK };

static _Atomic(const struct arena_type *) types[ARENA_TYPES_MAX] = {
	[ARENA_TYPE_BLOCK] = &block,
	[ARENA_TYPE_LOCK] = &sync_lock_type,
	[ARENA_TYPE_RECURSIVE_LOCK] = &sync_recursive_lock_type,
	[ARENA_TYPE_RWLOCK] = &sync_rwlock_type,
	[ARENA_TYPE_SEMAPHORE] = &sync_semaphore_type,
	[ARENA_TYPE_OWNED_SEMAPHORE] = &sync_owned_semaphore_type,
	[ARENA_TYPE_EVENT] = &sync_event_type,
	[ARENA_TYPE_CONDITION] = &sync_condition_type,
	[ARENA_TYPE_BARRIER] = &sync_barrier_type,
	[ARENA_TYPE_QUEUE] = &queue_type,
	[ARENA_TYPE_POOL] = &pool_table_type,
};

const struct arena_type *arena_type(unsigned number)
{
	return number < ARENA_TYPES_MAX ? atomic_load(&types[number]) : NULL;
}

int arena_type_add(const struct arena_type *type)
{
	const struct arena_type *none = NULL;

	if (type->number == ARENA_TYPE_NONE || type->number >= ARENA_TYPES_MAX)
		return -EINVAL;
	return atomic_compare_exchange_strong(&types[type->number], &none, type) ? 0 : -EEXIST;
}
