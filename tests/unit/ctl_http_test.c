/* The HTTP client, whose server is the other end of a socket pair and says what it likes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/http.h"
#include "ctl/usage.h"
#include "support/harness.h"

static struct http http;
static int server;
static const struct http_server where = { .path = "/x", .authorization = "Basic eDp5" };

static void connect_pair(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	http = (struct http){ .fd = ends[0], .buffer = malloc(HTTP_BUFFER_SIZE) };
	ck_assert_ptr_nonnull(http.buffer);
	server = ends[1];
}

static void disconnect_pair(void)
{
	http_close(&http);
	if (server >= 0)
		close(server);
}

static void ask(void)
{
	ck_assert_int_eq(http_send(&http, &where, "/RPC2", "<x/>", 4, 60 * REEVE_SEC), 0);
}

static void answer(const char *text)
{
	ck_assert_int_eq(write(server, text, strlen(text)), (ssize_t)strlen(text));
}

/* A Unix socket that is closed with bytes unread resets its peer. */
static void hang_up(void)
{
	char unread[1024];

	while (read(server, unread, sizeof unread) > 0)
		;
	close(server);
	server = -1;
}

static char body[HTTP_BUFFER_SIZE * 2];

/* The whole body; or the error that it ended with. */
static ssize_t receive_all(void)
{
	size_t length = 0;
	ssize_t got;

	while ((got = http_receive_body(&http, body + length, sizeof body - length - 1, 0)) > 0)
		length += (size_t)got;
	body[length] = '\0';
	return got < 0 ? got : (ssize_t)length;
}

START_TEST(a_request_is_whole)
{
	char seen[512] = "";

	connect_pair();
	ask();
	ck_assert_int_gt(read(server, seen, sizeof seen - 1), 0);
	ck_assert_ptr_eq(strstr(seen, "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n"), seen);
	ck_assert_ptr_nonnull(strstr(seen, "\r\nAuthorization: Basic eDp5\r\n"));
	ck_assert_ptr_nonnull(strstr(seen, "\r\nContent-Length: 4\r\n"));
	ck_assert_ptr_nonnull(strstr(seen, "\r\n\r\n<x/>"));
	disconnect_pair();
}
END_TEST

START_TEST(an_answer_of_a_length_leaves_the_connection)
{
	connect_pair();
	for (int i = 0; i < 2; i++) {
		ask();
		answer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
		ck_assert_int_eq(http_receive_head(&http, 0), 0);
		ck_assert_int_eq(http.status, 200);
		ck_assert_str_eq(http.reason, "OK");
		ck_assert_int_eq(receive_all(), 5);
		ck_assert_str_eq(body, "hello");
		ck_assert(http_is_usable(&http));
	}
	hang_up();
	ck_assert(!http_is_usable(&http));
	disconnect_pair();
}
END_TEST

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
static const char chunked[] = CONTINUE "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			      "5;x=y\r\nhello\r\nA\r\n, world...\r\n0\r\nTrailer: x\r\n\r\n";

/* However an answer is cut into pieces, it is the same one. */
START_TEST(an_answer_may_come_byte_by_byte)
{
	size_t length = 0;
	int r = -ETIMEDOUT;
	ssize_t got = -ETIMEDOUT;

	connect_pair();
	ask();
	for (const char *p = chunked; *p; p++) {
		ck_assert_int_eq(write(server, p, 1), 1);
		if (r == -ETIMEDOUT)
			r = http_receive_head(&http, 0);
		while (r == 0 && (got = http_receive_body(&http, body + length, 16, 0)) > 0)
			length += (size_t)got;
		if (p[1])
			ck_assert_int_eq(r == 0 ? got : r, -ETIMEDOUT);
	}
	ck_assert_int_eq(got, 0);
	body[length] = '\0';
	ck_assert_str_eq(body, "hello, world...");
	ck_assert(http_is_usable(&http));
	disconnect_pair();
}
END_TEST

/* Wherever an answer ends too early, that is told and never taken for its end. */
START_TEST(an_answer_that_breaks_off_is_an_error)
{
	for (size_t length = 0; length < strlen(chunked); length++) {
		int r;

		connect_pair();
		ask();
		ck_assert_int_eq(write(server, chunked, length), (ssize_t)length);
		hang_up();
		r = http_receive_head(&http, 0);
		if (r == 0)
			r = (int)receive_all();
		ck_assert_int_eq(r, length == 0 || length == strlen(CONTINUE) ? -ENODATA : -ECONNRESET);
		ck_assert(!http_is_usable(&http));
		disconnect_pair();
	}
}
END_TEST

START_TEST(without_a_length_the_end_is_the_end)
{
	connect_pair();
	ask();
	answer("HTTP/1.0 500 Oh no\n\nwhat a\npity");
	hang_up();
	ck_assert_int_eq(http_receive_head(&http, 0), 0);
	ck_assert_int_eq(http.status, 500);
	ck_assert_int_eq(receive_all(), 11);
	ck_assert(!http_is_usable(&http));
	disconnect_pair();
}
END_TEST

START_TEST(a_server_that_closes_is_believed)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
	};

	for (size_t i = 0; i < 2; i++) {
		connect_pair();
		ask();
		answer(answers[i]);
		ck_assert_int_eq(http_receive_head(&http, 0), 0);
		ck_assert_int_eq(receive_all(), 0);
		ck_assert(!http_is_usable(&http));
		disconnect_pair();
	}
}
END_TEST

START_TEST(what_is_no_http_is_refused)
{
	static const char *const answers[] = {
		"\r\n",
		"SSH-2.0-x\r\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
	};

	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		int r;

		connect_pair();
		ask();
		answer(answers[i]);
		r = http_receive_head(&http, 0);
		if (r == 0)
			r = (int)receive_all();
		ck_assert_msg(r == -EPROTO, "answer %zu: %d", i, r);
		disconnect_pair();
	}
}
END_TEST

static void fill_until(const char *text, size_t times)
{
	size_t length = strlen(text), left = length * times, at = 0;

	while (left > 0 && http.stage != HTTP_FAILED) {
		ssize_t put = write(server, text + at, length - at);

		if (put > 0) {
			left -= (size_t)put;
			at = (at + (size_t)put) % length;
		} else {
			http_receive_head(&http, 0);
		}
	}
}

START_TEST(a_head_without_end_is_refused)
{
	connect_pair();
	ask();
	answer("HTTP/1.1 200 OK\r\nX: ");
	fill_until("xxxxxxxxxxxxxxxx", HTTP_BUFFER_SIZE / 16 + 16);
	if (http.stage != HTTP_FAILED)
		ck_assert_int_eq(http_receive_head(&http, 0), -EPROTO);
	disconnect_pair();
	connect_pair();
	ask();
	answer("HTTP/1.1 200 OK\r\n");
	fill_until("X: y\r\n", HTTP_HEADERS_MAX + 1);
	if (http.stage != HTTP_FAILED)
		ck_assert_int_eq(http_receive_head(&http, 0), -EPROTO);
	disconnect_pair();
}
END_TEST

START_TEST(a_server_that_is_not_there_is_told)
{
	struct http_server nowhere = { .path = "/nonexistent/socket" }, none = { .host = "127.0.0.1", .port = "1" };
	char long_path[200];

	ck_assert_int_eq(http_open(&http, &nowhere, REEVE_SEC), -ENOENT);
	ck_assert_int_eq(http_open(&http, &none, 10 * REEVE_SEC), -ECONNREFUSED);
	memset(long_path, 'x', sizeof long_path);
	long_path[sizeof long_path - 1] = '\0';
	nowhere.path = long_path;
	ck_assert_int_eq(http_open(&http, &nowhere, REEVE_SEC), -ENAMETOOLONG);
	ck_assert_int_eq(http_resolver_error(-ENOENT), 0);
	ck_assert_int_eq(http.fd, -1);
}
END_TEST

/* A backlog that is full makes connect(2) on a Unix socket say EAGAIN. */
START_TEST(a_server_that_does_not_accept_is_given_up)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fill[64], filled = 0;
	char path[] = "/tmp/reeve-ctl-XXXXXX", file[sizeof path + 2];
	struct http_server stuck = { .path = file };

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(file, sizeof file, "%s/s", path);
	memcpy(address.sun_path, file, sizeof file);
	size = sizeof address;
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	do {
		fill[filled] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		ck_assert_int_ge(fill[filled++], 0);
	} while (connect(fill[filled - 1], (struct sockaddr *)&address, size) == 0);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(http_open(&http, &stuck, 20 * REEVE_MSEC), -ETIMEDOUT);
	while (filled > 0)
		close(fill[--filled]);
	close(listener);
	unlink(file);
	rmdir(path);
}
END_TEST

/* ---- /proc ---- */

START_TEST(usage_is_read_past_any_name)
{
	struct usage usage = { 0 };
	const char *stat = "12 (a) b) (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 98765 1 2 3";

	ck_assert_int_eq(usage_parse(stat, "1000 25 1 1 0 1 0", 4096, 100, &usage), 0);
	ck_assert_uint_eq(usage.started, 98765);
	ck_assert_uint_eq(usage.memory, 25 * 4096);
	ck_assert(usage.cpu > 2.99 && usage.cpu < 3.01);
	ck_assert_int_eq(usage_parse("12 (a", "1 1", 1, 1, &usage), -EPROTO);
	ck_assert_int_eq(usage_parse("12 (a) S 1 2", "1 1", 1, 1, &usage), -EPROTO);
	ck_assert_int_eq(usage_parse(stat, "1000", 1, 1, &usage), -EPROTO);
}
END_TEST

START_TEST(our_own_usage_is_known)
{
	struct usage usage, later;
	struct usages seen = { 0 };

	ck_assert_int_eq(usage_read(getpid(), &usage), 0);
	ck_assert_uint_gt(usage.memory, 0);
	ck_assert_int_eq(usages_add(&seen, &usage), 0);
	ck_assert_int_eq(usage_read(getpid(), &later), 0);
	ck_assert_ptr_nonnull(usages_find(&seen, &later));
	later.started++; /* another process with our pid */
	ck_assert_ptr_null(usages_find(&seen, &later));
	ck_assert_int_eq(usage_read(0x7ffffff, &later), -ENOENT);
	usages_deinit(&seen);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl_http");
	TCase *each = leakproof_case("http");

	tcase_add_test(each, a_request_is_whole);
	tcase_add_test(each, an_answer_of_a_length_leaves_the_connection);
	tcase_add_test(each, an_answer_may_come_byte_by_byte);
	tcase_add_test(each, an_answer_that_breaks_off_is_an_error);
	tcase_add_test(each, without_a_length_the_end_is_the_end);
	tcase_add_test(each, a_server_that_closes_is_believed);
	tcase_add_test(each, what_is_no_http_is_refused);
	tcase_add_test(each, a_head_without_end_is_refused);
	tcase_add_test(each, a_server_that_is_not_there_is_told);
	tcase_add_test(each, a_server_that_does_not_accept_is_given_up);
	tcase_add_test(each, usage_is_read_past_any_name);
	tcase_add_test(each, our_own_usage_is_known);
	suite_add_tcase(suite, each);
	return run_suite(suite);
}
