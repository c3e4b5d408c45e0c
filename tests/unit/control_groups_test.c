/* Groups that come and go while all runs, and what a core that is killed leaves of it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "board/states.h"
#include "support/core_rig.h"
#include "support/harness.h"

#define A "[program:a]\ncommand = /bin/cat\nstartsecs = 0\n"
#define B "[program:b]\ncommand = /bin/cat\nstartsecs = 0\n"
#define B_CHANGED "[program:b]\ncommand = /bin/cat -\nstartsecs = 0\n"
#define C "[program:c]\ncommand = /bin/cat\nstartsecs = 0\nnumprocs = 3\nprocess_name = c%(process_num)d\n"

static struct core_rig rig;

static void begin(void)
{
	rig_start(&rig, A B);
	rig_wait_state(&rig, "a", "a", STATE_RUNNING);
	rig_wait_state(&rig, "b", "b", STATE_RUNNING);
}

static void end(void)
{
	rig_end(&rig);
}

/* What a reread finds, as "~b+c-a". */
static const char *reread(const char *configuration)
{
	static char text[256];
	const struct message_reply *reply;
	const char *data;
	size_t used = 0;

	rig_configure(&rig, configuration);
	reply = rig_answer(&rig, rig_ask(&rig, REQUEST_REREAD, "", ""), &data);
	ck_assert_int_eq(reply->fault, FAULT_SUCCESS);
	for (text[0] = '\0'; *data; data += strlen(data) + 1)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s", data);
	return text;
}

static unsigned count_rows(void)
{
	struct board_record record;
	unsigned count = 0;

	for (uint32_t row = 0; row < atomic_load(&rig.board.header->rows); row++)
		count += board_read(&rig.board, row, &record) == 0;
	return count;
}

static unsigned count_readings(void)
{
	unsigned count = 0;

	for (unsigned number = 0; number < READINGS_MAX; number++)
		count += rig.memory->readings[number] > 0;
	return count;
}

static void stop_and_remove(const char *group)
{
	ck_assert_int_eq(rig_do(&rig, REQUEST_STOP, group, group), FAULT_SUCCESS);
	ck_assert_int_eq(rig_do(&rig, REQUEST_REMOVE_GROUP, group, ""), FAULT_SUCCESS);
}

START_TEST(a_reread_tells_what_is_different_and_changes_nothing)
{
	ck_assert_str_eq(reread(A B), "");
	ck_assert_str_eq(reread(B_CHANGED C), "~b+c-a");
	ck_assert_str_eq(reread(B_CHANGED C), "~b+c-a");
	ck_assert_uint_eq(count_rows(), 2);
	ck_assert_int_eq(rig_record(&rig, "a", "a").state, STATE_RUNNING);
}
END_TEST

START_TEST(an_added_group_starts)
{
	uint32_t before = atomic_load(&rig.board.header->tables);

	ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "c", ""), FAULT_BAD_NAME); /* not read yet */
	ck_assert_str_eq(reread(A B C), "+c");
	ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "c", ""), FAULT_SUCCESS);
	ck_assert_uint_gt(atomic_load(&rig.board.header->tables), before);
	rig_wait_state(&rig, "c", "c0", STATE_RUNNING);
	rig_wait_state(&rig, "c", "c1", STATE_RUNNING);
	rig_wait_state(&rig, "c", "c2", STATE_RUNNING);
	ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "c", ""), FAULT_ALREADY_ADDED);
	ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "d", ""), FAULT_BAD_NAME);
	ck_assert_str_eq(reread(A B C), "");
}
END_TEST

START_TEST(a_group_is_removed_once_it_has_stopped)
{
	ck_assert_int_eq(rig_do(&rig, REQUEST_REMOVE_GROUP, "z", ""), FAULT_BAD_NAME);
	ck_assert_int_eq(rig_do(&rig, REQUEST_REMOVE_GROUP, "b", ""), FAULT_STILL_RUNNING);
	rig.closed_count = 0;
	stop_and_remove("b");
	ck_assert(!rig_has(&rig, "b", "b"));
	ck_assert_int_eq(rig_do(&rig, REQUEST_START, "b", "b"), FAULT_BAD_NAME);
	RIG_UNTIL(&rig, rig.closed_count == 2);
	ck_assert_uint_eq(rig.closed[0].type, MESSAGE_LOG_CLOSE);
	ck_assert_uint_eq(rig.closed[1].type, MESSAGE_LOG_CLOSE);
	ck_assert_str_eq(reread(A B), "+b"); /* it is configured still */
}
END_TEST

/* Of what a group had nothing stays with the keeper; its row goes to the next one, which begins at zero. */
START_TEST(what_was_removed_leaves_nothing_behind)
{
	int before;

	stop_and_remove("b");
	before = count_open_fds();
	for (int i = 0; i < 20; i++) {
		ck_assert_str_eq(reread(A B), "+b");
		ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "b", ""), FAULT_SUCCESS);
		rig_wait_state(&rig, "b", "b", STATE_RUNNING);
		ck_assert_uint_eq(rig_record(&rig, "b", "b").starts, 1);
		stop_and_remove("b");
		rig_forget_answers(&rig);
	}
	RIG_UNTIL(&rig, count_open_fds() <= before + 1); /* a reading */
	ck_assert_uint_eq(count_rows(), 1);
	ck_assert_uint_eq(atomic_load(&rig.board.header->rows), 2);
}
END_TEST

/* What is not updated keeps its settings, whatever is read meanwhile. */
START_TEST(settings_change_by_removing_and_adding_alone)
{
	const char *config;

	ck_assert_str_eq(reread(A B_CHANGED), "~b");
	rig_answer(&rig, rig_ask(&rig, REQUEST_TABLE, "", ""), &config);
	ck_assert_ptr_null(strstr(config, "/bin/cat -"));
	rig_replace_core(&rig);
	rig_answer(&rig, rig_ask(&rig, REQUEST_TABLE, "", ""), &config);
	ck_assert_ptr_null(strstr(config, "/bin/cat -"));
	stop_and_remove("b");
	ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "b", ""), FAULT_SUCCESS); /* read by the core before */
	rig_answer(&rig, rig_ask(&rig, REQUEST_TABLE, "", ""), &config);
	ck_assert_ptr_nonnull(strstr(config, "/bin/cat -"));
}
END_TEST

START_TEST(a_new_core_has_the_groups_that_the_old_one_had)
{
	pid_t pid = rig_record(&rig, "a", "a").pid;

	ck_assert_str_eq(reread(A B C), "+c");
	ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "c", ""), FAULT_SUCCESS);
	rig_wait_state(&rig, "c", "c2", STATE_RUNNING);
	stop_and_remove("b");
	rig_configure(&rig, "what is in the file now is nobody's business\n");
	rig_replace_core(&rig);
	rig_replace_core(&rig);
	ck_assert_uint_eq(count_rows(), 4);
	ck_assert(!rig_has(&rig, "b", "b"));
	ck_assert_int_eq(rig_record(&rig, "a", "a").pid, pid);
	for (int i = 0; i < 3; i++) {
		char name[] = { 'c', (char)('0' + i), '\0' };

		ck_assert_int_eq(rig_record(&rig, "c", name).state, STATE_RUNNING);
		ck_assert_int_eq(rig_do(&rig, REQUEST_STOP, "c", name), FAULT_SUCCESS);
	}
	ck_assert_int_eq(rig_do(&rig, REQUEST_REMOVE_GROUP, "c", ""), FAULT_SUCCESS);
}
END_TEST

/* However often and however it is read: groups that are the same move on, and old readings are forgotten. */
START_TEST(readings_do_not_add_up)
{
	char text[512];

	for (int i = 0; i < 3 * READINGS_MAX; i++) {
		snprintf(text, sizeof text, A B "[program:n%d]\ncommand = /bin/cat\nautostart = false\n", i);
		reread(text);
		snprintf(text, sizeof text, "n%d", i);
		ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, text, ""), FAULT_SUCCESS);
		ck_assert_int_eq(rig_do(&rig, REQUEST_REMOVE_GROUP, text, ""), FAULT_SUCCESS);
		ck_assert_uint_le(count_readings(), 3);
		rig_forget_answers(&rig);
	}
}
END_TEST

/* Each of these groups lives by a reading of its own: none is the same in a later one. */
START_TEST(there_is_an_end_to_readings_and_it_is_told)
{
	const struct message_reply *reply;
	char text[512];
	int added = 0;

	for (;;) {
		snprintf(text, sizeof text, "[program:n%d]\ncommand = /bin/cat\nautostart = false\n", added);
		rig_configure(&rig, text);
		reply = rig_answer(&rig, rig_ask(&rig, REQUEST_REREAD, "", ""), NULL);
		if (reply->fault != FAULT_SUCCESS)
			break;
		snprintf(text, sizeof text, "n%d", added++);
		ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, text, ""), FAULT_SUCCESS);
	}
	ck_assert_int_eq(reply->fault, FAULT_CANT_REREAD);
	ck_assert_ptr_nonnull(strstr(reply->text, "update or remove"));
	ck_assert_int_eq(added, READINGS_MAX - 1);
	ck_assert_int_eq(rig_do(&rig, REQUEST_REMOVE_GROUP, "n3", ""), FAULT_SUCCESS);
	ck_assert_int_eq(rig_do(&rig, REQUEST_REREAD, "", ""), FAULT_SUCCESS);
	rig_replace_core(&rig);
	ck_assert_uint_eq(count_rows(), 2 + READINGS_MAX - 2);
}
END_TEST

START_TEST(a_configuration_that_cannot_be_read_changes_nothing)
{
	const struct message_reply *reply;

	ck_assert_str_eq(reread(A B C), "+c");
	rig_configure(&rig, "[program:a]\n");
	reply = rig_answer(&rig, rig_ask(&rig, REQUEST_REREAD, "", ""), NULL);
	ck_assert_int_eq(reply->fault, FAULT_CANT_REREAD);
	ck_assert_ptr_nonnull(strstr(reply->text, rig.file));
	ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "c", ""), FAULT_SUCCESS);
}
END_TEST

/* The core was killed while it removed: what is left of the group goes, and is not started. */
START_TEST(a_removal_that_was_begun_is_finished)
{
	ck_assert_str_eq(reread(A B C), "+c");
	ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "c", ""), FAULT_SUCCESS);
	rig_wait_state(&rig, "c", "c2", STATE_RUNNING);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			rig_do(&rig, REQUEST_STOP, "c", (char[]){ 'c', (char)('0' + i), '\0' }), FAULT_SUCCESS);
	rig_kill_core(&rig);
	for (uint32_t row = 0; row < atomic_load(&rig.board.header->rows); row++) {
		if (strcmp(board_peek(&rig.board, row)->name, "c0") == 0) {
			board_begin(&rig.board, row)->leaving = 1;
			board_end(&rig.board, row);
		}
		if (strcmp(board_peek(&rig.board, row)->name, "c2") == 0)
			board_remove(&rig.board, row);
	}
	rig_start_core(&rig);
	ck_assert_uint_eq(count_rows(), 2);
	ck_assert_int_eq(rig_do(&rig, REQUEST_REMOVE_GROUP, "c", ""), FAULT_BAD_NAME);
}
END_TEST

/* It was killed while it added: the rest of the group comes, and is started. */
START_TEST(an_addition_that_was_begun_is_finished)
{
	ck_assert_str_eq(reread(A B C), "+c");
	rig_kill_core(&rig);
	ck_assert_int_ge(board_add(&rig.board, "c", "c0", atomic_load(&rig.board.header->latest_reading)), 0);
	rig_start_core(&rig);
	rig_wait_state(&rig, "c", "c0", STATE_RUNNING);
	rig_wait_state(&rig, "c", "c1", STATE_RUNNING);
	rig_wait_state(&rig, "c", "c2", STATE_RUNNING);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control groups");
	TCase *tcase = leakproof_case("groups");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, a_reread_tells_what_is_different_and_changes_nothing);
	tcase_add_test(tcase, an_added_group_starts);
	tcase_add_test(tcase, a_group_is_removed_once_it_has_stopped);
	tcase_add_test(tcase, what_was_removed_leaves_nothing_behind);
	tcase_add_test(tcase, settings_change_by_removing_and_adding_alone);
	tcase_add_test(tcase, a_new_core_has_the_groups_that_the_old_one_had);
	tcase_add_test(tcase, readings_do_not_add_up);
	tcase_add_test(tcase, there_is_an_end_to_readings_and_it_is_told);
	tcase_add_test(tcase, a_configuration_that_cannot_be_read_changes_nothing);
	tcase_add_test(tcase, a_removal_that_was_begun_is_finished);
	tcase_add_test(tcase, an_addition_that_was_begun_is_finished);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
