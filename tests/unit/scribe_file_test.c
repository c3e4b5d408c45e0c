/* Log files: who else has them, what else happens to them, and what happens where they fail. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/board.h"
#include "board/log.h"
#include "reeve/pipe.h"
#include "support/harness.h"
#include "support/scribe_rig.h"

/* ---- files and who else has them ---- */

START_TEST(two_streams_to_one_path_share_its_rotation)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int first, second;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "log"));
	open.max_bytes = 10;
	open.backups = 3;
	first = rig_open(&rig, &open);
	open.stream = 7;
	second = rig_open(&rig, &open);
	rig_print(&rig, first, "first\n");
	rig_print(&rig, second, "second\n");
	rig_print(&rig, first, "third\n");
	rig_send(&rig, MESSAGE_LOG_CLOSE, 0);
	rig_print(&rig, second, "4\n");
	ck_assert_str_eq(file_text(open.path), "third\n4\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.1")), "first\nsecond\n");
	ck_assert_int_eq(file_size(rig_path(&rig, "log.2")), -1);
	close(first);
	close(second);
	rig_end(&rig);
}
END_TEST

START_TEST(what_others_append_is_not_overwritten)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int pipe, other;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "log"));
	pipe = rig_open(&rig, &open);
	other = openat(AT_FDCWD, open.path, O_WRONLY | O_APPEND | O_CLOEXEC);
	rig_print(&rig, pipe, "ours\n");
	ck_assert_int_eq(write(other, "theirs\n", 7), 7);
	rig_print(&rig, pipe, "ours\n");
	ck_assert_str_eq(file_text(open.path), "ours\ntheirs\nours\n");
	ck_assert_int_eq(ftruncate(other, 0), 0); /* logrotate's copytruncate */
	rig_print(&rig, pipe, "new\n");
	ck_assert_str_eq(file_text(open.path), "new\n");
	close(other);
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(a_file_that_was_moved_away_is_made_anew)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int pipe;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "log"));
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "1\n");
	ck_assert_int_eq(rename(open.path, rig_path(&rig, "old")), 0);
	rig_print(&rig, pipe, "2\n");
	rig_send(&rig, MESSAGE_LOG_REOPEN, 0);
	rig_print(&rig, pipe, "3\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "old")), "1\n2\n");
	ck_assert_str_eq(file_text(open.path), "3\n");
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(clear_begins_the_file_anew)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int pipe;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "log"));
	pipe = rig_open(&rig, &open);
	put_file(rig_path(&rig, "log.1"), "backup\n");
	rig_print(&rig, pipe, "1\n");
	rig_send(&rig, MESSAGE_LOG_CLEAR, 0);
	ck_assert_int_eq(file_size(open.path), 0);
	rig_print(&rig, pipe, "2\n");
	ck_assert_str_eq(file_text(open.path), "2\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.1")), "backup\n");
	rig_send(&rig, MESSAGE_LOG_CLEAR, 4711); /* none such: nothing happens */
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(settings_can_change)
{
	struct scribe_rig rig;
	struct message_log_open open;
	union message message = { 0 };
	int pipe;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "one"));
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "\033[1m1\n");
	snprintf(open.path, sizeof open.path, "%s", rig_path(&rig, "two"));
	open.strip_ansi = 1;
	message.log_open = open;
	scribe_act(&rig.scribe, &message, -1);
	rig_print(&rig, pipe, "\033[1m2\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "one")), "\033[1m1\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "two")), "2\n");
	close(pipe);
	rig_end(&rig);
}
END_TEST

/* A core that was started anew sends everything again. */
START_TEST(the_same_pipe_again_is_the_same_stream)
{
	struct scribe_rig rig;
	struct message_log_open open;
	union message message = { 0 };
	int ends[2], copy;

	rig_start(&rig, NULL);
	open = log_open_message(3, rig_path(&rig, "log"));
	message.log_open = open;
	ck_assert_int_eq(reeve_pipe_open(0, ends), 0);
	copy = dup(ends[0]);
	scribe_act(&rig.scribe, &message, ends[0]);
	rig_print(&rig, ends[1], "1\n");
	scribe_act(&rig.scribe, &message, copy);
	ck_assert_int_lt(fcntl(copy, F_GETFD), 0);
	rig_print(&rig, ends[1], "2\n");
	ck_assert_str_eq(file_text(open.path), "1\n2\n");
	ck_assert_uint_eq(rig.scribe.streams.count, 1);
	close(ends[1]);
	rig_run(&rig);
	ck_assert_uint_eq(rig.scribe.streams.count, 0);
	rig_end(&rig);
}
END_TEST

/* Another pipe for a number in use: what is in the first comes first. */
START_TEST(another_pipe_takes_the_number_over)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int first, second;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "log"));
	first = rig_open(&rig, &open);
	ck_assert_int_eq(write(first, "1\n", 2), 2);
	second = rig_open(&rig, &open);
	ck_assert_str_eq(file_text(open.path), "1\n");
	rig_print(&rig, second, "2\n");
	ck_assert_str_eq(file_text(open.path), "1\n2\n");
	ck_assert_uint_eq(rig.scribe.streams.count, 1);
	close(first);
	close(second);
	rig_end(&rig);
}
END_TEST

START_TEST(close_carries_what_is_in_the_pipe)
{
	struct scribe_rig rig;
	struct message_log_open open;
	static char data[60000];
	int pipe;

	rig_start(&rig, NULL);
	memset(data, 'x', sizeof data);
	open = log_open_message(0, rig_path(&rig, "log"));
	pipe = rig_open(&rig, &open);
	ck_assert_int_eq(write(pipe, data, sizeof data), sizeof data);
	rig_send(&rig, MESSAGE_LOG_CLOSE, 0);
	ck_assert_int_eq(file_size(open.path), sizeof data);
	ck_assert_uint_eq(rig.scribe.streams.count, 0);
	rig_send(&rig, MESSAGE_LOG_CLOSE, 0);
	close(pipe);
	rig_end(&rig);
}
END_TEST

/* At that level the log has what programs write, too, as the original's. */
START_TEST(output_is_told_at_debug)
{
	struct scribe_rig rig;
	struct message_log_open open;
	const char *text;
	int pipe;

	rig_start(&rig, NULL);
	log_to(rig.log[1], LOG_DEBUG);
	open = log_open_message(STREAM_OF(7, true), rig_path(&rig, "log"));
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "text\n");
	text = rig_log(&rig);
	ck_assert_msg(strstr(text, " DEBG 'program' stderr output:\ntext\n") != NULL, "%s", text);
	ck_assert_str_eq(file_text(open.path), "text\n");
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(senseless_messages_do_nothing)
{
	struct scribe_rig rig;
	union message message = { 0 };
	int file;

	rig_start(&rig, NULL);
	message.log_open = log_open_message(BOARD_ROWS_MAX * 2, rig_path(&rig, "log"));
	close(rig_open(&rig, &message.log_open)); /* no such stream */
	message.log_open.stream = 0;
	scribe_act(&rig.scribe, &message, -1); /* no descriptor */
	file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	scribe_act(&rig.scribe, &message, file); /* not a pipe */
	snprintf(message.log_open.path, sizeof message.log_open.path, "not/absolute");
	close(rig_open(&rig, &message.log_open));
	message.plain.type = MESSAGE_EXITED;
	scribe_act(&rig.scribe, &message, -1);
	ck_assert_uint_eq(rig.scribe.streams.count, 0);
	ck_assert_int_eq(file_size(rig_path(&rig, "log")), -1);
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "EXITED"));
	rig_end(&rig);
}
END_TEST

START_TEST(modes_are_as_told)
{
	struct scribe_rig rig;
	struct message_log_open open;
	struct stat status;
	int pipe;

	rig_start(&rig, NULL);
	umask(027);
	open = log_open_message(0, rig_path(&rig, "named"));
	close(rig_open(&rig, &open));
	ck_assert_int_eq(stat(open.path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0640);
	open = log_open_message(1, rig_path(&rig, "auto"));
	open.mode = 0600;
	open.is_new = 1;
	pipe = rig_open(&rig, &open);
	ck_assert_int_eq(stat(open.path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0600);
	close(pipe);
	rig_end(&rig);
}
END_TEST

/* Somebody put a link where a new file was to be. */
START_TEST(a_new_file_is_nobody_elses)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int pipe;

	rig_start(&rig, NULL);
	put_file(rig_path(&rig, "secret"), "secret");
	ck_assert_int_eq(symlink(rig_path(&rig, "secret"), rig_path(&rig, "a")), 0);
	ck_assert_int_eq(link(rig_path(&rig, "secret"), rig_path(&rig, "b")), 0);
	for (uint32_t i = 0; i < 2; i++) {
		open = log_open_message(i, rig_path(&rig, i == 0 ? "a" : "b"));
		open.is_new = 1;
		pipe = rig_open(&rig, &open);
		ck_assert_ptr_nonnull(strstr(rig_log(&rig), "cannot be written"));
		rig_print(&rig, pipe, "text");
		ck_assert_str_eq(file_text(rig_path(&rig, "secret")), "secret");
		close(pipe);
	}
	rig_end(&rig);
}
END_TEST


/* ---- failures ---- */

START_TEST(a_full_disk_costs_what_is_written_meanwhile_and_says_so_twice)
{
	struct scribe_rig rig;
	struct message_log_open open;
	struct rlimit limit = { 10, RLIM_INFINITY }, before;
	sigset_t blocked;
	int pipe;
	const char *log;

	rig_start(&rig, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGXFSZ);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	open = log_open_message(0, rig_path(&rig, "log"));
	pipe = rig_open(&rig, &open);
	getrlimit(RLIMIT_FSIZE, &before);
	setrlimit(RLIMIT_FSIZE, &limit);
	rig_print(&rig, pipe, "123456\n");
	rig_print(&rig, pipe, "123456\n"); /* 3 of them fit */
	rig_print(&rig, pipe, "123456\n");
	setrlimit(RLIMIT_FSIZE, &before);
	log = rig_log(&rig);
	ck_assert_ptr_nonnull(strstr(log, "WARN"));
	ck_assert_ptr_nonnull(strstr(log, "cannot be written: File too large"));
	ck_assert_ptr_eq(strchr(log, '\n'), log + strlen(log) - 1);
	rig_print_later(&rig, pipe, "again\n");
	ck_assert_str_eq(file_text(open.path), "123456\n123again\n");
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "can be written again; 11 bytes were dropped"));
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(a_directory_that_is_missing_is_tried_again)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int pipe;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "directory/log"));
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "lost\n");
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "directory/log cannot be written: No such file"));
	ck_assert_int_eq(mkdir(rig_path(&rig, "directory"), 0755), 0);
	rig_print_later(&rig, pipe, "there\n");
	ck_assert_str_eq(file_text(open.path), "there\n");
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "5 bytes were dropped"));
	close(pipe);
	rig_end(&rig);
}
END_TEST

/* Whether it can be written or not: what a link leads to is a device, and both stay what they are. */
START_TEST(a_device_that_is_full_drops)
{
	struct scribe_rig rig;
	struct message_log_open open;
	struct stat status;
	const char *text;
	int pipe;

	rig_start(&rig, NULL);
	ck_assert_int_eq(symlink("/dev/full", rig_path(&rig, "full")), 0);
	open = log_open_message(0, rig_path(&rig, "full"));
	open.max_bytes = 1;
	open.backups = 1;
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "1234\n");
	rig_print(&rig, pipe, "1234\n");
	text = rig_log(&rig);
	ck_assert_msg(strstr(text, "No space left") != NULL, "%s", text);
	rig_send(&rig, MESSAGE_LOG_CLEAR, 0);
	rig_send(&rig, MESSAGE_LOG_REOPEN, 0);
	rig_send(&rig, MESSAGE_LOG_CLOSE, 0);
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "full is closed; 10 bytes were dropped"));
	close(pipe);
	open.is_new = 1; /* a link is not to be followed then: it can't be opened */
	pipe = rig_open(&rig, &open);
	rig_send(&rig, MESSAGE_LOG_CLEAR, 0);
	ck_assert_int_eq(lstat(rig_path(&rig, "full"), &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
	close(pipe);
	rig_end(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scribe_file");
	TCase *files = leakproof_case("files"), *failures = leakproof_case("failures");

	tcase_add_test(files, two_streams_to_one_path_share_its_rotation);
	tcase_add_test(files, what_others_append_is_not_overwritten);
	tcase_add_test(files, a_file_that_was_moved_away_is_made_anew);
	tcase_add_test(files, clear_begins_the_file_anew);
	tcase_add_test(files, settings_can_change);
	tcase_add_test(files, the_same_pipe_again_is_the_same_stream);
	tcase_add_test(files, another_pipe_takes_the_number_over);
	tcase_add_test(files, close_carries_what_is_in_the_pipe);
	tcase_add_test(files, output_is_told_at_debug);
	tcase_add_test(files, senseless_messages_do_nothing);
	tcase_add_test(files, modes_are_as_told);
	tcase_add_test(files, a_new_file_is_nobody_elses);
	suite_add_tcase(suite, files);
	tcase_add_test(failures, a_full_disk_costs_what_is_written_meanwhile_and_says_so_twice);
	tcase_add_test(failures, a_directory_that_is_missing_is_tried_again);
	tcase_add_test(failures, a_device_that_is_full_drops);
	suite_add_tcase(suite, failures);
	return run_suite(suite);
}
