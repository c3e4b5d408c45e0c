#include <string.h>

#include "gateway/browser.h"
#include "gateway/metrics.h"
#include "gateway/refusal.h"
#include "gateway/words.h"
#include "support/harness.h"

static void is_html(const char *text, const char *expected)
{
	struct buffer buffer = BUFFER(1000);

	words_html(&buffer, text);
	ck_assert_str_eq(buffer_text(&buffer), expected);
	buffer_deinit(&buffer);
}

START_TEST(html_has_no_markup_that_was_not_ours)
{
	is_html("plain \xc3\xa9", "plain \xc3\xa9");
	is_html("<script>alert('x' & \"y\")</script>",
		"&#60;script&#62;alert(&#39;x&#39; &#38; &#34;y&#34;)&#60;/script&#62;");
	is_html("bad \xff\xfe<", "bad \xef\xbf\xbd\xef\xbf\xbd&#60;");
	is_html("cut \xc3", "cut \xef\xbf\xbd");
	is_html("", "");
}
END_TEST

/* Every byte, written into an address, comes back. */
START_TEST(an_address_holds_any_byte)
{
	char text[2] = "", back[16];
	struct buffer buffer = BUFFER(1000);

	for (int c = 1; c < 256; c++) {
		text[0] = (char)c;
		buffer_clear(&buffer);
		words_url(&buffer, text);
		ck_assert_int_eq(words_decode(buffer_text(&buffer), buffer.length, 1, back), 1);
		ck_assert_int_eq(back[0], (char)c);
		ck_assert_ptr_null(strpbrk(buffer_text(&buffer), "&=?#+ \"<>\r\n"));
	}
	buffer_deinit(&buffer);
}
END_TEST

START_TEST(what_is_no_escape_stands_for_itself)
{
	char ret[32];

	ck_assert_int_eq(words_decode("a%2", 3, 0, ret), 3);
	ck_assert_str_eq(ret, "a%2");
	ck_assert_int_eq(words_decode("%zz+%41", 7, 0, ret), 5);
	ck_assert_str_eq(ret, "%zz+A");
	ck_assert_int_eq(words_decode("x+y", 3, 1, ret), 3);
	ck_assert_str_eq(ret, "x y");
	ck_assert_int_lt(words_decode("a%00b", 5, 0, ret), 0);
}
END_TEST

START_TEST(json_is_always_utf8)
{
	json_t *json = words_json("a\xff\xc3\xa9");

	ck_assert_str_eq(json_string_value(json), "a\xef\xbf\xbd\xc3\xa9");
	json_decref(json);
	json = words_json_sized("a\0b\x01", 4);
	ck_assert_uint_eq(json_string_length(json), 4);
	json_decref(json);
	json = json_object();
	words_set(json, "k\xff", json_true());
	ck_assert(json_is_true(json_object_get(json, "k\xef\xbf\xbd")));
	json_decref(json);
}
END_TEST

START_TEST(a_label_cannot_end_itself)
{
	struct buffer buffer = BUFFER(1000);

	metrics_label(&buffer, "a\"b\\c\nd\xff");
	ck_assert_str_eq(buffer_text(&buffer), "a\\\"b\\\\c\\nd\xef\xbf\xbd");
	buffer_deinit(&buffer);
}
END_TEST

START_TEST(every_fault_has_words_and_a_status)
{
	static const int faults[] = {
#define FAULT(name, number) number,
#include "board/faults.def"
#undef FAULT
	};

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		json_t *words = refusal_json(faults[i], "");
		unsigned status = refusal_status(faults[i]);

		ck_assert_uint_gt(json_string_length(words), 0);
		ck_assert((status == 200) == (faults[i] == FAULT_SUCCESS));
		ck_assert(status == 200 || (status >= 400 && status < 600));
		json_decref(words);
	}
}
END_TEST

/* ---- browsers ---- */

#define TOKEN "0123456789abcdef0123456789abcdef"
#define FIREFOX "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

START_TEST(a_script_needs_no_token)
{
	struct browser_signs curl = { .user_agent = "curl/8.0", .host = "h:1" }, bare = { 0 };

	ck_assert(browser_may_act(&curl, TOKEN, NULL));
	ck_assert(browser_may_act(&bare, TOKEN, NULL));
	ck_assert(!browser_is_foreign(&curl));
}
END_TEST

/* Whichever of its signs a page can take away, one is left. */
START_TEST(a_browser_needs_the_token)
{
	const struct browser_signs all[] = {
		{ .user_agent = FIREFOX, .host = "h:1" },
		{ .user_agent = FIREFOX, .host = "h:1", .origin = "http://h:1" },
		{ .host = "h:1", .referer = "http://h:1/" },
		{ .host = "h:1", .fetch_site = "same-origin" },
		{ .host = "h:1", .fetch_site = "none" },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		ck_assert(browser_sent(&all[i]));
		ck_assert(!browser_may_act(&all[i], TOKEN, NULL));
		ck_assert(!browser_may_act(&all[i], TOKEN, ""));
		ck_assert(!browser_may_act(&all[i], TOKEN, "0123456789abcdef0123456789abcdeF"));
		ck_assert(!browser_may_act(&all[i], TOKEN, TOKEN "0"));
		ck_assert(browser_may_act(&all[i], TOKEN, TOKEN));
	}
}
END_TEST

START_TEST(another_site_may_nothing_even_with_the_token)
{
	const struct browser_signs all[] = {
		{ .host = "h:1", .origin = "http://evil" },
		{ .host = "h:1", .origin = "http://h:2" },
		{ .host = "h:1", .origin = "null" },
		{ .host = "h:1", .origin = "http://h:1.evil" },
		{ .host = "h:1", .origin = "" },
		{ .host = "h:1", .fetch_site = "cross-site" },
		{ .host = "h:1", .fetch_site = "same-site" },
		{ .host = "h:1", .fetch_site = "cross-site", .origin = "http://h:1" },
		{ .host = NULL, .origin = "http://h:1" },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		ck_assert(browser_is_foreign(&all[i]));
		ck_assert(!browser_may_act(&all[i], TOKEN, TOKEN));
	}
}
END_TEST

START_TEST(tokens_differ)
{
	char one[BROWSER_TOKEN_SIZE], other[BROWSER_TOKEN_SIZE];

	ck_assert_int_eq(browser_token_new(one), 0);
	ck_assert_int_eq(browser_token_new(other), 0);
	ck_assert_uint_eq(strlen(one), BROWSER_TOKEN_SIZE - 1);
	ck_assert_str_ne(one, other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gateway-words");
	TCase *words = leakproof_case("words"), *browsers = leakproof_case("browsers");

	tcase_add_test(words, html_has_no_markup_that_was_not_ours);
	tcase_add_test(words, an_address_holds_any_byte);
	tcase_add_test(words, what_is_no_escape_stands_for_itself);
	tcase_add_test(words, json_is_always_utf8);
	tcase_add_test(words, a_label_cannot_end_itself);
	tcase_add_test(words, every_fault_has_words_and_a_status);
	tcase_add_test(browsers, a_script_needs_no_token);
	tcase_add_test(browsers, a_browser_needs_the_token);
	tcase_add_test(browsers, another_site_may_nothing_even_with_the_token);
	tcase_add_test(browsers, tokens_differ);
	suite_add_tcase(suite, words);
	suite_add_tcase(suite, browsers);
	return run_suite(suite);
}
