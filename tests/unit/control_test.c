/* What clients ask of the core, and what they are told. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "board/states.h"
#include "reeve/channel.h"
#include "support/core_rig.h"
#include "support/harness.h"

static const char programs[] =
	"[program:cat]\ncommand = /bin/cat\nstartsecs = 0\n"
	"[program:slow]\ncommand = /bin/sleep 1000\nstartsecs = 1000\nautostart = false\n"
	"[program:false]\ncommand = /bin/false\nstartsecs = 1000\nstartretries = 0\nautostart = false\n"
	"[program:writer]\ncommand = /bin/sh -c 'cat > %(here)s/heard'\nstartsecs = 0\nautostart = false\n"
	"[program:deaf]\ncommand = /bin/sh -c 'exec <&-; echo closed > %(here)s/closed; exec sleep 1000'\n"
	"startsecs = 0\nautostart = false\n"
	"[program:nowhere]\ncommand = /nowhere/at/all\nautostart = false\n"
	"[program:folder]\ncommand = /tmp\nautostart = false\n"
	"[group:g]\nprograms = x,y\n"
	"[program:x]\ncommand = /bin/cat\nstartsecs = 0\nautostart = false\nstopwaitsecs = 1000\n"
	"[program:y]\ncommand = /bin/cat\nstartsecs = 0\nautostart = false\n";

#define PROGRAMS 9

static struct core_rig rig;

static void begin(void)
{
	rig_start(&rig, programs);
	rig_wait_state(&rig, "cat", "cat", STATE_RUNNING);
}

static void end(void)
{
	rig_end(&rig);
}

static void expect_text(const struct message_reply *reply, int fault, const char *text)
{
	ck_assert_int_eq(reply->fault, fault);
	ck_assert_str_eq(reply->text, text);
}

START_TEST(a_start_is_answered_when_it_runs)
{
	ck_assert_int_eq(rig_do(&rig, REQUEST_START, "g", "x"), FAULT_SUCCESS);
	ck_assert_int_eq(rig_record(&rig, "g", "x").state, STATE_RUNNING);
	ck_assert_int_eq(rig_record(&rig, "g", "y").state, STATE_STOPPED);
}
END_TEST

START_TEST(a_start_fails_in_the_order_of_its_checks)
{
	expect_text(rig_answer(&rig, rig_ask(&rig, REQUEST_START, "g", "z"), NULL), FAULT_BAD_NAME, "g:z");
	expect_text(rig_answer(&rig, rig_ask(&rig, REQUEST_START, "z", "z"), NULL), FAULT_BAD_NAME, "z");
	expect_text(rig_answer(&rig, rig_ask(&rig, REQUEST_START, "nowhere", "nowhere"), NULL),
		FAULT_NO_FILE, "can't find command '/nowhere/at/all'");
	expect_text(rig_answer(&rig, rig_ask(&rig, REQUEST_START, "folder", "folder"), NULL),
		FAULT_NOT_EXECUTABLE, "command at '/tmp' is a directory");
	expect_text(rig_answer(&rig, rig_ask(&rig, REQUEST_START, "cat", "cat"), NULL),
		FAULT_ALREADY_STARTED, "cat");
}
END_TEST

START_TEST(a_start_that_fails_is_told)
{
	expect_text(rig_answer(&rig, rig_ask(&rig, REQUEST_START, "false", "false"), NULL),
		FAULT_SPAWN_ERROR, "false");
	rig_wait_state(&rig, "false", "false", STATE_FATAL);
}
END_TEST

START_TEST(a_start_that_is_stopped_is_told)
{
	uint64_t first = rig_ask(&rig, REQUEST_START, "slow", "slow");
	uint64_t second;

	rig_wait_state(&rig, "slow", "slow", STATE_STARTING);
	ck_assert(!rig_has_answer(&rig, first));
	second = rig_ask(&rig, REQUEST_STOP, "slow", "slow");
	expect_text(rig_answer(&rig, first, NULL), FAULT_ABNORMAL_TERMINATION, "slow");
	expect_text(rig_answer(&rig, second, NULL), FAULT_SUCCESS, "");
	ck_assert_int_eq(rig_record(&rig, "slow", "slow").state, STATE_STOPPED);
}
END_TEST

START_TEST(without_waiting_it_is_answered_at_once)
{
	struct message_request request = { .kind = REQUEST_START, .group = "slow", .name = "slow" };

	ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, NULL), NULL)->fault, FAULT_SUCCESS);
	ck_assert_int_eq(rig_record(&rig, "slow", "slow").state, STATE_STARTING);
}
END_TEST

/* A stopped process does not hear of SIGTERM. It must have stopped by then: of two signals that wait the lower one is
 * heard first. */
static void stop_in_vain(uint64_t *ret_number)
{
	siginfo_t info;
	pid_t pid;

	ck_assert_int_eq(rig_do(&rig, REQUEST_START, "g", "x"), FAULT_SUCCESS);
	pid = rig_record(&rig, "g", "x").pid;
	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
	*ret_number = rig_ask(&rig, REQUEST_STOP, "g", "x");
	rig_wait_state(&rig, "g", "x", STATE_STOPPING);
}

START_TEST(what_is_stopping_can_be_neither_stopped_nor_started)
{
	struct message_request request = { .kind = REQUEST_STOP, .wait = 1, .again = 1, .group = "g", .name = "x" };
	uint64_t first, again;

	stop_in_vain(&first);
	expect_text(rig_answer(&rig, rig_ask(&rig, REQUEST_STOP, "g", "x"), NULL), FAULT_NOT_RUNNING, "g:x");
	expect_text(rig_answer(&rig, rig_ask(&rig, REQUEST_START, "g", "x"), NULL),
		FAULT_ABNORMAL_TERMINATION, "g:x");
	again = rig_send(&rig, &request, NULL); /* of a client that has asked another core already */
	ck_assert(!rig_has_answer(&rig, first));
	ck_assert_int_eq(kill(rig_record(&rig, "g", "x").pid, SIGKILL), 0);
	expect_text(rig_answer(&rig, first, NULL), FAULT_SUCCESS, "");
	expect_text(rig_answer(&rig, again, NULL), FAULT_SUCCESS, "");
}
END_TEST

/* Whoever asks a new core again for what was done is told that it is done. */
START_TEST(asked_again_what_is_done_is_no_fault)
{
	static const enum request_kind kinds[] = { REQUEST_START, REQUEST_START, REQUEST_STOP, REQUEST_STOP };
	struct message_request request = { .wait = 1, .again = 1, .group = "g", .name = "y" };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		request.kind = kinds[i];
		ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, NULL), NULL)->fault, FAULT_SUCCESS);
	}
	ck_assert_uint_eq(rig_record(&rig, "g", "y").starts, 1);
}
END_TEST

/* The core dies while clients wait; their gateway asks its successor again. */
START_TEST(a_killed_core_makes_nobody_wait_for_ever)
{
	struct message_request request = { .kind = REQUEST_STOP, .wait = 1, .again = 1, .group = "g", .name = "x" };
	uint64_t number;

	stop_in_vain(&number);
	rig_replace_core(&rig);
	number = rig_send(&rig, &request, NULL);
	ck_assert_int_eq(kill(rig_record(&rig, "g", "x").pid, SIGKILL), 0);
	expect_text(rig_answer(&rig, number, NULL), FAULT_SUCCESS, "");
}
END_TEST

START_TEST(a_signal_goes_to_what_runs)
{
	struct message_request request = { .kind = REQUEST_SIGNAL, .group = "cat", .name = "cat", .value = -1 };

	ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, NULL), NULL)->fault, FAULT_BAD_SIGNAL);
	request.value = 1000;
	ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, NULL), NULL)->fault, FAULT_BAD_SIGNAL);
	request.value = 0; /* is there anybody? */
	ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, NULL), NULL)->fault, FAULT_SUCCESS);
	ck_assert_int_eq(rig_do(&rig, REQUEST_SIGNAL, "g", "x"), FAULT_NOT_RUNNING);
	ck_assert_int_eq(rig_do(&rig, REQUEST_SIGNAL, "cat", "cat"), FAULT_SUCCESS); /* SIGHUP ends it */
	RIG_UNTIL(&rig, rig_record(&rig, "cat", "cat").starts == 2);
}
END_TEST

static char *file_text(const char *name)
{
	static char text[256];
	char path[128];
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", rig.directory, name);
	file = fopen(path, "re");
	if (file) {
		size = fread(text, 1, sizeof text - 1, file);
		fclose(file);
	}
	text[size] = '\0';
	return text;
}

START_TEST(what_is_written_arrives)
{
	struct message_request request = { .kind = REQUEST_STDIN, .group = "writer", .name = "writer" };

	ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, "early"), NULL)->fault, FAULT_NOT_RUNNING);
	ck_assert_int_eq(rig_do(&rig, REQUEST_START, "writer", "writer"), FAULT_SUCCESS);
	ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, "one "), NULL)->fault, FAULT_SUCCESS);
	ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, ""), NULL)->fault, FAULT_SUCCESS);
	ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, NULL), NULL)->fault, FAULT_SUCCESS);
	ck_assert_int_eq(rig_answer(&rig, rig_send(&rig, &request, "two"), NULL)->fault, FAULT_SUCCESS);
	RIG_UNTIL(&rig, strcmp(file_text("heard"), "one two") == 0);
}
END_TEST

/* More than a pipe holds, to a program that does not read yet; then more than is kept. */
START_TEST(input_waits_in_the_core_up_to_a_limit)
{
	struct message_request request = { .kind = REQUEST_STDIN, .group = "writer", .name = "writer" };
	char *megabyte = malloc((1 << 20) + 1), path[128];
	struct stat status = { 0 };
	int pid, accepted = 0;

	memset(megabyte, 'x', 1 << 20);
	megabyte[1 << 20] = '\0';
	ck_assert_int_eq(rig_do(&rig, REQUEST_START, "writer", "writer"), FAULT_SUCCESS);
	pid = rig_record(&rig, "writer", "writer").pid;
	ck_assert_int_eq(kill(-pid, SIGSTOP), 0);
	while (rig_answer(&rig, rig_send(&rig, &request, megabyte), NULL)->fault == FAULT_SUCCESS)
		accepted++;
	ck_assert_int_eq(accepted, 4); /* INPUT_MAX, and not what the pipe took of it */
	ck_assert_int_eq(kill(-pid, SIGCONT), 0);
	snprintf(path, sizeof path, "%s/heard", rig.directory);
	RIG_UNTIL(&rig, stat(path, &status) == 0 && status.st_size == (off_t)accepted << 20);
	free(megabyte);
}
END_TEST

START_TEST(closed_input_is_told)
{
	struct message_request request = { .kind = REQUEST_STDIN, .group = "deaf", .name = "deaf" };

	ck_assert_int_eq(rig_do(&rig, REQUEST_START, "deaf", "deaf"), FAULT_SUCCESS);
	RIG_UNTIL(&rig, strcmp(file_text("closed"), "closed\n") == 0);
	expect_text(rig_answer(&rig, rig_send(&rig, &request, "x"), NULL), FAULT_NO_FILE, "deaf");
}
END_TEST

START_TEST(both_logs_are_cleared_of_what_never_ran_too)
{
	unsigned found = 0;

	ck_assert_int_eq(rig_do(&rig, REQUEST_CLEAR_LOGS, "g", "y"), FAULT_SUCCESS);
	RIG_UNTIL(&rig, rig.closed_count >= 2);
	for (unsigned i = 0; i < 2; i++)
		found += rig.closed[i].type == MESSAGE_LOG_CLEAR;
	ck_assert_uint_eq(found, 2);
	ck_assert_uint_ne(rig.closed[0].stream, rig.closed[1].stream);
}
END_TEST

/* Also of one that is told of a change in every round. */
START_TEST(changes_are_told_to_who_watches)
{
	struct message_watch watch = { .type = MESSAGE_WATCH, .on = 1 };
	unsigned before;

	ck_assert_int_eq(rig_do(&rig, REQUEST_START, "g", "x"), FAULT_SUCCESS);
	ck_assert_uint_eq(rig.changed, 0);
	ck_assert_int_eq(reeve_channel_send(rig.gateway, &watch, sizeof watch, NULL, 0, REEVE_FOREVER), 0);
	RIG_UNTIL(&rig, rig.changed == 1);
	before = rig.changed;
	ck_assert_int_eq(rig_do(&rig, REQUEST_START, "g", "y"), FAULT_SUCCESS);
	RIG_UNTIL(&rig, rig.changed > before);
}
END_TEST

START_TEST(the_table_has_every_row)
{
	const char *data;
	json_t *table, *rows, *row;
	size_t i;

	ck_assert_int_eq(rig_answer(&rig, rig_ask(&rig, REQUEST_TABLE, "", ""), &data)->fault, FAULT_SUCCESS);
	table = json_loads(data, 0, NULL);
	ck_assert_ptr_nonnull(table);
	ck_assert_int_eq(json_integer_value(json_object_get(table, "tables")),
		atomic_load(&rig.board.header->tables));
	rows = json_object_get(table, "rows");
	ck_assert_uint_eq(json_array_size(rows), PROGRAMS);
	json_array_foreach(rows, i, row) {
		struct board_record record;

		ck_assert_int_eq(board_read(&rig.board, (uint32_t)json_integer_value(json_object_get(row, "row")), &record), 0);
		ck_assert_str_eq(record.name, json_string_value(json_object_get(row, "name")));
		ck_assert_str_eq(record.group, json_string_value(json_object_get(row, "group")));
		ck_assert(strncmp(json_string_value(json_object_get(row, "stdout_logfile")), rig.directory,
				  strlen(rig.directory)) == 0);
	}
	json_decref(table);
}
END_TEST

START_TEST(the_configuration_is_sorted_by_name)
{
	const char *data, *last = "";
	json_t *list, *entry;
	size_t i;

	ck_assert_int_eq(rig_answer(&rig, rig_ask(&rig, REQUEST_CONFIG, "", ""), &data)->fault, FAULT_SUCCESS);
	list = json_loads(data, 0, NULL);
	ck_assert_uint_eq(json_array_size(list), PROGRAMS);
	json_array_foreach(list, i, entry) {
		ck_assert_uint_eq(json_object_size(entry), 30);
		ck_assert_str_eq(json_string_value(json_object_get(entry, "serverurl")), "none");
		ck_assert(json_is_true(json_object_get(entry, "inuse")));
		ck_assert_int_ge(strcmp(json_string_value(json_object_get(entry, "name")), last), 0);
		last = json_string_value(json_object_get(entry, "name"));
	}
	json_decref(list);
}
END_TEST

START_TEST(while_it_ends_there_is_little_to_ask_for)
{
	uint64_t number;

	stop_in_vain(&number); /* which keeps it from ending */
	ck_assert_int_eq(rig_do(&rig, REQUEST_SHUTDOWN, "", ""), FAULT_SUCCESS);
	for (enum request_kind kind = REQUEST_NONE + 1; kind < REQUEST_KINDS; kind++)
		ck_assert_int_eq(rig_do(&rig, kind, "g", "y"),
			kind == REQUEST_TABLE ? FAULT_SUCCESS : kind == REQUEST_REMOTE_EVENT ? FAULT_FAILED : FAULT_SHUTDOWN_STATE);
	ck_assert_int_eq(kill(rig_record(&rig, "g", "x").pid, SIGKILL), 0);
}
END_TEST

START_TEST(a_restart_needs_a_configuration_that_can_be_read)
{
	const struct message_reply *reply;

	rig_configure(&rig, "[program:x]\n");
	reply = rig_answer(&rig, rig_ask(&rig, REQUEST_RESTART, "", ""), NULL);
	ck_assert_int_eq(reply->fault, FAULT_FAILED);
	ck_assert_ptr_nonnull(strstr(reply->text, rig.file));
	rig_configure(&rig, programs);
	ck_assert_int_eq(rig_do(&rig, REQUEST_RESTART, "", ""), FAULT_SUCCESS);
	ck_assert_int_gt(rig.memory->next_snapshot, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = leakproof_case("requests");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, a_start_is_answered_when_it_runs);
	tcase_add_test(tcase, a_start_fails_in_the_order_of_its_checks);
	tcase_add_test(tcase, a_start_that_fails_is_told);
	tcase_add_test(tcase, a_start_that_is_stopped_is_told);
	tcase_add_test(tcase, without_waiting_it_is_answered_at_once);
	tcase_add_test(tcase, what_is_stopping_can_be_neither_stopped_nor_started);
	tcase_add_test(tcase, asked_again_what_is_done_is_no_fault);
	tcase_add_test(tcase, a_killed_core_makes_nobody_wait_for_ever);
	tcase_add_test(tcase, a_signal_goes_to_what_runs);
	tcase_add_test(tcase, what_is_written_arrives);
	tcase_add_test(tcase, input_waits_in_the_core_up_to_a_limit);
	tcase_add_test(tcase, closed_input_is_told);
	tcase_add_test(tcase, both_logs_are_cleared_of_what_never_ran_too);
	tcase_add_test(tcase, changes_are_told_to_who_watches);
	tcase_add_test(tcase, the_table_has_every_row);
	tcase_add_test(tcase, the_configuration_is_sorted_by_name);
	tcase_add_test(tcase, while_it_ends_there_is_little_to_ask_for);
	tcase_add_test(tcase, a_restart_needs_a_configuration_that_can_be_read);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
