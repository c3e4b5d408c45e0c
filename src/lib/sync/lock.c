#include "lib/sync/hold.h"

struct reeve_lock {
	struct sync sync;
};

static const struct sync_kind kind = {
	.type = ARENA_TYPE_LOCK,
	.handle_size = sizeof(struct reeve_lock),
	.least = sizeof(struct hold),
};

static int recover(struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	if (size < sizeof(struct hold))
		return -EUCLEAN;
	hold_recover(object, participant);
	return 0;
}

const struct arena_type sync_lock_type = { .number = ARENA_TYPE_LOCK, .recover = recover };

SYNC_HANDLE_FUNCTIONS(lock, &kind)

int reeve_lock_new(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout, struct reeve_lock **ret)
{
	struct sync *sync;
	int r = ret ? sync_new(arena, name, &kind, sizeof(struct hold), NULL, NULL, timeout, &sync)
		    : -EFAULT;

	if (r == 0)
		*ret = (struct reeve_lock *)sync;
	return r;
}

int reeve_lock_acquire(struct reeve_lock *lock, reeve_nsec timeout)
{
	return lock ? hold_acquire(lock->sync.arena, lock->sync.memory, 0, timeout) : -EFAULT;
}

int reeve_lock_release(struct reeve_lock *lock)
{
	if (!lock)
		return -EFAULT;
	if (!hold_is_mine(lock->sync.arena, lock->sync.memory))
		return -EPERM;
	hold_release(lock->sync.memory, 1);
	return 0;
}

int reeve_lock_holder(struct reeve_lock *lock, struct reeve_sync_holder *ret)
{
	return lock && ret ? hold_holder(lock->sync.arena, lock->sync.memory, ret) : -EFAULT;
}
