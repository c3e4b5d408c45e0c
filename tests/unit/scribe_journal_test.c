/* What the next scribe makes of a journal, wherever the one before was in its work, and whoever else wrote. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/harness.h"
#include "support/scribe_rig.h"

static const char text[] = "these are the bytes that were in hand\n";
enum { SIZE = sizeof text - 1 };

struct work {
	struct scribe_rig rig;
	struct scribe_journal *journal;
	struct journal_file file;
	const char *path;
	int fd;
};

static void begin(struct work *work)
{
	struct stat status;

	rig_start(&work->rig, NULL);
	ck_assert_int_eq(scribe_journal_new(&work->journal), 0);
	work->path = rig_path(&work->rig, "log");
	put_file(work->path, "before\n");
	work->fd = open(work->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(fstat(work->fd, &status), 0);
	work->file = (struct journal_file){ work->path, 0644, status.st_dev, status.st_ino };
}

static void end(struct work *work)
{
	ck_assert_int_eq(journal_recover(work->journal, NULL), 0); /* once is enough */
	close(work->fd);
	scribe_journal_free(work->journal);
	rig_end(&work->rig);
}

static char *read_text(struct work *work)
{
	char *place = journal_reading(work->journal, 0, SIZE, &work->file, false, 0, NULL);

	memcpy(place, text, SIZE);
	return place;
}

static void hold_text(struct work *work)
{
	const char *data;
	bool tell;

	read_text(work);
	ck_assert_uint_eq(journal_pass(work->journal, SIZE, NULL, &data, &tell), SIZE);
	journal_place(work->journal, &work->file, lseek(work->fd, 0, SEEK_END));
}

static void append(struct work *work, const char *data, size_t size)
{
	ck_assert_int_eq(write(work->fd, data, size), (ssize_t)size);
}

static void check(const struct work *work, const char *in_front, const char *behind)
{
	char expected[256];

	snprintf(expected, sizeof expected, "before\n%s%s%s", in_front, text, behind);
	ck_assert_str_eq(file_text(work->path), expected);
}

START_TEST(nothing_in_hand)
{
	struct work work;

	begin(&work);
	ck_assert_int_eq(journal_recover(work.journal, NULL), 0);
	hold_text(&work);
	append(&work, text, SIZE);
	journal_written(work.journal, SIZE);
	journal_empty(work.journal);
	ck_assert_int_eq(journal_recover(work.journal, NULL), 0);
	check(&work, "", "");
	end(&work);
}
END_TEST

START_TEST(not_read_yet)
{
	struct work work;

	begin(&work);
	journal_reading(work.journal, 0, SIZE, &work.file, false, 0, NULL);
	ck_assert_int_eq(journal_recover(work.journal, NULL), 0);
	ck_assert_str_eq(file_text(work.path), "before\n");
	end(&work);
}
END_TEST

START_TEST(read_and_not_noted)
{
	struct work work;

	begin(&work);
	read_text(&work);
	ck_assert_int_eq(journal_recover(work.journal, NULL), SIZE);
	check(&work, "", "");
	end(&work);
}
END_TEST

START_TEST(read_and_not_stripped)
{
	static const char coloured[] = "mthese are \033[1mthe bytes that were in hand\n";
	struct work work;

	begin(&work);
	journal_set_state(work.journal, 5, ANSI_SEQUENCE);
	memcpy(journal_reading(work.journal, 5, sizeof coloured - 1, &work.file, true, 0, NULL), coloured,
		sizeof coloured - 1);
	ck_assert_int_eq(journal_recover(work.journal, NULL), SIZE);
	check(&work, "", "");
	ck_assert_int_eq(journal_state(work.journal, 5), ANSI_TEXT);
	end(&work);
}
END_TEST

START_TEST(written_in_part)
{
	struct work work;

	begin(&work);
	hold_text(&work);
	append(&work, text, (size_t)_i);
	ck_assert_int_eq(journal_recover(work.journal, NULL), SIZE - _i);
	check(&work, "", "");
	end(&work);
}
END_TEST

START_TEST(others_wrote_before_us)
{
	struct work work;

	begin(&work);
	hold_text(&work);
	append(&work, "theirs\n", 7);
	append(&work, text, (size_t)_i);
	ck_assert_int_eq(journal_recover(work.journal, NULL), SIZE - _i);
	check(&work, "theirs\n", "");
	end(&work);
}
END_TEST

/* The file was rotated after the first part was written, and the second not begun. */
START_TEST(rotated_in_between)
{
	struct work work;
	char whole[128];

	begin(&work);
	hold_text(&work);
	append(&work, text, 10);
	journal_written(work.journal, 10);
	ck_assert_int_eq(rename(work.path, rig_path(&work.rig, "log.1")), 0);
	if (_i == 1)
		put_file(work.path, "");
	ck_assert_int_eq(journal_recover(work.journal, NULL), SIZE - 10);
	ck_assert_str_eq(file_text(work.path), text + 10);
	snprintf(whole, sizeof whole, "before\n%.10s", text);
	ck_assert_str_eq(file_text(rig_path(&work.rig, "log.1")), whole);
	end(&work);
}
END_TEST

/* Recover in a process that is killed at its n-th stop at a system call; false: it did not get there. */
static bool die_in_recovery(struct work *work, unsigned n)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		journal_recover(work->journal, NULL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	for (unsigned i = 0; i < n && WIFSTOPPED(status); i++) {
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
	if (!WIFSTOPPED(status))
		return false;
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return true;
}

/* Whether the first one had noted down where they go, or not, or the file is another one by now. */
START_TEST(the_one_that_finishes_it_may_be_killed_too)
{
	bool was_there = true;

	for (unsigned n = 0; was_there; n++) {
		struct work work;

		begin(&work);
		if (_i == 0)
			read_text(&work);
		else
			hold_text(&work);
		if (_i == 2) {
			ck_assert_int_eq(unlink(work.path), 0);
			put_file(work.path, "before\n");
		}
		was_there = die_in_recovery(&work, n);
		ck_assert_int_ge(journal_recover(work.journal, NULL), 0);
		check(&work, "", "");
		end(&work);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scribe_journal");
	TCase *journal = leakproof_case("journal");

	tcase_add_test(journal, nothing_in_hand);
	tcase_add_test(journal, not_read_yet);
	tcase_add_test(journal, read_and_not_noted);
	tcase_add_test(journal, read_and_not_stripped);
	tcase_add_loop_test(journal, written_in_part, 0, SIZE + 1);
	tcase_add_loop_test(journal, others_wrote_before_us, 0, SIZE + 1);
	tcase_add_loop_test(journal, rotated_in_between, 0, 2);
	tcase_add_loop_test(journal, the_one_that_finishes_it_may_be_killed_too, 0, 3);
	suite_add_tcase(suite, journal);
	return run_suite(suite);
}
