/* A listener's protocol: every cell of its table as laws, and its scanner on words cut anywhere. */
#include "core/listener.h"

#include <errno.h>
#include <string.h>

#include "support/harness.h"

static const enum listener_state states[] = { LISTENER_NONE, LISTENER_READY, LISTENER_BUSY,
	LISTENER_ACKNOWLEDGED, LISTENER_UNKNOWN };
enum { STATES = sizeof states / sizeof states[0] };

/* Only one that is busy has an event: only there anything becomes of one, and something always does when it stops
 * being busy. */
START_TEST(only_a_busy_one_settles_an_event)
{
	for (int s = 0; s < STATES; s++) {
		for (int event = 0; event < LISTENER_EVENTS; event++) {
			struct listener_step step;

			if (!listener_step(states[s], event, &step))
				continue;
			ck_assert_int_eq(
				step.fate != FATE_STAYS, states[s] == LISTENER_BUSY && step.to != LISTENER_BUSY);
		}
	}
}
END_TEST

START_TEST(only_a_ready_one_is_given_events)
{
	for (int s = 0; s < STATES; s++) {
		struct listener_step step;
		bool valid = listener_step(states[s], LISTENER_GIVEN, &step);

		ck_assert_int_eq(valid, states[s] == LISTENER_READY);
		for (int event = 0; event < LISTENER_EVENTS; event++)
			if (listener_step(states[s], event, &step))
				ck_assert_int_eq(step.to == LISTENER_BUSY, event == LISTENER_GIVEN);
	}
}
END_TEST

START_TEST(done_is_what_says_ok_and_nothing_else)
{
	for (int s = 0; s < STATES; s++) {
		for (int event = 0; event < LISTENER_EVENTS; event++) {
			struct listener_step step;

			if (listener_step(states[s], event, &step))
				ck_assert_int_eq(step.fate == FATE_DONE, event == LISTENER_SAYS_OK);
		}
	}
}
END_TEST

/* Only a start leads out of UNKNOWN, and a start leads out of everything. */
START_TEST(unknown_is_left_by_a_start_only)
{
	struct listener_step step;

	for (int event = 0; event < LISTENER_EVENTS; event++)
		if (listener_step(LISTENER_UNKNOWN, event, &step) && step.to != LISTENER_UNKNOWN)
			ck_assert(event == LISTENER_STARTED || event == LISTENER_ENDED);
	for (int s = 0; s < STATES; s++) {
		ck_assert(listener_step(states[s], LISTENER_STARTED, &step));
		ck_assert_int_eq(step.to, LISTENER_ACKNOWLEDGED);
	}
}
END_TEST

START_TEST(numbers_that_are_no_state_or_event)
{
	struct listener_step step = { 77, 77 };

	ck_assert(!listener_step(11, LISTENER_STARTED, &step));
	ck_assert(!listener_step(LISTENER_READY, LISTENER_EVENTS, &step));
	ck_assert_int_eq(step.to, 77);
}
END_TEST

/* ---- the scanner ---- */

static void say(struct listener *listener, const char *text)
{
	size_t size = strlen(text);

	ck_assert_uint_le(listener->size + size, LISTENER_INPUT_SIZE);
	memcpy(listener->input + listener->size, text, size);
	listener->size += (uint32_t)size;
}

static enum listener_token scan(struct listener *listener)
{
	struct listener next;
	const char *part;
	size_t size;
	enum listener_token token = listener_scan(listener, &next, &part, &size);

	ck_assert_uint_eq(next.state, listener->state);
	*listener = next;
	ck_assert(listener_is_sound(listener));
	return token;
}

struct word {
	enum listener_state state;
	const char *text;
	enum listener_token last;
	bool is_ok;
};

static const struct word words[] = {
	{ LISTENER_ACKNOWLEDGED, "READY\n", TOKEN_READY, false },
	{ LISTENER_ACKNOWLEDGED, "READY ", TOKEN_NOISE, false },
	{ LISTENER_ACKNOWLEDGED, "ready\n", TOKEN_NOISE, false },
	{ LISTENER_BUSY, "RESULT 2\nOK", TOKEN_RESULT, true },
	{ LISTENER_BUSY, "RESULT 4\nFAIL", TOKEN_RESULT, false },
	{ LISTENER_BUSY, "RESULT 2\nOh", TOKEN_RESULT, false },
	{ LISTENER_BUSY, "RESULT 2\nKO", TOKEN_RESULT, false },
	{ LISTENER_BUSY, "RESULT 3\nOK\n", TOKEN_RESULT, false },
	{ LISTENER_BUSY, "RESULT 1\nO", TOKEN_RESULT, false },
	{ LISTENER_BUSY, "RESULT 0\n", TOKEN_RESULT, false },
	{ LISTENER_BUSY, "ANYTHIN2\nOK", TOKEN_RESULT, true },
	{ LISTENER_BUSY, "RESULT  +2 \r\nOK", TOKEN_RESULT, true },
	{ LISTENER_BUSY, "RESULT 0_2\nOK", TOKEN_RESULT, true },
	{ LISTENER_BUSY, "RESULT two\n", TOKEN_BAD_LINE, false },
	{ LISTENER_BUSY, "RESULT -1\n", TOKEN_BAD_LINE, false },
	{ LISTENER_BUSY, "RESULT 2_\n", TOKEN_BAD_LINE, false },
	{ LISTENER_BUSY, "RESULT \n", TOKEN_BAD_LINE, false },
	{ LISTENER_BUSY, "\n", TOKEN_BAD_LINE, false },
	{ LISTENER_READY, "R", TOKEN_NOISE, false },
	{ LISTENER_UNKNOWN, "R", TOKEN_NOISE, false },
};

/* Wherever it is cut, a word means the same, and nothing is said before it is complete. */
START_TEST(words_cut_anywhere)
{
	const struct word *word = &words[_i];
	size_t size = strlen(word->text);

	for (size_t cut = 0; cut < size; cut++) {
		struct listener listener = { .state = word->state };
		char head[32] = "";
		enum listener_token token;

		memcpy(head, word->text, cut);
		say(&listener, head);
		while ((token = scan(&listener)) != TOKEN_NONE)
			ck_assert(token == TOKEN_RESULT_LINE || token == TOKEN_RESULT_PART);
		say(&listener, word->text + cut);
		do
			token = scan(&listener);
		while (token == TOKEN_RESULT_LINE || token == TOKEN_RESULT_PART);
		ck_assert_int_eq(token, word->last);
		if (token == TOKEN_RESULT)
			ck_assert_int_eq(listener_is_ok(&listener), word->is_ok);
		ck_assert_uint_eq(listener.size, 0);
	}
}
END_TEST

START_TEST(what_follows_stays)
{
	struct listener listener = { .state = LISTENER_BUSY };

	say(&listener, "RESULT 2\nOKREADY\n");
	ck_assert_int_eq(scan(&listener), TOKEN_RESULT_LINE);
	ck_assert_int_eq(scan(&listener), TOKEN_RESULT);
	listener.state = LISTENER_ACKNOWLEDGED;
	ck_assert_int_eq(scan(&listener), TOKEN_READY);
	ck_assert_int_eq(scan(&listener), TOKEN_NONE);
}
END_TEST

START_TEST(a_line_that_does_not_fit)
{
	struct listener listener = { .state = LISTENER_BUSY, .size = LISTENER_INPUT_SIZE - 1 };

	memset(listener.input, 'x', sizeof listener.input);
	ck_assert_int_eq(scan(&listener), TOKEN_NONE);
	listener.size++;
	ck_assert_int_eq(scan(&listener), TOKEN_BAD_LINE);
}
END_TEST

START_TEST(a_size_beyond_all_is_waited_for)
{
	uint64_t size = 0;

	ck_assert_int_eq(listener_parse_size("99999999999999999999999999", 26, &size), 0);
	ck_assert_uint_ge(size, UINT64_C(1) << 60);
}
END_TEST

/* Memory that anybody wrote. */
START_TEST(what_is_no_state)
{
	struct listener listener = { .state = 7 };

	ck_assert(!listener_is_sound(&listener));
	listener = (struct listener){ .state = LISTENER_BUSY, .size = LISTENER_INPUT_SIZE + 1 };
	ck_assert(!listener_is_sound(&listener));
	listener = (struct listener){ .state = LISTENER_BUSY, .in_result = 1, .result_size = 9, .result_left = 9 };
	ck_assert(!listener_is_sound(&listener));
	listener.differs = 1;
	ck_assert(listener_is_sound(&listener));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listener");
	TCase *tcase = leakproof_case("protocol");

	tcase_add_test(tcase, only_a_busy_one_settles_an_event);
	tcase_add_test(tcase, only_a_ready_one_is_given_events);
	tcase_add_test(tcase, done_is_what_says_ok_and_nothing_else);
	tcase_add_test(tcase, unknown_is_left_by_a_start_only);
	tcase_add_test(tcase, numbers_that_are_no_state_or_event);
	tcase_add_loop_test(tcase, words_cut_anywhere, 0, sizeof words / sizeof words[0]);
	tcase_add_test(tcase, what_follows_stays);
	tcase_add_test(tcase, a_line_that_does_not_fit);
	tcase_add_test(tcase, a_size_beyond_all_is_waited_for);
	tcase_add_test(tcase, what_is_no_state);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
