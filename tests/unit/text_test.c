/* The supervisor's text room: memory, growing strings, UTF-8, command lines, environments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/harness.h"
#include "text/arena.h"
#include "text/buffer.h"
#include "text/environment.h"
#include "text/shell_words.h"
#include "text/unicode.h"

START_TEST(equal_bytes_are_kept_once)
{
	struct arena *arena = arena_new();
	const char *first = arena_intern_text(arena, "alpha");
	char number[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(number, sizeof number, "%d", i);
		ck_assert_str_eq(arena_intern_text(arena, number), number);
	}
	ck_assert_ptr_eq(arena_intern_text(arena, "alpha"), first);
	ck_assert_ptr_ne(arena_intern_text(arena, "alphb"), first);
	ck_assert_ptr_eq(arena_intern(arena, "alphabet", 5), first);
	arena_seal(arena);
	ck_assert_str_eq(first, "alpha");
	arena_free(arena);
}
END_TEST

static bool all_are(const unsigned char *bytes, size_t size, unsigned char value)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

START_TEST(memory_of_an_arena_is_zero_aligned_and_its_own)
{
	struct arena *arena = arena_new();
	unsigned char *blocks[64];

	for (size_t i = 0; i < 64; i++) {
		size_t size = i * i * 7;

		ck_assert_ptr_nonnull(arena_copy(arena, "x", 1));
		blocks[i] = arena_alloc(arena, size);
		ck_assert_uint_eq((uintptr_t)blocks[i] % 8, 0);
		ck_assert(all_are(blocks[i], size, 0));
		memset(blocks[i], (int)i, size);
	}
	for (size_t i = 0; i < 64; i++)
		ck_assert(all_are(blocks[i], i * i * 7, (unsigned char)i));
	ck_assert_uint_gt(arena_size(arena), 64 * 63 * 7);
	ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX));
	arena_free(arena);
}
END_TEST

START_TEST(a_failure_of_a_buffer_sticks_until_it_is_cleared)
{
	struct buffer buffer = BUFFER(8);

	buffer_add_text(&buffer, "12345678");
	ck_assert_int_eq(buffer.error, 0);
	buffer_add_char(&buffer, '9');
	ck_assert_int_eq(buffer.error, -E2BIG);
	buffer_add_text(&buffer, "");
	ck_assert_str_eq(buffer_text(&buffer), "12345678");
	ck_assert_ptr_null(buffer_take(&buffer));
	buffer_clear(&buffer);
	buffer_print(&buffer, "%d%c", 12, 'x');
	buffer_fill(&buffer, '.', 3);
	ck_assert_str_eq(buffer_text(&buffer), "12x...");
	buffer_deinit(&buffer);
	ck_assert_str_eq(buffer_text(&buffer), "");
}
END_TEST

/* Every code point is written and read back the same, but for the surrogates, which are none. */
START_TEST(utf8_goes_both_ways)
{
	for (uint32_t c = 0; c <= 0x110000; c++) {
		bool valid = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
		char bytes[4];
		size_t length = utf8_write(c, bytes);
		uint32_t back = 0;

		if (utf8_decode(bytes, bytes + length, &back) != (valid ? length : 0))
			ck_abort_msg("U+%04X", c);
		if (valid && (back != c || utf8_decode(bytes, bytes + length - 1, &back) == length))
			ck_abort_msg("U+%04X", c);
	}
}
END_TEST

START_TEST(what_is_no_utf8_is_found)
{
	static const char *const bad[] = { "ab\xff", "ab\xc0\x80", "ab\xe0\x80\x80",
		"ab\xed\xa0\x80", "ab\xf4\x90\x80\x80", "ab\x80", "ab\xc3", "ab\xe2\x82",
		"ab\xc3(" };
	size_t at;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert(!utf8_valid(bad[i], strlen(bad[i]), &at));
		ck_assert_uint_eq(at, 2);
	}
	ck_assert(utf8_valid("a\0b\xc3\xa9", 5, &at));
	ck_assert_uint_eq(utf8_count("a\xc3\xa9\xf0\x9f\x98\x80", 7), 3);
}
END_TEST

START_TEST(blanks_of_all_scripts_are_stripped)
{
	struct span span = span_strip(span_of(" \t\xc2\xa0\xe3\x80\x80 a b\xe2\x80\x83\x1c\n"));

	ck_assert_uint_eq(span_length(span), 3);
	ck_assert_int_eq(memcmp(span.start, "a b", 3), 0);
	span = span_strip(span_of(" \xc2\xa0 "));
	ck_assert_uint_eq(span_length(span), 0);
	span = span_strip(span_of("\xe2\x80\x8bx")); /* a zero width space is none */
	ck_assert_uint_eq(span_length(span), 4);
}
END_TEST

/* The words, each in brackets, or the reason why there are none. */
static const char *words_of(const char *text)
{
	static char shown[512];
	const char *why = "";
	char **words;
	size_t count;
	int r = shell_words_split(text, &words, &count, &why);

	shown[0] = '\0';
	if (r < 0) {
		ck_assert_int_eq(r, -EINVAL);
		return why;
	}
	for (size_t i = 0; i < count; i++)
		snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "[%s]", words[i]);
	ck_assert_ptr_null(words[count]);
	free(words);
	return shown;
}

START_TEST(a_command_is_split_as_a_shell_would)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ " \t\r\n ", "" },
		{ "a  b\tc\nd", "[a][b][c][d]" },
		{ "sh -c 'a \"b\" \\c'", "[sh][-c][a \"b\" \\c]" },
		{ "\"a \\\" \\\\ \\n 'x'\"", "[a \" \\ \\n 'x']" },
		{ "a\\ b \\'c", "[a b]['c]" },
		{ "'' \"\" x''y", "[][][xy]" },
		{ "a'b c'd\"e f\"", "[ab cde f]" },
		{ "a#b ; # c", "[a#b][;][#][c]" },
		{ "\\\n", "[\n]" },
		{ "b\xc3\xa4r \xc2\xa0", "[b\xc3\xa4r][\xc2\xa0]" },
		{ "'a", "No closing quotation" },
		{ "a \"b'", "No closing quotation" },
		{ "a\\", "No escaped character" },
		{ "\"a\\", "No escaped character" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_str_eq(words_of(cases[i][0]), cases[i][1]);
}
END_TEST

static int show_pair(
	void *context, const char *key, size_t key_length, const char *value, size_t value_length)
{
	struct buffer *shown = context;

	buffer_add(shown, key, key_length);
	buffer_add_text(shown, "->");
	buffer_add(shown, value, value_length);
	buffer_add_char(shown, '|');
	return 0;
}

START_TEST(an_environment_is_read_by_fours)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "A=\"1\",B='2'", "A->1|B->2|" },
		{ "A=1,B=2,", "A->1|B->2|" },
		{ "A=1\n,\n  B=2", "A->1|B->2|" },
		{ "A=1;B=2", "A->1|B->2|" },
		{ "A=1 B=2", "Unexpected end of key/value pairs" },
		{ "A=x y", "A->x|" },
		{ "A=\"x y, z\"", "A->x y, z|" },
		{ "A=\"a\"\"b\"", "A->a|" },
		{ "A=/a.b+c-d():e_", "A->/a.b+c-d():e_|" },
		{ "A=1#c\n2,B=3", "A->12|B->3|" },
		{ "# x\nA=1", "A->1|" },
		{ "A=it's", "A->it's|" },
		{ "A=\"it's\"", "A->it's|" },
		{ "A='\"x\"'", "A->x|" },
		{ "\"A\"=1", "\"A\"->1|" },
		{ "A==,B=1", "A->=|B->1|" },
		{ "A=\xc3\xa9,B=1", "A->\xc3\xa9|B->1|" },
		{ "A", "Unexpected end of key/value pairs" },
		{ "A=", "Unexpected end of key/value pairs" },
		{ "A=,B=1", "Unexpected end of key/value pairs" },
		{ "A=a@b", "Unexpected end of key/value pairs" },
		{ "A=$HOME", "A->$|" },
		{ "A=\"x", "No closing quotation" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buffer shown = BUFFER(1000);
		const char *why = "";
		int r = environment_parse(cases[i][0], show_pair, &shown, &why);

		ck_assert_str_eq(r == -EINVAL ? why : buffer_text(&shown), cases[i][1]);
		buffer_deinit(&shown);
	}
}
END_TEST

static int refuse_second(
	void *context, const char *key, size_t key_length, const char *value, size_t value_length)
{
	return ++*(int *)context == 2 ? -EDOM : 0;
}

START_TEST(a_callback_can_end_the_reading_of_an_environment)
{
	const char *why;
	int calls = 0;

	ck_assert_int_eq(environment_parse("A=1,B=2,C=3", refuse_second, &calls, &why), -EDOM);
	ck_assert_int_eq(calls, 2);
	calls = 0;
	ck_assert_int_eq(environment_parse("A=1,B=2,C", refuse_second, &calls, &why), -EINVAL);
	ck_assert_int_eq(calls, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *tcase = leakproof_case("text");

	tcase_add_test(tcase, equal_bytes_are_kept_once);
	tcase_add_test(tcase, memory_of_an_arena_is_zero_aligned_and_its_own);
	tcase_add_test(tcase, a_failure_of_a_buffer_sticks_until_it_is_cleared);
	tcase_add_test(tcase, utf8_goes_both_ways);
	tcase_add_test(tcase, what_is_no_utf8_is_found);
	tcase_add_test(tcase, blanks_of_all_scripts_are_stripped);
	tcase_add_test(tcase, a_command_is_split_as_a_shell_would);
	tcase_add_test(tcase, an_environment_is_read_by_fours);
	tcase_add_test(tcase, a_callback_can_end_the_reading_of_an_environment);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
