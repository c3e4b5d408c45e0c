#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "reeve/base.h"
#include "support/harness.h"

START_TEST(version_is_that_of_the_header)
{
	ck_assert_str_eq(reeve_version(), REEVE_VERSION);
}
END_TEST

START_TEST(a_negative_timeout_other_than_forever_is_refused)
{
	reeve_nsec deadline = 7;

	ck_assert_int_eq(deadline_from(-2, &deadline), -EINVAL);
	ck_assert_int_eq(deadline, 7);
	ck_assert_int_eq(deadline_from(REEVE_FOREVER, &deadline), 0);
	ck_assert_int_eq(deadline, REEVE_FOREVER);
}
END_TEST

START_TEST(a_timeout_past_the_end_of_time_is_clipped)
{
	reeve_nsec deadline;

	ck_assert_int_eq(deadline_from(INT64_MAX, &deadline), 0);
	ck_assert_int_eq(deadline, INT64_MAX);
	ck_assert_int_gt(deadline_left(deadline), 0);
}
END_TEST

START_TEST(waiting_for_a_closed_descriptor_is_an_error)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(wait_fd(fds[0], POLLIN, 0), -ETIMEDOUT);
	fds[1] = close_fd(fds[1]);
	ck_assert_int_eq(wait_fd(fds[0], POLLIN, REEVE_FOREVER), 0);
	close(fds[0]);
	ck_assert_int_eq(wait_fd(fds[0], POLLIN, 0), -EBADF);
}
END_TEST

/* --- What tells a sleeping call of signals ------------------------------------------------------ */

static int watched[2], begun, ended, runs, run_result;

static int begin_sleep(void)
{
	begun++;
	return watched[0];
}

static void end_sleep(void)
{
	ended++;
}

static int run_handlers(void)
{
	char byte;

	runs++;
	if (run_result == 0)
		ck_assert_int_eq(read(watched[0], &byte, 1), 1);
	return run_result;
}

static const struct interrupt_watch watch = { begin_sleep, end_sleep };

static void watch_signals(int result)
{
	ck_assert_int_eq(pipe2(watched, O_CLOEXEC), 0);
	run_result = result;
	interrupt_set_hook(run_handlers);
	interrupt_set_watch(&watch);
	ck_assert_int_eq(write(watched[1], "x", 1), 1);
}

static void unwatch_signals(void)
{
	interrupt_set_watch(NULL);
	interrupt_set_hook(NULL);
	ck_assert_int_eq(begun, ended);
	close(watched[0]);
	close(watched[1]);
}

START_TEST(a_sleep_runs_handlers_and_goes_on)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	watch_signals(0);
	ck_assert_int_eq(wait_fd(fds[0], POLLIN, reeve_now() + REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_eq(runs, 1);
	ck_assert_int_eq(write(watched[1], "x", 1), 1);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(wait_fd(fds[0], POLLIN, REEVE_FOREVER), 0);
	ck_assert_int_eq(runs, 2);
	unwatch_signals();
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_sleep_ends_where_a_handler_says_so)
{
	struct pollfd none = { .fd = -1 };

	watch_signals(-EINTR);
	ck_assert_int_eq(poll_until(&none, 1, REEVE_FOREVER), -EINTR);
	unwatch_signals();
}
END_TEST

/* Another thread runs handlers: not a reason to spin. */
START_TEST(a_sleep_leaves_handlers_to_who_is_at_them)
{
	struct pollfd none = { .fd = -1 };

	watch_signals(INTERRUPT_BUSY);
	ck_assert_int_eq(poll_until(&none, 1, reeve_now() + 5 * REEVE_MSEC), 0);
	ck_assert_int_eq(runs, 1);
	unwatch_signals();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base");
	TCase *tcase = leakproof_case("base");

	tcase_add_test(tcase, version_is_that_of_the_header);
	tcase_add_test(tcase, a_negative_timeout_other_than_forever_is_refused);
	tcase_add_test(tcase, a_timeout_past_the_end_of_time_is_clipped);
	tcase_add_test(tcase, waiting_for_a_closed_descriptor_is_an_error);
	tcase_add_test(tcase, a_sleep_runs_handlers_and_goes_on);
	tcase_add_test(tcase, a_sleep_ends_where_a_handler_says_so);
	tcase_add_test(tcase, a_sleep_leaves_handlers_to_who_is_at_them);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
