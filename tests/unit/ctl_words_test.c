/* reevectl's command lines: options, commands, names. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/complete.h"
#include "ctl/options.h"
#include "ctl/words.h"
#include "support/harness.h"

static struct options options;
static char error[256];

static int parse(const char *const *words)
{
	static char *argv[16];
	int argc = 0;

	argv[argc++] = (char[]){ "reevectl" };
	for (; *words; words++)
		argv[argc++] = (char *)(uintptr_t)*words; /* nobody changes them */
	argv[argc] = NULL;
	error[0] = '\0';
	return options_parse(argc, argv, &options, error, sizeof error);
}
#define PARSE(...) parse((const char *[]){ __VA_ARGS__, NULL })

static void assert_refused(int result, const char *why)
{
	ck_assert_int_eq(result, -EINVAL);
	ck_assert_str_eq(error, why);
}

START_TEST(options_end_at_the_first_word)
{
	ck_assert_int_eq(PARSE("-c", "x.conf", "status", "-f", "web"), 0);
	ck_assert_str_eq(options.configuration, "x.conf");
	ck_assert_str_eq(options.words[0], "status");
	ck_assert_str_eq(options.words[1], "-f");
	ck_assert_ptr_null(options.words[3]);
	ck_assert_int_eq(PARSE("--", "-x"), 0);
	ck_assert_str_eq(options.words[0], "-x");
	ck_assert_int_eq(PARSE("-", "x"), 0);
	ck_assert_str_eq(options.words[0], "-");
}
END_TEST

START_TEST(short_long_joined_and_abbreviated_are_one)
{
	ck_assert_int_eq(PARSE("-s", "unix:///x", "-iuname", "--pass", "a", "--history_file=b"), 0);
	ck_assert_str_eq(options.serverurl, "unix:///x");
	ck_assert_ptr_nonnull(options.interactive);
	ck_assert_str_eq(options.username, "name");
	ck_assert_str_eq(options.password, "a");
	ck_assert_str_eq(options.history_file, "b");
	ck_assert(!options.json && !options.help);
	ck_assert_int_eq(PARSE("--json", "-?"), 0);
	ck_assert(options.json && options.help);
}
END_TEST

START_TEST(what_is_wrong_is_told_as_python_does)
{
	assert_refused(PARSE("-x"), "option -x not recognized");
	assert_refused(PARSE("-ix"), "option -x not recognized");
	assert_refused(PARSE("--what=1"), "option --what not recognized");
	assert_refused(PARSE("--jso"), "option --jso not recognized");
	assert_refused(PARSE("--h"), "option --h not a unique prefix");
	assert_refused(PARSE("--interactive=1"), "option --interactive must not have an argument");
	assert_refused(PARSE("-c"), "option -c requires argument");
	assert_refused(PARSE("--user"), "option --username requires argument");
	assert_refused(PARSE("-ux", "--username", "y"), "conflicting command line option '--username'");
	assert_refused(PARSE("-s", "it's"), "invalid value for -s \"it's\": value \"it's\" is not a URL");
}
END_TEST

START_TEST(lines_are_taken_apart)
{
	static const struct {
		const char *text;
		enum line_kind kind;
		const char *command, *arguments;
	} cases[] = {
		{ "", LINE_EMPTY, "", "" },
		{ " \t\n", LINE_EMPTY, "", "" },
		{ "status", LINE_COMMAND, "status", "" },
		{ "  status  a  b ", LINE_COMMAND, "status", "a  b" },
		{ "tail-100 x", LINE_COMMAND, "tail", "-100 x" },
		{ "!x", LINE_NO_COMMAND, "", "!x" },
		{ "-f", LINE_NO_COMMAND, "", "-f" },
		{ "\xc2\xa0pid\xe3\x80\x80x\xc2\xa0", LINE_COMMAND, "pid", "x" }, /* Python's blanks */
		{ "\xff", LINE_NO_COMMAND, "", "\xff" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct line line;

		line_parse(cases[i].text, &line);
		ck_assert_int_eq(line.kind, cases[i].kind);
		if (line.kind == LINE_EMPTY)
			continue;
		ck_assert_uint_eq(span_length(line.command), strlen(cases[i].command));
		ck_assert(strncmp(line.command.start, cases[i].command, strlen(cases[i].command)) == 0);
		ck_assert_uint_eq(span_length(line.arguments), strlen(cases[i].arguments));
		ck_assert(strncmp(line.arguments.start, cases[i].arguments, strlen(cases[i].arguments)) == 0);
	}
}
END_TEST

START_TEST(a_question_mark_is_help)
{
	struct line line;

	line_parse(" ? start", &line);
	ck_assert(line.kind == LINE_COMMAND && line.is_question);
	ck_assert_uint_eq(span_length(line.arguments), 5);
}
END_TEST

START_TEST(words_stand_between_blanks)
{
	CLEANUP_WORDS struct words words = { 0 };

	ck_assert_int_eq(words_split(span_of(" a\tg:*  \xc3\xa9\n"), &words), 0);
	ck_assert_uint_eq(words.count, 3);
	ck_assert_str_eq(words.list[1], "g:*");
	ck_assert_str_eq(words.list[2], "\xc3\xa9");
	ck_assert_ptr_null(words.list[3]);
	ck_assert(words_have(&words, "a") && !words_have(&words, "all"));
}
END_TEST

START_TEST(names_are_of_processes_or_groups)
{
	static const struct {
		const char *text, *group, *process;
	} cases[] = {
		{ "x", "x", "x" },
		{ "g:p", "g", "p" },
		{ "g:*", "g", NULL },
		{ "g:", "g", NULL },
		{ ":p", "", "p" },
		{ "g:p:q", "g", "p:q" },
		{ "g:**", "g", "**" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct namespec name = namespec_of(cases[i].text);

		ck_assert_uint_eq(span_length(name.group), strlen(cases[i].group));
		ck_assert(strncmp(name.group.start, cases[i].group, strlen(cases[i].group)) == 0);
		ck_assert_int_eq(name.process.start != NULL, cases[i].process != NULL);
		if (cases[i].process)
			ck_assert(strncmp(name.process.start, cases[i].process, span_length(name.process)) == 0);
	}
}
END_TEST

START_TEST(commands_are_completed_without_a_server)
{
	struct session session;
	CLEANUP_WORDS struct words words = { 0 };

	ck_assert_int_eq(session_init(&session, "unix:///nonexistent", NULL, NULL, NULL, NULL), 0);
	complete_line(&session, "sta", &words);
	ck_assert_uint_eq(words.count, 2);
	ck_assert_uint_eq(complete_common(&words), 3);
	words_deinit(&words);
	complete_line(&session, "", &words);
	ck_assert_uint_eq(words.count, command_count);
	words_deinit(&words);
	complete_line(&session, "help up", &words);
	ck_assert_uint_eq(words.count, 1);
	ck_assert_str_eq(words.list[0], "update");
	words_deinit(&words);
	complete_line(&session, "?up", &words);
	ck_assert_uint_eq(words.count, 1);
	words_deinit(&words);
	complete_line(&session, "version ", &words);
	ck_assert_uint_eq(words.count, 0);
	words_deinit(&words);
	complete_line(&session, "start x", &words);
	ck_assert_uint_eq(words.count, 0);
	session_deinit(&session);
}
END_TEST

START_TEST(every_command_says_how_it_is_called)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = commands[i];

		ck_assert_ptr_eq(command_find(span_of(command->name)), command);
		ck_assert(command->run && command->summary);
		ck_assert(strncmp(command->help, command->name, strlen(command->name)) == 0);
	}
	ck_assert_ptr_null(command_find(span_of("stat")));
	ck_assert_ptr_null(command_find(span_of("")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_words");
	TCase *each = leakproof_case("words");

	tcase_add_test(each, options_end_at_the_first_word);
	tcase_add_test(each, short_long_joined_and_abbreviated_are_one);
	tcase_add_test(each, what_is_wrong_is_told_as_python_does);
	tcase_add_test(each, lines_are_taken_apart);
	tcase_add_test(each, a_question_mark_is_help);
	tcase_add_test(each, words_stand_between_blanks);
	tcase_add_test(each, names_are_of_processes_or_groups);
	tcase_add_test(each, commands_are_completed_without_a_server);
	tcase_add_test(each, every_command_says_how_it_is_called);
	suite_add_tcase(suite, each);
	return run_suite(suite);
}
