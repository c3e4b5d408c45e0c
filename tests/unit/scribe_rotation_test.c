/* What becomes of a log file that has reached its size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scribe/rotation.h"
#include "support/harness.h"
#include "support/scribe_rig.h"

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

int main(void)
{
	Suite *suite = suite_create("scribe_rotation");
	TCase *rotation = leakproof_case("rotation");

	tcase_add_test(rotation, cut_is_at_the_first_line_end_from_the_limit_on);
	tcase_add_test(rotation, shift_moves_each_and_skips_missing_ones);
	tcase_add_test(rotation, a_line_a_write_rotates_as_the_original_does);
	tcase_add_test(rotation, without_backups_it_is_truncated_in_place);
	tcase_add_test(rotation, much_is_rotated_and_nothing_lost);
	tcase_add_test(rotation, what_cannot_be_moved_grows_on);
	suite_add_tcase(suite, rotation);
	return run_suite(suite);
}
