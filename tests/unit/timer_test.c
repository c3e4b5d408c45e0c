/* Alarm and the interval timers. */
#include <pthread.h>

#include "reeve/timer.h"
#include "unit/signal_fixture.h"

static const enum reeve_timer_which all[] = { REEVE_TIMER_REAL, REEVE_TIMER_VIRTUAL,
	REEVE_TIMER_PROF };

START_TEST(each_has_its_signal)
{
	ck_assert_int_eq(reeve_timer_signal(REEVE_TIMER_REAL), SIGALRM);
	ck_assert_int_eq(reeve_timer_signal(REEVE_TIMER_VIRTUAL), SIGVTALRM);
	ck_assert_int_eq(reeve_timer_signal(REEVE_TIMER_PROF), SIGPROF);
}
END_TEST

START_TEST(wrong_arguments_are_refused_and_change_nothing)
{
	struct reeve_timer_value value = { .left = 60 * REEVE_SEC }, read = { 7, 7 };
	enum reeve_timer_which none = (enum reeve_timer_which)3;

	ck_assert_int_eq(reeve_timer_signal(none), -EINVAL);
	ck_assert_int_eq(reeve_timer_get(none, &read), -EINVAL);
	ck_assert_int_eq(reeve_timer_set(none, value, &read), -EINVAL);
	ck_assert_int_eq(reeve_timer_set((enum reeve_timer_which) - 1, value, &read), -EINVAL);
	ck_assert_int_eq(read.left, 7);
	ck_assert_int_eq(reeve_timer_set(REEVE_TIMER_REAL, value, NULL), 0);
	value.left = -1;
	ck_assert_int_eq(reeve_timer_set(REEVE_TIMER_REAL, value, NULL), -EINVAL);
	value = (struct reeve_timer_value){ .left = 1, .interval = -1 };
	ck_assert_int_eq(reeve_timer_set(REEVE_TIMER_REAL, value, NULL), -EINVAL);
	ck_assert_int_eq(reeve_alarm(REEVE_FOREVER, NULL), -EINVAL);
	ck_assert_int_eq(reeve_timer_get(REEVE_TIMER_REAL, &read), 0);
	ck_assert_int_gt(read.left, 0);
	ck_assert_int_eq(reeve_alarm(0, NULL), 0);
}
END_TEST

START_TEST(a_long_time_is_kept_whole)
{
	struct reeve_timer_value value = { .left = INT64_MAX, .interval = INT64_MAX }, read;

	ck_assert_int_eq(reeve_timer_set(all[_i], value, NULL), 0);
	ck_assert_int_eq(reeve_timer_get(all[_i], &read), 0);
	ck_assert_int_gt(read.left, INT64_MAX / 2);
	ck_assert_int_eq(reeve_timer_set(all[_i], (struct reeve_timer_value){ 0 }, NULL), 0);
}
END_TEST

/* A nanosecond is little, but it is not never. */
START_TEST(tiny_durations_do_not_round_to_zero)
{
	static const reeve_nsec tiny[] = { 1, 999, REEVE_USEC };
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription = subscribe(SIGALRM, log_event, &log);

	for (uint64_t i = 0; i < sizeof tiny / sizeof tiny[0]; i++) {
		struct reeve_timer_value value = { .left = tiny[i] };

		ck_assert_int_eq(reeve_timer_set(REEVE_TIMER_REAL, value, NULL), 0);
		wait_for_log(&log, i + 1);
	}
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* Burn processor time in user and kernel mode until there were `count` signals. */
static void burn_until(const struct log *log, uint64_t count)
{
	reeve_nsec deadline = reeve_now() + SOON;

	while (log->count < count) {
		for (volatile int i = 0; i < 100000; i++)
			;
		ck_assert_int_ge(reeve_signal_dispatch(), 0);
		ck_assert_int_lt(reeve_now(), deadline);
	}
}

START_TEST(each_repeats_until_it_is_disarmed)
{
	struct reeve_timer_value value = { .left = 2 * REEVE_MSEC, .interval = 3 * REEVE_MSEC },
				 read;
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;

	subscription = subscribe(reeve_timer_signal(all[_i]), log_event, &log);
	ck_assert_int_eq(reeve_timer_set(all[_i], value, &read), 0);
	ck_assert_int_eq(read.left, 0);
	ck_assert_int_eq(read.interval, 0);
	burn_until(&log, 3);
	ck_assert_int_eq(reeve_timer_get(all[_i], &read), 0);
	ck_assert_int_gt(read.left, 0);
	ck_assert_int_eq(read.interval, value.interval);
	value.left = 0; /* disarms, in spite of the interval */
	ck_assert_int_eq(reeve_timer_set(all[_i], value, &read), 0);
	ck_assert_int_eq(read.interval, value.interval);
	ck_assert_int_eq(reeve_timer_get(all[_i], &read), 0);
	ck_assert_int_eq(read.left, 0);
	ck_assert_int_eq(read.interval, 0);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(an_alarm_tells_what_was_left)
{
	reeve_nsec left = 7;

	ck_assert_int_eq(reeve_alarm(100 * REEVE_SEC, &left), 0);
	ck_assert_int_eq(left, 0);
	ck_assert_int_eq(reeve_alarm(50 * REEVE_SEC, &left), 0);
	ck_assert_int_gt(left, 50 * REEVE_SEC);
	ck_assert_int_le(left, 100 * REEVE_SEC);
	ck_assert_int_eq(reeve_alarm(0, &left), 0);
	ck_assert_int_gt(left, 0);
	ck_assert_int_eq(reeve_alarm(0, &left), 0);
	ck_assert_int_eq(left, 0);
}
END_TEST

static void *set_alarm(void *unused)
{
	ck_assert_int_eq(reeve_alarm(REEVE_MSEC, NULL), 0);
	return NULL;
}

START_TEST(any_thread_may_set_the_alarm)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	pthread_t thread;

	choose_mode(_i);
	subscription = subscribe(SIGALRM, log_event, &log);
	ck_assert_int_eq(pthread_create(&thread, NULL, set_alarm, NULL), 0);
	pthread_join(thread, NULL);
	wait_for_log(&log, 1);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(a_forked_child_has_none)
{
	struct reeve_timer_value read;
	pid_t child;

	ck_assert_int_eq(reeve_alarm(50 * REEVE_SEC, NULL), 0);
	child = fork();
	if (child == 0)
		_exit(reeve_timer_get(REEVE_TIMER_REAL, &read) == 0 && read.left == 0 ? 0 : 1);
	reap(child);
	ck_assert_int_eq(reeve_alarm(0, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timer");
	TCase *tcase = leakproof_case("timer");

	tcase_add_test(tcase, each_has_its_signal);
	tcase_add_test(tcase, wrong_arguments_are_refused_and_change_nothing);
	tcase_add_loop_test(tcase, a_long_time_is_kept_whole, 0, 3);
	tcase_add_test(tcase, tiny_durations_do_not_round_to_zero);
	tcase_add_loop_test(tcase, each_repeats_until_it_is_disarmed, 0, 3);
	tcase_add_test(tcase, an_alarm_tells_what_was_left);
	add_test_in_each_mode(tcase, any_thread_may_set_the_alarm);
	tcase_add_test(tcase, a_forked_child_has_none);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
