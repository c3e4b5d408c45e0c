/* How workers go: told to, by force, or because they are stuck. */
#include <stdlib.h>

#include "unit/pool_fixture.h"

/* --- Draining --------------------------------------------------------------------------------- */

static int one_long_request(struct reeve_pool_worker *which, void *data)
{
	reeve_nsec until = reeve_now() + 100 * REEVE_MSEC;

	reeve_pool_worker_begin(which);
	while (reeve_now() < until)
		poll(NULL, 0, 5);
	reeve_pool_worker_end(which);
	return 0;
}

/* That ends when the worker is to go. */
static int one_last_request(struct reeve_pool_worker *which, void *data)
{
	reeve_pool_worker_begin(which);
	reeve_pool_worker_say(which, "a long one");
	idle_until_told(which, NULL);
	reeve_pool_worker_end(which);
	return 0;
}

START_TEST(who_is_in_a_request_may_end_it)
{
	struct reeve_pool_spec spec = { .workers = 2, .run = one_last_request };

	start_pool(spec);
	RUN_UNTIL(status().busy == 2 && *worker(0).text && *worker(1).text);
	ck_assert_str_eq(worker(0).text, "a long one");
	ck_assert_int_eq(worker(0).state, REEVE_POOL_BUSY);
	ck_assert_int_eq(reeve_pool_stop(pool), 0);
	ck_assert_uint_eq(status().leaving, 2);
	ck_assert_int_eq(reeve_pool_resize(pool, 1), -ESHUTDOWN);
	ck_assert_int_eq(reeve_pool_recycle(pool), -ESHUTDOWN);
	stop_pool();
	for (unsigned i = 0; i < notice_count; i++) {
		if (notices[i].event != REEVE_POOL_ENDED)
			continue;
		ck_assert_int_eq(notices[i].outcome.how, REEVE_PROCESS_EXITED);
		ck_assert_uint_eq(notices[i].requests, 1);
		ck_assert_int_eq(notices[i].delay, REEVE_FOREVER);
	}
}
END_TEST

static int never_end(struct reeve_pool_worker *which, void *data)
{
	if (data)
		signal(SIGTERM, SIG_IGN);
	reeve_pool_worker_begin(which);
	for (;;)
		pause();
	return 0;
}

/* By SIGTERM, or by SIGKILL where that is ignored; not before the time is over. */
START_TEST(who_does_not_end_its_request_is_ended)
{
	struct reeve_pool_spec spec = { .workers = 2, .run = never_end };
	static char ignores;
	reeve_nsec begun;

	spec.data = _i ? &ignores : NULL;
	spec.grace = 30 * REEVE_MSEC;
	spec.kill_after = 20 * REEVE_MSEC;
	start_pool(spec);
	RUN_UNTIL(status().busy == 2);
	begun = reeve_now();
	ck_assert_int_eq(reeve_pool_stop(pool), 0);
	RUN_UNTIL(told(REEVE_POOL_STOPPED, -1) == 1);
	ck_assert_int_ge(reeve_now() - begun, spec.grace + (_i ? spec.kill_after : 0));
	ck_assert_uint_eq(told(REEVE_POOL_ENDED, REEVE_POOL_DISMISSED), 2);
	ck_assert_int_eq(last_told(REEVE_POOL_ENDED)->outcome.how, REEVE_PROCESS_SIGNALLED);
	ck_assert_int_eq(last_told(REEVE_POOL_ENDED)->outcome.status, _i ? SIGKILL : SIGTERM);
	ck_assert(last_told(REEVE_POOL_ENDED)->in_request);
	free_pool();
}
END_TEST

START_TEST(a_stopped_worker_is_drained_too)
{
	struct reeve_pool_spec spec = idle(1);
	int wait_status;

	spec.grace = 10 * REEVE_MSEC;
	start_pool(spec);
	RUN_UNTIL(all_idle(1));
	ck_assert_int_eq(kill(worker(0).pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(worker(0).pid, &wait_status, WUNTRACED), worker(0).pid);
	stop_pool();
}
END_TEST

START_TEST(a_pool_that_is_freed_kills_and_reaps)
{
	struct reeve_pool_spec spec = { .workers = 3, .run = never_end };
	static char ignores;

	spec.data = &ignores;
	start_pool(spec);
	RUN_UNTIL(status().busy == 3);
	free_pool();
	ck_assert(!has_child());
}
END_TEST

/* --- Callbacks that end the pool -------------------------------------------------------------- */

static void free_it(struct reeve_pool *which, const struct reeve_pool_notice *notice, void *data)
{
	if (notice->event == *(enum reeve_pool_event *)data)
		pool = reeve_pool_free(pool);
}

START_TEST(the_pool_may_be_freed_when_something_is_told)
{
	static enum reeve_pool_event events[] = { REEVE_POOL_STARTED, REEVE_POOL_ENDED,
		REEVE_POOL_STOPPED, REEVE_POOL_STUCK };
	struct reeve_pool_spec spec = { .workers = 3, .run = one_long_request, .told = free_it };

	spec.told_data = &events[_i];
	spec.stuck_after = events[_i] == REEVE_POOL_STUCK ? REEVE_MSEC : 0;
	start_pool(spec);
	for (reeve_nsec until = reeve_now() + LONG_ENOUGH; pool && reeve_now() < until;) {
		if (events[_i] == REEVE_POOL_STOPPED)
			reeve_pool_stop(pool);
		ck_assert_int_ge(reeve_loop_run_once(loop, REEVE_MSEC), 0);
	}
	ck_assert_ptr_null(pool);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 0);
	loop = reeve_loop_free(loop);
}
END_TEST

/* --- Stuck ------------------------------------------------------------------------------------ */

static int spin(struct reeve_pool_worker *which, void *data)
{
	bool beats = data;

	reeve_pool_worker_begin(which);
	while (!beats || !reeve_pool_worker_is_leaving(which))
		if (beats)
			reeve_pool_worker_beat(which);
	reeve_pool_worker_end(which);
	return 0;
}

START_TEST(a_request_without_end_is_ended_and_its_worker_replaced)
{
	struct reeve_pool_spec spec = { .workers = 1, .run = spin };
	pid_t first;

	spec.stuck_after = 40 * REEVE_MSEC;
	start_pool(spec);
	RUN_UNTIL(told(REEVE_POOL_STUCK, -1) == 1);
	first = last_told(REEVE_POOL_STUCK)->pid;
	ck_assert(last_told(REEVE_POOL_STUCK)->in_request);
	ck_assert_int_eq(worker(0).state, REEVE_POOL_TERMINATING);
	RUN_UNTIL(told(REEVE_POOL_ENDED, REEVE_POOL_REPLACED) == 1);
	ck_assert_int_eq(last_told(REEVE_POOL_ENDED)->delay, 0);
	RUN_UNTIL(status().busy == 1);
	ck_assert_int_ne(worker(0).pid, first);
	ck_assert_uint_ge(status().stuck, 1);
	free_pool();
}
END_TEST

START_TEST(who_beats_in_a_long_request_or_is_idle_is_not_stuck)
{
	struct reeve_pool_spec spec = { .workers = 2, .run = _i ? spin : idle_until_told };
	static char beats;

	spec.data = &beats;
	spec.stuck_after = 40 * REEVE_MSEC;
	start_pool(spec);
	RUN_UNTIL(_i ? status().busy == 2 : all_idle(2));
	for (reeve_nsec until = reeve_now() + 8 * spec.stuck_after; reeve_now() < until;)
		ck_assert_int_ge(reeve_loop_run_once(loop, until - reeve_now()), 0);
	ck_assert_uint_eq(told(REEVE_POOL_STUCK, -1), 0);
	stop_pool();
}
END_TEST

static int one_short_request(struct reeve_pool_worker *which, void *data)
{
	reeve_pool_worker_begin(which);
	reeve_pool_worker_end(which);
	return 0;
}

static void hang_in_leave(struct reeve_pool_worker *which, void *data)
{
	for (;;)
		pause();
}

static int hang_in_enter(struct reeve_pool_worker *which, void *data)
{
	hang_in_leave(which, data);
	return 0;
}

START_TEST(who_does_not_come_to_work_or_away_from_it_is_stuck)
{
	struct reeve_pool_spec spec = { .workers = 1,
		.run = _i ? one_short_request : idle_until_told };

	if (_i)
		spec.leave = hang_in_leave;
	else
		spec.enter = hang_in_enter;
	spec.stuck_after = 120 * REEVE_MSEC;
	start_pool(spec);
	RUN_UNTIL(told(REEVE_POOL_ENDED, REEVE_POOL_REPLACED) == 1);
	ck_assert(!last_told(REEVE_POOL_STUCK)->in_request);
	ck_assert_uint_eq(last_told(REEVE_POOL_ENDED)->requests, _i);
	free_pool();
}
END_TEST

START_TEST(one_that_somebody_stopped_is_replaced)
{
	struct reeve_pool_spec spec = idle(1);
	pid_t first;

	spec.stuck_after = 30 * REEVE_MSEC;
	start_pool(spec);
	RUN_UNTIL(all_idle(1));
	first = worker(0).pid;
	ck_assert_int_eq(kill(first, SIGSTOP), 0);
	RUN_UNTIL(told(REEVE_POOL_ENDED, REEVE_POOL_REPLACED) == 1);
	RUN_UNTIL(all_idle(1));
	ck_assert_int_ne(worker(0).pid, first);
	stop_pool();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool drain");
	TCase *draining = leakproof_case("draining");
	TCase *stuck = leakproof_case("stuck");

	tcase_add_test(draining, who_is_in_a_request_may_end_it);
	tcase_add_loop_test(draining, who_does_not_end_its_request_is_ended, 0, 2);
	tcase_add_test(draining, a_stopped_worker_is_drained_too);
	tcase_add_test(draining, a_pool_that_is_freed_kills_and_reaps);
	tcase_add_loop_test(draining, the_pool_may_be_freed_when_something_is_told, 0, 4);
	suite_add_tcase(suite, draining);

	tcase_add_test(stuck, a_request_without_end_is_ended_and_its_worker_replaced);
	tcase_add_loop_test(stuck, who_beats_in_a_long_request_or_is_idle_is_not_stuck, 0, 2);
	tcase_add_loop_test(stuck, who_does_not_come_to_work_or_away_from_it_is_stuck, 0, 2);
	tcase_add_test(stuck, one_that_somebody_stopped_is_replaced);
	suite_add_tcase(suite, stuck);
	return run_suite(suite);
}
