/* Signals by number, name and description; what is refused, and why. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "unit/signal_fixture.h"

START_TEST(each_valid_signal_is_found_by_its_name_in_every_spelling)
{
	for (int signo = 1; signo <= 64; signo++) {
		const char *name = reeve_signal_name(signo);
		char text[32];

		if (!(reeve_signal_valid() & REEVE_SIGNAL_SET(signo)))
			continue;
		ck_assert_ptr_nonnull(name);
		ck_assert_int_eq(strncmp(name, "SIG", 3), 0);
		ck_assert_int_eq(reeve_signal_number(name), signo);
		ck_assert_int_eq(reeve_signal_number(name + 3), signo);
		for (size_t i = 0; i <= strlen(name); i++)
			text[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
		ck_assert_int_eq(reeve_signal_number(text), signo);
		snprintf(text, sizeof text, "%d", signo);
		ck_assert_int_eq(reeve_signal_number(text), signo);
		ck_assert_ptr_nonnull(reeve_signal_description(signo));
	}
}
END_TEST

START_TEST(names_are_the_kernels)
{
	ck_assert_str_eq(reeve_signal_name(SIGTERM), "SIGTERM");
	ck_assert_str_eq(reeve_signal_name(SIGRTMIN), "SIGRTMIN");
	ck_assert_str_eq(reeve_signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
	ck_assert_str_eq(reeve_signal_name(SIGRTMAX), "SIGRTMAX");
	ck_assert_str_eq(reeve_signal_description(SIGTERM), "Terminated");
	for (int signo = 1; signo < 32; signo++)
		if (signo != SIGIO) /* which glibc calls POLL */
			ck_assert_str_eq(reeve_signal_name(signo) + 3, sigabbrev_np(signo));
}
END_TEST

START_TEST(other_spellings_are_understood)
{
	ck_assert_int_eq(reeve_signal_number("SIGRTMAX-1"), SIGRTMAX - 1);
	ck_assert_int_eq(reeve_signal_number("rtmin+30"), SIGRTMIN + 30);
	ck_assert_int_eq(reeve_signal_number("CLD"), SIGCHLD);
	ck_assert_int_eq(reeve_signal_number("SIGPOLL"), SIGIO);
	ck_assert_int_eq(reeve_signal_number("iot"), SIGABRT);
	ck_assert_int_eq(reeve_signal_number("09"), SIGKILL);
	ck_assert_int_eq(reeve_signal_number("KILL"), SIGKILL);
}
END_TEST

START_TEST(what_names_no_signal_is_refused)
{
	static const char *const texts[] = {
		"", "SIG", "SIGSIGTERM", "TERMS", "TER", " TERM", "TERM ", "0", "65", "-1", "+1",
		"100", "1x", "1 ", "99999999999999999999", "RTMIN+", "RTMIN-1", "RTMIN+31",
		"RTMAX+1", "RTMAX-31", "RTMIN+100", "RTMIN+-1", "RTMIN+ 1", "SIGRT", "UNKNOWN",
		"Terminated",
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		ck_assert_msg(reeve_signal_number(texts[i]) == -EINVAL, "\"%s\" is taken for %d",
			texts[i], reeve_signal_number(texts[i]));
	ck_assert_int_eq(reeve_signal_number("32"), -EBUSY);
	ck_assert_int_eq(reeve_signal_number("33"), -EBUSY);
}
END_TEST

START_TEST(what_is_no_signal_has_no_name)
{
	static const int numbers[] = { 0, -1, 65, 32, 33, 1000, -64 };

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		ck_assert_ptr_null(reeve_signal_name(numbers[i]));
		ck_assert_ptr_null(reeve_signal_description(numbers[i]));
		ck_assert_uint_eq(reeve_signal_count(numbers[i]), 0);
	}
}
END_TEST

START_TEST(the_valid_set_is_what_the_kernel_has_without_the_c_librarys)
{
	reeve_signal_set without = REEVE_SIGNAL_SET(32) | REEVE_SIGNAL_SET(33);

	ck_assert_uint_eq(reeve_signal_valid(), REEVE_SIGNAL_ALL & ~without);
	ck_assert_uint_eq(REEVE_SIGNAL_SET(0) | REEVE_SIGNAL_SET(65) | REEVE_SIGNAL_SET(-1), 0);
}
END_TEST

static void ignore_event(const struct reeve_signal_event *event, void *data)
{
}

/* Every call that takes a signal to handle refuses the same ones, each kind by its own error,
 * with words for it. */
static void check_refused(int signo, int error, const char *words)
{
	struct reeve_signal_subscription *subscription = NULL;

	ck_assert_int_eq(reeve_signal_check(signo), error);
	ck_assert_int_eq(reeve_signal_subscribe(signo, ignore_event, NULL, &subscription), error);
	ck_assert_ptr_null(subscription);
	ck_assert_int_eq(reeve_signal_ignore(signo), error);
	ck_assert_int_eq(reeve_signal_default(signo), error);
	ck_assert_int_eq(reeve_signal_restore(signo), error);
	ck_assert_int_eq(reeve_signal_interrupt(signo, true), error);
	ck_assert_int_eq(reeve_signal_chain(signo, true), error);
	ck_assert_msg(strstr(reeve_signal_refusal(signo), words) != NULL, "%d: %s", signo,
		reeve_signal_refusal(signo));
}

START_TEST(what_cannot_be_handled_is_refused_by_name)
{
	check_refused(SIGKILL, -EPERM, "SIGKILL cannot be caught");
	check_refused(SIGSTOP, -EPERM, "SIGSTOP cannot be caught");
	check_refused(0, -EINVAL, "0 is no signal");
	check_refused(65, -EINVAL, "from 1 to 64");
	check_refused(-1, -EINVAL, "from 1 to 64");
	check_refused(32, -EBUSY, "C library");
	check_refused(33, -EBUSY, "C library");
	for (int signo = 1; signo <= 64; signo++)
		ck_assert_int_eq(reeve_signal_check(signo) == 0, reeve_signal_refusal(signo) == NULL);
}
END_TEST

START_TEST(dispositions_of_what_cannot_be_handled)
{
	ck_assert_int_eq(reeve_signal_disposition(SIGKILL), REEVE_SIGNAL_DEFAULT);
	ck_assert_int_eq(reeve_signal_disposition(SIGSTOP), REEVE_SIGNAL_DEFAULT);
	ck_assert_int_eq(reeve_signal_disposition(0), -EINVAL);
	ck_assert_int_eq(reeve_signal_disposition(33), -EBUSY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal names");
	TCase *tcase = leakproof_case("names");

	tcase_add_test(tcase, each_valid_signal_is_found_by_its_name_in_every_spelling);
	tcase_add_test(tcase, names_are_the_kernels);
	tcase_add_test(tcase, other_spellings_are_understood);
	tcase_add_test(tcase, what_names_no_signal_is_refused);
	tcase_add_test(tcase, what_is_no_signal_has_no_name);
	tcase_add_test(tcase, the_valid_set_is_what_the_kernel_has_without_the_c_librarys);
	tcase_add_test(tcase, what_cannot_be_handled_is_refused_by_name);
	tcase_add_test(tcase, dispositions_of_what_cannot_be_handled);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
