/* The state machine of a place, cell by cell. */
#include "lib/pool/place.h"

#include <stdbool.h>

#include "support/harness.h"

#define EACH_CELL(s, e)                                                                            \
	for (unsigned s = 0; s < PLACE_N_STATES; s++)                                              \
		for (unsigned e = 0; e < PLACE_N_EVENTS; e++)

static bool has_process(enum place_state state)
{
	return state >= PLACE_WORKING;
}

START_TEST(a_worker_is_started_only_where_one_is_waited_for)
{
	EACH_CELL(s, e)
	{
		struct place_step step = place_step(s, e);

		if (step.action == PLACE_START)
			ck_assert(s == PLACE_WAITING && e == PLACE_OVERDUE);
		ck_assert_int_eq(!has_process(s) && has_process(step.to),
			s == PLACE_WAITING && e == PLACE_STARTED);
	}
}
END_TEST

START_TEST(what_has_no_process_is_not_signalled)
{
	EACH_CELL(s, e)
	{
		struct place_step step = place_step(s, e);

		if (step.action >= PLACE_ASK)
			ck_assert(has_process(s) && has_process(step.to));
	}
}
END_TEST

START_TEST(a_process_is_left_only_by_its_end_and_then_the_place_is_vacant)
{
	EACH_CELL(s, e)
	if (has_process(s))
		ck_assert_int_eq(!has_process(place_step(s, e).to), e == PLACE_ENDED);
	for (unsigned s = PLACE_WORKING; s < PLACE_N_STATES; s++)
		ck_assert_int_eq(place_step(s, PLACE_ENDED).to, PLACE_VACANT);
}
END_TEST

/* Nothing makes it milder again, and no step is done twice. */
START_TEST(force_only_grows)
{
	EACH_CELL(s, e)
	{
		struct place_step step = place_step(s, e);

		if (!has_process(s) || e == PLACE_ENDED)
			continue;
		ck_assert_int_ge(step.to, s);
		ck_assert_int_eq(step.action != PLACE_NOTHING, step.to != s);
	}
}
END_TEST

START_TEST(who_does_not_go_is_asked_then_terminated_then_killed)
{
	enum place_action actions[] = { PLACE_ASK, PLACE_TERMINATE, PLACE_KILL };
	enum place_state state = PLACE_WORKING;

	for (unsigned i = 0; i < 3; i++) {
		struct place_step step = place_step(state, PLACE_OVERDUE);

		ck_assert_int_eq(step.action, actions[i]);
		state = step.to;
	}
	ck_assert_int_eq(state, PLACE_KILLING);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool place");
	TCase *tcase = leakproof_case("pool place");

	tcase_add_test(tcase, a_worker_is_started_only_where_one_is_waited_for);
	tcase_add_test(tcase, what_has_no_process_is_not_signalled);
	tcase_add_test(tcase, a_process_is_left_only_by_its_end_and_then_the_place_is_vacant);
	tcase_add_test(tcase, force_only_grows);
	tcase_add_test(tcase, who_does_not_go_is_asked_then_terminated_then_killed);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
