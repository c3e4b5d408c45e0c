/* HTTP as the gateway serves it: who may ask, what is too much, and clients that are slow, stuck or gone. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/authorize.h"
#include "gateway/http.h"
#include "support/http_rig.h"
#include "support/harness.h"

static void setup(void)
{
	rig_start(NULL, NULL);
}

static void teardown(void)
{
	rig_end();
}

#define SEND(fd, text) rig_send(fd, text, sizeof(text) - 1)
#define BODY "<methodCall><methodName>supervisor.getState</methodName></methodCall>"
#define CALL "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 69\r\n\r\n" BODY

_Static_assert(sizeof BODY - 1 == 69, "as CALL says");

static unsigned status_of(const char *answer)
{
	return answer ? (unsigned)strtoul(answer + 9, NULL, 10) : 0;
}

static void expect(int fd, unsigned status, const char *part)
{
	char *answer = rig_receive(fd, true);

	ck_assert_ptr_nonnull(answer);
	ck_assert_msg(status_of(answer) == status, "%s", answer);
	ck_assert_msg(strstr(answer, part) != NULL, "%s", answer);
	free(answer);
}

static const struct {
	const char *request;
	unsigned status; /* 0: the connection is closed */
	bool stays;
} requests[] = {
	{ CALL, 200, true },
	{ "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, true },
	{ "GET /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 400, true },
	{ "POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n", 411, true },
	{ "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400, true },
	{ "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400, true },
	{ "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 4194305\r\n\r\n", 413, false },
	{ "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\n", 413, false },
	{ "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, false },
	{ "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, true },
	{ "PUT /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400, true },
	{ "GET /logtail/a HTTP/1.1\r\nHost: x\r\n\r\n", 404, true },
	{ "GET /logtail/a/other HTTP/1.1\r\nHost: x\r\n\r\n", 404, true },
	{ "GET /logtail/z HTTP/1.1\r\nHost: x\r\n\r\n", 404, true },
	{ "GET /logtail/g:x/stderr HTTP/1.1\r\nHost: x\r\n\r\n", 404, true },
	{ "GET /logtail HTTP/1.1\r\nHost: x\r\n\r\n", 404, true },
	{ "GET /logtail/..%2f..%2fetc HTTP/1.1\r\nHost: x\r\n\r\n", 404, true },
	{ "nonsense\r\n\r\n", 0, false },
	{ "POST /RPC2 HTTP/1.1\r\nHost: x\r\nOrigin: http://elsewhere\r\nContent-Length: 69\r\n\r\n" BODY, 403, true },
	{ "POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n45\r\n" BODY "\r\n0\r\n\r\n", 200, true },
};

START_TEST(a_request_has_its_status)
{
	int fd = rig_connect();

	rig_send(fd, requests[_i].request, strlen(requests[_i].request));
	if (requests[_i].status)
		expect(fd, requests[_i].status, requests[_i].stays ? "\r\nServer: reeve/" : "");
	if (requests[_i].stays) {
		SEND(fd, CALL);
		expect(fd, 200, "RUNNING");
	} else
		ck_assert(rig_is_closed(fd));
	close(fd);
}
END_TEST

START_TEST(a_request_may_come_in_any_pieces)
{
	int fd = rig_connect();

	for (const char *byte = CALL; *byte; byte++)
		rig_send(fd, byte, 1);
	expect(fd, 200, "RUNNING");
	close(fd);
}
END_TEST

START_TEST(requests_may_be_pipelined)
{
	int fd = rig_connect();
	char *answers;

	SEND(fd, CALL "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" CALL "GET /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n");
	answers = rig_receive(fd, false);
	ck_assert_ptr_nonnull(answers);
	for (const char *next = answers, *const *status = (const char *const[]){ "200", "404", "200", "400", NULL };
		*status; status++) {
		next = strstr(next, "HTTP/1.1 ");
		ck_assert_ptr_nonnull(next);
		next += 9;
		ck_assert_mem_eq(next, *status, 3);
	}
	free(answers);
	close(fd);
}
END_TEST

START_TEST(an_old_client_is_answered_and_let_go)
{
	int fd = rig_connect();

	SEND(fd, "POST /RPC2 HTTP/1.0\r\nContent-Length: 69\r\n\r\n" BODY);
	expect(fd, 200, "RUNNING");
	ck_assert(rig_is_closed(fd));
	close(fd);
}
END_TEST

START_TEST(a_body_without_end_is_not_kept)
{
	static char chunk[65536];
	int fd = rig_connect();

	memset(chunk, 'x', sizeof chunk);
	SEND(fd, "POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t sent = 0; sent < 2 * HTTP_CALL_MAX; sent += sizeof chunk) {
		SEND(fd, "10000\r\n");
		rig_send(fd, chunk, sizeof chunk);
		SEND(fd, "\r\n");
		ck_assert_uint_le(rig.gateway.http->body_bytes, HTTP_CALL_MAX);
	}
	ck_assert_uint_eq(rig.gateway.http->body_bytes, 0);
	SEND(fd, "0\r\n\r\n");
	expect(fd, 413, "");
	close(fd);
}
END_TEST

START_TEST(all_bodies_together_are_bounded)
{
	enum { CLIENTS = HTTP_BODIES_MAX / HTTP_CALL_MAX + 2 };
	static char most[HTTP_CALL_MAX - 1];
	char head[128];
	int fds[CLIENTS];

	memset(most, 'x', sizeof most);
	snprintf(head, sizeof head, "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", sizeof most + 1);
	for (size_t i = 0; i < CLIENTS; i++) {
		fds[i] = rig_connect();
		rig_send(fds[i], head, strlen(head));
		if (i != CLIENTS - 2)
			rig_send(fds[i], most, sizeof most);
		ck_assert_uint_le(rig.gateway.http->body_bytes, HTTP_BODIES_MAX);
	}
	SEND(fds[0], "x"); /* whole now, and no XML */
	expect(fds[0], 400, "");
	SEND(fds[CLIENTS - 1], "x");
	expect(fds[CLIENTS - 1], 503, "");
	for (size_t i = 0; i < CLIENTS; i++)
		close(fds[i]);
	rig_settle();
	ck_assert_uint_eq(rig.gateway.http->body_bytes, 0);
}
END_TEST

START_TEST(headers_without_end_are_refused)
{
	static char line[1000];
	int fd = rig_connect();
	char *answer;

	memset(line, 'x', sizeof line);
	memcpy(line, "X-", 2);
	line[10] = ':';
	memcpy(line + sizeof line - 2, "\r\n", 2);
	SEND(fd, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 100; i++)
		rig_send(fd, line, sizeof line);
	answer = rig_receive(fd, true);
	ck_assert_uint_ge(status_of(answer), 400);
	free(answer);
	close(fd);
}
END_TEST

/* ---- connections ---- */

START_TEST(who_asks_for_nothing_makes_room)
{
	int fds[6];

	rig.gateway.http->connections_max = 4;
	for (int i = 0; i < 6; i++)
		fds[i] = rig_connect();
	ck_assert(rig_is_closed(fds[0]));
	ck_assert(rig_is_closed(fds[1]));
	for (int i = 2; i < 6; i++) {
		SEND(fds[i], CALL);
		expect(fds[i], 200, "RUNNING");
	}
	ck_assert_uint_eq(rig.gateway.http->connection_count, 4);
	for (int i = 0; i < 6; i++)
		close(fds[i]);
}
END_TEST

/* Those that wait for an answer stay; who comes then is turned away. */
START_TEST(who_waits_for_an_answer_stays)
{
	int waiting[2], idle, late;

	rig.gateway.http->connections_max = 3;
	for (int i = 0; i < 2; i++) {
		waiting[i] = rig_connect();
		rig_call(waiting[i], "supervisor.startProcess", "<param><value>a</value></param>");
	}
	idle = rig_connect();
	SEND(idle, CALL);
	expect(idle, 200, "RUNNING");
	late = rig_connect();
	ck_assert(rig_is_closed(idle));
	rig_call(late, "supervisor.startProcess", "<param><value>a</value></param>");
	rig_wait_asked(3);
	close(idle);
	idle = rig_connect();
	ck_assert(rig_is_closed(idle));
	close(idle);
	rig_reply(0, FAULT_SUCCESS, "", NULL, 0);
	rig_reply(1, FAULT_SUCCESS, "", NULL, 0);
	rig_reply(2, FAULT_SUCCESS, "", NULL, 0);
	expect(waiting[0], 200, "<boolean>1");
	expect(waiting[1], 200, "<boolean>1");
	expect(late, 200, "<boolean>1");
	close(waiting[0]);
	close(waiting[1]);
	close(late);
}
END_TEST

/* As if so much time had passed. */
static void age(reeve_nsec by)
{
	struct http *http = rig.gateway.http;

	for (enum phase phase = 0; phase < PHASE_COUNT; phase++)
		for (struct connection *each = http->phases[phase].oldest; each; each = each->newer)
			each->since -= by;
	ck_assert_int_eq(reeve_loop_timer_start(http->deadline, 0, 0), 0);
	rig_settle();
	rig_settle();
}

START_TEST(each_phase_has_its_deadline)
{
	int head = rig_connect(), body = rig_connect(), idle = rig_connect(), waits = rig_connect();

	SEND(head, "POST /RPC2 HTTP/1.1\r\nHost: ");
	SEND(body, "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 69\r\n\r\n<");
	SEND(idle, CALL);
	expect(idle, 200, "RUNNING");
	rig_call(waits, "supervisor.stopProcess", "<param><value>a</value></param>");
	age(HTTP_HEAD_LONGEST - REEVE_SEC);
	ck_assert(!rig_is_closed(head));
	age(2 * REEVE_SEC);
	ck_assert(rig_is_closed(head));
	ck_assert(!rig_is_closed(body));
	age(HTTP_BODY_LONGEST);
	ck_assert(rig_is_closed(body));
	ck_assert(!rig_is_closed(idle));
	age(HTTP_IDLE_LONGEST);
	ck_assert(rig_is_closed(idle));
	ck_assert(!rig_is_closed(waits));
	rig_wait_asked(1);
	rig_reply(0, FAULT_SUCCESS, "", NULL, 0);
	expect(waits, 200, "<boolean>1");
	close(head);
	close(body);
	close(idle);
	close(waits);
}
END_TEST

START_TEST(a_client_that_goes_away_frees_all)
{
	int fd = rig_connect();

	rig_call(fd, "supervisor.startProcess", "<param><value>a</value></param>");
	rig_wait_asked(1);
	close(fd);
	rig_settle();
	ck_assert(rig.asked[0].cancelled);
	ck_assert_uint_eq(rig.gateway.http->connection_count, 0);
	fd = rig_connect();
	rig_call(fd, "supervisor.startAllProcesses", "");
	rig_wait_asked(5);
	rig_reply(2, FAULT_SUCCESS, "", NULL, 0);
	close(fd);
	rig_settle();
	ck_assert(rig.asked[1].cancelled && rig.asked[3].cancelled && rig.asked[4].cancelled);
	rig.table_is_old = true;
	fd = rig_connect();
	rig_call(fd, "supervisor.getAllProcessInfo", "");
	ck_assert_ptr_nonnull(rig.waiter);
	close(fd);
	rig_settle();
	ck_assert_ptr_null(rig.waiter);
}
END_TEST

/* The servers may be stopped with clients in every state. */
START_TEST(an_end_in_the_middle_frees_all)
{
	int waits = rig_connect(), half = rig_connect(), silent = rig_connect();

	rig_call(waits, "supervisor.startProcess", "<param><value>a</value></param>");
	SEND(half, "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 69\r\n\r\n<");
	rig_wait_asked(1);
	http_stop(&rig.gateway);
	ck_assert(rig.asked[0].cancelled);
	close(waits);
	close(half);
	close(silent);
}
END_TEST

START_TEST(the_end_waits_for_answers_alone)
{
	int waits = rig_connect(), tail = rig_connect();

	rig_call(waits, "supervisor.startProcess", "<param><value>a</value></param>");
	rig_wait_asked(1);
	ck_assert_ptr_nonnull(rig.gateway.finish);
	ck_assert(!rig.ended);
	rig.gateway.finish(&rig.gateway);
	ck_assert(rig.ended);
	close(waits);
	close(tail);
}
END_TEST

/* ---- passwords ---- */

static const struct {
	const char *password, *header;
	unsigned status;
} attempts[] = {
	{ "pa:ss", "Basic dXNlcjpwYTpzcw==", 0 },
	{ "pa:ss", "bAsIc dXNlcjpwYTpzcw==", 0 },
	{ "pa:ss", NULL, 401 },
	{ "pa:ss", "", 401 },
	{ "pa:ss", "Basic", 401 },
	{ "pa:ss", "Bearer dXNlcjpwYTpzcw==", 401 },
	{ "pa:ss", "Basic ", 401 },
	{ "pa:ss", "Basic dXNlcg==", 401 },	    /* user */
	{ "pa:ss", "Basic dXNlcjpwYTpz", 401 },	    /* user:pa:s */
	{ "pa:ss", "Basic dXNlcjpwYTpzc3M=", 401 }, /* user:pa:sss */
	{ "pa:ss", "Basic VXNlcjpwYTpzcw==", 401 }, /* User:pa:ss */
	{ "pa:ss", "Basic OnBhOnNz", 401 },	    /* :pa:ss */
	{ "pa:ss", "Basic !!!", 400 },
	{ "pa:ss", "Basic dXNlcjpwYTpzcw", 400 },
	{ "", "Basic dXNlcjo=", 0 }, /* user: */
	{ "{SHA}", "Basic dXNlcjo=", 401 },
	{ "{SHA}zz", "Basic dXNlcjp6eg==", 401 },
};

START_TEST(a_password_opens_and_nothing_else_does)
{
	struct credentials credentials;

	credentials_set(&credentials, "user", attempts[_i].password);
	ck_assert_uint_eq(credentials_check(&credentials, attempts[_i].header), attempts[_i].status);
}
END_TEST

START_TEST(a_hashed_password_opens_by_what_it_is_of)
{
	struct credentials credentials;

	/* SHA-1 of "abc", as its standard has it. */
	credentials_set(&credentials, "user", "{SHA}a9993e364706816aba3e25717850c26c9cd0d89d");
	ck_assert_uint_eq(credentials_check(&credentials, "Basic dXNlcjphYmM="), 0);
	ck_assert_uint_eq(credentials_check(&credentials, "Basic dXNlcjphYmQ="), 401);
	credentials_set(&credentials, "user", "{SHA}A9993E364706816ABA3E25717850C26C9CD0D89D");
	ck_assert_uint_eq(credentials_check(&credentials, "Basic dXNlcjphYmM="), 0);
	credentials_set(&credentials, NULL, NULL);
	ck_assert_uint_eq(credentials_check(&credentials, NULL), 0);
}
END_TEST

START_TEST(without_the_password_nothing_is_told)
{
	int fd;

	rig_end();
	rig_start("user", "pa:ss");
	fd = rig_connect();
	SEND(fd, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(fd, 401, "WWW-Authenticate: Basic realm=\"default\"");
	ck_assert(rig_is_closed(fd));
	close(fd);
	fd = rig_connect();
	SEND(fd, "GET /nothing HTTP/1.1\r\nHost: x\r\nAuthorization: Basic dXNlcjpwYTpzcw==\r\n\r\n");
	expect(fd, 404, "");
	SEND(fd, "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 69\r\n\r\n");
	ck_assert_ptr_null(rig_receive(fd, false)); /* first it is let say all it has to say */
	SEND(fd, BODY);
	expect(fd, 401, "Connection: close");
	ck_assert(rig_is_closed(fd));
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gateway_http");
	TCase *tcase = leakproof_case("gateway_http");
	TCase *passwords = leakproof_case("passwords");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_request_has_its_status, 0, sizeof requests / sizeof *requests);
	tcase_add_test(tcase, a_request_may_come_in_any_pieces);
	tcase_add_test(tcase, requests_may_be_pipelined);
	tcase_add_test(tcase, an_old_client_is_answered_and_let_go);
	tcase_add_test(tcase, a_body_without_end_is_not_kept);
	tcase_add_test(tcase, all_bodies_together_are_bounded);
	tcase_add_test(tcase, headers_without_end_are_refused);
	tcase_add_test(tcase, who_asks_for_nothing_makes_room);
	tcase_add_test(tcase, who_waits_for_an_answer_stays);
	tcase_add_test(tcase, each_phase_has_its_deadline);
	tcase_add_test(tcase, a_client_that_goes_away_frees_all);
	tcase_add_test(tcase, an_end_in_the_middle_frees_all);
	tcase_add_test(tcase, the_end_waits_for_answers_alone);
	tcase_add_test(tcase, without_the_password_nothing_is_told);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(
		passwords, a_password_opens_and_nothing_else_does, 0, sizeof attempts / sizeof *attempts);
	tcase_add_test(passwords, a_hashed_password_opens_by_what_it_is_of);
	suite_add_tcase(suite, passwords);
	return run_suite(suite);
}
