/* The command line: supervisord's, with Python's getopt rules and words, and reeve's own words beside it. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "main/options.h"
#include "support/harness.h"

static struct options options;
static char error[256];

/* Parse the words, NULL-terminated, behind the program's name. */
static int parse(const char *const *words)
{
	char *argv[16] = { (char[]){ "reeved" } };
	int argc = 1;

	for (; *words; words++)
		argv[argc++] = (char *)(uintptr_t)*words; /* getopt_long(3) reorders, but changes none */
	error[0] = '\0';
	return options_parse(argc, argv, &options, error, sizeof error);
}
#define PARSE(...) parse((const char *[]){ __VA_ARGS__, NULL })

static const char *override(const char *key)
{
	for (size_t i = 0; i < options.override_count; i++)
		if (strcmp(options.overrides[i].key, key) == 0)
			return options.overrides[i].value;
	return NULL;
}

START_TEST(short_long_joined_and_abbreviated_are_one)
{
	ck_assert_int_eq(PARSE("-l", "/tmp/a"), 0);
	ck_assert_str_eq(override("logfile"), "/tmp/a");
	ck_assert_int_eq(PARSE("-l/tmp/a"), 0);
	ck_assert_str_eq(override("logfile"), "/tmp/a");
	ck_assert_int_eq(PARSE("--logfile=/tmp/a"), 0);
	ck_assert_str_eq(override("logfile"), "/tmp/a");
	ck_assert_int_eq(PARSE("--logfile", "/tmp/a"), 0);
	ck_assert_str_eq(override("logfile"), "/tmp/a");
	ck_assert_int_eq(PARSE("--nod"), 0);
	ck_assert_str_eq(override("nodaemon"), "true");
	ck_assert_int_eq(PARSE("-nc", "x.conf"), 0);
	ck_assert_str_eq(override("nodaemon"), "true");
	ck_assert_str_eq(options.configuration, "x.conf");
}
END_TEST

START_TEST(what_is_wrong_is_told_in_supervisords_words)
{
	static const struct {
		const char *words[4];
		const char *text;
	} wrong[] = {
		{ { "-x" }, "option -x not recognized" },
		{ { "--frob" }, "option --frob not recognized" },
		{ { "--logfile" }, "option --logfile requires argument" },
		{ { "-c" }, "option -c requires argument" },
		{ { "--nodaemon=1" }, "option --nodaemon must not have an argument" },
		{ { "--s" }, "option --s not a unique prefix" },
		{ { "-n", "now" }, "positional arguments are not supported: ['now']" },
		{ { "-l", "/tmp/a", "-l/tmp/b" }, "conflicting command line option '-l'" },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		ck_assert_int_eq(parse(wrong[i].words), -EINVAL);
		ck_assert_str_eq(error, wrong[i].text);
	}
}
END_TEST

START_TEST(a_bad_value_is_refused_before_anything_else)
{
	ck_assert_int_eq(PARSE("-m", "9"), -EINVAL);
	ck_assert_msg(strncmp(error, "invalid value for -m '9': ", 26) == 0, "%s", error);
	ck_assert_int_eq(PARSE("--loglevel=loud"), -EINVAL);
	ck_assert_msg(strncmp(error, "invalid value for --loglevel 'loud': ", 37) == 0, "%s", error);
}
END_TEST

START_TEST(reeves_own_words_are_written_out)
{
	ck_assert_int_eq(PARSE("--check", "x.conf"), 0);
	ck_assert_int_eq(options.job, JOB_CHECK);
	ck_assert_str_eq(options.configuration, "x.conf");
	ck_assert_int_eq(PARSE("--check", "--json", "--assume", "-c", "x.conf"), 0);
	ck_assert(options.json && options.assume);
	ck_assert_int_eq(PARSE("--status"), 0);
	ck_assert_int_eq(options.job, JOB_STATUS);
	ck_assert_int_eq(PARSE("--che"), -EINVAL);
}
END_TEST

START_TEST(help_and_version_win)
{
	ck_assert_int_eq(PARSE("-h", "nonsense"), 0);
	ck_assert_int_eq(options.job, JOB_HELP);
	ck_assert_int_eq(PARSE("-?"), 0);
	ck_assert_int_eq(options.job, JOB_HELP);
	ck_assert_int_eq(PARSE("--version"), 0);
	ck_assert_int_eq(options.job, JOB_VERSION);
	ck_assert_int_eq(PARSE("--prof", "calls"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = leakproof_case("options");

	tcase_add_test(tcase, short_long_joined_and_abbreviated_are_one);
	tcase_add_test(tcase, what_is_wrong_is_told_in_supervisords_words);
	tcase_add_test(tcase, a_bad_value_is_refused_before_anything_else);
	tcase_add_test(tcase, reeves_own_words_are_written_out);
	tcase_add_test(tcase, help_and_version_win);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
