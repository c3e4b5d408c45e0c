/* Logs by the API: pieces of them, long ones, and those that grow. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/harness.h"
#include "gateway/http.h"
#include "support/http_rig.h"
#include "text/xmlrpc.h"
#include "text/xmlrpc_write.h"

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

static void expect(const char *method, const char *parameters, const char *part)
{
	char *answer = rig_ask(method, parameters);

	ck_assert_ptr_nonnull(answer);
	ck_assert_msg(strstr(answer, part) != NULL, "%s\nhas no %s", answer, part);
	free(answer);
}

static void write_log(const char *bytes, size_t size)
{
	if (rig.log_fd < 0)
		rig.log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(rig.log_fd, 0);
	ck_assert_int_eq(write(rig.log_fd, bytes, size), (ssize_t)size);
}

#define LIMITS "-9223372036854775808", "-11", "-10", "-1", "0", "1", "5", "10", "11", "9223372036854775807"

/* No offset and length, however odd, does more than be refused. */
START_TEST(odd_offsets_and_lengths_do_no_harm)
{
	static const char *const numbers[] = { LIMITS }, *const methods_of_logs[] = { "supervisor.readProcessLog", "supervisor.tailProcessLog" };
	size_t count = sizeof numbers / sizeof *numbers;
	char parameters[300];

	write_log("0123456789", 10);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			for (size_t k = 0; k < 2; k++) {
				snprintf(parameters, sizeof parameters, TEXT("a") NUMBER("%s") NUMBER("%s"), numbers[i], numbers[j]);
				expect(methods_of_logs[k], parameters, "HTTP/1.1 200");
			}
	expect("supervisor.readProcessLog", TEXT("a") TEXT("2") TEXT("3"), "<string>234<");
	expect("supervisor.readProcessLog", TEXT("a") TEXT("x") TEXT("3"), "INCORRECT_PARAMETERS");
	expect("supervisor.readProcessLog", TEXT("a") NUMBER("-3") NUMBER("0"), "<string>789<");
	expect("supervisor.readLog", NUMBER("0") NUMBER("-1"), "<string>BAD_ARGUMENTS<");
	expect("supervisor.tailProcessLog", TEXT("a") NUMBER("0") NUMBER("4"),
		"<string>6789</string></value>\n<value><int>10</int></value>\n<value><boolean>1<");
}
END_TEST

/* Chunks away; what is left is the document. */
static size_t unchunk(char *answer)
{
	char *from = strstr(answer, "\r\n\r\n") + 4, *to = answer;

	for (;;) {
		size_t size = strtoul(from, &from, 16);

		from += 2;
		if (size == 0)
			return (size_t)(to - answer);
		memmove(to, from, size);
		to += size;
		from += size + 2;
	}
}

/* Sent by and by, it is the same text as if it were written at once: no character is lost where a block ends. */
START_TEST(a_long_log_is_sent_as_it_is_read)
{
	struct buffer log = BUFFER(1 << 24), expected = BUFFER(1 << 24);
	struct xmlrpc_reader *reader = xmlrpc_reader_new();
	struct xmlrpc_document document;
	char *answer;
	size_t size;

	while (log.length < 1200000)
		buffer_add_text(&log, "\xe2\x82\xac<&>\xf0\x9f\x98\x80 \xff\x01 line\r\n");
	write_log(log.data, log.length);
	answer = rig_ask("supervisor.readLog", NUMBER("1") NUMBER("0"));
	ck_assert_ptr_nonnull(strcasestr(answer, "chunked"));
	size = unchunk(answer);
	xmlrpc_answer_begin(&expected);
	xmlrpc_add_bytes(&expected, log.data + 1, log.length - 1);
	xmlrpc_answer_end(&expected);
	ck_assert_uint_eq(size, expected.length);
	ck_assert_mem_eq(answer, expected.data, size);
	ck_assert_int_eq(xmlrpc_read(reader, answer, size, &document), 0);
	free(answer);
	xmlrpc_reader_free(reader);
	buffer_deinit(&log);
	buffer_deinit(&expected);
}
END_TEST

/* As many rounds as it takes: the follower looks by a timer. */
static void receive_until(int fd, struct buffer *text, const char *end)
{
	size_t length = strlen(end);

	while (text->length < length || !strstr(buffer_text(text), end)) {
		char *more = rig_receive(fd, false);

		if (more)
			buffer_add_text(text, more);
		free(more);
		sched_yield();
	}
}

#define LONG 8000000 /* more than is under way at once */

/* Somebody cuts the file within a character while it is read. */
START_TEST(a_long_log_that_is_cut_comes_to_an_end)
{
	struct buffer text = BUFFER(1 << 24);
	char *log = malloc(LONG);
	int fd = rig_connect();

	ck_assert_ptr_nonnull(log);
	memset(log, 'x', LONG);
	write_log(log, LONG);
	free(log);
	rig_call(fd, "supervisor.readLog", NUMBER("0") NUMBER("0"));
	rig_settle(); /* it has sent what there is room for */
	ck_assert_int_eq(ftruncate(rig.log_fd, LONG - 1000), 0);
	ck_assert_int_eq(pwrite(rig.log_fd, "\xe2", 1, LONG - 1001), 1);
	receive_until(fd, &text, "</methodResponse>");
	ck_assert_ptr_nonnull(strstr(text.data, "\xef\xbf\xbd"));
	close(fd);
	buffer_deinit(&text);
}
END_TEST

START_TEST(a_log_is_followed_into_its_next_file)
{
	struct buffer text = BUFFER(1 << 20);
	int fd = rig_connect(), old;

	write_log("one\n", 4);
	rig_send(fd, "GET /logtail/g:x HTTP/1.1\r\nHost: x\r\n\r\n", 38);
	receive_until(fd, &text, "one\n");
	ck_assert_ptr_nonnull(strstr(text.data, "Content-Type: text/plain;charset=utf-8"));
	ck_assert_ptr_nonnull(strstr(text.data, "X-Accel-Buffering: no"));
	write_log("two\n", 4);
	receive_until(fd, &text, "two\n");
	old = rig.log_fd;
	rig.log_fd = -ENOENT;
	write_log("three\n", 6);
	ck_assert_int_eq(write(old, "late\n", 5), 5);
	receive_until(fd, &text, "three\n");
	ck_assert_ptr_nonnull(strstr(text.data, "late\n"));
	ck_assert(strstr(text.data, "late\n") < strstr(text.data, "three\n"));
	ck_assert_int_eq(ftruncate(rig.log_fd, 0), 0);
	receive_until(fd, &text, "==> File truncated <==\n");
	close(old);
	close(fd);
	buffer_deinit(&text);
}
END_TEST

START_TEST(a_tail_begins_as_far_back_as_is_asked_for)
{
	static const struct {
		const char *query;
		size_t bytes;
	} rows[] = { { "", 1024 }, { "?limit=10", 10 }, { "?limit=0", 0 }, { "?limit=9999999", 3000 }, { "?limit=x", 1024 },
		{ "?limit=-5", 1024 } };
	char log[3000], request[100];

	memset(log, 'x', sizeof log);
	write_log(log, sizeof log);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int fd = rig_connect();
		char *answer, *at;
		size_t count = 0;

		snprintf(request, sizeof request, "GET /mainlogtail%s HTTP/1.0\r\n\r\n", rows[i].query);
		rig_send(fd, request, strlen(request));
		answer = rig_receive(fd, false);
		ck_assert_ptr_nonnull(answer);
		for (at = strstr(answer, "\r\n\r\n") + 4; *at == 'x'; at++)
			count++;
		ck_assert_uint_eq(count, rows[i].bytes);
		free(answer);
		close(fd);
		rig_settle();
	}
}
END_TEST

/* Those who follow a log keep nobody out who asks and goes. */
START_TEST(only_so_many_may_stay)
{
	static const char tail[] = "GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n";
	size_t most = rig.gateway.http->connections_max / 4, count = 0;
	struct buffer text = BUFFER(1 << 20);
	int *fds = calloc(most + 1, sizeof *fds);
	char *answer;

	ck_assert_ptr_nonnull(fds);
	write_log("one\n", 4);
	for (; count < most; count++) {
		fds[count] = rig_connect();
		rig_send(fds[count], tail, sizeof tail - 1);
		receive_until(fds[count], &text, "one\n");
		buffer_deinit(&text);
		text = (struct buffer)BUFFER(1 << 20);
	}
	fds[count] = rig_connect();
	rig_send(fds[count], tail, sizeof tail - 1);
	answer = rig_receive(fds[count], true);
	ck_assert_int_eq(strncmp(answer, "HTTP/1.1 503 ", 13), 0);
	free(answer);
	answer = rig_ask("supervisor.getPID", "");
	ck_assert_ptr_nonnull(strstr(answer, "200 OK"));
	free(answer);
	close(fds[0]);
	rig_settle();
	rig_send(fds[count], tail, sizeof tail - 1);
	receive_until(fds[count], &text, "one\n");
	for (size_t i = 1; i <= count; i++)
		close(fds[i]);
	free(fds);
	buffer_deinit(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gateway_log");
	TCase *tcase = leakproof_case("gateway_log");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, odd_offsets_and_lengths_do_no_harm);
	tcase_add_test(tcase, a_long_log_is_sent_as_it_is_read);
	tcase_add_test(tcase, a_long_log_that_is_cut_comes_to_an_end);
	tcase_add_test(tcase, a_log_is_followed_into_its_next_file);
	tcase_add_test(tcase, a_tail_begins_as_far_back_as_is_asked_for);
	tcase_add_test(tcase, only_so_many_may_stay);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
