/* A lock, and a number beside it that only its holder looks at. */
#include "lib/sync/hold.h"

struct reeve_recursive_lock {
	struct sync sync;
};

static const struct sync_kind kind = {
	.type = ARENA_TYPE_RECURSIVE_LOCK,
	.handle_size = sizeof(struct reeve_recursive_lock),
	.least = sizeof(struct hold),
};

static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	if (size < sizeof(struct hold))
		return -EUCLEAN;
	hold_recover(object, participant);
	return 0;
}

const struct arena_type sync_recursive_lock_type = { .number = ARENA_TYPE_RECURSIVE_LOCK,
	.recover = recover };

SYNC_HANDLE_FUNCTIONS(recursive_lock, &kind)

int reeve_recursive_lock_new(struct reeve_arena *arena, const char *name, reeve_nsec timeout,
	struct reeve_recursive_lock **ret)
{
	struct sync *sync;
	int r = ret ? sync_new(arena, name, &kind, sizeof(struct hold), NULL, NULL, timeout, &sync)
		    : -EFAULT;

	if (r == 0)
		*ret = (struct reeve_recursive_lock *)sync;
	return r;
}

static uint32_t depth_of(struct hold *hold)
{
	return atomic_load_explicit(&hold->depth, memory_order_relaxed);
}

static void set_depth(struct hold *hold, uint32_t depth)
{
	atomic_store_explicit(&hold->depth, depth, memory_order_relaxed);
}

int reeve_recursive_lock_acquire(struct reeve_recursive_lock *lock, reeve_nsec timeout)
{
	struct hold *hold;
	int r;

	if (!lock)
		return -EFAULT;
	if (!sync_is_timeout(timeout))
		return -EINVAL;
	hold = lock->sync.memory;
	if (hold_is_mine(lock->sync.arena, hold)) {
		if (depth_of(hold) >= REEVE_RECURSION_MAX)
			return -EOVERFLOW;
		set_depth(hold, depth_of(hold) + 1);
		return 0;
	}
	r = hold_acquire(lock->sync.arena, hold, 0, timeout);
	if (r == 0 || r == -EOWNERDEAD)
		set_depth(hold, 1);
	return r;
}

int reeve_recursive_lock_release(struct reeve_recursive_lock *lock)
{
	struct hold *hold;

	if (!lock)
		return -EFAULT;
	hold = lock->sync.memory;
	if (!hold_is_mine(lock->sync.arena, hold))
		return -EPERM;
	if (depth_of(hold) > 1)
		set_depth(hold, depth_of(hold) - 1);
	else
		hold_release(hold, 1);
	return 0;
}

int reeve_recursive_lock_depth(struct reeve_recursive_lock *lock)
{
	if (!lock)
		return -EFAULT;
	return hold_is_mine(lock->sync.arena, lock->sync.memory)
		       ? (int)(depth_of(lock->sync.memory) & REEVE_RECURSION_MAX)
		       : 0;
}

int reeve_recursive_lock_holder(struct reeve_recursive_lock *lock, struct reeve_sync_holder *ret)
{
	return lock && ret ? hold_holder(lock->sync.arena, lock->sync.memory, ret) : -EFAULT;
}
