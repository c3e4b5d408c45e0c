/* Barriers: all or nobody. */
#include "unit/sync_fixture.h"

#define PARTIES 3

static struct reeve_barrier *barrier;

static void set_up(void)
{
	make_arena();
	ck_assert_int_eq(reeve_barrier_new(arena, "start", PARTIES, 0, &barrier), 0);
}

static void tear_down(void)
{
	barrier = reeve_barrier_free(barrier);
	free_arena();
}

static int arrive(void *data)
{
	return reeve_barrier_wait(barrier, REEVE_FOREVER);
}

static void start_waiters(struct caller *waiters, int count)
{
	for (int i = 0; i < count; i++) {
		caller_start(&waiters[i], arrive, NULL);
		WAIT_UNTIL(reeve_barrier_waiting(barrier) == i + 1);
	}
}

static void join_all(struct caller *waiters, int count, int expected)
{
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(caller_join(&waiters[i]), expected);
}

START_TEST(nobody_goes_before_all_have_come)
{
	struct caller waiters[PARTIES - 1];

	ck_assert_int_eq(reeve_barrier_parties(barrier), PARTIES);
	for (int round = 0; round < 3; round++) {
		start_waiters(waiters, PARTIES - 1);
		for (int i = 0; i < PARTIES - 1; i++)
			ck_assert(!atomic_load(&waiters[i].done));
		ck_assert_int_eq(arrive(NULL), PARTIES - 1);
		for (int i = 0; i < PARTIES - 1; i++)
			ck_assert_int_eq(caller_join(&waiters[i]), i);
		ck_assert_int_eq(reeve_barrier_waiting(barrier), 0);
		ck_assert_int_eq(reeve_barrier_is_broken(barrier), 0);
	}
}
END_TEST

START_TEST(one_party_never_waits)
{
	struct reeve_barrier *single;

	ck_assert_int_eq(reeve_barrier_new(arena, "x", 0, 0, &single), -EINVAL);
	ck_assert_int_eq(reeve_barrier_new(arena, "x", REEVE_BARRIER_PARTIES_MAX + 1, 0, &single),
		-EOVERFLOW);
	ck_assert_int_eq(reeve_barrier_new(arena, "x", 1, 0, &single), 0);
	for (int round = 0; round < 3; round++)
		ck_assert_int_eq(reeve_barrier_wait(single, 0), 0);
	reeve_barrier_free(single);
}
END_TEST

START_TEST(a_timeout_breaks_it_for_all)
{
	struct caller waiter;

	start_waiters(&waiter, 1);
	ck_assert_int_eq(reeve_barrier_wait(barrier, -2), -EINVAL);
	ck_assert_int_eq(reeve_barrier_is_broken(barrier), 0);
	ck_assert_int_eq(reeve_barrier_wait(barrier, MOMENT), -ETIMEDOUT);
	ck_assert_int_eq(caller_join(&waiter), -EPIPE);
	ck_assert_int_eq(reeve_barrier_is_broken(barrier), 1);
	ck_assert_int_eq(arrive(NULL), -EPIPE);
	ck_assert_int_eq(reeve_barrier_waiting(barrier), 0);
}
END_TEST

START_TEST(trying_succeeds_for_the_last_one_alone)
{
	struct caller waiters[PARTIES - 1];

	start_waiters(waiters, PARTIES - 1);
	ck_assert_int_eq(reeve_barrier_wait(barrier, 0), PARTIES - 1);
	for (int i = 0; i < PARTIES - 1; i++)
		ck_assert_int_eq(caller_join(&waiters[i]), i);
	ck_assert_int_eq(reeve_barrier_wait(barrier, 0), -ETIMEDOUT);
	ck_assert_int_eq(arrive(NULL), -EPIPE);
}
END_TEST

START_TEST(the_death_of_one_who_has_arrived_breaks_it)
{
	pid_t dead = process_sleep(arrive, NULL);
	struct caller waiter;

	sleepers_do_not_look_by_themselves();
	caller_start(&waiter, arrive, NULL);
	WAIT_UNTIL(reeve_barrier_waiting(barrier) == 2);
	kill_and_recover(dead);
	ck_assert_int_eq(caller_join(&waiter), -EPIPE);
	ck_assert_int_eq(arrive(NULL), -EPIPE);
	ck_assert_int_eq(reeve_barrier_reset(barrier), 0);
	start_waiters(&waiter, 1);
	ck_assert_int_eq(reeve_barrier_abort(barrier), 0);
	ck_assert_int_eq(caller_join(&waiter), -EPIPE);
}
END_TEST

START_TEST(the_death_of_one_who_has_gone_on_does_not)
{
	struct caller waiter;
	pid_t other = process_sleep(arrive, NULL);

	WAIT_UNTIL(reeve_barrier_waiting(barrier) == 1);
	caller_start(&waiter, arrive, NULL);
	ck_assert_int_ge(arrive(NULL), 1);
	ck_assert_int_ge(caller_join(&waiter), 1);
	WAIT_UNTIL(is_pausing(other));
	start_waiters(&waiter, 1);
	kill_and_recover(other);
	ck_assert_int_eq(reeve_barrier_is_broken(barrier), 0);
	ck_assert_int_eq(reeve_barrier_waiting(barrier), 1);
	reeve_barrier_abort(barrier);
	ck_assert_int_eq(caller_join(&waiter), -EPIPE);
}
END_TEST

START_TEST(abort_breaks_it_and_reset_mends_it)
{
	struct caller waiters[PARTIES - 1];

	start_waiters(waiters, PARTIES - 1);
	ck_assert_int_eq(reeve_barrier_abort(barrier), 0);
	join_all(waiters, PARTIES - 1, -EPIPE);
	ck_assert_int_eq(reeve_barrier_abort(barrier), 0);
	ck_assert_int_eq(reeve_barrier_is_broken(barrier), 1);
	ck_assert_int_eq(arrive(NULL), -EPIPE);
	ck_assert_int_eq(reeve_barrier_reset(barrier), 0);
	ck_assert_int_eq(reeve_barrier_is_broken(barrier), 0);
	start_waiters(waiters, PARTIES - 1);
	ck_assert_int_eq(arrive(NULL), PARTIES - 1);
	for (int i = 0; i < PARTIES - 1; i++)
		ck_assert_int_eq(caller_join(&waiters[i]), i);
}
END_TEST

START_TEST(reset_is_told_to_those_who_wait)
{
	struct caller waiters[PARTIES - 1];

	for (int turn = 0; turn < 3; turn++) {
		start_waiters(waiters, PARTIES - 1);
		ck_assert_int_eq(reeve_barrier_reset(barrier), 0);
		join_all(waiters, PARTIES - 1, -EPIPE);
		ck_assert_int_eq(reeve_barrier_is_broken(barrier), 0);
		ck_assert_int_eq(reeve_barrier_waiting(barrier), 0);
	}
}
END_TEST

#define ROUNDS 1000

/* When one goes on to the next round, all have finished this one. */
static int keep_step(void *data)
{
	for (int round = 1; round <= ROUNDS; round++) {
		int r;

		atomic_fetch_add(&board->counter, 1);
		r = arrive(NULL);
		if (r < 0)
			return r;
		if (atomic_load(&board->counter) < (uint64_t)round * PARTIES)
			return -EILSEQ;
		if (r == 0)
			atomic_fetch_add(&board->a, 1);
	}
	return 0;
}

START_TEST(all_keep_step)
{
	struct caller threads[PARTIES - 1];
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(-keep_step(NULL));
	for (int i = 0; i < PARTIES - 1; i++)
		caller_start(&threads[i], keep_step, NULL);
	join_all(threads, PARTIES - 1, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(atomic_load(&board->a), ROUNDS); /* one in each was the first */
}
END_TEST

/* More than there are parties come: each round that is completed has one of each index. */
static int come_again(void *data)
{
	_Atomic int *const tally[PARTIES] = { &board->a, &board->b, &board->c };
	int r;

	while ((r = arrive(NULL)) >= 0)
		atomic_fetch_add(tally[r], 1);
	return r;
}

START_TEST(more_than_its_parties_may_come)
{
	struct caller threads[2 * PARTIES];

	for (int i = 0; i < 2 * PARTIES; i++)
		caller_start(&threads[i], come_again, NULL);
	WAIT_UNTIL(atomic_load(&board->a) > ROUNDS);
	reeve_barrier_abort(barrier);
	join_all(threads, 2 * PARTIES, -EPIPE);
	ck_assert_int_eq(atomic_load(&board->a), atomic_load(&board->b));
	ck_assert_int_eq(atomic_load(&board->a), atomic_load(&board->c));
}
END_TEST

static int arrive_for_ever(void *data)
{
	int r = 0;

	while (r != -EILSEQ) {
		r = arrive(NULL);

		if (r == -EPIPE)
			sched_yield();
		else if (r < 0)
			atomic_store(&board->a, -r);
		else
			atomic_fetch_add(&board->counter, 1);
	}
	return r;
}

START_TEST(whoever_dies_it_can_be_mended)
{
	pid_t pids[PARTIES];

	for (int i = 0; i < PARTIES; i++)
		pids[i] = process_start(arrive_for_ever, NULL);
	for (int turn = 0; turn < 40; turn++) {
		uint64_t before = atomic_load(&board->counter);

		kill_and_recover(pids[turn % PARTIES]);
		pids[turn % PARTIES] = process_start(arrive_for_ever, NULL);
		ck_assert_int_eq(reeve_barrier_reset(barrier), 0);
		WAIT_UNTIL(atomic_load(&board->counter) > before + 50);
		ck_assert_int_eq(atomic_load(&board->a), 0);
	}
	for (int i = 0; i < PARTIES; i++)
		kill_and_recover(pids[i]);
}
END_TEST

START_TEST(what_somebody_scribbled_is_an_error)
{
	struct barrier_words {
		_Atomic uint64_t word;
		_Atomic uint32_t left, parties;
		unsigned char rest[64 - 16];
		_Atomic uint64_t cells[PARTIES];
	} *words = memory_of(barrier);
	struct reeve_barrier *other;

	atomic_store(&words->cells[0], 9); /* no such participant */
	ck_assert_int_eq(arrive(NULL), -EUCLEAN);
	ck_assert_int_eq(reeve_barrier_reset(barrier), 0);
	atomic_store(&words->cells[0], 7); /* a place that nobody has */
	ck_assert_int_eq(arrive(NULL), -EUCLEAN);
	for (uint32_t i = 0; i < 2; i++) {
		atomic_store(&words->parties, i - 1);
		ck_assert_int_eq(reeve_barrier_open(arena, "start", &other), -EUCLEAN);
	}
	kill_and_reap(start_participant(arena, NULL));
	ck_assert_int_eq(reeve_arena_recover(arena, 0), -EUCLEAN);
	atomic_store(&words->parties, PARTIES);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync barrier");
	TCase *tcase = leakproof_case("sync barrier");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, nobody_goes_before_all_have_come);
	tcase_add_test(tcase, one_party_never_waits);
	tcase_add_test(tcase, a_timeout_breaks_it_for_all);
	tcase_add_test(tcase, trying_succeeds_for_the_last_one_alone);
	tcase_add_test(tcase, the_death_of_one_who_has_arrived_breaks_it);
	tcase_add_test(tcase, the_death_of_one_who_has_gone_on_does_not);
	tcase_add_test(tcase, abort_breaks_it_and_reset_mends_it);
	tcase_add_test(tcase, reset_is_told_to_those_who_wait);
	tcase_add_test(tcase, all_keep_step);
	tcase_add_test(tcase, more_than_its_parties_may_come);
	tcase_add_test(tcase, whoever_dies_it_can_be_mended);
	tcase_add_test(tcase, what_somebody_scribbled_is_an_error);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
