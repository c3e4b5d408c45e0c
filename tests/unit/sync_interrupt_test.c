/* What every call that waits for an object does when signals come meanwhile (PEP 475): it runs what
 * is due, and goes on with the time that is left; or gives up where that says so. */
#include <sys/time.h>

#include "lib/base/interrupt.h"
#include "unit/sync_fixture.h"

static struct reeve_lock *held, *mine;
static struct reeve_recursive_lock *recursive;
static struct reeve_rwlock *read_by_other, *written_by_other;
static struct reeve_semaphore *semaphore;
static struct reeve_owned_semaphore *owned;
static struct reeve_event *event;
static struct reeve_condition *condition;
static struct reeve_barrier *barrier;
static pid_t other;

static int take_all(void *data)
{
	return reeve_lock_acquire(held, 0) + reeve_recursive_lock_acquire(recursive, 0) +
	       reeve_rwlock_acquire_read(read_by_other, 0) +
	       reeve_rwlock_acquire_write(written_by_other, 0) +
	       reeve_owned_semaphore_acquire(owned, 0);
}

static void set_up(void)
{
	make_arena();
	ck_assert_int_eq(reeve_lock_new(arena, "held", 0, &held), 0);
	ck_assert_int_eq(reeve_lock_new(arena, "mine", 0, &mine), 0);
	ck_assert_int_eq(reeve_recursive_lock_new(arena, "recursive", 0, &recursive), 0);
	ck_assert_int_eq(reeve_rwlock_new(arena, "read", 0, &read_by_other), 0);
	ck_assert_int_eq(reeve_rwlock_new(arena, "written", 0, &written_by_other), 0);
	ck_assert_int_eq(reeve_semaphore_new(arena, "semaphore", 0, 1, 0, &semaphore), 0);
	ck_assert_int_eq(reeve_owned_semaphore_new(arena, "owned", 1, 0, &owned), 0);
	ck_assert_int_eq(reeve_event_new(arena, "event", 0, &event), 0);
	ck_assert_int_eq(reeve_condition_new(arena, "condition", 0, 0, &condition), 0);
	ck_assert_int_eq(reeve_barrier_new(arena, "barrier", 2, 0, &barrier), 0);
	ck_assert_int_eq(reeve_lock_acquire(mine, 0), 0);
	other = process_through(take_all, NULL);
}

static void tear_down(void)
{
	kill_and_recover(other);
	reeve_lock_free(held);
	reeve_lock_free(mine);
	reeve_recursive_lock_free(recursive);
	reeve_rwlock_free(read_by_other);
	reeve_rwlock_free(written_by_other);
	reeve_semaphore_free(semaphore);
	reeve_owned_semaphore_free(owned);
	reeve_event_free(event);
	reeve_condition_free(condition);
	reeve_barrier_free(barrier);
	free_arena();
}

static int acquire_lock(reeve_nsec timeout)
{
	return reeve_lock_acquire(held, timeout);
}

static int acquire_recursive(reeve_nsec timeout)
{
	return reeve_recursive_lock_acquire(recursive, timeout);
}

static int acquire_read(reeve_nsec timeout)
{
	return reeve_rwlock_acquire_read(written_by_other, timeout);
}

static int acquire_write(reeve_nsec timeout)
{
	return reeve_rwlock_acquire_write(written_by_other, timeout);
}

static int drain_readers(reeve_nsec timeout)
{
	return reeve_rwlock_acquire_write(read_by_other, timeout);
}

static int acquire_semaphore(reeve_nsec timeout)
{
	return reeve_semaphore_acquire(semaphore, timeout);
}

static int acquire_owned(reeve_nsec timeout)
{
	return reeve_owned_semaphore_acquire(owned, timeout);
}

static int wait_for_event(reeve_nsec timeout)
{
	return reeve_event_wait(event, timeout);
}

static int wait_for_condition(reeve_nsec timeout)
{
	return reeve_condition_wait(condition, mine, timeout);
}

static int wait_at_barrier(reeve_nsec timeout)
{
	return reeve_barrier_wait(barrier, timeout);
}

static const struct {
	const char *name;
	int (*call)(reeve_nsec timeout);
} waiting_calls[] = {
	{ "lock", acquire_lock },
	{ "recursive lock", acquire_recursive },
	{ "rwlock, to read", acquire_read },
	{ "rwlock, to write", acquire_write },
	{ "rwlock, until read", drain_readers },
	{ "semaphore", acquire_semaphore },
	{ "owned semaphore", acquire_owned },
	{ "event", wait_for_event },
	{ "condition", wait_for_condition },
	{ "barrier", wait_at_barrier },
};

#define CALLS ((int)(sizeof waiting_calls / sizeof *waiting_calls))

static atomic_uint due;

static int go_on(void)
{
	atomic_fetch_add(&due, 1);
	return 0;
}

static int give_up(void)
{
	return -EINTR;
}

static void do_nothing(int signal)
{
}

/* A signal a millisecond, with a handler that interrupts. */
static void start_signals(interrupt_hook *hook)
{
	struct sigaction action = { .sa_handler = do_nothing };
	struct itimerval each = { { 0, 1000 }, { 0, 1000 } };

	atomic_store(&due, 0);
	interrupt_set_hook(hook);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
}

static void stop_signals(void)
{
	struct itimerval none = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &none, NULL);
	interrupt_set_hook(NULL);
}

START_TEST(an_interrupted_call_goes_on_with_the_time_that_is_left)
{
	do { /* once more if it was held up until its time was over */
		reeve_nsec before = reeve_now();
		int r;

		ck_assert_int_eq(reeve_barrier_reset(barrier), 0);
		start_signals(go_on);
		r = waiting_calls[_i].call(60 * REEVE_MSEC);
		stop_signals();
		ck_assert_msg(r == -ETIMEDOUT, "%s: %d", waiting_calls[_i].name, r);
		ck_assert_int_ge(reeve_now() - before, 60 * REEVE_MSEC);
	} while (atomic_load(&due) == 0);
}
END_TEST

/* And leaves nothing behind: the next call waits again. */
START_TEST(a_call_gives_up_where_the_handler_says_so)
{
	int r;

	start_signals(give_up);
	r = waiting_calls[_i].call(REEVE_FOREVER);
	stop_signals();
	ck_assert_msg(r == -EINTR, "%s: %d", waiting_calls[_i].name, r);
	ck_assert_int_eq(
		reeve_barrier_is_broken(barrier), waiting_calls[_i].call == wait_at_barrier);
	ck_assert_int_eq(reeve_barrier_reset(barrier), 0);
	ck_assert_int_eq(waiting_calls[_i].call(0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_rwlock_acquire_read(read_by_other, 0), 0);
	ck_assert_int_eq(reeve_rwlock_release(read_by_other), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync interrupt");
	TCase *tcase = leakproof_case("sync interrupt");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(
		tcase, an_interrupted_call_goes_on_with_the_time_that_is_left, 0, CALLS);
	tcase_add_loop_test(tcase, a_call_gives_up_where_the_handler_says_so, 0, CALLS);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
