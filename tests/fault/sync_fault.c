/* Locks and meeting points, with each system call and request for memory failing in turn: the right
 * error, and neither a handle nor a hold is left. */
#include "reeve/sync.h"
#include "support/each_fault.h"

static struct reeve_arena *arena;
static struct reeve_lock *lock, *again;
static struct reeve_recursive_lock *recursive;
static struct reeve_rwlock *rwlock;
static struct reeve_semaphore *semaphore;
static struct reeve_owned_semaphore *owned;
static struct reeve_event *event;
static struct reeve_condition *condition;
static struct reeve_barrier *barrier;

static int make(void)
{
	struct reeve_arena_spec spec = { .size = 8192, .participants = 2 };

	TRY(reeve_arena_new(&spec, &arena));
	TRY(reeve_lock_new(arena, "lock", 0, &lock));
	TRY(reeve_lock_open(arena, "lock", &again));
	TRY(reeve_recursive_lock_new(arena, "recursive", 0, &recursive));
	TRY(reeve_rwlock_new(arena, "rwlock", 0, &rwlock));
	TRY(reeve_semaphore_new(arena, "semaphore", 0, 1, 0, &semaphore));
	TRY(reeve_owned_semaphore_new(arena, "owned", 1, 0, &owned));
	TRY(reeve_event_new(arena, "event", 0, &event));
	TRY(reeve_condition_new(arena, "condition", 1, 0, &condition));
	TRY(reeve_barrier_new(arena, "barrier", 2, 0, &barrier));
	return 0;
}

/* What a wait for what never comes has to end with, if no call fails. */
static int in_vain(int r)
{
	return r == -ETIMEDOUT ? 0 : r < 0 ? r : -EILSEQ;
}

static int use(void)
{
	TRY(make());
	TRY(reeve_lock_acquire(lock, 0));
	TRY(in_vain(reeve_condition_wait(condition, lock, REEVE_USEC)));
	TRY(reeve_lock_release(again));
	TRY(reeve_recursive_lock_acquire(recursive, 0));
	TRY(reeve_rwlock_acquire_read(rwlock, 0));
	TRY(in_vain(reeve_rwlock_acquire_write(rwlock, REEVE_USEC)));
	TRY(reeve_rwlock_release(rwlock));
	TRY(reeve_rwlock_acquire_write(rwlock, 0));
	TRY(in_vain(reeve_semaphore_acquire(semaphore, REEVE_USEC)));
	TRY(reeve_owned_semaphore_acquire(owned, 0));
	TRY(in_vain(reeve_owned_semaphore_acquire(owned, REEVE_USEC)));
	TRY(in_vain(reeve_event_wait(event, REEVE_USEC)));
	TRY(in_vain(reeve_barrier_wait(barrier, REEVE_USEC)));
	TRY(reeve_lock_remove(arena, "lock", 0));
	return 0;
}

static void release_all(void)
{
	lock = reeve_lock_free(lock);
	again = reeve_lock_free(again);
	recursive = reeve_recursive_lock_free(recursive);
	rwlock = reeve_rwlock_free(rwlock);
	semaphore = reeve_semaphore_free(semaphore);
	owned = reeve_owned_semaphore_free(owned);
	event = reeve_event_free(event);
	condition = reeve_condition_free(condition);
	barrier = reeve_barrier_free(barrier);
	arena = reeve_arena_free(arena);
}

static int scenario(void)
{
	int r = use();

	release_all();
	return r;
}

START_TEST(each_call_fails_in_turn)
{
	/* As for the arena: /proc, without which a start time is not known; seals of a map that was
	 * just made, and the lock for giving up the place. */
	static const char *const absorbed[] = { "open", "read", "fcntl", NULL };

	ck_assert_int_eq(scenario(), 0); /* what is done but once per process */
	fail_each_call(scenario, EIO, absorbed);
	fail_each_call(scenario, ENOMEM, absorbed);
}
END_TEST

/* However the wait ended: the lock is held, and nobody is thought to wait. */
START_TEST(a_wait_that_fails_leaves_all_as_it_was)
{
	ck_assert_int_eq(make(), 0);
	ck_assert_int_eq(reeve_lock_acquire(lock, 0), 0);
	faulty_arm_call("futex_wait_shared", 1, EIO);
	ck_assert_int_eq(reeve_condition_wait(condition, lock, REEVE_FOREVER), -EIO);
	faulty_disarm();
	ck_assert_int_eq(reeve_condition_waiting(condition), 0);
	ck_assert_int_eq(reeve_lock_release(lock), 0);
	ck_assert_int_eq(reeve_rwlock_acquire_read(rwlock, 0), 0);
	faulty_arm_call("futex_wait_shared", 1, EIO);
	ck_assert_int_eq(reeve_rwlock_acquire_write(rwlock, REEVE_FOREVER), -EIO);
	faulty_arm_call("futex_wait_shared", 1, EIO);
	ck_assert_int_eq(reeve_barrier_wait(barrier, REEVE_FOREVER), -EIO);
	faulty_disarm();
	ck_assert_int_eq(reeve_barrier_is_broken(barrier), 1);
	ck_assert_int_eq(reeve_barrier_waiting(barrier), 0);
	ck_assert_int_eq(reeve_rwlock_acquire_read(rwlock, 0), 0);
	ck_assert_int_eq(reeve_rwlock_release(rwlock), 0);
	ck_assert_int_eq(reeve_rwlock_release(rwlock), 0);
	ck_assert_int_eq(reeve_rwlock_release(rwlock), -EPERM);
	release_all();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync fault");
	TCase *tcase = leakproof_case("sync fault");

	tcase_add_test(tcase, each_call_fails_in_turn);
	tcase_add_test(tcase, a_wait_that_fails_leaves_all_as_it_was);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
