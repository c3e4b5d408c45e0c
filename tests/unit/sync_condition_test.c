/* Conditions, with either lock, and events. */
#include "unit/sync_fixture.h"

#define WAITERS 4

static struct reeve_condition *condition;
static struct reeve_lock *lock;
static struct reeve_recursive_lock *recursive;
static struct reeve_event *event;

static void set_up(void)
{
	make_arena();
	ck_assert_int_eq(reeve_condition_new(arena, "condition", WAITERS, 0, &condition), 0);
	ck_assert_int_eq(reeve_lock_new(arena, "lock", 0, &lock), 0);
	ck_assert_int_eq(reeve_recursive_lock_new(arena, "recursive", 0, &recursive), 0);
	ck_assert_int_eq(reeve_event_new(arena, "event", 0, &event), 0);
}

static void tear_down(void)
{
	condition = reeve_condition_free(condition);
	lock = reeve_lock_free(lock);
	recursive = reeve_recursive_lock_free(recursive);
	event = reeve_event_free(event);
	free_arena();
}

static void acquire(void)
{
	int r = reeve_lock_acquire(lock, REEVE_FOREVER);

	ck_assert_msg(r == 0 || r == -EOWNERDEAD, "%d", r);
}

static void release(void)
{
	ck_assert_int_eq(reeve_lock_release(lock), 0);
}

/* What it is told while it holds the lock; as many as have been are in the board's a. */
static int wait_once(void *data)
{
	int r = reeve_lock_acquire(lock, REEVE_FOREVER);

	if (r < 0 && r != -EOWNERDEAD)
		return r;
	r = reeve_condition_wait(condition, lock, REEVE_FOREVER);
	atomic_fetch_add(&board->a, 1);
	return reeve_lock_release(lock) < 0 ? -EILSEQ : r;
}

static int waiting(void)
{
	return reeve_condition_waiting(condition);
}

static void start_waiters(struct caller *waiters, int count)
{
	for (int i = 0; i < count; i++) {
		caller_start(&waiters[i], wait_once, NULL);
		WAIT_UNTIL(waiting() == i + 1);
	}
}

START_TEST(as_many_go_as_are_notified)
{
	struct caller waiters[WAITERS];

	ck_assert_int_eq(reeve_condition_notify(condition, 1), 0);
	ck_assert_int_eq(reeve_condition_notify(condition, 0), -EINVAL);
	start_waiters(waiters, WAITERS);
	ck_assert_int_eq(atomic_load(&board->a), 0);
	acquire();
	ck_assert_int_eq(reeve_condition_notify(condition, 1), 1);
	ck_assert_int_eq(waiting(), 3);
	ck_assert_int_eq(atomic_load(&board->a), 0); /* not before it has the lock */
	release();
	ck_assert_int_eq(caller_join(&waiters[0]), 0); /* who waited longest */
	ck_assert_int_eq(atomic_load(&board->a), 1);
	ck_assert_int_eq(reeve_condition_notify(condition, 2), 2);
	ck_assert_int_eq(caller_join(&waiters[1]), 0);
	ck_assert_int_eq(caller_join(&waiters[2]), 0);
	ck_assert_int_eq(waiting(), 1);
	ck_assert_int_eq(reeve_condition_notify(condition, UINT_MAX), 1);
	ck_assert_int_eq(caller_join(&waiters[3]), 0);
	ck_assert_int_eq(reeve_condition_notify(condition, UINT_MAX), 0);
	ck_assert_int_eq(atomic_load(&board->a), 4);
}
END_TEST

/* Looking again now and then wakes nobody up. */
START_TEST(nobody_wakes_up_unnotified)
{
	struct caller waiter;

	acquire();
	ck_assert_int_eq(reeve_condition_wait(condition, lock, arena_recheck + MOMENT), -ETIMEDOUT);
	release();
	start_waiters(&waiter, 1);
	acquire();
	ck_assert_int_eq(reeve_condition_wait(condition, lock, 0), -ETIMEDOUT);
	release();
	ck_assert(!atomic_load(&waiter.done));
	ck_assert_int_eq(reeve_condition_notify(condition, 5), 1);
	ck_assert_int_eq(caller_join(&waiter), 0);
}
END_TEST

START_TEST(the_lock_is_held_before_and_after)
{
	struct reeve_sync_holder holder;
	struct reeve_arena *other;
	struct reeve_lock *strange;

	ck_assert_int_eq(reeve_condition_wait(condition, lock, 0), -EPERM);
	acquire();
	ck_assert_int_eq(reeve_condition_wait(condition, lock, -2), -EINVAL);
	ck_assert_int_eq(reeve_condition_wait(condition, lock, MOMENT), -ETIMEDOUT);
	ck_assert_int_eq(reeve_lock_holder(lock, &holder), 1);
	ck_assert_int_eq(holder.tid, gettid());
	release();
	ck_assert_int_eq(reeve_arena_open(reeve_arena_fd(arena), &other), 0);
	ck_assert_int_eq(reeve_lock_open(other, "lock", &strange), 0);
	ck_assert_int_eq(reeve_condition_wait(condition, strange, 0), -EINVAL);
	reeve_lock_free(strange);
	reeve_arena_free(other);
}
END_TEST

static int try_recursive(void *data)
{
	int r = reeve_recursive_lock_acquire(recursive, 0);

	return r == 0 ? reeve_recursive_lock_release(recursive) : r;
}

static int take_the_recursive_and_notify(void *data)
{
	int r = reeve_recursive_lock_acquire(recursive, REEVE_FOREVER);

	if (r == 0)
		r = reeve_condition_notify(condition, 1);
	return r < 0 ? r : reeve_recursive_lock_release(recursive);
}

START_TEST(a_recursive_lock_is_held_as_often_afterwards)
{
	struct caller notifier;

	ck_assert_int_eq(reeve_condition_wait_recursive(condition, recursive, 0), -EPERM);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(reeve_recursive_lock_acquire(recursive, 0), 0);
	caller_start(&notifier, take_the_recursive_and_notify, NULL);
	ck_assert_int_eq(reeve_condition_wait_recursive(condition, recursive, REEVE_FOREVER), 0);
	ck_assert_int_eq(caller_join(&notifier), 0);
	for (int i = 3; i > 0; i--) {
		ck_assert_int_eq(reeve_recursive_lock_depth(recursive), i);
		ck_assert_int_eq(in_thread(try_recursive, NULL), -ETIMEDOUT);
		ck_assert_int_eq(reeve_recursive_lock_release(recursive), 0);
	}
	ck_assert_int_eq(in_thread(try_recursive, NULL), 0);
}
END_TEST

START_TEST(no_more_wait_than_there_are_cells)
{
	struct caller waiters[WAITERS];

	start_waiters(waiters, WAITERS);
	acquire();
	ck_assert_int_eq(reeve_condition_wait(condition, lock, 0), -EUSERS);
	release();
	ck_assert_int_eq(reeve_condition_notify(condition, UINT_MAX), WAITERS);
	for (int i = 0; i < WAITERS; i++)
		ck_assert_int_eq(caller_join(&waiters[i]), 0);
	acquire();
	ck_assert_int_eq(reeve_condition_wait(condition, lock, 0), -ETIMEDOUT);
	release();
}
END_TEST

START_TEST(a_dead_waiter_is_forgotten)
{
	pid_t dead = process_sleep(wait_once, NULL);
	struct caller waiter;

	WAIT_UNTIL(waiting() == 1);
	caller_start(&waiter, wait_once, NULL);
	WAIT_UNTIL(waiting() == 2);
	kill_and_recover(dead);
	ck_assert_int_eq(waiting(), 1);
	ck_assert_int_eq(reeve_condition_notify(condition, 2), 1);
	ck_assert_int_eq(caller_join(&waiter), 0);
}
END_TEST

/* It was notified, and dies before it has the lock. */
START_TEST(the_notification_of_the_dead_goes_to_another)
{
	pid_t dead = process_sleep(wait_once, NULL);
	struct caller waiters[2];

	WAIT_UNTIL(waiting() == 1);
	for (int i = 0; i < 2; i++) {
		caller_start(&waiters[i], wait_once, NULL);
		WAIT_UNTIL(waiting() == i + 2);
	}
	acquire();
	ck_assert_int_eq(reeve_condition_notify(condition, 1), 1);
	ck_assert_int_eq(waiting(), 2);
	kill_and_recover(dead);
	ck_assert_int_eq(waiting(), 1);
	release();
	ck_assert_int_eq(caller_join(&waiters[0]), 0);
	ck_assert_int_eq(waiting(), 1);
	ck_assert_int_eq(reeve_condition_notify(condition, 1), 1);
	ck_assert_int_eq(caller_join(&waiters[1]), 0);
}
END_TEST

static int notify_and_hold(void *data)
{
	reeve_lock_acquire(lock, REEVE_FOREVER);
	return reeve_condition_notify(condition, 1);
}

START_TEST(who_wakes_up_is_told_that_the_holder_died)
{
	struct caller waiter;

	start_waiters(&waiter, 1);
	kill_and_recover(process_through(notify_and_hold, NULL));
	ck_assert_int_eq(caller_join(&waiter), -EOWNERDEAD);
	ck_assert_int_eq(reeve_lock_acquire(lock, 0), 0);
}
END_TEST

START_TEST(what_somebody_scribbled_is_an_error)
{
	struct condition_words {
		_Atomic uint64_t tickets;
		_Atomic uint32_t waiters;
		unsigned char rest[64 - 12];
		_Atomic uint64_t cells[WAITERS];
	} *words = memory_of(condition);
	struct reeve_condition *other;
	struct caller waiter;

	for (uint32_t i = 0; i < 2; i++) {
		atomic_store(&words->waiters, i - 1);
		ck_assert_int_eq(reeve_condition_open(arena, "condition", &other), -EUCLEAN);
	}
	start_waiters(&waiter, 1);
	for (int i = 0; i < WAITERS; i++)
		atomic_store(&words->cells[i], UINT64_MAX);
	acquire();
	ck_assert_int_eq(reeve_condition_wait(condition, lock, 0), -EUSERS);
	release();
	ck_assert_int_eq(waiting(), 0);
	ck_assert_int_eq(reeve_condition_notify(condition, UINT_MAX), 0);
	ck_assert_int_ge(reeve_arena_recover(arena, 0), 0);
	ck_assert_int_eq(caller_join(&waiter), -EUCLEAN);
	ck_assert_int_eq(
		reeve_condition_new(arena, "x", REEVE_CONDITION_WAITERS_MAX + 1, 0, &other),
		-EOVERFLOW);
}
END_TEST

#define ITEMS 3000

/* A buffer of one, as in the textbooks; the lock's holder may have died. */
static int put_all(void *data)
{
	for (int i = 0; i < ITEMS; i++) {
		acquire();
		while (board->x)
			reeve_condition_wait(condition, lock, REEVE_FOREVER);
		board->x = 1;
		reeve_condition_notify(condition, UINT_MAX);
		release();
	}
	return 0;
}

static int get_all(void *data)
{
	for (int i = 0; i < ITEMS; i++) {
		acquire();
		while (!board->x)
			reeve_condition_wait(condition, lock, REEVE_FOREVER);
		board->x = 0;
		board->y++;
		reeve_condition_notify(condition, UINT_MAX);
		release();
	}
	return 0;
}

START_TEST(nobody_is_forgotten)
{
	struct caller threads[3];
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(-put_all(NULL));
	caller_start(&threads[0], put_all, NULL);
	caller_start(&threads[1], get_all, NULL);
	caller_start(&threads[2], get_all, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(caller_join(&threads[i]), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(board->y, 2 * ITEMS);
}
END_TEST

/* --- Event ------------------------------------------------------------------------------------ */

static int wait_for_event(void *data)
{
	return reeve_event_wait(event, REEVE_FOREVER);
}

START_TEST(an_event_is_set_until_it_is_cleared)
{
	ck_assert_int_eq(reeve_event_is_set(event), 0);
	ck_assert_int_eq(reeve_event_wait(event, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_event_wait(event, MOMENT), -ETIMEDOUT);
	ck_assert_int_eq(reeve_event_wait(event, -2), -EINVAL);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(reeve_event_set(event), 0);
		ck_assert_int_eq(reeve_event_is_set(event), 1);
		ck_assert_int_eq(reeve_event_wait(event, 0), 0);
		ck_assert_int_eq(in_thread(wait_for_event, NULL), 0);
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(reeve_event_clear(event), 0);
		ck_assert_int_eq(reeve_event_is_set(event), 0);
		ck_assert_int_eq(reeve_event_wait(event, 0), -ETIMEDOUT);
	}
}
END_TEST

/* And one that was killed while it waited is in nobody's way. */
START_TEST(all_who_wait_go_even_if_it_is_cleared_at_once)
{
	struct caller waiters[WAITERS];

	sleepers_do_not_look_by_themselves();
	kill_and_reap(process_sleep(wait_for_event, NULL));
	for (int i = 0; i < WAITERS; i++)
		caller_sleep(&waiters[i], wait_for_event, NULL);
	ck_assert_int_eq(reeve_event_set(event), 0);
	ck_assert_int_eq(reeve_event_clear(event), 0);
	for (int i = 0; i < WAITERS; i++)
		ck_assert_int_eq(caller_join(&waiters[i]), 0);
	ck_assert_int_eq(reeve_event_wait(event, 0), -ETIMEDOUT);
}
END_TEST

#define MEETINGS 100000

/* Two that meet, each with a line of its own, and what one tells the other. */
static struct {
	_Alignas(128) _Atomic int first;
	_Alignas(128) _Atomic int second;
	_Alignas(128) _Atomic int told;
} meeting;

/* Go on together, one a little later than the other by chance. */
static void meet(_Atomic int *mine, _Atomic int *others, int turn, unsigned *seed)
{
	atomic_store(mine, turn);
	for (unsigned looks = 1; atomic_load(others) < turn; looks++)
		if (looks % 4096 == 0)
			sched_yield();
	for (volatile int delay = rand_r(seed) % 32; delay; delay--)
		;
}

/* What is to be done is written down by a plain store before the event is set. */
static int tell(void *data)
{
	unsigned seed = 1;

	for (int i = 1; i <= MEETINGS; i++) {
		meet(&meeting.first, &meeting.second, 2 * i, &seed);
		atomic_store_explicit(&meeting.told, i, memory_order_relaxed);
		reeve_event_set(event);
		meet(&meeting.first, &meeting.second, 2 * i + 1, &seed);
	}
	return 0;
}

/* Who clears it looks afterwards: he sees what there is to do, or it is set again. */
START_TEST(who_clears_it_misses_nothing_even_if_it_was_set_already)
{
	struct caller teller;
	unsigned seed = 2;
	int missed = 0;

	caller_start(&teller, tell, NULL);
	for (int i = 1; i <= MEETINGS; i++) {
		int seen;

		reeve_event_set(event);
		meet(&meeting.second, &meeting.first, 2 * i, &seed);
		reeve_event_clear(event);
		seen = atomic_load_explicit(&meeting.told, memory_order_relaxed);
		meet(&meeting.second, &meeting.first, 2 * i + 1, &seed);
		missed += seen < i && !reeve_event_is_set(event);
	}
	ck_assert_int_eq(caller_join(&teller), 0);
	ck_assert_int_eq(missed, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync condition");
	TCase *tcase = leakproof_case("sync condition");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, as_many_go_as_are_notified);
	tcase_add_test(tcase, nobody_wakes_up_unnotified);
	tcase_add_test(tcase, the_lock_is_held_before_and_after);
	tcase_add_test(tcase, a_recursive_lock_is_held_as_often_afterwards);
	tcase_add_test(tcase, no_more_wait_than_there_are_cells);
	tcase_add_test(tcase, a_dead_waiter_is_forgotten);
	tcase_add_test(tcase, the_notification_of_the_dead_goes_to_another);
	tcase_add_test(tcase, who_wakes_up_is_told_that_the_holder_died);
	tcase_add_test(tcase, what_somebody_scribbled_is_an_error);
	tcase_add_test(tcase, nobody_is_forgotten);
	tcase_add_test(tcase, an_event_is_set_until_it_is_cleared);
	tcase_add_test(tcase, who_clears_it_misses_nothing_even_if_it_was_set_already);
	tcase_add_test(tcase, all_who_wait_go_even_if_it_is_cleared_at_once);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
