/* Expansion and values: each case as Python's % and supervisor's converters were seen to have it. */
#include <errno.h>
#include <string.h>

#include "support/harness.h"
#include "text/expansion.h"
#include "text/units.h"

#define REFUSED "(refused)"

static const struct {
	const char *format, *result;
} expansions[] = {
	{ "plain", "plain" },
	{ "%%", "%" },
	{ "100%%%(n)d", "100%7" },
	{ "%(t)s", "t\xc3\xa9xt" },
	{ "[%(t)6s]", "[  t\xc3\xa9xt]" },
	{ "[%(t)-6s]", "[t\xc3\xa9xt  ]" },
	{ "[%(t)06s]", "[  t\xc3\xa9xt]" },
	{ "%(t).2s", "t\xc3\xa9" },
	{ "%(t)r", "'t\xc3\xa9xt'" },
	{ "%(t)a", "'t\\xe9xt'" },
	{ "%(q)r", "\"it's\"" },
	{ "%(n)s%(n)d%(n)i%(n)u%(n)r", "77777" },
	{ "%(n)02d", "07" },
	{ "%(n)+d|%(n) d|%(n)-3d|", "+7| 7|7  |" },
	{ "%(n).3d|%(n)5.3d|%(n)08.3d", "007|  007|00000007" },
	{ "%(n)x%(n)#x%(n)#X%(n)o%(n)#o", "70x70X770o7" },
	{ "%(n)#06x", "0x0007" },
	{ "%(m)05d|%(m)x|%(m)+.2d", "-0012|-c|-12" },
	{ "%(n)e %(n)g %(n).1f %(n)#.0f %(n)08.2f", "7.000000e+00 7 7.0 7. 00007.00" },
	{ "%(n)ld%(n)hd%(n)Ld", "777" },
	{ "%(n)3c|", "  \a|" },
	{ "%(a b)s%((x)y)s%()s", "123" },
	{ "%", REFUSED },
	{ "%s", REFUSED },
	{ "%d", REFUSED },
	{ "%(t)%", REFUSED },
	{ "%5%", REFUSED },
	{ "%(t)", REFUSED },
	{ "%(t", REFUSED },
	{ "%(t)d", REFUSED },
	{ "%(t)x", REFUSED },
	{ "%(t)c", REFUSED },
	{ "%(t)f", REFUSED },
	{ "%(t)y", REFUSED },
	{ "%(n)lld", REFUSED },
	{ "%(n)*d", REFUSED },
	{ "%(n)99999999999999999999d", REFUSED },
	{ "%(none)s", REFUSED },
};

static void set_names(struct expansion_names *names)
{
	expansion_set_text(names, "t", "t\xc3\xa9xt");
	expansion_set_text(names, "q", "it's");
	expansion_set_text(names, "a b", "1");
	expansion_set_text(names, "(x)y", "2");
	expansion_set_text(names, "", "3");
	expansion_set_number(names, "n", 7);
	expansion_set_number(names, "m", -12);
}

START_TEST(a_format_expands_as_in_python)
{
	struct expansion_names names = { 0 };
	struct buffer result = BUFFER(1 << 20);
	struct expansion_error error;
	int r;

	set_names(&names);
	r = expand(expansions[_i].format, &names, &result, &error);
	ck_assert_str_eq(r == -EINVAL ? REFUSED : buffer_text(&result), expansions[_i].result);
	buffer_deinit(&result);
	expansion_names_deinit(&names);
}
END_TEST

START_TEST(a_failed_expansion_says_where_and_why)
{
	struct expansion_names names = { 0 };
	struct buffer result = BUFFER(10);
	struct expansion_error error;

	set_names(&names);
	ck_assert_int_eq(expand("ab%(nope)s", &names, &result, &error), -EINVAL);
	ck_assert_int_eq(error.fault, EXPANSION_UNKNOWN_NAME);
	ck_assert_uint_eq(error.name_length, 4);
	ck_assert_int_eq(memcmp(error.name, "nope", 4), 0);
	ck_assert_uint_eq(error.position, 2);
	ck_assert_int_eq(expand("%%%(t)d", &names, &result, &error), -EINVAL);
	ck_assert_int_eq(error.fault, EXPANSION_BAD_FORMAT);
	ck_assert_uint_eq(error.position, 2);
	buffer_clear(&result);
	ck_assert_int_eq(expand("0123456789%(t)s", &names, &result, &error), -E2BIG);
	buffer_deinit(&result);
	expansion_names_deinit(&names);
}
END_TEST

START_TEST(a_dictionary_hides_its_parent_until_it_is_unshadowed)
{
	struct expansion_names parent = { 0 }, child = { .parent = &parent };

	expansion_set_text(&parent, "x", "parent");
	expansion_set_text(&child, "x", "child");
	expansion_set_text(&child, "y", "own");
	ck_assert_str_eq(expansion_find(&child, "x", 1)->text, "child");
	expansion_unshadow(&child);
	ck_assert_str_eq(expansion_find(&child, "x", 1)->text, "parent");
	ck_assert_str_eq(expansion_find(&child, "y", 1)->text, "own");
	ck_assert_ptr_null(expansion_find(&child, "xy", 2));
	expansion_names_deinit(&child);
	expansion_names_deinit(&parent);
}
END_TEST

#define NONE INT64_MIN

static const struct {
	const char *text;
	int64_t integer, octal, size, signal, boolean;
} values[] = {
	{ "0", 0, 0, 0, 0, 0 },
	{ "1", 1, 1, 1, 1, 1 },
	{ " 10\t", 10, 8, 10, 10, NONE },
	{ "+3", 3, 3, 3, 3, NONE },
	{ "-1", -1, -1, -1, NONE, NONE },
	{ "1_000", 1000, 512, 1000, NONE, NONE },
	{ "1__0", NONE, NONE, NONE, NONE, NONE },
	{ "_1", NONE, NONE, NONE, NONE, NONE },
	{ "1_", NONE, NONE, NONE, NONE, NONE },
	{ "", NONE, NONE, NONE, NONE, NONE },
	{ "-", NONE, NONE, NONE, NONE, NONE },
	{ "1.5", NONE, NONE, NONE, NONE, NONE },
	{ "0x10", NONE, NONE, NONE, NONE, NONE },
	{ "9", 9, NONE, 9, 9, NONE },
	{ "0o22", NONE, 18, NONE, NONE, NONE },
	{ "0O_22", NONE, 18, NONE, NONE, NONE },
	{ "0o", NONE, NONE, NONE, NONE, NONE },
	{ "022", 22, 18, 22, 22, NONE },
	{ "35", 35, 29, 35, NONE, NONE },
	{ "64", 64, 52, 64, 64, NONE },
	{ "65", 65, 53, 65, NONE, NONE },
	{ "1KB", NONE, NONE, 1024, NONE, NONE },
	{ "2 mb", NONE, NONE, 2 << 20, NONE, NONE },
	{ "-1Gb", NONE, NONE, -(1 << 30), NONE, NONE },
	{ "1M", NONE, NONE, NONE, NONE, NONE },
	{ "KB", NONE, NONE, NONE, NONE, NONE },
	{ "TERM", NONE, NONE, NONE, 15, NONE },
	{ " sigterm ", NONE, NONE, NONE, 15, NONE },
	{ "SIGRTMIN", NONE, NONE, NONE, 34, NONE },
	{ "rtmax", NONE, NONE, NONE, 64, NONE },
	{ "SIG_IGN", NONE, NONE, NONE, 1, NONE },
	{ "SIGSIGTERM", NONE, NONE, NONE, NONE, NONE },
	{ "RTMIN+1", NONE, NONE, NONE, NONE, NONE },
	{ "Yes", NONE, NONE, NONE, NONE, 1 },
	{ "TRUE", NONE, NONE, NONE, NONE, 1 },
	{ "on", NONE, NONE, NONE, NONE, 1 },
	{ "no", NONE, NONE, NONE, NONE, 0 },
	{ "False", NONE, NONE, NONE, NONE, 0 },
	{ "oFF", NONE, NONE, NONE, NONE, 0 },
	{ " true", NONE, NONE, NONE, NONE, NONE },
	{ "maybe", NONE, NONE, NONE, NONE, NONE },
};

START_TEST(a_text_is_or_is_not_a_value_of_each_type)
{
	const char *text = values[_i].text;
	int64_t number;
	int signal;
	bool yes;

	ck_assert_int_eq(parse_integer(text, &number) == 0 ? number : NONE, values[_i].integer);
	ck_assert_int_eq(parse_octal(text, &number) == 0 ? number : NONE, values[_i].octal);
	ck_assert_int_eq(parse_byte_size(text, &number) == 0 ? number : NONE, values[_i].size);
	ck_assert_int_eq(parse_signal(text, &signal) == 0 ? signal : NONE, values[_i].signal);
	ck_assert_int_eq(parse_boolean(text, &yes) == 0 ? yes : NONE, values[_i].boolean);
}
END_TEST

START_TEST(what_is_too_large_is_told_apart_from_what_is_none)
{
	int64_t number = 5;

	ck_assert_int_eq(parse_integer("9223372036854775807", &number), 0);
	ck_assert_int_eq(number, INT64_MAX);
	ck_assert_int_eq(parse_integer("-9223372036854775808", &number), 0);
	ck_assert_int_eq(number, INT64_MIN);
	number = 5;
	ck_assert_int_eq(parse_integer("9223372036854775808", &number), -ERANGE);
	ck_assert_int_eq(parse_integer("99999999999999999999x", &number), -EINVAL);
	ck_assert_int_eq(number, 5);
	ck_assert_int_eq(parse_byte_size("9223372036854775807gb", &number), -ERANGE);
}
END_TEST

START_TEST(exit_codes_are_a_list)
{
	uint8_t codes[4];
	size_t count;

	ck_assert_int_eq(parse_exit_codes("0, 2 ,255", codes, 4, &count), 0);
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(codes[2], 255);
	ck_assert_int_eq(parse_exit_codes("", codes, 4, &count), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(parse_exit_codes("1,2,3,4,5", codes, 4, &count), -ERANGE);
	ck_assert_int_eq(parse_exit_codes("256", codes, 4, &count), -EINVAL);
	ck_assert_int_eq(parse_exit_codes("-1", codes, 4, &count), -EINVAL);
	ck_assert_int_eq(parse_exit_codes("1,,2", codes, 4, &count), -EINVAL);
	ck_assert_int_eq(parse_exit_codes("1,", codes, 4, &count), -EINVAL);
}
END_TEST

START_TEST(an_address_has_a_port_and_perhaps_a_host)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} cases[] = {
		{ "9001", "", 9001 },
		{ ":80", "", 80 },
		{ "*:80", "", 80 },
		{ "Host:1", "Host", 1 },
		{ "a:b:65535", "a:b", 65535 },
		{ "h: 7", "h", 7 },
		{ "", NULL, 0 },
		{ "h:", NULL, 0 },
		{ "h:0", NULL, 0 },
		{ "65536", NULL, 0 },
		{ "h:x", NULL, 0 },
		{ "*", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span host;
		uint16_t port;
		int r = parse_inet_address(cases[i].text, &host, &port);

		ck_assert_int_eq(r == 0, cases[i].host != NULL);
		if (r < 0)
			continue;
		ck_assert_uint_eq(port, cases[i].port);
		ck_assert_uint_eq(span_length(host), strlen(cases[i].host));
		ck_assert_int_eq(memcmp(host.start, cases[i].host, span_length(host)), 0);
	}
}
END_TEST

START_TEST(a_name_has_no_blank_colon_or_slash)
{
	struct span name;
	char bad = '\0';

	ck_assert(parse_name(" ab\t", &name, &bad));
	ck_assert_uint_eq(span_length(name), 2);
	ck_assert(!parse_name("a b", &name, &bad));
	ck_assert_int_eq(bad, ' ');
	ck_assert(!parse_name("a:b", &name, &bad));
	ck_assert_int_eq(bad, ':');
	ck_assert(!parse_name("a/b", &name, &bad));
	ck_assert_int_eq(bad, '/');
}
END_TEST

START_TEST(a_list_keeps_its_empty_elements)
{
	static const char *const wanted[] = { "a", "", "b c", "" };
	const char *next = list_begin(" a ,, b c ,");
	struct span element;
	size_t count = 0;

	while (list_next(&next, &element)) {
		ck_assert_uint_lt(count, 4);
		ck_assert_uint_eq(span_length(element), strlen(wanted[count]));
		ck_assert_int_eq(memcmp(element.start, wanted[count], span_length(element)), 0);
		count++;
	}
	ck_assert_uint_eq(count, 4);
	next = list_begin("");
	ck_assert(!list_next(&next, &element));
}
END_TEST

START_TEST(near_names_are_near)
{
	ck_assert_uint_eq(edit_distance("startsecs", "startsecs", 3), 0);
	ck_assert_uint_eq(edit_distance("startsec", "startsecs", 3), 1);
	ck_assert_uint_eq(edit_distance("stratsecs", "startsecs", 3), 1);
	ck_assert_uint_eq(edit_distance("command", "comand", 3), 1);
	ck_assert_uint_eq(edit_distance("", "abc", 3), 3);
	ck_assert_uint_eq(edit_distance("kitten", "sitting", 9), 3);
	ck_assert_uint_eq(edit_distance("abcdef", "ghijkl", 3), 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text_values");
	TCase *tcase = leakproof_case("text_values");

	tcase_add_loop_test(
		tcase, a_format_expands_as_in_python, 0, sizeof expansions / sizeof *expansions);
	tcase_add_test(tcase, a_failed_expansion_says_where_and_why);
	tcase_add_test(tcase, a_dictionary_hides_its_parent_until_it_is_unshadowed);
	tcase_add_loop_test(
		tcase, a_text_is_or_is_not_a_value_of_each_type, 0, sizeof values / sizeof *values);
	tcase_add_test(tcase, what_is_too_large_is_told_apart_from_what_is_none);
	tcase_add_test(tcase, exit_codes_are_a_list);
	tcase_add_test(tcase, an_address_has_a_port_and_perhaps_a_host);
	tcase_add_test(tcase, a_name_has_no_blank_colon_or_slash);
	tcase_add_test(tcase, a_list_keeps_its_empty_elements);
	tcase_add_test(tcase, near_names_are_near);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
