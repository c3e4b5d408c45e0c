/* Semaphores: one that anybody releases, and one whose counts have owners. */
#include "unit/sync_fixture.h"

#define COUNT 3

static struct reeve_semaphore *plain;
static struct reeve_owned_semaphore *owned;

static void set_up(void)
{
	make_arena();
	ck_assert_int_eq(reeve_semaphore_new(arena, "plain", COUNT, 5, 0, &plain), 0);
	ck_assert_int_eq(reeve_owned_semaphore_new(arena, "owned", COUNT, 0, &owned), 0);
}

static void tear_down(void)
{
	plain = reeve_semaphore_free(plain);
	owned = reeve_owned_semaphore_free(owned);
	free_arena();
}

static int acquire_plain(void *data)
{
	return reeve_semaphore_acquire(plain, REEVE_FOREVER);
}

static int release_plain(void *data)
{
	return reeve_semaphore_release(plain, 1);
}

static int acquire_owned(void *data)
{
	return reeve_owned_semaphore_acquire(owned, REEVE_FOREVER);
}

static int release_owned(void *data)
{
	return reeve_owned_semaphore_release(owned);
}

START_TEST(it_is_a_number_between_nought_and_its_maximum)
{
	for (int i = COUNT; i > 0; i--) {
		ck_assert_int_eq(reeve_semaphore_value(plain), i);
		ck_assert_int_eq(reeve_semaphore_acquire(plain, 0), 0);
	}
	ck_assert_int_eq(reeve_semaphore_value(plain), 0);
	ck_assert_int_eq(reeve_semaphore_acquire(plain, 0), -ETIMEDOUT);
	ck_assert_int_eq(in_thread(release_plain, NULL), 0);
	ck_assert_int_eq(reeve_semaphore_release(plain, 0), -EINVAL);
	ck_assert_int_eq(reeve_semaphore_release(plain, 5), -EOVERFLOW);
	ck_assert_int_eq(reeve_semaphore_release(plain, UINT_MAX), -EOVERFLOW);
	ck_assert_int_eq(reeve_semaphore_value(plain), 1);
	ck_assert_int_eq(reeve_semaphore_release(plain, 4), 0);
	ck_assert_int_eq(reeve_semaphore_value(plain), 5);
	ck_assert_int_eq(reeve_semaphore_release(plain, 1), -EOVERFLOW);
}
END_TEST

START_TEST(what_it_begins_with_has_to_fit)
{
	struct reeve_semaphore *other;

	ck_assert_int_eq(reeve_semaphore_new(arena, "x", 0, 0, 0, &other), -EINVAL);
	ck_assert_int_eq(reeve_semaphore_new(arena, "x", 2, 1, 0, &other), -EINVAL);
	ck_assert_int_eq(
		reeve_semaphore_new(arena, "x", 0, REEVE_SEMAPHORE_MAX + 1, 0, &other), -EOVERFLOW);
	ck_assert_int_eq(reeve_semaphore_new(arena, "x", 0, REEVE_SEMAPHORE_MAX, 0, &other), 0);
	ck_assert_int_eq(reeve_semaphore_release(other, REEVE_SEMAPHORE_MAX), 0);
	ck_assert_int_eq(reeve_semaphore_value(other), (int)REEVE_SEMAPHORE_MAX);
	ck_assert_int_eq(reeve_semaphore_release(other, 1), -EOVERFLOW);
	reeve_semaphore_free(other);
}
END_TEST

START_TEST(waiting_ends_at_its_time)
{
	reeve_nsec start = reeve_now();

	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_eq(acquire_plain(NULL), 0);
		ck_assert_int_eq(acquire_owned(NULL), 0);
	}
	ck_assert_int_eq(reeve_semaphore_acquire(plain, MOMENT), -ETIMEDOUT);
	ck_assert_int_eq(reeve_owned_semaphore_acquire(owned, MOMENT), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - start, 2 * MOMENT);
	ck_assert_int_eq(reeve_semaphore_acquire(plain, -2), -EINVAL);
	ck_assert_int_eq(reeve_owned_semaphore_acquire(owned, -2), -EINVAL);
}
END_TEST

START_TEST(as_many_go_as_are_released)
{
	struct caller waiters[4];
	int gone = 0;

	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(acquire_plain(NULL), 0);
	for (int i = 0; i < 4; i++)
		caller_sleep(&waiters[i], acquire_plain, NULL);
	ck_assert_int_eq(reeve_semaphore_release(plain, 3), 0);
	do {
		gone = 0;
		for (int i = 0; i < 4; i++)
			gone += atomic_load(&waiters[i].done);
		sched_yield();
	} while (gone < 3);
	ck_assert_int_eq(reeve_semaphore_value(plain), 0);
	ck_assert_int_eq(release_plain(NULL), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(caller_join(&waiters[i]), 0);
	ck_assert_int_eq(reeve_semaphore_value(plain), 0);
}
END_TEST

START_TEST(it_has_no_owner)
{
	kill_and_recover(process_through(acquire_plain, NULL));
	ck_assert_int_eq(reeve_semaphore_value(plain), COUNT - 1);
	kill_and_recover(process_through(release_plain, NULL));
	ck_assert_int_eq(reeve_semaphore_value(plain), COUNT);
}
END_TEST

START_TEST(counts_have_owners)
{
	pid_t other = process_through(acquire_owned, NULL);

	ck_assert_int_eq(reeve_owned_semaphore_value(owned), COUNT - 1);
	ck_assert_int_eq(release_owned(NULL), -EPERM);
	ck_assert_int_eq(acquire_owned(NULL), 0);
	ck_assert_int_eq(in_thread(acquire_owned, NULL), 0);
	ck_assert_int_eq(reeve_owned_semaphore_value(owned), 0);
	ck_assert_int_eq(reeve_owned_semaphore_acquire(owned, 0), -ETIMEDOUT);
	ck_assert_int_eq(in_thread(release_owned, NULL), 0);
	ck_assert_int_eq(release_owned(NULL), 0);
	ck_assert_int_eq(release_owned(NULL), -EPERM);
	ck_assert_int_eq(reeve_owned_semaphore_value(owned), COUNT - 1);
	kill_and_recover(other);
	ck_assert_int_eq(reeve_owned_semaphore_value(owned), COUNT);
}
END_TEST

START_TEST(a_forked_child_owns_nothing)
{
	int status;
	pid_t pid;

	ck_assert_int_eq(acquire_owned(NULL), 0);
	pid = fork();
	if (pid == 0)
		_exit(release_owned(NULL) == -EPERM ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(reeve_owned_semaphore_value(owned), COUNT - 1);
	ck_assert_int_eq(release_owned(NULL), 0);
}
END_TEST

static int acquire_all(void *data)
{
	for (int i = 0; i < COUNT; i++)
		acquire_owned(NULL);
	return 0;
}

START_TEST(who_waits_has_what_the_dead_had)
{
	pid_t holder = process_through(acquire_all, NULL);
	struct caller waiters[2];

	sleepers_do_not_look_by_themselves();
	for (int i = 0; i < 2; i++)
		caller_sleep(&waiters[i], acquire_owned, NULL);
	kill_and_recover(holder);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(caller_join(&waiters[i]), 0);
	ck_assert_int_eq(reeve_owned_semaphore_value(owned), COUNT - 2);
}
END_TEST

START_TEST(giving_up_the_place_gives_all_counts_back)
{
	ck_assert_int_eq(acquire_all(NULL), 0);
	ck_assert_int_eq(reeve_arena_detach(arena, 0), 0);
	ck_assert_int_eq(release_owned(NULL), -EPERM);
	ck_assert_int_eq(reeve_owned_semaphore_value(owned), COUNT);
}
END_TEST

START_TEST(one_can_ask_who_holds_counts)
{
	struct reeve_sync_holder holders[COUNT];
	pid_t other = process_through(acquire_owned, NULL);

	ck_assert_int_eq(acquire_owned(NULL), 0);
	ck_assert_int_eq(reeve_owned_semaphore_holders(owned, NULL, 0), 2);
	ck_assert_int_eq(reeve_owned_semaphore_holders(owned, NULL, 1), -EFAULT);
	ck_assert_int_eq(reeve_owned_semaphore_holders(owned, holders, 1), 2);
	ck_assert_int_eq(reeve_owned_semaphore_holders(owned, holders, COUNT), 2);
	ck_assert_int_eq(holders[0].pid, other);
	ck_assert_int_eq(holders[1].pid, getpid());
	ck_assert_int_eq(holders[1].tid, gettid());
	ck_assert_int_gt(holders[1].since, 0);
	kill_and_recover(other);
	ck_assert_int_eq(reeve_owned_semaphore_holders(owned, holders, COUNT), 1);
}
END_TEST

START_TEST(there_are_as_many_as_were_asked_for)
{
	struct reeve_owned_semaphore *other;

	ck_assert_int_eq(reeve_owned_semaphore_new(arena, "x", 0, 0, &other), -EINVAL);
	ck_assert_int_eq(
		reeve_owned_semaphore_new(arena, "x", REEVE_OWNED_SEMAPHORE_MAX + 1, 0, &other),
		-EOVERFLOW);
	ck_assert_int_eq(reeve_owned_semaphore_new(arena, "x", 1, 0, &other), 0);
	ck_assert_int_eq(reeve_owned_semaphore_acquire(other, 0), 0);
	ck_assert_int_eq(reeve_owned_semaphore_acquire(other, 0), -ETIMEDOUT);
	reeve_owned_semaphore_free(other);
}
END_TEST

#define TURNS 4000

/* At most COUNT have one at any time. */
static int come_and_go(void *data)
{
	for (int i = 0; i < TURNS; i++) {
		int r = acquire_owned(NULL);

		if (r < 0)
			return r;
		if (atomic_fetch_add(&board->b, 1) >= COUNT)
			return -EILSEQ;
		atomic_fetch_sub(&board->b, 1);
		r = release_owned(NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

START_TEST(never_more_than_there_are)
{
	struct caller threads[4];
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(-come_and_go(NULL));
	for (int i = 0; i < 4; i++)
		caller_start(&threads[i], come_and_go, NULL);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(caller_join(&threads[i]), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(reeve_owned_semaphore_value(owned), COUNT);
}
END_TEST

/* Takes and gives back, so that a process's counts are in other cells all the time. */
static int acquire_and_release(void *data)
{
	int r = 0;

	for (int i = 0; i < 50 * TURNS && r == 0; i++) {
		r = reeve_owned_semaphore_acquire(data, 0);
		if (r == 0)
			r = reeve_owned_semaphore_release(data);
	}
	return r;
}

static int acquire_61(void *data)
{
	int r = 0;

	for (int i = 0; i < 61 && r == 0; i++)
		r = reeve_owned_semaphore_acquire(data, 0);
	return r;
}

/* A search takes long enough in this one for others to come in between. None of these threads can
 * find none: there are more counts than threads, and each has one when it gives one back, be it that
 * the rest is the same process's, so that a free one is rare, or another's, so that its own is. */
START_TEST(what_there_is_is_found_wherever_it_moves)
{
	struct reeve_owned_semaphore *wide;
	struct caller threads[3];
	pid_t pid = 0;

	ck_assert_int_eq(reeve_owned_semaphore_new(arena, "wide", 64, 0, &wide), 0);
	if (_i == 0)
		ck_assert_int_eq(acquire_61(wide), 0);
	else
		pid = process_through(acquire_61, wide);
	for (int i = 0; i < 3; i++)
		caller_start(&threads[i], acquire_and_release, wide);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(caller_join(&threads[i]), 0);
	ck_assert_int_eq(reeve_owned_semaphore_value(wide), 3);
	if (pid)
		kill_and_recover(pid);
	reeve_owned_semaphore_free(wide);
}
END_TEST

static int acquire_and_release_for_ever(void *data)
{
	while (acquire_owned(NULL) == 0 && release_owned(NULL) == 0)
		atomic_fetch_add(&board->counter, 1);
	atomic_store(&board->a, 1);
	return -EILSEQ;
}

START_TEST(none_is_lost_by_whichever_deaths)
{
	pid_t pids[5];

	for (int i = 0; i < 5; i++)
		pids[i] = process_start(acquire_and_release_for_ever, NULL);
	for (int turn = 0; turn < 60; turn++) {
		uint64_t before = atomic_load(&board->counter);

		kill_and_recover(pids[turn % 5]);
		pids[turn % 5] = process_start(acquire_and_release_for_ever, NULL);
		WAIT_UNTIL(atomic_load(&board->counter) > before + 100);
		ck_assert_int_eq(atomic_load(&board->a), 0);
	}
	for (int i = 0; i < 5; i++)
		kill_and_recover(pids[i]);
	ck_assert_int_eq(reeve_owned_semaphore_value(owned), COUNT);
}
END_TEST

/* The first words are: value, maximum; eventcount, count. */
START_TEST(what_somebody_scribbled_is_an_error)
{
	_Atomic uint32_t *words = memory_of(plain);
	struct reeve_semaphore *other;
	struct reeve_owned_semaphore *other_owned;

	atomic_store(&words[0], UINT32_MAX);
	ck_assert_int_eq(reeve_semaphore_value(plain), -EUCLEAN);
	ck_assert_int_eq(reeve_semaphore_release(plain, 1), -EUCLEAN);
	atomic_store(&words[1], 0);
	ck_assert_int_eq(reeve_semaphore_open(arena, "plain", &other), -EUCLEAN);
	atomic_store(&words[1], UINT32_MAX);
	ck_assert_int_eq(reeve_semaphore_open(arena, "plain", &other), -EUCLEAN);
	words = memory_of(owned);
	for (uint32_t count = 0; count < 2; count++) {
		atomic_store(&words[1], count - 1);
		ck_assert_int_eq(
			reeve_owned_semaphore_open(arena, "owned", &other_owned), -EUCLEAN);
	}
	ck_assert_int_eq(reeve_owned_semaphore_acquire(owned, 0), 0);
	memset(words, 0xff, 128);
	ck_assert_int_eq(reeve_owned_semaphore_acquire(owned, 0), -ETIMEDOUT);
	ck_assert_int_ge(reeve_arena_recover(arena, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync semaphore");
	TCase *tcase = leakproof_case("sync semaphore");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, it_is_a_number_between_nought_and_its_maximum);
	tcase_add_test(tcase, what_it_begins_with_has_to_fit);
	tcase_add_test(tcase, waiting_ends_at_its_time);
	tcase_add_test(tcase, as_many_go_as_are_released);
	tcase_add_test(tcase, it_has_no_owner);
	tcase_add_test(tcase, counts_have_owners);
	tcase_add_test(tcase, a_forked_child_owns_nothing);
	tcase_add_test(tcase, who_waits_has_what_the_dead_had);
	tcase_add_test(tcase, giving_up_the_place_gives_all_counts_back);
	tcase_add_test(tcase, one_can_ask_who_holds_counts);
	tcase_add_test(tcase, there_are_as_many_as_were_asked_for);
	tcase_add_test(tcase, never_more_than_there_are);
	tcase_add_loop_test(tcase, what_there_is_is_found_wherever_it_moves, 0, 2);
	tcase_add_test(tcase, none_is_lost_by_whichever_deaths);
	tcase_add_test(tcase, what_somebody_scribbled_is_an_error);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
