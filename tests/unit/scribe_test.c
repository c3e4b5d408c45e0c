/* What a scribe does with streams and their targets, one message and one round at a time. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "board/board.h"
#include "reeve/pipe.h"
#include "scribe/rotation.h"
#include "support/harness.h"
#include "support/scribe_rig.h"

/* ---- rotation ---- */

/* Whatever is cut: a file that is rotated has its size, and no more than a line or ROTATION_OVERSHOOT over. */
START_TEST(cut_is_at_the_first_line_end_from_the_limit_on)
{
	static char data[200000];

	for (size_t line = 1; line <= 100000; line = line * 3 + 1) {
		memset(data, 'x', sizeof data);
		for (size_t i = line - 1; i < sizeof data; i += line)
			data[i] = '\n';
		for (long long position = 0; position < 300; position += 37)
			for (long long max = 1; max < 150000; max = max * 2 + 17) {
				size_t cut = rotation_cut(data, sizeof data, position, max);
				long long size = position + (long long)cut;

				ck_assert_uint_gt(cut, 0);
				ck_assert_int_ge(size, max);
				if (line <= ROTATION_OVERSHOOT)
					ck_assert_int_eq(data[cut - 1], '\n');
				if (position < max)
					ck_assert_int_le(size - max, ROTATION_OVERSHOOT);
				if (position < max && line <= ROTATION_OVERSHOOT)
					ck_assert_int_lt(size - max, (long long)line);
			}
	}
	ck_assert_uint_eq(rotation_cut(data, 1000, 5, 0), 1000);
	ck_assert_uint_eq(rotation_cut(data, 1000, 5, 2000), 1000);
}
END_TEST

START_TEST(shift_moves_each_and_skips_missing_ones)
{
	struct scribe_rig rig;
	const char *path;

	rig_start(&rig, NULL);
	path = rig_path(&rig, "log");
	put_file(path, "0");
	put_file(rig_path(&rig, "log.1"), "1");
	put_file(rig_path(&rig, "log.3"), "3");
	put_file(rig_path(&rig, "log.9"), "9");
	ck_assert_int_eq(rotation_shift(path, 3), 0);
	ck_assert_str_eq(file_text(path), "-");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.1")), "0");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.2")), "1");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.3")), "3");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.9")), "9");
	ck_assert_int_eq(rotation_shift(path, 3), 0);
	ck_assert_str_eq(file_text(rig_path(&rig, "log.1")), "-");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.3")), "1");
	ck_assert_int_eq(rotation_shift(path, 0), 0);
	rig_end(&rig);
}
END_TEST

START_TEST(a_line_a_write_rotates_as_the_original_does)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int pipe;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "log"));
	open.max_bytes = 20;
	open.backups = 2;
	pipe = rig_open(&rig, &open);
	for (int i = 0; i < 8; i++) {
		char line[16];

		snprintf(line, sizeof line, "line %d..\n", i); /* 9 bytes: 3 make a file */
		rig_print(&rig, pipe, line);
	}
	ck_assert_str_eq(file_text(open.path), "line 6..\nline 7..\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.1")), "line 3..\nline 4..\nline 5..\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.2")), "line 0..\nline 1..\nline 2..\n");
	rig_print(&rig, pipe, "12\n345678\n90\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.1")), "line 6..\nline 7..\n12\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "log.2")), "line 3..\nline 4..\nline 5..\n");
	ck_assert_str_eq(file_text(open.path), "345678\n90\n");
	ck_assert_int_eq(file_size(rig_path(&rig, "log.3")), -1);
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(without_backups_it_is_truncated_in_place)
{
	struct scribe_rig rig;
	struct message_log_open open;
	struct stat before, after;
	int pipe;

	rig_start(&rig, NULL);
	open = log_open_message(1, rig_path(&rig, "log"));
	open.max_bytes = 10;
	pipe = rig_open(&rig, &open);
	ck_assert_int_eq(stat(open.path, &before), 0);
	rig_print(&rig, pipe, "123456789\nabc\n");
	ck_assert_str_eq(file_text(open.path), "abc\n");
	ck_assert_int_eq(stat(open.path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(file_size(rig_path(&rig, "log.1")), -1);
	close(pipe);
	rig_end(&rig);
}
END_TEST

/* All that went in comes out of the files, oldest first, each but the last of its size, and cut at lines. */
START_TEST(much_is_rotated_and_nothing_lost)
{
	struct scribe_rig rig;
	struct message_log_open open;
	enum { LINES = 20000, LIMIT = 100000 };
	int pipe, next = 0;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "log"));
	open.max_bytes = LIMIT;
	open.backups = 50;
	pipe = rig_open(&rig, &open);
	for (int i = 0; i < LINES; i += 1000) {
		static char block[100 * 1000 + 1];

		for (int k = 0; k < 1000; k++)
			snprintf(block + 100 * k, 101, "%012d%87s\n", i + k, "");
		rig_write(&rig, pipe, block, 100 * 1000);
	}
	for (int i = 50; i >= 0; i--) {
		char name[16];
		const char *path, *text;

		snprintf(name, sizeof name, i > 0 ? "log.%d" : "log", i);
		path = rig_path(&rig, name);
		if (file_size(path) < 0)
			continue;
		if (i > 0)
			ck_assert_int_eq(file_size(path), LIMIT);
		for (text = file_text(path); *text; text += 100)
			ck_assert_int_eq(strtol(text, NULL, 10), next++);
	}
	ck_assert_int_eq(next, LINES);
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(what_cannot_be_moved_grows_on)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int pipe;

	rig_start(&rig, NULL);
	open = log_open_message(0, rig_path(&rig, "log"));
	open.max_bytes = 10;
	open.backups = 1;
	ck_assert_int_eq(mkdir(rig_path(&rig, "log.1"), 0755), 0);
	put_file(rig_path(&rig, "log.1/occupied"), "");
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "123456789\n");
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "cannot be rotated"));
	rig_print(&rig, pipe, "abc\n");
	ck_assert_str_eq(file_text(open.path), "123456789\nabc\n");
	ck_assert_str_eq(rig_log(&rig), "");
	close(pipe);
	rig_end(&rig);
}
END_TEST

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

/* Wait until a target that failed is tried again, and write. */
static void print_later(struct scribe_rig *rig, int pipe, const char *text)
{
	reeve_loop_run_once(rig->scribe.loop, 0);
	while (reeve_loop_run_once(rig->scribe.loop, TARGET_RETRY + 10 * REEVE_MSEC) > 0)
		;
	rig_print(rig, pipe, text);
}

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
	print_later(&rig, pipe, "again\n");
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
	print_later(&rig, pipe, "there\n");
	ck_assert_str_eq(file_text(open.path), "there\n");
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "5 bytes were dropped"));
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(dev_full_is_full)
{
	struct scribe_rig rig;
	struct message_log_open open;
	const char *text;
	int pipe;

	rig_start(&rig, NULL);
	open = log_open_message(0, "/dev/full");
	open.max_bytes = 1;
	open.backups = 1;
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "1234\n");
	rig_print(&rig, pipe, "1234\n");
	text = rig_log(&rig);
	ck_assert_msg(strstr(text, "No space left") != NULL, "%s", text);
	rig_send(&rig, MESSAGE_LOG_CLOSE, 0);
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "/dev/full is closed; 10 bytes were dropped"));
	close(pipe);
	rig_end(&rig);
}
END_TEST

/* ---- what is no file ---- */

START_TEST(dev_null_takes_all)
{
	struct scribe_rig rig;
	struct message_log_open open;
	struct stat status;
	int pipe;

	rig_start(&rig, NULL);
	open = log_open_message(0, "/dev/null");
	open.max_bytes = 1;
	open.backups = 1;
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "1234\n");
	rig_send(&rig, MESSAGE_LOG_CLEAR, 0);
	ck_assert_int_eq(stat("/dev/null", &status), 0);
	ck_assert(S_ISCHR(status.st_mode));
	ck_assert_int_eq(file_size("/dev/null.1"), -1);
	ck_assert_str_eq(rig_log(&rig), "");
	close(pipe);
	rig_end(&rig);
}
END_TEST

/* A reader that does not read holds up its own stream, not the other, and loses nothing. */
static void check_slow_reader(const char *path, int reader, bool strips)
{
	struct scribe_rig rig;
	struct message_log_open open;
	static char data[8192], back[1 << 20];
	size_t written = 0, got = 0;
	int slow, quick;

	rig_start(&rig, NULL);
	open = log_open_message(0, path);
	open.strip_ansi = strips;
	open.max_bytes = 100; /* never for what is no file */
	slow = rig_open(&rig, &open);
	open = log_open_message(1, rig_path(&rig, "log"));
	quick = rig_open(&rig, &open);
	fcntl(slow, F_SETFL, O_NONBLOCK);
	for (;;) {
		ssize_t n;

		for (size_t i = 0; i < sizeof data; i++)
			data[i] = (char)('a' + (written + i) % 26);
		n = write(slow, data, sizeof data);
		rig_run(&rig);
		if (n <= 0)
			break;
		written += (size_t)n;
		rig_print(&rig, quick, "quick\n");
	}
	ck_assert_uint_gt(written, 65536);
	rig_print(&rig, quick, "end\n");
	ck_assert_ptr_nonnull(strstr(file_text(open.path), "end\n"));
	while (got < written) {
		ssize_t n = read(reader, back + got, sizeof back - got);

		if (n > 0)
			got += (size_t)n;
		ck_assert_int_ge(reeve_loop_run_once(rig.scribe.loop, n > 0 ? 0 : REEVE_SEC), 0);
	}
	ck_assert_uint_eq(got, written);
	for (size_t i = 0; i < got; i++)
		ck_assert_int_eq(back[i], (char)('a' + i % 26));
	ck_assert_str_eq(rig_log(&rig), "");
	close(slow);
	close(quick);
	rig_end(&rig);
}

START_TEST(a_fifo_has_its_own_pace)
{
	char path[] = "/tmp/scribe-fifo-XXXXXX";
	int reader;

	ck_assert_ptr_nonnull(mkdtemp(path));
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	check_slow_reader(path, reader, _i == 1);
	close(reader);
	unlink(path);
}
END_TEST

/* Put something else behind descriptor 1 for a while. */
static int swap_stdout(int fd)
{
	int kept = dup(STDOUT_FILENO);

	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	return kept;
}

static void swap_back(int kept)
{
	dup2(kept, STDOUT_FILENO);
	close(kept);
}

START_TEST(stdout_as_a_pipe_has_its_own_pace_and_stays_blocking)
{
	int ends[2], kept;

	ck_assert_int_eq(reeve_pipe_open(REEVE_PIPE_NONBLOCKING_READ, ends), 0);
	kept = swap_stdout(ends[1]);
	check_slow_reader(_i == 0 ? "/dev/stdout" : "/dev/fd/1", ends[0], _i == 2);
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	swap_back(kept);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* systemd's journal: a socket can't be opened by its path. */
START_TEST(stdout_as_a_socket_has_its_own_pace)
{
	int ends[2], kept;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	kept = swap_stdout(ends[1]);
	check_slow_reader("/dev/stdout", ends[0], false);
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	swap_back(kept);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(stdout_as_a_file_shares_its_place)
{
	struct scribe_rig rig;
	struct message_log_open open_message;
	int file, kept, pipe;

	rig_start(&rig, NULL);
	file = open(rig_path(&rig, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	kept = swap_stdout(file);
	open_message = log_open_message(0, "/dev/stdout");
	open_message.max_bytes = 4;
	open_message.backups = 1;
	pipe = rig_open(&rig, &open_message);
	rig_print(&rig, pipe, "12345\n");
	ck_assert_int_eq(write(file, "shell\n", 6), 6);
	rig_print(&rig, pipe, "67890\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "out")), "12345\nshell\n67890\n");
	swap_back(kept);
	close(file);
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(a_descriptor_that_is_not_the_supervisors_is_refused)
{
	struct scribe_rig rig;
	struct message_log_open open;

	rig_start(&rig, NULL);
	open = log_open_message(0, "/dev/fd/3");
	close(rig_open(&rig, &open));
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "/dev/fd/3 cannot be written: Bad file descriptor"));
	rig_end(&rig);
}
END_TEST

START_TEST(a_fifo_without_a_reader_drops)
{
	struct scribe_rig rig;
	struct message_log_open open_message;
	int pipe, reader;

	rig_start(&rig, NULL);
	ck_assert_int_eq(mkfifo(rig_path(&rig, "fifo"), 0600), 0);
	open_message = log_open_message(0, rig_path(&rig, "fifo"));
	pipe = rig_open(&rig, &open_message);
	rig_print(&rig, pipe, "nobody\n");
	reader = open(rig_path(&rig, "fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	print_later(&rig, pipe, "somebody\n");
	ck_assert_str_eq(file_text("/proc/self/fd/999"), "-");
	{
		char text[32] = "";

		ck_assert_int_eq(read(reader, text, sizeof text - 1), 9);
		ck_assert_str_eq(text, "somebody\n");
	}
	close(reader);
	rig_print(&rig, pipe, "gone\n"); /* EPIPE, and no signal */
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "Broken pipe"));
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(own_log_goes_to_file_and_terminal)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int ends[2], kept, pipe;
	char text[32] = "";

	ck_assert_int_eq(reeve_pipe_open(REEVE_PIPE_NONBLOCKING_READ, ends), 0);
	kept = swap_stdout(ends[1]);
	rig_start(&rig, NULL);
	open = log_open_message(STREAM_SELF, rig_path(&rig, "log"));
	open.to_stdout = 1;
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "a line\n");
	ck_assert_str_eq(file_text(open.path), "a line\n");
	ck_assert_int_eq(read(ends[0], text, sizeof text - 1), 7);
	ck_assert_str_eq(text, "a line\n");
	close(pipe);
	rig_end(&rig);
	swap_back(kept);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* ---- syslog ---- */

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
	print_later(&rig, pipe, "somebody\n");
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
	Suite *suite = suite_create("scribe");
	TCase *rotation = leakproof_case("rotation"), *files = leakproof_case("files"),
	      *failures = leakproof_case("failures"), *others = leakproof_case("others"),
	      *syslog = leakproof_case("syslog");

	tcase_add_test(rotation, cut_is_at_the_first_line_end_from_the_limit_on);
	tcase_add_test(rotation, shift_moves_each_and_skips_missing_ones);
	tcase_add_test(rotation, a_line_a_write_rotates_as_the_original_does);
	tcase_add_test(rotation, without_backups_it_is_truncated_in_place);
	tcase_add_test(rotation, much_is_rotated_and_nothing_lost);
	tcase_add_test(rotation, what_cannot_be_moved_grows_on);
	suite_add_tcase(suite, rotation);
	tcase_add_test(files, two_streams_to_one_path_share_its_rotation);
	tcase_add_test(files, what_others_append_is_not_overwritten);
	tcase_add_test(files, a_file_that_was_moved_away_is_made_anew);
	tcase_add_test(files, clear_begins_the_file_anew);
	tcase_add_test(files, settings_can_change);
	tcase_add_test(files, the_same_pipe_again_is_the_same_stream);
	tcase_add_test(files, another_pipe_takes_the_number_over);
	tcase_add_test(files, close_carries_what_is_in_the_pipe);
	tcase_add_test(files, senseless_messages_do_nothing);
	tcase_add_test(files, modes_are_as_told);
	tcase_add_test(files, a_new_file_is_nobody_elses);
	suite_add_tcase(suite, files);
	tcase_add_test(failures, a_full_disk_costs_what_is_written_meanwhile_and_says_so_twice);
	tcase_add_test(failures, a_directory_that_is_missing_is_tried_again);
	tcase_add_test(failures, dev_full_is_full);
	suite_add_tcase(suite, failures);
	tcase_add_test(others, dev_null_takes_all);
	tcase_add_loop_test(others, a_fifo_has_its_own_pace, 0, 2);
	tcase_add_loop_test(others, stdout_as_a_pipe_has_its_own_pace_and_stays_blocking, 0, 3);
	tcase_add_test(others, stdout_as_a_socket_has_its_own_pace);
	tcase_add_test(others, stdout_as_a_file_shares_its_place);
	tcase_add_test(others, a_descriptor_that_is_not_the_supervisors_is_refused);
	tcase_add_test(others, a_fifo_without_a_reader_drops);
	tcase_add_test(others, own_log_goes_to_file_and_terminal);
	suite_add_tcase(suite, others);
	tcase_add_test(syslog, syslog_gets_lines);
	tcase_add_test(syslog, a_syslog_that_is_absent_full_or_started_anew);
	tcase_add_test(syslog, long_lines_come_in_pieces);
	suite_add_tcase(suite, syslog);
	return run_suite(suite);
}
