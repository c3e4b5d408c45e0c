/* The file format: each case is a text and what Python's RawConfigParser was seen to make of it. */
#include <errno.h>
#include <string.h>

#include "support/harness.h"
#include "text/ini.h"

static struct ini ini;

static int parse(const char *file, const char *text)
{
	return ini_parse(&ini, file, text, strlen(text));
}

static void setup(void)
{
	ck_assert_int_eq(ini_init(&ini), 0);
}

static void teardown(void)
{
	ini_deinit(&ini);
}

static const char *get(const char *section, const char *key)
{
	const struct ini_section *found = ini_find(&ini, section);
	const struct ini_value *value = found ? ini_get(&ini, found, key) : NULL;

	return value ? value->text : "(none)";
}

static const struct ini_note *find_note(enum ini_note_kind kind)
{
	for (size_t i = 0; i < ini.note_count; i++)
		if (ini.notes[i].kind == kind)
			return &ini.notes[i];
	return NULL;
}

static const struct ini_note *expect_note(enum ini_note_kind kind)
{
	const struct ini_note *note = find_note(kind);

	if (!note)
		ck_abort_msg("there is no note of kind %d", kind);
	return note;
}

/* The value of `k` in [s], whose lines are these. */
static const struct {
	const char *lines, *value;
} values[] = {
	{ "k=v", "v" },
	{ "k = v", "v" },
	{ "k:v", "v" },
	{ "K\t=\tv", "v" },
	{ "k = a:b=c", "a:b=c" },
	{ "k=", "" },
	{ "k=v ; c", "v" },
	{ "k=v\t# c", "v" },
	{ "k=v;c", "v;c" },
	{ "k=;c", ";c" },
	{ "k= ;c", "" },
	{ "k=\"a ;b\"", "\"a" },
	{ "k=a#b #c ;d",
		"a#b #c" }, /* the second # is not seen: the ; was found in the first round */
	{ "k=a;b ;c", "a;b" },
	{ "k=v\n  more", "v\nmore" },
	{ "k=v\n\tmore ; c\n  last", "v\nmore\nlast" },
	{ "k=one\n\n  two", "one\n\ntwo" },
	{ "k=one\n  ; comment\n  two", "one\ntwo" },
	{ "k=one\n# comment\n  two", "one\ntwo" },
	{ "k=one\n\n\nj=2", "one" },
	{ "  k=one\n  j=2", "one" },
	{ "  k=one\n   j=2", "one\nj=2" },
	{ "k=\n  a\n  b", "\na\nb" },
	{ "k=v\n  [x]", "v\n[x]" },
	{ "k=1\nk=2", "2" },
	{ "k=\xc2\xa0v\xc2\xa0;c", "v" },
	{ "k=v\r\n  w\r  x", "v\nw\nx" },
	{ "k=\xe2\x80\xa8v", "v" },
	{ "\xe2\x84\xaa=kelvin", "kelvin" },
};

START_TEST(a_value_is_what_python_makes_of_it)
{
	char text[256];

	snprintf(text, sizeof text, "[s]\n%s\n", values[_i].lines);
	ck_assert_int_eq(parse("f", text), 0);
	ck_assert_str_eq(get("s", "k"), values[_i].value);
	ini_deinit(&ini);
	setup();
	snprintf(text, sizeof text, "[s]\n%s", values[_i].lines); /* without a last line end */
	ck_assert_int_eq(parse("f", text), 0);
	ck_assert_str_eq(get("s", "k"), values[_i].value);
}
END_TEST

static const struct {
	const char *text;
	enum ini_note_kind kind;
	unsigned line;
} refused[] = {
	{ "k=v\n", INI_NO_SECTION, 1 },
	{ "\n; c\nx\n[s]\n", INI_NO_SECTION, 3 },
	{ "[]\n", INI_NO_SECTION, 1 },
	{ "[s]\nk\n", INI_NO_DELIMITER, 2 },
	{ "[s]\nk=v\n=x\n", INI_NO_DELIMITER, 3 },
	{ "[s]\n[a ;b]\n", INI_NO_DELIMITER, 2 },
	{ "\xef\xbb\xbf[s]\n", INI_BYTE_ORDER_MARK, 1 },
	{ "[s]\nk=\xff\n", INI_NOT_UTF8, 2 },
};

START_TEST(a_text_that_python_refuses_is_refused_with_its_line)
{
	const struct ini_note *note;

	ck_assert_int_eq(parse("f", refused[_i].text), -EINVAL);
	note = expect_note(refused[_i].kind);
	ck_assert_uint_eq(note->line, refused[_i].line);
	ck_assert_str_eq(note->file, "f");
}
END_TEST

START_TEST(all_faults_are_told_and_not_only_the_first)
{
	size_t faults = 0;

	ck_assert_int_eq(parse("f", "[s]\na\nb=1\nc\n[t]\nd\n"), -EINVAL);
	for (size_t i = 0; i < ini.note_count; i++)
		faults += ini_note_refuses(ini.notes[i].kind);
	ck_assert_uint_eq(faults, 3);
}
END_TEST

START_TEST(a_nul_byte_is_refused_but_in_a_comment)
{
	ck_assert_int_eq(ini_parse(&ini, "f", "[s]\n; a\0b\nk=v ; \0\n", 18), 0);
	ck_assert_int_eq(ini_parse(&ini, "f", "[s]\nk=a\0b\n", 10), -EINVAL);
	ck_assert_ptr_nonnull(find_note(INI_NUL));
}
END_TEST

START_TEST(section_names_are_taken_up_to_the_last_bracket)
{
	ck_assert_int_eq(
		parse("f", "[a]b]\nk=1\n[ x ] trailing\nk=2\n[[y]]\nk=3\n  [z]\nj=4\n[A] ; c\nk=5"),
		0);
	ck_assert_str_eq(get("a]b", "k"), "1");
	ck_assert_str_eq(get(" x ", "k"), "2");
	ck_assert_str_eq(get("[y]", "k"), "3\n[z]");
	ck_assert_str_eq(get("A", "k"), "5");
	ck_assert_ptr_null(ini_find(&ini, "a"));
	ck_assert_str_eq(expect_note(INI_TEXT_AFTER_HEADER)->detail, "trailing");
}
END_TEST

START_TEST(later_texts_add_to_earlier_ones)
{
	ck_assert_int_eq(parse("one", "[s]\na=1\nb=1\n"), 0);
	ck_assert_int_eq(parse("two", "[t]\nc=3\n[s]\nb=2\n"), 0);
	ck_assert_uint_eq(ini.count, 2);
	ck_assert_str_eq(get("s", "a"), "1");
	ck_assert_str_eq(get("s", "b"), "2");
	ck_assert_str_eq(ini_find(&ini, "s")->file, "one");
	ck_assert_str_eq(ini_get(&ini, ini_find(&ini, "s"), "b")->file, "two");
	ck_assert_uint_eq(ini_get(&ini, ini_find(&ini, "s"), "b")->line, 4);
	ck_assert_ptr_null(find_note(INI_DUPLICATE_KEY));
	ck_assert_ptr_null(find_note(INI_DUPLICATE_SECTION));
}
END_TEST

START_TEST(defaults_are_seen_in_every_section)
{
	ck_assert_int_eq(parse("f", "[s]\na=1\n[DEFAULT]\na=0\nd=9\n[default]\nx=1\n"), 0);
	ck_assert_str_eq(get("s", "a"), "1");
	ck_assert_str_eq(get("s", "d"), "9");
	ck_assert_ptr_null(ini_find(&ini, "DEFAULT"));
	ck_assert_str_eq(get("default", "x"), "1");
}
END_TEST

/* What a default has from one file's directory is fixed in the sections that were there. */
START_TEST(here_is_put_into_sections_and_their_defaults)
{
	ck_assert_int_eq(
		parse("f", "[DEFAULT]\nd=%(here)s/d\n[s]\na=x%(here)s%(here)s\nb=%%(here)s\n"), 0);
	ck_assert_int_eq(ini_expand_here(&ini, "/one"), 0);
	ck_assert_int_eq(parse("g", "[t]\na=%(here)s\n"), 0);
	ck_assert_int_eq(ini_expand_here(&ini, "/two"), 0);
	ck_assert_str_eq(get("s", "a"), "x/one/one");
	ck_assert_str_eq(get("s", "b"), "%/one");
	ck_assert_str_eq(get("s", "d"), "/one/d");
	ck_assert_str_eq(get("t", "a"), "/two");
	ck_assert_str_eq(get("t", "d"), "/two/d");
	ck_assert_str_eq(ini_section_get(&ini.defaults, "d")->text, "%(here)s/d");
}
END_TEST

START_TEST(what_looks_odd_is_noted)
{
	const struct ini_note *note;

	ck_assert_int_eq(parse("f", "[s]\nk=1\n  user=x\nk=2\nc=a 'b ;c' d\nd=1  ; e\n[s]\n"), 0);
	note = expect_note(INI_SWALLOWED);
	ck_assert_uint_eq(note->line, 3);
	ck_assert_str_eq(note->key, "k");
	ck_assert_str_eq(note->detail, "user=x");
	note = expect_note(INI_COMMENT_CUT);
	ck_assert_uint_eq(note->line, 5);
	ck_assert(note->quoted && !note->clear);
	ck_assert_str_eq(note->detail, ";c' d");
	ck_assert(note[1].clear && !note[1].quoted);
	ck_assert_uint_eq(expect_note(INI_DUPLICATE_KEY)->line, 4);
	ck_assert_uint_eq(expect_note(INI_DUPLICATE_SECTION)->line, 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text_ini");
	TCase *tcase = leakproof_case("text_ini");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(
		tcase, a_value_is_what_python_makes_of_it, 0, sizeof values / sizeof *values);
	tcase_add_loop_test(tcase, a_text_that_python_refuses_is_refused_with_its_line, 0,
		sizeof refused / sizeof *refused);
	tcase_add_test(tcase, all_faults_are_told_and_not_only_the_first);
	tcase_add_test(tcase, a_nul_byte_is_refused_but_in_a_comment);
	tcase_add_test(tcase, section_names_are_taken_up_to_the_last_bracket);
	tcase_add_test(tcase, later_texts_add_to_earlier_ones);
	tcase_add_test(tcase, defaults_are_seen_in_every_section);
	tcase_add_test(tcase, here_is_put_into_sections_and_their_defaults);
	tcase_add_test(tcase, what_looks_odd_is_noted);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
