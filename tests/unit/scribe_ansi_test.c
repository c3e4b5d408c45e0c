/* Stripping, against the words of the original's rule, with every cut of every text. */
#include <stdbool.h>
#include <string.h>

#include "scribe/ansi.h"
#include "support/harness.h"

static const char *const texts[] = {
	"", "plain", "\033[31mred\033[0m", "\033[2J\033[Htop", "\033\033[31mx", "a\033b", "end\033", "end\033[",
	"end\033[12;", "\033[6n12\033[31mx", "\033[2Gtext", "\033]0;title\007x", "\033[\nline\033[mx",
};

/* Strip `in` in pieces of `step` bytes, from `first` bytes on. */
static size_t strip_in_pieces(const char *in, size_t size, size_t first, size_t step, char *out)
{
	enum ansi_state state = ANSI_TEXT;
	size_t used = 0, at = 0, piece = first;

	while (at < size) {
		if (piece > size - at)
			piece = size - at;
		used += ansi_strip(&state, in + at, piece, out + used);
		at += piece;
		piece = step;
	}
	used += ansi_finish(&state, out + used);
	ck_assert_int_eq(state, ANSI_TEXT);
	return used;
}

/* The rule, as plainly as it can be written: one character at a time, the whole text at hand. */
static size_t reference(const char *in, size_t size, char *out)
{
	size_t used = 0;
	bool shows = true;

	for (size_t i = 0; i < size; i++) {
		if (!shows)
			shows = in[i] != '\0' && strchr("HfABCDRsuJKhlpm", in[i]);
		else if (in[i] == '\033' && i + 1 < size && in[i + 1] == '[')
			shows = false;
		else
			out[used++] = in[i];
	}
	return used;
}

static void compare(const char *in, size_t size)
{
	char expected[256], out[256];
	size_t length = reference(in, size, expected);

	for (size_t first = 0; first <= size; first++)
		for (size_t step = 1; step <= size; step++) {
			size_t used = strip_in_pieces(in, size, first, step, out);

			ck_assert_uint_eq(used, length);
			ck_assert_mem_eq(out, expected, length);
		}
}

START_TEST(texts_cut_anywhere)
{
	compare(texts[_i], strlen(texts[_i]));
}
END_TEST

START_TEST(what_is_written_down)
{
	char out[256];
	size_t used = strip_in_pieces("a\033[1;31mb\033[0mc\n", 15, 0, 100, out);

	ck_assert_uint_eq(used, 4);
	ck_assert_mem_eq(out, "abc\n", 4);
}
END_TEST

/* Texts of the few characters that matter, in every order. */
START_TEST(all_short_texts)
{
	static const char letters[] = { '\033', '[', 'm', 'x', '\0' };
	enum { N = sizeof letters, LENGTH = 5 };
	char in[LENGTH];

	for (unsigned long n = 0; n < N * N * N * N * N; n++) {
		unsigned long rest = n;

		for (int i = 0; i < LENGTH; i++, rest /= N)
			in[i] = letters[rest % N];
		compare(in, LENGTH);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scribe_ansi");
	TCase *tcase = leakproof_case("ansi");

	tcase_add_loop_test(tcase, texts_cut_anywhere, 0, (int)(sizeof texts / sizeof texts[0]));
	tcase_add_test(tcase, what_is_written_down);
	tcase_add_test(tcase, all_short_texts);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
