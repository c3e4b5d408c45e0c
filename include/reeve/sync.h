/* reeve/sync.h - locks and meeting points in shared memory, for threads and processes, that
 * survive the death of whoever holds them or waits for them.
 *
 *	struct reeve_lock *lock;
 *
 *	reeve_lock_new(arena, "table", REEVE_SEC, &lock);
 *	...
 *	r = reeve_lock_acquire(lock, REEVE_FOREVER);
 *	if (r == -EOWNERDEAD)
 *		r = repair(table);
 *	...
 *	reeve_lock_release(lock);
 *
 * There are a lock, a recursive lock, a reader-writer lock, a semaphore (with a bound or without),
 * an owned semaphore, an event, a condition and a barrier. Each is an object of an arena
 * (reeve/arena.h) with a name, and for each X there are
 *
 *	reeve_X_new()      make the object, and a handle of it
 *	reeve_X_open()     a handle of an object that somebody made
 *	reeve_X_free()     release a handle; the object stays. Returns NULL; NULL is fine
 *	reeve_X_remove()   remove an object of which nobody has a handle any more
 *
 * `_new` returns 0; -EEXIST, -ENOSPC (no room left in the arena), -EDQUOT (as many objects as there
 * can be). `_open` returns 0; -ENOENT, -EPROTOTYPE (an object of another kind). `_remove` returns 0;
 * -ENOENT, -EPROTOTYPE. All three: -EINVAL (empty name), -ENAMETOOLONG; and as reeve/arena.h says of
 * every function: -EFAULT, -EUCLEAN, -ENOMEM; with a `timeout` -EINVAL, -ETIMEDOUT, -EINTR. Where an
 * error is returned nothing has changed, unless said otherwise.
 *
 * A handle belongs to the process, and all its threads may use it at once; a forked child has it,
 * too, but holds nothing and waits for nothing. The arena has to stay as long as its handles.
 *
 * Who holds what is written down in the same atomic store that takes hold: as a participant of
 * the arena and, for locks, a thread. When a process dies, whatever instruction it was at, what it
 * held is given back as soon as somebody recovers the arena: reeve_arena_recover(), the library
 * before it reaps a child (reeve_arena_recover_before_reap()), or whoever waits for an object, once
 * a second. A thread that ends while it holds a lock leaves it held until its process ends.
 * Giving up the place (reeve_arena_detach()) gives everything back as if the process had died, and
 * must not be done while its other threads are using objects.
 *
 * `timeout` is how long to wait at most: 0 tries, REEVE_FOREVER waits. It is counted on
 * CLOCK_MONOTONIC. The first use of an arena's object in a process attaches it to the arena, and
 * may fail as reeve_arena_attach() does.
 *
 * Handlers of signals run while a call waits, as in all of the library. None of these functions
 * may be called in a signal handler, but for reeve_event_set(), reeve_event_clear(),
 * reeve_event_is_set() and, in a process that is attached, reeve_semaphore_release(). */
#ifndef REEVE_SYNC_H
#define REEVE_SYNC_H

#include "reeve/arena.h"
#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_RECURSION_MAX 0x7fffffffu   /* how often a recursive lock can be held */
#define REEVE_SEMAPHORE_MAX 0x7fffffffu   /* the highest value of a semaphore */
#define REEVE_OWNED_SEMAPHORE_MAX 65536u  /* the most counts of an owned one */
#define REEVE_CONDITION_WAITERS_MAX 4096u /* how many can wait for a condition at once */
#define REEVE_CONDITION_WAITERS_DEFAULT 64u
#define REEVE_BARRIER_PARTIES_MAX 4096u

/* Who holds something. Told while others go on: true a moment ago. */
struct reeve_sync_holder {
	unsigned participant; /* its number in the arena */
	pid_t pid;            /* as it saw itself: another pid namespace has another number */
	pid_t tid;            /* the thread that took hold */
	reeve_nsec since;     /* on CLOCK_MONOTONIC, to some milliseconds; 0: just now */
	char name[REEVE_ARENA_NAME_MAX + 1]; /* the participant's */
};

/* --- Lock -------------------------------------------------------------------------------------
 *
 * Held by one thread, which alone can release it. 64 bytes. */

struct reeve_lock;

REEVE_API int reeve_lock_new(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout, struct reeve_lock **ret);
REEVE_API int reeve_lock_open(struct reeve_arena *arena, const char *name, struct reeve_lock **ret);
REEVE_API int reeve_lock_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout);
REEVE_API struct reeve_lock *reeve_lock_free(struct reeve_lock *lock);

/* Take it. Who waits is not served in order.
 *
 * Returns 0; -EOWNERDEAD: the caller holds the lock, and its last holder died with it, so that what
 * it protects may be half done. That is told once, unless the one who was told dies as well before
 * he released. Or -EDEADLK: the calling thread holds it already; -ETIMEDOUT, -EINTR, -EINVAL. */
REEVE_API int reeve_lock_acquire(struct reeve_lock *lock, reeve_nsec timeout);

/* Returns 0; -EPERM: the calling thread does not hold it. */
REEVE_API int reeve_lock_release(struct reeve_lock *lock);

/* Who holds it. Returns 1 with *ret written, or 0: nobody. */
REEVE_API int reeve_lock_holder(struct reeve_lock *lock, struct reeve_sync_holder *ret);

/* --- Recursive lock ---------------------------------------------------------------------------
 *
 * A lock that its holder can take again, and then has to release as often. 64 bytes. */

struct reeve_recursive_lock;

REEVE_API int reeve_recursive_lock_new(struct reeve_arena *arena, const char *name,
	reeve_nsec timeout, struct reeve_recursive_lock **ret);
REEVE_API int reeve_recursive_lock_open(
	struct reeve_arena *arena, const char *name, struct reeve_recursive_lock **ret);
REEVE_API int reeve_recursive_lock_remove(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout);
REEVE_API struct reeve_recursive_lock *reeve_recursive_lock_free(struct reeve_recursive_lock *lock);

/* As reeve_lock_acquire(), but for -EDEADLK; -EOVERFLOW: held REEVE_RECURSION_MAX times. */
REEVE_API int reeve_recursive_lock_acquire(struct reeve_recursive_lock *lock, reeve_nsec timeout);

/* Returns 0; -EPERM: the calling thread does not hold it. */
REEVE_API int reeve_recursive_lock_release(struct reeve_recursive_lock *lock);

/* How often the calling thread holds it; 0: not at all. -EFAULT. */
REEVE_API int reeve_recursive_lock_depth(struct reeve_recursive_lock *lock);

/* As reeve_lock_holder(). */
REEVE_API int reeve_recursive_lock_holder(
	struct reeve_recursive_lock *lock, struct reeve_sync_holder *ret);

/* --- Reader-writer lock -----------------------------------------------------------------------
 *
 * Held by one thread for writing, or by any number of processes, each any number of times, for
 * reading. Writers go before: once one waits, no more readers are let in, not even one that reads
 * already. Readers of different processes share no cache line that they write to.
 * 64 bytes, and 64 for each place of the arena. */

struct reeve_rwlock;

REEVE_API int reeve_rwlock_new(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout, struct reeve_rwlock **ret);
REEVE_API int reeve_rwlock_open(
	struct reeve_arena *arena, const char *name, struct reeve_rwlock **ret);
REEVE_API int reeve_rwlock_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout);
REEVE_API struct reeve_rwlock *reeve_rwlock_free(struct reeve_rwlock *lock);

/* Returns 0: held for reading; -EOWNERDEAD: a writer died with it, and the caller holds it for
 * *writing*, so that he can repair alone what it protects, and then release or downgrade. That is
 * told as in reeve_lock_acquire(). Or -EDEADLK: the calling thread holds it for writing;
 * -ETIMEDOUT, -EINTR, -EINVAL. */
REEVE_API int reeve_rwlock_acquire_read(struct reeve_rwlock *lock, reeve_nsec timeout);

/* Returns 0; -EOWNERDEAD: held as well, as above; -EDEADLK: the calling thread holds it for writing.
 * (That it holds it for reading is not noticed: it then waits for itself.) -ETIMEDOUT, -EINTR,
 * -EINVAL. */
REEVE_API int reeve_rwlock_acquire_write(struct reeve_rwlock *lock, reeve_nsec timeout);

/* Hold for reading what was held for writing, without a moment in between. Returns 0; -EPERM: the
 * calling thread does not hold it for writing. */
REEVE_API int reeve_rwlock_downgrade(struct reeve_rwlock *lock);

/* Release it for writing, if the calling thread has it so, or else one of the holds for reading that
 * its process has. Returns 0; -EPERM: there is neither. */
REEVE_API int reeve_rwlock_release(struct reeve_rwlock *lock);

/* Who holds it for writing, or which participants do for reading, each once with the last thread that
 * took hold: the first `size` of them.
 *
 *   ret_writing   whether it is for writing
 *
 * Returns how many there are, which may be more than `size`. */
REEVE_API int reeve_rwlock_holders(
	struct reeve_rwlock *lock, struct reeve_sync_holder *ret, size_t size, bool *ret_writing);

/* --- Semaphore --------------------------------------------------------------------------------
 *
 * A number that acquiring takes one from, waiting while there is none, and releasing adds to. Anybody
 * may release. It has no owner: what a dead process had acquired stays acquired. 64 bytes. */

struct reeve_semaphore;

/*   value     to begin with
 *   maximum   what it can never exceed, 1 to REEVE_SEMAPHORE_MAX
 *
 * -EINVAL: maximum is 0, or value is above it; -EOVERFLOW: maximum is above REEVE_SEMAPHORE_MAX. */
REEVE_API int reeve_semaphore_new(struct reeve_arena *arena, const char *name, unsigned value,
	unsigned maximum, reeve_nsec timeout, struct reeve_semaphore **ret);
REEVE_API int reeve_semaphore_open(
	struct reeve_arena *arena, const char *name, struct reeve_semaphore **ret);
REEVE_API int reeve_semaphore_remove(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout);
REEVE_API struct reeve_semaphore *reeve_semaphore_free(struct reeve_semaphore *semaphore);

/* Take one. Returns 0; -ETIMEDOUT, -EINTR, -EINVAL. */
REEVE_API int reeve_semaphore_acquire(struct reeve_semaphore *semaphore, reeve_nsec timeout);

/* Add `count`. Returns 0; -EINVAL: count is 0; -EOVERFLOW: it would exceed the maximum. */
REEVE_API int reeve_semaphore_release(struct reeve_semaphore *semaphore, unsigned count);

/* What it is now. -EFAULT, -EUCLEAN. */
REEVE_API int reeve_semaphore_value(struct reeve_semaphore *semaphore);

/* --- Owned semaphore --------------------------------------------------------------------------
 *
 * A number of counts, each of which is free or some process's: licences, slots, tokens. When a
 * process dies its counts are free again. 64 bytes, and 16 for each count. */

struct reeve_owned_semaphore;

/*   count   1 to REEVE_OWNED_SEMAPHORE_MAX, all free. -EINVAL: 0; -EOVERFLOW: too many. */
REEVE_API int reeve_owned_semaphore_new(struct reeve_arena *arena, const char *name, unsigned count,
	reeve_nsec timeout, struct reeve_owned_semaphore **ret);
REEVE_API int reeve_owned_semaphore_open(
	struct reeve_arena *arena, const char *name, struct reeve_owned_semaphore **ret);
REEVE_API int reeve_owned_semaphore_remove(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout);
REEVE_API struct reeve_owned_semaphore *reeve_owned_semaphore_free(
	struct reeve_owned_semaphore *semaphore);

/* Take one for the calling process. Returns 0; -ETIMEDOUT, -EINTR, -EINVAL. */
REEVE_API int reeve_owned_semaphore_acquire(
	struct reeve_owned_semaphore *semaphore, reeve_nsec timeout);

/* Give back one that the calling process has, whichever thread took it. Returns 0; -EPERM: it has
 * none. */
REEVE_API int reeve_owned_semaphore_release(struct reeve_owned_semaphore *semaphore);

/* How many are free. -EFAULT. */
REEVE_API int reeve_owned_semaphore_value(struct reeve_owned_semaphore *semaphore);

/* Who holds counts, one entry for each that is taken: the first `size` of them. Returns how many
 * there are, which may be more than `size`. */
REEVE_API int reeve_owned_semaphore_holders(
	struct reeve_owned_semaphore *semaphore, struct reeve_sync_holder *ret, size_t size);

/* --- Event ------------------------------------------------------------------------------------
 *
 * A flag to wait for. 64 bytes. */

struct reeve_event;

REEVE_API int reeve_event_new(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout, struct reeve_event **ret);
REEVE_API int reeve_event_open(
	struct reeve_arena *arena, const char *name, struct reeve_event **ret);
REEVE_API int reeve_event_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout);
REEVE_API struct reeve_event *reeve_event_free(struct reeve_event *event);

/* Set the flag and let all go who wait, even if it is cleared at once. Async-signal-safe. Returns
 * 0; -EFAULT. */
REEVE_API int reeve_event_set(struct reeve_event *event);

/* Clear the flag. Async-signal-safe. Returns 0; -EFAULT. */
REEVE_API int reeve_event_clear(struct reeve_event *event);

/* 1 or 0; -EFAULT. Async-signal-safe. */
REEVE_API int reeve_event_is_set(struct reeve_event *event);

/* Wait until it is set, or was since. Returns 0; -ETIMEDOUT, -EINTR, -EINVAL. */
REEVE_API int reeve_event_wait(struct reeve_event *event, reeve_nsec timeout);

/* --- Condition --------------------------------------------------------------------------------
 *
 * Waiting, with a lock released meanwhile, until somebody notifies. Nobody wakes up without having
 * been notified; all the same look again at what was waited for: it may have changed once more before
 * the lock was acquired. Who waits longest is notified first. The notification of one who dies before
 * he has the lock again goes to another. 64 bytes, and 8 for each waiter. */

struct reeve_condition;

/*   waiters   how many can wait at once; 0: REEVE_CONDITION_WAITERS_DEFAULT.
 *             -EOVERFLOW: more than REEVE_CONDITION_WAITERS_MAX */
REEVE_API int reeve_condition_new(struct reeve_arena *arena, const char *name, unsigned waiters,
	reeve_nsec timeout, struct reeve_condition **ret);
REEVE_API int reeve_condition_open(
	struct reeve_arena *arena, const char *name, struct reeve_condition **ret);
REEVE_API int reeve_condition_remove(
	struct reeve_arena *arena, const char *name, reeve_nsec timeout);
REEVE_API struct reeve_condition *reeve_condition_free(struct reeve_condition *condition);

/* Release the lock, wait until notified, acquire the lock again. The lock is of the same arena; all
 * who wait for one condition use one lock.
 *
 * Returns 0: notified; -ETIMEDOUT, -EINTR; -EOWNERDEAD: as reeve_lock_acquire(), notified or not.
 * However it was, the lock is held again; that is waited for without a limit. Or, the lock being as
 * it was: -EPERM: the calling thread does not hold it; -EUSERS: as many wait as can; -EINVAL (also:
 * a lock of another arena). */
REEVE_API int reeve_condition_wait(
	struct reeve_condition *condition, struct reeve_lock *lock, reeve_nsec timeout);

/* The same with a recursive lock, which is released wholly and then held as often as before. */
REEVE_API int reeve_condition_wait_recursive(
	struct reeve_condition *condition, struct reeve_recursive_lock *lock, reeve_nsec timeout);

/* Let up to `count` go of those who wait now; UINT_MAX: all. The lock need not be held, but only
 * if it is can nobody be just about to wait. Returns how many it were; -EINVAL: count is 0. */
REEVE_API int reeve_condition_notify(struct reeve_condition *condition, unsigned count);

/* How many wait and were not notified yet. -EFAULT. */
REEVE_API int reeve_condition_waiting(struct reeve_condition *condition);

/* --- Barrier ----------------------------------------------------------------------------------
 *
 * Where a number of parties wait for one another, again and again. It breaks when one that has
 * arrived dies, does not want to wait any longer, is interrupted, or when somebody aborts it: then
 * all who wait and all who arrive are told, until it is reset. 64 bytes, and 8 for each party. */

struct reeve_barrier;

/*   parties   1 to REEVE_BARRIER_PARTIES_MAX. -EINVAL: 0; -EOVERFLOW: too many. */
REEVE_API int reeve_barrier_new(struct reeve_arena *arena, const char *name, unsigned parties,
	reeve_nsec timeout, struct reeve_barrier **ret);
REEVE_API int reeve_barrier_open(
	struct reeve_arena *arena, const char *name, struct reeve_barrier **ret);
REEVE_API int reeve_barrier_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout);
REEVE_API struct reeve_barrier *reeve_barrier_free(struct reeve_barrier *barrier);

/* Arrive, and wait until all have. Who comes for the next round waits until all have left this one.
 *
 * Returns which one in the order of arrival the caller is, from 0 up; -EPIPE: the barrier is broken;
 * -ETIMEDOUT, -EINTR: and that broke it (a timeout of 0, too, unless the caller was the last);
 * -EINVAL. */
REEVE_API int reeve_barrier_wait(struct reeve_barrier *barrier, reeve_nsec timeout);

/* Break it. Returns 0; -EFAULT. */
REEVE_API int reeve_barrier_abort(struct reeve_barrier *barrier);

/* Have it whole and empty, broken or not: who waits is told that it broke. Returns 0; -EFAULT. */
REEVE_API int reeve_barrier_reset(struct reeve_barrier *barrier);

/* 1 or 0; -EFAULT. */
REEVE_API int reeve_barrier_is_broken(struct reeve_barrier *barrier);

/* How many have arrived and wait. -EFAULT. */
REEVE_API int reeve_barrier_waiting(struct reeve_barrier *barrier);

/* How many there have to be. -EFAULT. */
REEVE_API int reeve_barrier_parties(struct reeve_barrier *barrier);

#ifdef __cplusplus
}
#endif

#endif
