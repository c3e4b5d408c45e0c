#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "reeve/error.h"
#include "support/harness.h"

#define PAST_THE_LAST 4096 /* the kernel's errors are smaller, whatever is still to come */

/* The C library knows them too: it is the judge of completeness. */
START_TEST(every_error_of_the_system_has_its_name_and_a_text)
{
	for (int error = 1; error < PAST_THE_LAST; error++) {
		const char *expected = strerrorname_np(error);

		ck_assert_str_eq(reeve_error_name(-error), expected ? expected : "EUNKNOWN");
		ck_assert_str_eq(reeve_error_name(error), reeve_error_name(-error));
		ck_assert_int_eq(strcmp(reeve_error_text(-error), "Unknown error") != 0, expected != NULL);
		ck_assert_str_eq(reeve_error_text(error), reeve_error_text(-error));
	}
}
END_TEST

START_TEST(name_and_number_are_each_others_inverse)
{
	for (int error = 0; error < PAST_THE_LAST; error++) {
		int found = 1;

		if (reeve_error_from_name(reeve_error_name(-error), &found) == 0)
			ck_assert_int_eq(found, -error);
		else
			ck_assert_str_eq(reeve_error_name(-error), "EUNKNOWN");
	}
}
END_TEST

START_TEST(second_names_are_known)
{
	int found;

	ck_assert_int_eq(reeve_error_from_name("EWOULDBLOCK", &found), 0);
	ck_assert_int_eq(found, -EAGAIN);
	ck_assert_int_eq(reeve_error_from_name("EDEADLOCK", &found), 0);
	ck_assert_int_eq(found, -EDEADLK);
	ck_assert_int_eq(reeve_error_from_name("ENOTSUP", &found), 0);
	ck_assert_int_eq(found, -EOPNOTSUPP);
}
END_TEST

START_TEST(what_is_no_name_is_refused)
{
	static const char *const wrong[] = { NULL, "", "enoent", "ENOENT ", "EUNKNOWN", "2", "E" };
	int found = 7;

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_int_eq(reeve_error_from_name(wrong[i], &found), -EINVAL);
	ck_assert_int_eq(found, 7);
}
END_TEST

START_TEST(what_is_no_error_is_unknown)
{
	static const int wrong[] = { INT_MIN, INT_MIN + 1, INT_MAX, -PAST_THE_LAST, 41, 58 };

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		ck_assert_str_eq(reeve_error_name(wrong[i]), "EUNKNOWN");
		ck_assert_str_eq(reeve_error_text(wrong[i]), "Unknown error");
	}
	ck_assert_str_eq(reeve_error_name(0), "OK");
	ck_assert_str_eq(reeve_error_text(0), "Success");
}
END_TEST

START_TEST(the_formatted_text_names_the_error)
{
	char text[REEVE_ERROR_TEXT_MAX];

	ck_assert_str_eq(reeve_error_format(-ENOENT, text, sizeof text),
		"No such file or directory (ENOENT)");
	ck_assert_str_eq(reeve_error_format(0, text, sizeof text), "Success (OK)");
	ck_assert_str_eq(reeve_error_format(-4711, text, sizeof text), "Unknown error -4711");
	ck_assert_str_eq(reeve_error_format(4711, text, sizeof text), "Unknown error 4711");
	ck_assert_str_eq(reeve_error_format(INT_MIN, text, sizeof text), "Unknown error -2147483648");
	for (int error = 0; error < PAST_THE_LAST; error++)
		ck_assert_uint_lt(strlen(reeve_error_format(-error, text, sizeof text)), sizeof text - 1);
}
END_TEST

START_TEST(the_formatted_text_is_cut_to_its_room)
{
	for (size_t size = 0; size < 10; size++) {
		char text[12];

		memset(text, '#', sizeof text);
		ck_assert_ptr_eq(reeve_error_format(-EIO, text, size), text);
		ck_assert_int_eq(text[size], '#');
		if (size > 0) {
			ck_assert_uint_eq(strlen(text), size - 1);
			ck_assert_int_eq(strncmp(text, "Input/output", size - 1), 0);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *tcase = leakproof_case("error");

	tcase_add_test(tcase, every_error_of_the_system_has_its_name_and_a_text);
	tcase_add_test(tcase, name_and_number_are_each_others_inverse);
	tcase_add_test(tcase, second_names_are_known);
	tcase_add_test(tcase, what_is_no_name_is_refused);
	tcase_add_test(tcase, what_is_no_error_is_unknown);
	tcase_add_test(tcase, the_formatted_text_names_the_error);
	tcase_add_test(tcase, the_formatted_text_is_cut_to_its_room);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
