#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/description.h"
#include "gateway/past.h"
#include "gateway/usage.h"
#include "support/harness.h"

#define NOW 1800000000

static struct past *past;

static void make_past(void)
{
	past = past_new(NOW);
	ck_assert_ptr_nonnull(past);
}

static void free_past(void)
{
	past_free(past);
}

static struct board_record record_of(const char *group, const char *name, int state, int64_t changed)
{
	struct board_record record = { .state = state, .changed_wall = changed, .starts = 1 };

	snprintf(record.group, sizeof record.group, "%s", group);
	snprintf(record.name, sizeof record.name, "%s", name);
	return record;
}

static enum past_change look(int state, int64_t changed)
{
	struct board_record record = record_of("g", "p", state, changed);

	return past_look(past, 0, &record);
}

/* The states of g:p, as JSON text, to be freed. */
static char *states(int64_t now)
{
	json_t *json = past_json(past, now);
	char *text = json_dumps(json_object_get(json_object_get(json, "processes"), "g:p"), JSON_COMPACT);

	json_decref(json);
	return text;
}

static size_t event_count(void)
{
	json_t *events = past_events_json(past);
	size_t count = json_array_size(events);

	json_decref(events);
	return count;
}

START_TEST(a_change_of_state_is_an_event)
{
	char *text;

	ck_assert_int_eq(look(STATE_STARTING, NOW), PAST_ANOTHER);
	ck_assert_int_eq(look(STATE_STARTING, NOW), PAST_SAME);
	ck_assert_uint_eq(event_count(), 0);
	ck_assert_int_eq(look(STATE_RUNNING, NOW + 1), PAST_STATE);
	ck_assert_uint_eq(event_count(), 1);
	text = states(NOW + 2);
	ck_assert_str_eq(text, "[[1800000000,\"STARTING\"],[1800000001,\"RUNNING\"]]");
	free(text);
}
END_TEST

START_TEST(an_end_that_nobody_saw_is_told)
{
	struct board_record record = record_of("g", "p", STATE_RUNNING, NOW);
	json_t *end;
	char *text;

	past_look(past, 0, &record);
	record.starts++;
	record.stopped_wall = record.changed_wall = NOW + 5;
	record.status = 3 << 8;
	ck_assert_int_eq(past_look(past, 0, &record), PAST_STATE);
	text = states(NOW + 6);
	ck_assert_str_eq(text, "[[1800000000,\"RUNNING\"],[1800000005,\"EXITED\"],[1800000005,\"RUNNING\"]]");
	free(text);
	ck_assert_uint_eq(past_newest(past), 2);
	end = past_event_json(past, 1);
	ck_assert_str_eq(json_string_value(json_object_get(end, "text")), "exit status 3");
	json_decref(end);
	record.stopped_wall++;
	ck_assert_int_eq(past_look(past, 0, &record), PAST_DETAIL);
}
END_TEST

START_TEST(an_event_says_what_happened)
{
	struct board_record record = record_of("g", "p", STATE_RUNNING, NOW);
	json_t *event;

	past_look(past, 7, &record);
	record.state = STATE_EXITED;
	record.has_status = 1;
	record.status = 2 << 8;
	past_look(past, 7, &record);
	event = past_event_json(past, past_newest(past));
	ck_assert_str_eq(json_string_value(json_object_get(event, "id")), "g:p");
	ck_assert_str_eq(json_string_value(json_object_get(event, "from")), "RUNNING");
	ck_assert_str_eq(json_string_value(json_object_get(event, "to")), "EXITED");
	ck_assert_str_eq(json_string_value(json_object_get(event, "text")), "exit status 2");
	json_decref(event);
	past_mood(past, MOOD_RUNNING, MOOD_SHUTDOWN, NOW);
	event = past_event_json(past, past_newest(past));
	ck_assert(json_is_null(json_object_get(event, "id")));
	ck_assert_str_eq(json_string_value(json_object_get(event, "to")), "SHUTDOWN");
	ck_assert_int_eq(json_integer_value(json_object_get(event, "number")), 2);
	json_decref(event);
}
END_TEST

/* However long it goes on, what is kept is bounded, and is the newest. */
START_TEST(only_so_much_is_kept)
{
	json_t *json, *list;

	for (int i = 0; i < 1000; i++)
		look(i % 2 ? STATE_RUNNING : STATE_STARTING, NOW + i);
	json = past_json(past, NOW + 1000);
	list = json_object_get(json_object_get(json, "processes"), "g:p");
	ck_assert_uint_eq(json_array_size(list), PAST_STATES_MAX);
	ck_assert_int_eq(json_integer_value(json_array_get(json_array_get(list, PAST_STATES_MAX - 1), 0)), NOW + 999);
	json_decref(json);
	ck_assert_uint_eq(event_count(), PAST_EVENTS_MAX);
	json = past_events_json(past);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(json, 0), "number")), 999 - PAST_EVENTS_MAX + 1);
	json_decref(json);
}
END_TEST

START_TEST(what_reaches_into_the_hour_is_told)
{
	char *text;

	look(STATE_STARTING, NOW);
	look(STATE_RUNNING, NOW + 1);
	look(STATE_EXITED, NOW + 5000);
	text = states(NOW + 5001);
	ck_assert_str_eq(text, "[[1800000001,\"RUNNING\"],[1800005000,\"EXITED\"]]");
	free(text);
}
END_TEST

START_TEST(a_row_can_become_another_process)
{
	struct board_record other = record_of("g", "q", STATE_STOPPED, NOW);

	look(STATE_RUNNING, NOW);
	ck_assert(past_gone(past, 0));
	ck_assert(!past_gone(past, 0));
	ck_assert(!past_gone(past, 100000));
	look(STATE_RUNNING, NOW);
	ck_assert_int_eq(past_look(past, 0, &other), PAST_ANOTHER);
	ck_assert_ptr_null(states(NOW));
	ck_assert_int_eq(past_look(past, BOARD_ROWS_MAX, &other), PAST_SAME);
	ck_assert_int_eq(past_look(past, BOARD_ROWS_MAX - 1, &other), PAST_ANOTHER);
}
END_TEST

/* ---- words ---- */

START_TEST(descriptions_are_supervisors)
{
	struct board_record record = record_of("g", "p", STATE_RUNNING, NOW);
	char text[DESCRIPTION_SIZE];

	record.pid = 42;
	record.started = REEVE_SEC;
	description_write(&record, record.started + 3723 * REEVE_SEC + REEVE_SEC / 2, text);
	ck_assert_str_eq(text, "pid 42, uptime 1:02:03");
	description_write(&record, record.started + 86400 * REEVE_SEC, text);
	ck_assert_str_eq(text, "pid 42, uptime 1 day, 0:00:00");
	description_write(&record, record.started + 200000 * REEVE_SEC, text);
	ck_assert_str_eq(text, "pid 42, uptime 2 days, 7:33:20");
	description_write(&record, 0, text);
	ck_assert_str_eq(text, "pid 42, uptime 0:00:00");
	record.state = STATE_FATAL;
	description_write(&record, 0, text);
	ck_assert_str_eq(text, "unknown error (try \"tail p\")");
	snprintf(record.error, sizeof record.error, "can't find command 'x'");
	description_write(&record, 0, text);
	ck_assert_str_eq(text, "can't find command 'x'");
	record.state = STATE_STOPPED;
	record.starts = 0;
	description_write(&record, 0, text);
	ck_assert_str_eq(text, "Not started");
	record.state = STATE_STARTING;
	description_write(&record, 0, text);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(ends_have_words_and_a_number)
{
	struct board_record record = { .status = 9 };
	char text[DESCRIPTION_END_SIZE];

	description_end(&record, text);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(description_exit_status(&record), 0);
	record.has_status = 1;
	description_end(&record, text);
	ck_assert_str_eq(text, "terminated by SIGKILL");
	ck_assert_int_eq(description_exit_status(&record), -1);
	record.status = 11 | 0x80;
	description_end(&record, text);
	ck_assert_str_eq(text, "terminated by SIGSEGV (core dumped)");
	record.status = 3 << 8;
	description_end(&record, text);
	ck_assert_str_eq(text, "exit status 3");
	ck_assert_int_eq(description_exit_status(&record), 3);
}
END_TEST

/* ---- CPU and memory ---- */

START_TEST(a_stat_is_read_by_its_last_parenthesis)
{
	struct usage usage;
	double tick = (double)sysconf(_SC_CLK_TCK);

	ck_assert_int_eq(usage_parse("7 (a) b) R (x)) S 1 7 7 0 -1 4194560 10 0 0 0 250 50 0 0 20 0 1 0 99 8192 3 1844\n",
				 &usage),
		0);
	ck_assert(fabs(usage.cpu_seconds - 300 / tick) < 1e-9);
	ck_assert_int_eq(usage.virtual_memory, 8192);
	ck_assert_int_eq(usage.memory, 3 * sysconf(_SC_PAGESIZE));
	ck_assert_int_lt(usage_parse("", &usage), 0);
	ck_assert_int_lt(usage_parse("7 (a) S 1 2 3", &usage), 0);
	ck_assert_int_lt(usage_parse("7 (a", &usage), 0);
}
END_TEST

START_TEST(our_own_usage_can_be_read)
{
	struct usage usage;

	ck_assert_int_eq(usage_read(getpid(), &usage), 0);
	ck_assert_int_gt(usage.memory, 0);
	ck_assert_int_ge(usage.virtual_memory, usage.memory);
	ck_assert_int_lt(usage_read(1 << 30, &usage), 0);
}
END_TEST

START_TEST(samples_are_a_ring_and_begin_anew_with_a_process)
{
	struct usage_history *history = usage_history_new();
	json_t *json;

	for (int i = 0; i < USAGE_SAMPLES + 5; i++)
		json_decref(usage_sample(history, 3, getpid(), 1, (i + 1) * REEVE_SEC));
	json = usage_history_json(history, 3);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "cpu")), USAGE_SAMPLES);
	ck_assert(json_is_real(json_array_get(json_object_get(json, "cpu"), 0)));
	json_decref(json);

	/* Another process's first sample has no CPU: there is nothing to compare with. */
	json = usage_sample(history, 3, getpid(), 2, 100 * REEVE_SEC);
	ck_assert(json_is_null(json_array_get(json, 0)));
	ck_assert_int_gt(json_integer_value(json_array_get(json, 1)), 0);
	json_decref(json);
	json = usage_sample(history, 3, 0, 2, 101 * REEVE_SEC);
	ck_assert(json_is_null(json_array_get(json, 0)) && json_is_null(json_array_get(json, 1)));
	json_decref(json);

	usage_history_clear(history);
	json = usage_history_json(history, 3);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "memory")), 0);
	json_decref(json);
	usage_history_free(history);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gateway-past");
	TCase *states_case = leakproof_case("past"), *words = leakproof_case("words"),
	      *usages = leakproof_case("usage");

	tcase_add_checked_fixture(states_case, make_past, free_past);
	tcase_add_test(states_case, a_change_of_state_is_an_event);
	tcase_add_test(states_case, an_end_that_nobody_saw_is_told);
	tcase_add_test(states_case, an_event_says_what_happened);
	tcase_add_test(states_case, only_so_much_is_kept);
	tcase_add_test(states_case, what_reaches_into_the_hour_is_told);
	tcase_add_test(states_case, a_row_can_become_another_process);
	tcase_add_test(words, descriptions_are_supervisors);
	tcase_add_test(words, ends_have_words_and_a_number);
	tcase_add_test(usages, a_stat_is_read_by_its_last_parenthesis);
	tcase_add_test(usages, our_own_usage_can_be_read);
	tcase_add_test(usages, samples_are_a_ring_and_begin_anew_with_a_process);
	suite_add_tcase(suite, states_case);
	suite_add_tcase(suite, words);
	suite_add_tcase(suite, usages);
	return run_suite(suite);
}
