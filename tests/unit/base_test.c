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

int main(void)
{
	Suite *suite = suite_create("base");
	TCase *tcase = leakproof_case("base");

	tcase_add_test(tcase, version_is_that_of_the_header);
	tcase_add_test(tcase, a_negative_timeout_other_than_forever_is_refused);
	tcase_add_test(tcase, a_timeout_past_the_end_of_time_is_clipped);
	tcase_add_test(tcase, waiting_for_a_closed_descriptor_is_an_error);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
