/* Locks and meeting points of which a stranger has written any bytes: using them and recovering what
 * the dead held ends in answers, never in an access outside of the arena nor without an end.
 *
 * The first two bytes say where in the objects the others are laid. */
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/arena/arena.h"
#include "reeve/sync.h"

static struct reeve_arena *make_arena(void)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = 3, .objects = 8 };
	struct reeve_arena *arena;
	struct reeve_lock *lock;
	struct reeve_recursive_lock *recursive;
	struct reeve_rwlock *rwlock;
	struct reeve_semaphore *semaphore;
	struct reeve_owned_semaphore *owned;
	struct reeve_event *event;
	struct reeve_condition *condition;
	struct reeve_barrier *barrier;

	if (reeve_arena_new(&spec, &arena) < 0 || reeve_lock_new(arena, "lock", 0, &lock) < 0 ||
		reeve_recursive_lock_new(arena, "recursive", 0, &recursive) < 0 ||
		reeve_rwlock_new(arena, "rwlock", 0, &rwlock) < 0 ||
		reeve_semaphore_new(arena, "semaphore", 1, 2, 0, &semaphore) < 0 ||
		reeve_owned_semaphore_new(arena, "owned", 4, 0, &owned) < 0 ||
		reeve_event_new(arena, "event", 0, &event) < 0 ||
		reeve_condition_new(arena, "condition", 4, 0, &condition) < 0 ||
		reeve_barrier_new(arena, "barrier", 3, 0, &barrier) < 0)
		abort();
	reeve_lock_free(lock);
	reeve_recursive_lock_free(recursive);
	reeve_rwlock_free(rwlock);
	reeve_semaphore_free(semaphore);
	reeve_owned_semaphore_free(owned);
	reeve_event_free(event);
	reeve_condition_free(condition);
	reeve_barrier_free(barrier);
	return arena;
}

static void use_locks(struct reeve_arena *arena)
{
	struct reeve_sync_holder holders[2];
	struct reeve_lock *lock;
	struct reeve_recursive_lock *recursive;
	struct reeve_rwlock *rwlock;
	bool writing;

	if (reeve_lock_open(arena, "lock", &lock) == 0) {
		(void)reeve_lock_holder(lock, holders);
		(void)reeve_lock_acquire(lock, 0);
		(void)reeve_lock_release(lock);
		reeve_lock_free(lock);
	}
	if (reeve_recursive_lock_open(arena, "recursive", &recursive) == 0) {
		(void)reeve_recursive_lock_holder(recursive, holders);
		(void)reeve_recursive_lock_acquire(recursive, 0);
		(void)reeve_recursive_lock_acquire(recursive, 0);
		(void)reeve_recursive_lock_depth(recursive);
		(void)reeve_recursive_lock_release(recursive);
		reeve_recursive_lock_free(recursive);
	}
	if (reeve_rwlock_open(arena, "rwlock", &rwlock) == 0) {
		(void)reeve_rwlock_holders(rwlock, holders, 2, &writing);
		(void)reeve_rwlock_acquire_read(rwlock, 0);
		(void)reeve_rwlock_release(rwlock);
		(void)reeve_rwlock_acquire_write(rwlock, 0);
		(void)reeve_rwlock_downgrade(rwlock);
		(void)reeve_rwlock_release(rwlock);
		reeve_rwlock_free(rwlock);
	}
}

static void use_counts(struct reeve_arena *arena)
{
	struct reeve_sync_holder holders[2];
	struct reeve_semaphore *semaphore;
	struct reeve_owned_semaphore *owned;

	if (reeve_semaphore_open(arena, "semaphore", &semaphore) == 0) {
		(void)reeve_semaphore_acquire(semaphore, 0);
		(void)reeve_semaphore_release(semaphore, 1);
		(void)reeve_semaphore_value(semaphore);
		reeve_semaphore_free(semaphore);
	}
	if (reeve_owned_semaphore_open(arena, "owned", &owned) == 0) {
		(void)reeve_owned_semaphore_holders(owned, holders, 2);
		(void)reeve_owned_semaphore_acquire(owned, 0);
		(void)reeve_owned_semaphore_release(owned);
		(void)reeve_owned_semaphore_value(owned);
		reeve_owned_semaphore_free(owned);
	}
}

static void use_meeting_points(struct reeve_arena *arena)
{
	struct reeve_event *event;
	struct reeve_condition *condition;
	struct reeve_barrier *barrier;
	struct reeve_lock *lock;

	if (reeve_event_open(arena, "event", &event) == 0) {
		(void)reeve_event_wait(event, 0);
		(void)reeve_event_set(event);
		(void)reeve_event_clear(event);
		reeve_event_free(event);
	}
	if (reeve_lock_open(arena, "lock", &lock) == 0) {
		(void)reeve_lock_acquire(lock, 0);
		if (reeve_condition_open(arena, "condition", &condition) == 0) {
			(void)reeve_condition_wait(condition, lock, 0);
			(void)reeve_condition_notify(condition, 1);
			(void)reeve_condition_notify(condition, UINT32_MAX);
			(void)reeve_condition_waiting(condition);
			reeve_condition_free(condition);
		}
		reeve_lock_free(lock);
	}
	if (reeve_barrier_open(arena, "barrier", &barrier) == 0) {
		(void)reeve_barrier_waiting(barrier);
		(void)reeve_barrier_wait(barrier, 0);
		(void)reeve_barrier_abort(barrier);
		(void)reeve_barrier_reset(barrier);
		(void)reeve_barrier_wait(barrier, 0);
		reeve_barrier_free(barrier);
	}
}

/* As a process leaves it that was killed with a place. */
static void leave_dead(struct reeve_arena *arena, unsigned number)
{
	atomic_store(&arena_slot(arena, number)->word, slot_word(SLOT_TAKEN, 0, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reeve_arena *arena;
	uint64_t at, objects;

	if (size < 3)
		return 0;
	arena = make_arena();
	objects = layout_room(arena->participants, arena->objects);
	at = objects + (uint64_t)(data[0] | data[1] << 8) % (arena->size - objects);
	for (size_t i = 2; i < size && at < arena->size; i++)
		arena->base[at++] = data[i];
	use_locks(arena);
	use_counts(arena);
	use_meeting_points(arena);
	leave_dead(arena, 2);
	leave_dead(arena, 3);
	(void)reeve_arena_recover(arena, 0);
	use_locks(arena);
	use_counts(arena);
	use_meeting_points(arena);
	(void)reeve_arena_detach(arena, 0);
	reeve_arena_free(arena);
	return 0;
}
