/* Lines as records of syslog, against a socket of the test's own. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/harness.h"
#include "support/scribe_rig.h"

static int listen_as_syslog(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* The next record after its time, or "". */
static const char *next_record(int fd)
{
	static char record[16384];
	ssize_t n = recv(fd, record, sizeof record - 1, 0);
	const char *text;

	if (n < 0)
		return "";
	record[n] = '\0';
	ck_assert_mem_eq(record, "<14>", 4);
	text = strstr(record, "supervisord: ");
	ck_assert_ptr_eq(text, record + 4 + 16);
	return text + 13;
}

START_TEST(syslog_gets_lines)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int pipe, server;
	char path[PATH_MAX];

	snprintf(path, sizeof path, "/tmp/scribe-syslog-%d", (int)getpid());
	server = listen_as_syslog(path);
	rig_start(&rig, path);
	open = log_open_message(0, rig_path(&rig, "log"));
	open.to_syslog = 1;
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "one\ntwo\n\nthr");
	ck_assert_str_eq(next_record(server), "program one");
	ck_assert_str_eq(next_record(server), "program two");
	ck_assert_str_eq(next_record(server), "program ");
	ck_assert_str_eq(next_record(server), "");
	rig_print(&rig, pipe, "ee");
	rig_print(&rig, pipe, "\nfour");
	ck_assert_str_eq(next_record(server), "program three");
	ck_assert_str_eq(next_record(server), "");
	close(pipe);
	rig_run(&rig);
	ck_assert_str_eq(next_record(server), "program four");
	ck_assert_str_eq(file_text(open.path), "one\ntwo\n\nthree\nfour");
	rig_end(&rig);
	close(server);
	unlink(path);
}
END_TEST

START_TEST(a_syslog_that_is_absent_full_or_started_anew)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int pipe, server;
	char path[PATH_MAX];

	snprintf(path, sizeof path, "/tmp/scribe-syslog-%d", (int)getpid());
	rig_start(&rig, path);
	open = log_open_message(0, "");
	open.to_syslog = 1;
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "nobody\nnobody\n");
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "takes no records: No such file"));
	server = listen_as_syslog(path);
	rig_print_later(&rig, pipe, "somebody\n");
	ck_assert_str_eq(next_record(server), "program somebody");
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "takes records again; 2 were dropped"));
	close(server);
	unlink(path);
	server = listen_as_syslog(path);
	rig_print(&rig, pipe, "anew\n");
	ck_assert_str_eq(next_record(server), "program anew");
	for (int i = 0; i < 1000; i++)
		rig_print(&rig, pipe, "flood\n"); /* never waits */
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "takes no records"));
	close(pipe);
	rig_end(&rig);
	close(server);
	unlink(path);
}
END_TEST

/* However it is cut on the way, a line longer than a record comes in pieces that make it whole. */
START_TEST(long_lines_come_in_pieces)
{
	struct scribe_rig rig;
	struct message_log_open open;
	static char line[20001], back[20001];
	size_t got = 0;
	int pipe, server;
	char path[PATH_MAX];

	snprintf(path, sizeof path, "/tmp/scribe-syslog-%d", (int)getpid());
	server = listen_as_syslog(path);
	rig_start(&rig, path);
	open = log_open_message(0, "");
	open.to_syslog = 1;
	pipe = rig_open(&rig, &open);
	for (size_t i = 0; i < sizeof line - 1; i++)
		line[i] = (char)('a' + i % 26);
	line[sizeof line - 1] = '\n';
	for (size_t step = 1999; step <= 20001; step += 6001) {
		for (size_t at = 0; at < sizeof line; at += step)
			rig_write(&rig, pipe, line + at, sizeof line - at < step ? sizeof line - at : step);
		for (got = 0; got < sizeof line - 1;) {
			const char *record = next_record(server);

			ck_assert_mem_eq(record, "program ", 8);
			ck_assert_uint_le(strlen(record), 8 + SYSLOG_LINE_MAX);
			memcpy(back + got, record + 8, strlen(record) - 8);
			got += strlen(record) - 8;
		}
		ck_assert_uint_eq(got, sizeof line - 1);
		ck_assert_mem_eq(back, line, got);
		ck_assert_str_eq(next_record(server), "");
	}
	close(pipe);
	rig_end(&rig);
	close(server);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scribe_syslog");
	TCase *syslog = leakproof_case("syslog");

	tcase_add_test(syslog, syslog_gets_lines);
	tcase_add_test(syslog, a_syslog_that_is_absent_full_or_started_anew);
	tcase_add_test(syslog, long_lines_come_in_pieces);
	suite_add_tcase(suite, syslog);
	return run_suite(suite);
}
