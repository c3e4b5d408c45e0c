/* Calls of methods: what is asked of the core, and how answers come back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/methods.h"
#include "support/harness.h"
#include "support/http_rig.h"
#include "text/buffer.h"

static void setup(void)
{
	rig_start(NULL, NULL);
}

static void teardown(void)
{
	rig_end();
}

#define TEXT(text) "<param><value>" text "</value></param>"
#define NUMBER(text) "<param><value><int>" text "</int></value></param>"
#define BOOLEAN(text) "<param><value><boolean>" text "</boolean></value></param>"

static void expect_in(char *answer, const char *part)
{
	ck_assert_ptr_nonnull(answer);
	ck_assert_msg(strstr(answer, part) != NULL, "%s\nhas no %s", answer, part);
	free(answer);
}

static void expect(const char *method, const char *parameters, const char *part)
{
	expect_in(rig_ask(method, parameters), part);
}

static const struct {
	const char *method, *parameters, *part;
} at_once[] = {
	{ "supervisor.getAPIVersion", "", "<string>3.0<" },
	{ "supervisor.getIdentification", "", "<string>rig<" },
	{ "supervisor.nope", "", "UNKNOWN_METHOD" },
	{ "nope", "", "UNKNOWN_METHOD" },
	{ "system.", "", "UNKNOWN_METHOD" },
	{ ".getState", "", "UNKNOWN_METHOD" },
	{ "supervisor.getState.x", "", "UNKNOWN_METHOD" },
	{ "supervisor.getState", NUMBER("1"), "INCORRECT_PARAMETERS" },
	{ "supervisor.getProcessInfo", "", "INCORRECT_PARAMETERS" },
	{ "supervisor.getProcessInfo", NUMBER("1"), "INCORRECT_PARAMETERS" },
	{ "supervisor.getProcessInfo", TEXT("nope"), "BAD_NAME: nope<" },
	{ "supervisor.getProcessInfo", TEXT("g"), "BAD_NAME: g<" },
	{ "supervisor.getProcessInfo", TEXT("g:*"), "BAD_NAME: g:*<" },
	{ "supervisor.getProcessInfo", TEXT("&lt;&amp;&gt;"), "BAD_NAME: &lt;&amp;&gt;<" },
	{ "supervisor.getProcessInfo", "<param><value><base64>YQBi</base64></value></param>", "BAD_NAME: a<" },
	{ "supervisor.getProcessInfo", TEXT("g:x"), "<string>Not started<" },
	{ "supervisor.getProcessInfo", TEXT("a:a"), "<name>logfile</name>\n<value><string>/logs/a<" },
	{ "supervisor.signalProcess", TEXT("a") TEXT("NOPE"), "BAD_SIGNAL: NOPE" },
	{ "supervisor.signalProcess", TEXT("nope") TEXT("NOPE"), "BAD_NAME: nope" },
	{ "supervisor.stopAllProcesses", "", "<array><data>\n</data>" },
	{ "supervisor.stopProcess", TEXT("g:"), "<array><data>\n</data>" },
	{ "supervisor.stopProcessGroup", TEXT("empty"), "<array><data>\n</data>" },
	{ "supervisor.startProcess", TEXT("empty:*"), "<array><data>\n</data>" },
	{ "supervisor.stopProcessGroup", TEXT("nope"), "BAD_NAME: nope" },
	{ "supervisor.sendProcessStdin", TEXT("nope") NUMBER("1"), "INCORRECT_PARAMETERS: 1<" },
	{ "supervisor.readProcessLog", TEXT("z") NUMBER("0") NUMBER("0"), "NO_FILE<" },
	{ "supervisor.readProcessLog", TEXT("a") NUMBER("0") NUMBER("0"), "NO_FILE: /logs/a<" },
	{ "supervisor.tailProcessLog", TEXT("z") NUMBER("5") NUMBER("0"), "<value><string></string></value>\n<value><int>0<" },
	{ "system.multicall", NUMBER("1"), "INCORRECT_PARAMETERS" },
	{ "system.multicall", "<param><value><array><data/></array></value></param>", "<array><data>\n</data>" },
	{ "system.methodSignature", TEXT("supervisor.startProcess"), "<string>boolean</string></value>\n<value><string>string<" },
	{ "system.methodHelp", TEXT("nope"), "SIGNATURE_UNSUPPORTED" },
};

START_TEST(what_needs_nobody_is_answered_at_once)
{
	expect(at_once[_i].method, at_once[_i].parameters, at_once[_i].part);
	ck_assert_uint_eq(rig.asked_count, 0);
}
END_TEST

START_TEST(every_method_is_listed_and_documented)
{
	for (size_t i = 0; i < method_count; i++) {
		const struct method *method = &methods[i];
		char name[100];

		snprintf(name, sizeof name, "%s.%s", method->space == SPACE_SYSTEM ? "system" : "supervisor",
			method->name);
		ck_assert_ptr_eq(method_find(&rig.settings, name), method);
		ck_assert_uint_gt(strlen(method->help), 10);
		ck_assert_uint_le(method->least, method_most(method));
		snprintf(name, sizeof name, "<string>%s.%s<",
			method->space == SPACE_SYSTEM ? "system" : "supervisor", method->name);
		expect("system.listMethods", "", name);
	}
}
END_TEST

static const struct {
	const char *method, *parameters;
	enum request_kind kind;
	const char *group, *name;
	bool wait;
	int value;
} asked[] = {
	{ "supervisor.startProcess", TEXT("a"), REQUEST_START, "a", "a", true, 0 },
	{ "supervisor.startProcess", TEXT("g:x") BOOLEAN("0"), REQUEST_START, "g", "x", false, 0 },
	{ "supervisor.startProcess", TEXT("g:x") NUMBER("0"), REQUEST_START, "g", "x", false, 0 },
	{ "supervisor.startProcess", TEXT("g:x") TEXT("no"), REQUEST_START, "g", "x", true, 0 },
	{ "supervisor.stopProcess", TEXT("a:a"), REQUEST_STOP, "a", "a", true, 0 },
	{ "supervisor.signalProcess", TEXT("a") TEXT("sighup"), REQUEST_SIGNAL, "a", "a", false, 1 },
	{ "supervisor.signalProcess", TEXT("a") NUMBER("9"), REQUEST_SIGNAL, "a", "a", false, 9 },
	{ "supervisor.clearProcessLogs", TEXT("g:y"), REQUEST_CLEAR_LOGS, "g", "y", false, 0 },
	{ "supervisor.sendProcessStdin", TEXT("a") TEXT("text"), REQUEST_STDIN, "a", "a", false, 0 },
	{ "supervisor.sendRemoteCommEvent", TEXT("t") TEXT("d"), REQUEST_REMOTE_EVENT, "", "", false, 0 },
	{ "supervisor.addProcessGroup", TEXT("new"), REQUEST_ADD_GROUP, "new", "", false, 0 },
	{ "supervisor.removeProcessGroup", TEXT("g"), REQUEST_REMOVE_GROUP, "g", "", false, 0 },
	{ "supervisor.clearLog", "", REQUEST_CLEAR_LOG, "", "", false, 0 },
	{ "supervisor.shutdown", "", REQUEST_SHUTDOWN, "", "", false, 0 },
	{ "supervisor.restart", "", REQUEST_RESTART, "", "", false, 0 },
};

START_TEST(what_is_to_be_done_the_core_is_asked_for)
{
	int fd = rig_connect();
	const struct message_request *message = &rig.asked[0].message;

	rig_call(fd, asked[_i].method, asked[_i].parameters);
	rig_wait_asked(1);
	ck_assert_uint_eq(message->kind, asked[_i].kind);
	ck_assert_str_eq(message->group, asked[_i].group);
	ck_assert_str_eq(message->name, asked[_i].name);
	ck_assert_int_eq(message->wait, asked[_i].wait);
	ck_assert_int_eq(message->value, asked[_i].value);
	rig_reply(0, FAULT_SUCCESS, "", NULL, 0);
	expect_in(rig_receive(fd, true), "<boolean>1<");
	close(fd);
}
END_TEST

START_TEST(data_go_along_byte_by_byte)
{
	int fd = rig_connect();

	rig_call(fd, "supervisor.sendProcessStdin", TEXT("a") "<param><value><base64>aGEAbG8=</base64></value></param>");
	rig_wait_asked(1);
	ck_assert_uint_eq(rig.asked[0].size, 5);
	ck_assert_mem_eq(rig.asked[0].bytes, "ha\0lo", 5);
	rig_reply(0, FAULT_SUCCESS, "", NULL, 0);
	expect_in(rig_receive(fd, true), "<boolean>1<");
	rig_call(fd, "supervisor.sendRemoteCommEvent", TEXT("type") TEXT("data"));
	rig_wait_asked(2);
	ck_assert_uint_eq(rig.asked[1].size, 9);
	ck_assert_mem_eq(rig.asked[1].bytes, "type\0data", 9);
	rig_reply(1, FAULT_SUCCESS, "", NULL, 0);
	expect_in(rig_receive(fd, true), "<boolean>1<");
	close(fd);
}
END_TEST

START_TEST(a_fault_names_the_process_as_its_client_did)
{
	int fd = rig_connect();

	rig_call(fd, "supervisor.startProcess", TEXT("a:a"));
	rig_reply(0, FAULT_ALREADY_STARTED, "a", NULL, 0);
	expect_in(rig_receive(fd, true), "<string>ALREADY_STARTED: a:a<");
	rig_call(fd, "supervisor.startProcess", TEXT("a"));
	rig_reply(1, FAULT_NO_FILE, "can't find command 'a'", NULL, 0);
	expect_in(rig_receive(fd, true), "<string>NO_FILE: can't find command 'a'<");
	rig_call(fd, "supervisor.startProcess", TEXT("g:x"));
	rig_reply(2, FAULT_SPAWN_ERROR, "g:x", NULL, 0);
	expect_in(rig_receive(fd, true), "<int>50</int>");
	close(fd);
}
END_TEST

START_TEST(who_waits_is_in_nobodys_way)
{
	int waits = rig_connect();

	rig_call(waits, "supervisor.startProcess", TEXT("a"));
	expect("supervisor.getState", "", "RUNNING");
	expect("supervisor.getProcessInfo", TEXT("a"), "STOPPED");
	rig_reply(0, FAULT_SUCCESS, "", NULL, 0);
	expect_in(rig_receive(waits, true), "<boolean>1<");
	close(waits);
}
END_TEST

/* Whatever the order of the replies. */
START_TEST(of_many_each_is_asked_for_and_listed_in_order)
{
	int fd = rig_connect();
	char *answer, *x, *y, *z;

	rig_state("a", STATE_RUNNING);
	rig_call(fd, "supervisor.startAllProcesses", "");
	rig_wait_asked(3);
	rig_reply(2, FAULT_SUCCESS, "", NULL, 0);
	rig_reply(0, FAULT_SPAWN_ERROR, "g:x", NULL, 0);
	ck_assert_ptr_null(rig_receive(fd, false));
	rig_reply(1, FAULT_SUCCESS, "", NULL, 0);
	answer = rig_receive(fd, true);
	ck_assert_ptr_nonnull(answer);
	x = strstr(answer, "<string>x<");
	y = strstr(answer, "<string>y<");
	z = strstr(answer, "<string>z<");
	ck_assert(x && x < y && y < z);
	ck_assert_ptr_null(strstr(answer, "<string>a<"));
	expect_in(answer, "<string>SPAWN_ERROR: g:x<");
	close(fd);
}
END_TEST

#define EACH(method, params)                                                                       \
	"<value><struct><member><name>methodName</name><value>" method "</value></member>"         \
	"<member><name>params</name><value><array><data>" params "</data></array></value></member></struct></value>"

START_TEST(calls_of_a_multicall_are_made_one_after_the_other)
{
	int fd = rig_connect();
	char *answer;

	rig_call(fd, "system.multicall",
		"<param><value><array><data>" EACH("supervisor.stopProcess", "<value>a</value>")
			EACH("supervisor.nope", "") EACH("supervisor.startProcess", "<value>a</value>")
				EACH("system.multicall", "") "<value>odd</value>"
				EACH("supervisor.getAPIVersion", "") "</data></array></value></param>");
	rig_wait_asked(1);
	rig_reply(0, FAULT_NOT_RUNNING, "a", NULL, 0);
	rig_wait_asked(2);
	ck_assert_uint_eq(rig.asked[1].message.kind, REQUEST_START);
	rig_reply(1, FAULT_SUCCESS, "", NULL, 0);
	answer = rig_receive(fd, true);
	ck_assert_ptr_nonnull(strstr(answer, "NOT_RUNNING: a"));
	ck_assert_ptr_nonnull(strstr(answer, "UNKNOWN_METHOD"));
	ck_assert_ptr_nonnull(strstr(answer, "Recursive system.multicall forbidden"));
	ck_assert_ptr_nonnull(strstr(answer, "No methodName"));
	expect_in(answer, "<value><string>3.0</string></value>\n</data></array>");
	close(fd);
}
END_TEST

/* More than are made in one turn of the loop: another client is served in between. */
START_TEST(a_long_multicall_lets_others_have_their_turn)
{
	struct buffer calls = BUFFER(1 << 22);
	int fd = rig_connect(), other = rig_connect();
	const char *at;
	size_t count = 0;
	char *answer;

	buffer_add_text(&calls, "<param><value><array><data>");
	for (int i = 0; i < 5000; i++)
		buffer_add_text(&calls, EACH("supervisor.getPID", ""));
	buffer_add_text(&calls, "</data></array></value></param>");
	rig_call(fd, "system.multicall", buffer_text(&calls));
	rig_call(other, "supervisor.getAPIVersion", "");
	expect_in(rig_receive(other, true), "3.0");
	answer = rig_receive(fd, true);
	for (at = answer; (at = strstr(at, "<int>")) != NULL; at++)
		count++;
	ck_assert_uint_eq(count, 5000);
	free(answer);
	buffer_deinit(&calls);
	close(fd);
	close(other);
}
END_TEST

START_TEST(an_old_table_is_not_looked_at)
{
	int fd = rig_connect();
	struct table_waiter *waiter;

	rig.table_is_old = true;
	rig_call(fd, "supervisor.getProcessInfo", TEXT("a"));
	ck_assert_ptr_null(rig_receive(fd, false));
	waiter = rig.waiter;
	ck_assert_ptr_nonnull(waiter);
	rig.waiter = waiter->next;
	waiter->here(waiter, &rig.table);
	expect_in(rig_receive(fd, true), "<string>a<");
	rig_call(fd, "supervisor.getProcessInfo", TEXT("a"));
	rig_settle();
	waiter = rig.waiter;
	rig.waiter = waiter->next;
	waiter->here(waiter, NULL);
	expect_in(rig_receive(fd, true), "FAILED");
	close(fd);
}
END_TEST

START_TEST(a_row_that_is_anothers_now_is_not_told)
{
	snprintf(board_begin(&rig.gateway.board, 1)->name, 4, "new");
	board_end(&rig.gateway.board, 1);
	expect("supervisor.getProcessInfo", TEXT("g:x"), "BAD_NAME: g:x");
	expect("supervisor.getAllProcessInfo", "", "<string>y<");
}
END_TEST

START_TEST(at_the_end_nearly_nothing_is_answered)
{
	rig.gateway.board.header->mood = MOOD_SHUTDOWN;
	expect("supervisor.getState", "", "<int>6</int>");
	expect("supervisor.getProcessInfo", TEXT("nope"), "SHUTDOWN_STATE");
	expect("supervisor.getState", NUMBER("1"), "INCORRECT_PARAMETERS");
	expect("system.listMethods", "", "supervisor.getState");
}
END_TEST

START_TEST(a_reread_tells_three_lists)
{
	static const char names[] = "+new\0-old\0~changed\0+newer";
	int fd = rig_connect();

	rig_call(fd, "supervisor.reloadConfig", "");
	rig_reply(0, FAULT_SUCCESS, "", names, sizeof names);
	expect_in(rig_receive(fd, true),
		"<value><array><data>\n<value><array><data>\n<value><array><data>\n<value><string>new</string></value>\n"
		"<value><string>newer</string></value>\n</data></array></value>\n<value><array><data>\n"
		"<value><string>changed</string></value>\n</data></array></value>\n<value><array><data>\n"
		"<value><string>old</string></value>\n</data></array></value>\n</data></array></value>\n"
		"</data></array></value>\n");
	rig_call(fd, "supervisor.reloadConfig", "");
	rig_reply(1, FAULT_SUCCESS, "", NULL, 0);
	expect_in(rig_receive(fd, true), "<value><array><data>\n</data></array></value>\n<value><array><data>\n</data>");
	close(fd);
}
END_TEST

START_TEST(what_is_configured_is_passed_on)
{
	static const char good[] = "[{\"name\":\"a\",\"autostart\":true,\"exitcodes\":[0,2],\"uid\":null}]", bad[] = "{]";
	int fd = rig_connect();

	rig_call(fd, "supervisor.getAllConfigInfo", "");
	rig_reply(0, FAULT_SUCCESS, "", good, sizeof good - 1);
	expect_in(rig_receive(fd, true),
		"<member>\n<name>exitcodes</name>\n<value><array><data>\n<value><int>0</int></value>\n<value><int>2</int>");
	rig_call(fd, "supervisor.getAllConfigInfo", "");
	rig_reply(1, FAULT_SUCCESS, "", bad, sizeof bad - 1);
	expect_in(rig_receive(fd, true), "FAILED");
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gateway_rpc");
	TCase *tcase = leakproof_case("gateway_rpc");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(
		tcase, what_needs_nobody_is_answered_at_once, 0, sizeof at_once / sizeof *at_once);
	tcase_add_test(tcase, every_method_is_listed_and_documented);
	tcase_add_loop_test(tcase, what_is_to_be_done_the_core_is_asked_for, 0, sizeof asked / sizeof *asked);
	tcase_add_test(tcase, data_go_along_byte_by_byte);
	tcase_add_test(tcase, a_fault_names_the_process_as_its_client_did);
	tcase_add_test(tcase, who_waits_is_in_nobodys_way);
	tcase_add_test(tcase, of_many_each_is_asked_for_and_listed_in_order);
	tcase_add_test(tcase, calls_of_a_multicall_are_made_one_after_the_other);
	tcase_add_test(tcase, a_long_multicall_lets_others_have_their_turn);
	tcase_add_test(tcase, an_old_table_is_not_looked_at);
	tcase_add_test(tcase, a_row_that_is_anothers_now_is_not_told);
	tcase_add_test(tcase, at_the_end_nearly_nothing_is_answered);
	tcase_add_test(tcase, a_reread_tells_three_lists);
	tcase_add_test(tcase, what_is_configured_is_passed_on);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
