/* What is captured, what is logged, and what goes into the feed: the same wherever the text is cut. */
#include "scribe/tap.h"

#include <stdlib.h>
#include <string.h>

#include "support/harness.h"

#define BEGIN "<!--XSUPERVISOR:BEGIN-->"
#define END "<!--XSUPERVISOR:END-->"

/* What came of a text, all pieces of a kind joined; '|' where a capture ended, '~' where one was dropped. */
struct outcome {
	char log[512], told[512], captured[512];
	tap_state state;
};

static void append(char *text, const char *data, size_t size)
{
	size_t length = strlen(text);

	ck_assert_uint_lt(length + size, 512);
	memcpy(text + length, data, size);
	text[length + size] = '\0';
}

static void drain(struct feed *feed, struct outcome *outcome)
{
	static char data[FEED_ITEM_MAX];
	uint64_t position = feed_begin(feed);
	struct feed_item item;

	while (feed_get(feed, &position, &item, data)) {
		ck_assert_uint_eq(item.stream, 6);
		append(item.kind == FEED_LOG ? outcome->told : outcome->captured, data, item.size);
		if (item.kind == FEED_CAPTURE_ENDS || item.kind == FEED_CAPTURE_DROPPED)
			append(outcome->captured, item.kind == FEED_CAPTURE_ENDS ? "|" : "~", 1);
	}
	feed_taken(feed, position);
}

static void run_piece(struct outcome *outcome, struct feed *feed, unsigned taps, const char *data, size_t size)
{
	static char out[TAP_OUT_MAX];
	uint64_t end;
	size_t written = tap_run(&outcome->state, taps, 6, data, size, out, feed, &end);

	feed_commit(feed, end);
	ck_assert_uint_eq(tap_sound(outcome->state), outcome->state);
	append(outcome->log, out, written);
	drain(feed, outcome);
}

static void finish(struct outcome *outcome)
{
	char held[TAP_HELD_MAX];

	append(outcome->log, held, tap_finish(&outcome->state, held));
}

struct text {
	const char *text, *log, *captured;
};

static const struct text texts[] = {
	{ "plain", "plain", "" },
	{ "a" BEGIN "b" END "c", "ac", "b|" },
	{ BEGIN END, "", "|" },
	{ BEGIN "a" BEGIN "b" END END "c", END "c", "a" BEGIN "b|" },
	{ "<!--XSUPERVISOR:BEGIN<b>" BEGIN "<<" END "<", "<!--XSUPERVISOR:BEGIN<b><", "<<|" },
	{ "<<!--XSUPERVISOR:BEGIN-->x" END, "<", "x|" },
	{ "<!--XSUPERVISOR:BEGIN--" BEGIN "x", "<!--XSUPERVISOR:BEGIN--", "x" },
	{ BEGIN "lost" TAP_RESET_MARK "next", "next", "lost~" },
	{ "a" TAP_RESET_MARK "b<!--XSUP" TAP_RESET_MARK "c", "ab<!--XSUPc", "" },
	{ "<!--XSUPERVISOR:RESTART-->", "<!--XSUPERVISOR:RESTART-->", "" },
};

/* Each in two pieces, cut at each place, and byte by byte. */
START_TEST(marks_cut_anywhere)
{
	const struct text *text = &texts[_i];
	size_t size = strlen(text->text);
	struct feed *feed;

	ck_assert_int_eq(feed_new(&feed), 0);
	for (size_t cut = 0; cut <= size + 1; cut++) {
		struct outcome outcome = { .state = 0 };

		if (cut <= size) {
			run_piece(&outcome, feed, TAP_CAPTURE | TAP_COMMUNICATION, text->text, cut);
			run_piece(&outcome, feed, TAP_CAPTURE | TAP_COMMUNICATION, text->text + cut, size - cut);
		}
		for (size_t i = 0; cut > size && i < size; i++)
			run_piece(&outcome, feed, TAP_CAPTURE | TAP_COMMUNICATION, text->text + i, 1);
		finish(&outcome);
		ck_assert_str_eq(outcome.log, text->log);
		ck_assert_str_eq(outcome.captured, text->captured);
		ck_assert_str_eq(outcome.told, "");
	}
	feed_free(feed);
}
END_TEST

/* PROCESS_LOG is of all output, what is captured as well; without TAP_CAPTURE marks are text. */
START_TEST(all_output_is_told)
{
	struct outcome outcome = { .state = 0 }, plain = { .state = 0 };
	static const char text[] = "a" BEGIN "b" END "c";
	struct feed *feed;

	ck_assert_int_eq(feed_new(&feed), 0);
	run_piece(&outcome, feed, TAP_LOG | TAP_CAPTURE | TAP_COMMUNICATION, text, sizeof text - 1);
	ck_assert_str_eq(outcome.told, "abc");
	ck_assert_str_eq(outcome.captured, "b|");
	run_piece(&plain, feed, TAP_LOG, text, sizeof text - 1);
	ck_assert_str_eq(plain.told, text);
	ck_assert_str_eq(plain.log, text);
	feed_free(feed);
}
END_TEST

/* At worst: the shortest marks, with a byte between them. What tap_room() asks for is enough for that. */
START_TEST(the_worst_fits)
{
	static char text[TAP_CHUNK], out[TAP_OUT_MAX];
	static const char unit[] = "x" BEGIN "y" END;
	tap_state state = 0;
	struct feed *feed;
	uint64_t end;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = unit[i % (sizeof unit - 1)];
	ck_assert_int_eq(feed_new(&feed), 0);
	while (tap_room(feed, TAP_LOG | TAP_CAPTURE | TAP_COMMUNICATION) > 0) {
		tap_run(&state, TAP_LOG | TAP_CAPTURE | TAP_COMMUNICATION, 6, text, sizeof text, out, feed, &end);
		ck_assert_uint_le(end - feed_begin(feed), FEED_SIZE);
		feed_commit(feed, end);
	}
	ck_assert(feed_taken(feed, feed_end(feed))); /* the writer was refused, and is to be told */
	ck_assert(!feed_taken(feed, feed_end(feed)));
	ck_assert_uint_gt(tap_room(feed, TAP_LOG), 0);
	feed_free(feed);
}
END_TEST

START_TEST(what_is_no_state)
{
	for (unsigned state = 0; state < 256; state++) {
		tap_state sound = tap_sound((tap_state)state);
		char held[TAP_HELD_MAX];

		ck_assert(sound == state || sound == 0);
		ck_assert_uint_le(tap_finish(&sound, held), sizeof held);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tap");
	TCase *tcase = leakproof_case("marks");

	tcase_add_loop_test(tcase, marks_cut_anywhere, 0, sizeof texts / sizeof texts[0]);
	tcase_add_test(tcase, all_output_is_told);
	tcase_add_test(tcase, the_worst_fits);
	tcase_add_test(tcase, what_is_no_state);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
