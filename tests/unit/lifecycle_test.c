/* Every cell of the program's life, as laws rather than cases. */
#include "core/lifecycle.h"
#include "support/harness.h"

static const enum process_state states[] = {
#define PROCESS_STATE(name, number) STATE_##name,
#include "board/states.def"
#undef PROCESS_STATE
};
enum { STATES = sizeof states / sizeof states[0] };

#define FOR_EACH_VALID_STEP(from, event, step)                                                     \
	for (unsigned s_ = 0; s_ < STATES; s_++)                                                   \
		for (enum lifecycle_event event = 0; event < LIFECYCLE_EVENTS; event++)            \
			for (enum process_state from = states[s_], once_ = (enum process_state)1;  \
				once_ && lifecycle_step(from, event, &step);                       \
				once_ = (enum process_state)0)

START_TEST(to_spawn_is_to_be_starting)
{
	struct lifecycle_step step;

	FOR_EACH_VALID_STEP (from, event, step) {
		ck_assert_int_eq(step.action == LIFECYCLE_SPAWN, step.to == STATE_STARTING);
	}
}
END_TEST

START_TEST(only_what_has_no_process_is_spawned)
{
	struct lifecycle_step step;

	FOR_EACH_VALID_STEP (from, event, step) {
		if (step.action == LIFECYCLE_SPAWN)
			ck_assert(!process_state_is_signallable(from) && from != STATE_UNKNOWN);
	}
}
END_TEST

START_TEST(only_what_has_a_process_is_signalled)
{
	struct lifecycle_step step;

	FOR_EACH_VALID_STEP (from, event, step) {
		if (step.action == LIFECYCLE_SEND_STOP || step.action == LIFECYCLE_SEND_KILL) {
			ck_assert(process_state_is_signallable(from));
			ck_assert_int_eq(step.to, STATE_STOPPING);
		}
	}
}
END_TEST

START_TEST(an_exit_is_heard_wherever_there_is_a_process)
{
	struct lifecycle_step step;

	for (unsigned s = 0; s < STATES; s++) {
		bool early = lifecycle_step(states[s], LIFECYCLE_EXITED_EARLY, &step);
		bool late;

		if (early)
			ck_assert(!process_state_is_signallable(step.to));
		late = lifecycle_step(states[s], LIFECYCLE_EXITED, &step);
		if (late)
			ck_assert(!process_state_is_signallable(step.to));
		ck_assert_int_eq(early || late,
			process_state_is_signallable(states[s]) || states[s] == STATE_UNKNOWN);
	}
}
END_TEST

START_TEST(stop_ends_all_that_runs_and_nothing_else)
{
	struct lifecycle_step step;

	for (unsigned s = 0; s < STATES; s++)
		ck_assert_int_eq(lifecycle_step(states[s], LIFECYCLE_STOP, &step),
			process_state_is_running(states[s]));
}
END_TEST

START_TEST(a_start_is_possible_from_every_rest)
{
	struct lifecycle_step step;

	for (unsigned s = 0; s < STATES; s++)
		ck_assert_int_eq(lifecycle_step(states[s], LIFECYCLE_START, &step),
			states[s] == STATE_BACKOFF || (process_state_is_stopped(states[s]) &&
							      states[s] != STATE_UNKNOWN));
}
END_TEST

START_TEST(fatal_comes_from_giving_up_alone)
{
	struct lifecycle_step step;

	FOR_EACH_VALID_STEP (from, event, step) {
		ck_assert_int_eq(step.to == STATE_FATAL, event == LIFECYCLE_GIVE_UP);
	}
}
END_TEST

START_TEST(numbers_that_are_no_state_or_event_are_refused)
{
	struct lifecycle_step step = { STATE_FATAL, LIFECYCLE_SEND_KILL };

	ck_assert(!lifecycle_step((enum process_state)7, LIFECYCLE_START, &step));
	ck_assert(!lifecycle_step(STATE_STOPPED, LIFECYCLE_EVENTS, &step));
	ck_assert(!lifecycle_step(STATE_STOPPED, (enum lifecycle_event)-1, &step));
	ck_assert_int_eq(step.to, STATE_FATAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lifecycle");
	TCase *tcase = leakproof_case("table");

	tcase_add_test(tcase, to_spawn_is_to_be_starting);
	tcase_add_test(tcase, only_what_has_no_process_is_spawned);
	tcase_add_test(tcase, only_what_has_a_process_is_signalled);
	tcase_add_test(tcase, an_exit_is_heard_wherever_there_is_a_process);
	tcase_add_test(tcase, stop_ends_all_that_runs_and_nothing_else);
	tcase_add_test(tcase, a_start_is_possible_from_every_rest);
	tcase_add_test(tcase, fatal_comes_from_giving_up_alone);
	tcase_add_test(tcase, numbers_that_are_no_state_or_event_are_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
