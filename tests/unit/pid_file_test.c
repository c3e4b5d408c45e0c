#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/daemon.h"
#include "support/harness.h"

static char directory[] = "/tmp/reeve-pid-file-XXXXXX";

static void enter_directory(void)
{
	memcpy(directory + sizeof directory - sizeof "XXXXXX", "XXXXXX", sizeof "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
}

static void remove_directory(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}

static struct reeve_pid_file *open_pid_file(void)
{
	struct reeve_pid_file *file;

	ck_assert_int_eq(reeve_pid_file_open("pid", &file, NULL), 0);
	return file;
}

static void write_content(const char *content)
{
	int fd = open("pid", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
}

static const char *content(void)
{
	static char text[64];
	int fd = open("pid", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, text, sizeof text - 1);

	ck_assert_int_ge(size, 0);
	text[size] = '\0';
	close(fd);
	return text;
}

START_TEST(the_file_holds_the_pid_as_long_as_it_is_held)
{
	struct reeve_pid_file *file = open_pid_file();
	char expected[32];
	pid_t owner = 0;

	ck_assert_str_eq(content(), "");
	ck_assert_int_eq(reeve_pid_file_owner("pid", &owner), -EBADMSG);
	ck_assert_int_eq(reeve_pid_file_write(file), 0);
	snprintf(expected, sizeof expected, "%d\n", (int)getpid());
	ck_assert_str_eq(content(), expected);
	ck_assert_int_eq(reeve_pid_file_owner("pid", &owner), 0);
	ck_assert_int_eq(owner, getpid());
	ck_assert_int_ne(fcntl(reeve_pid_file_fd(file), F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_ptr_null(reeve_pid_file_free(file));
	ck_assert_int_eq(access("pid", F_OK), -1);
	ck_assert_int_eq(reeve_pid_file_owner("pid", &owner), -ENOENT);
	ck_assert_ptr_null(reeve_pid_file_free(NULL));
}
END_TEST

START_TEST(a_second_one_is_told_who_runs)
{
	struct reeve_pid_file *file = open_pid_file(), *second = NULL;
	pid_t owner = -1;

	ck_assert_int_eq(reeve_pid_file_open("pid", &second, &owner), -EBUSY);
	ck_assert_int_eq(owner, 0);
	ck_assert_int_eq(reeve_pid_file_write(file), 0);
	ck_assert_int_eq(reeve_pid_file_open("pid", &second, &owner), -EBUSY);
	ck_assert_int_eq(owner, getpid());
	ck_assert_int_eq(reeve_pid_file_open("pid", &second, NULL), -EBUSY);
	ck_assert_ptr_null(second);
	reeve_pid_file_free(file);
}
END_TEST

/* As a daemon does it: opened and written by the starter, written again by the child, which removes it. */
START_TEST(the_lock_passes_on_to_a_child_and_the_last_writer_removes_the_file)
{
	struct reeve_pid_file *file = open_pid_file(), *second;
	int status, to_child[2], to_parent[2];
	pid_t pid, owner = 0;
	char byte;

	ck_assert_int_eq(pipe2(to_child, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(to_parent, O_CLOEXEC), 0);
	ck_assert_int_eq(reeve_pid_file_write(file), 0);
	pid = fork();
	if (pid == 0) {
		bool right = reeve_pid_file_write(file) == 0 && write(to_parent[1], "w", 1) == 1;

		close(to_child[1]);
		right = right && read(to_child[0], &byte, 1) == 0; /* the parent has freed its copy */
		right = right && reeve_pid_file_open("pid", &second, &owner) == -EBUSY && owner == getpid();
		reeve_pid_file_free(file);
		_exit(right && access("pid", F_OK) < 0 ? 0 : 1);
	}
	ck_assert_int_eq(read(to_parent[0], &byte, 1), 1);
	file = reeve_pid_file_free(file);
	ck_assert_int_eq(reeve_pid_file_owner("pid", &owner), 0);
	ck_assert_int_eq(owner, pid);
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(to_parent[i]);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(what_a_killed_process_left_is_taken_over)
{
	struct reeve_pid_file *file;
	pid_t owner = 0, pid = fork();
	int status;

	if (pid == 0) {
		if (reeve_pid_file_open("pid", &file, NULL) == 0 && reeve_pid_file_write(file) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	ck_assert_str_ne(content(), "");
	ck_assert_int_eq(reeve_pid_file_owner("pid", &owner), -ESRCH);
	file = open_pid_file();
	ck_assert_str_eq(content(), "");
	ck_assert_int_eq(reeve_pid_file_write(file), 0);
	reeve_pid_file_free(file);
}
END_TEST

START_TEST(the_file_is_removed_wherever_the_process_has_gone)
{
	struct reeve_pid_file *file = open_pid_file();

	ck_assert_int_eq(reeve_pid_file_write(file), 0);
	ck_assert_int_eq(chdir("/"), 0);
	reeve_pid_file_free(file);
	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(access("pid", F_OK), -1);
}
END_TEST

START_TEST(somebody_elses_file_is_left_alone)
{
	struct reeve_pid_file *file = open_pid_file();

	ck_assert_int_eq(reeve_pid_file_write(file), 0);
	ck_assert_int_eq(unlink("pid"), 0);
	write_content("not ours");
	reeve_pid_file_free(file);
	ck_assert_str_eq(content(), "not ours");
	file = open_pid_file();
	reeve_pid_file_free(file); /* never written by us */
	ck_assert_int_eq(unlink("pid"), 0);
}
END_TEST

START_TEST(what_is_no_pid_file_is_refused_and_not_touched)
{
	struct reeve_pid_file *file = NULL;
	pid_t owner;

	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(symlink("target", "link"), 0);
	ck_assert_int_eq(reeve_pid_file_open("fifo", &file, NULL), -EINVAL);
	ck_assert_int_eq(reeve_pid_file_open("link", &file, NULL), -ELOOP);
	ck_assert_int_eq(reeve_pid_file_open(directory, &file, NULL), -EISDIR);
	ck_assert_int_eq(reeve_pid_file_open("no/such", &file, NULL), -ENOENT);
	ck_assert_int_eq(reeve_pid_file_open("", &file, NULL), -EINVAL);
	ck_assert_int_eq(reeve_pid_file_open(NULL, &file, NULL), -EINVAL);
	ck_assert_int_eq(reeve_pid_file_owner("fifo", &owner), -EINVAL);
	ck_assert_int_eq(reeve_pid_file_owner("link", &owner), -ELOOP);
	ck_assert_int_eq(access("target", F_OK), -1);
	ck_assert_ptr_null(file);
	ck_assert_int_eq(unlink("fifo"), 0);
	ck_assert_int_eq(unlink("link"), 0);
}
END_TEST

START_TEST(only_a_pid_is_read_as_one)
{
	static const struct {
		const char *content;
		int expected;
	} cases[] = {
		{ "4711\n", 4711 }, { "4711", 4711 }, { "2147483647\n", 2147483647 }, { "1\nx", 1 },
		{ "", -EBADMSG }, { "\n", -EBADMSG }, { "0\n", -EBADMSG }, { "-1\n", -EBADMSG },
		{ " 1\n", -EBADMSG }, { "1 \n", -EBADMSG }, { "2147483648\n", -EBADMSG },
		{ "99999999999999999999\n", -EBADMSG }, { "x\n", -EBADMSG },
	};
	struct reeve_pid_file *file = open_pid_file();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		pid_t owner = 0;
		int r;

		write_content(cases[i].content);
		r = reeve_pid_file_owner("pid", &owner);
		ck_assert_msg((r < 0 ? r : owner) == cases[i].expected, "\"%s\": %d", cases[i].content, r);
	}
	reeve_pid_file_free(file);
	ck_assert_int_eq(unlink("pid"), 0);
}
END_TEST

/* Processes open, write and free the file as fast as they can, so that it is removed under one another's hands all the
 * time: never do two hold it at once. */
START_TEST(there_is_never_more_than_one_holder)
{
	enum { PROCESSES = 4, TURNS = 300 };
	atomic_int *holders = mmap(NULL, sizeof *holders, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		for (int turn = 0; turn < TURNS;) {
			struct reeve_pid_file *file;
			int r = reeve_pid_file_open("pid", &file, NULL);

			if (r == -EBUSY || r == -ESTALE)
				continue;
			if (r < 0 || atomic_fetch_add(holders, 1) != 0 || reeve_pid_file_write(file) < 0)
				_exit(1);
			atomic_fetch_sub(holders, 1);
			reeve_pid_file_free(file);
			turn++;
		}
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	munmap(holders, sizeof *holders);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pid_file");
	TCase *tcase = leakproof_case("pid_file");

	tcase_add_checked_fixture(tcase, enter_directory, remove_directory);
	tcase_add_test(tcase, the_file_holds_the_pid_as_long_as_it_is_held);
	tcase_add_test(tcase, a_second_one_is_told_who_runs);
	tcase_add_test(tcase, the_lock_passes_on_to_a_child_and_the_last_writer_removes_the_file);
	tcase_add_test(tcase, what_a_killed_process_left_is_taken_over);
	tcase_add_test(tcase, the_file_is_removed_wherever_the_process_has_gone);
	tcase_add_test(tcase, somebody_elses_file_is_left_alone);
	tcase_add_test(tcase, what_is_no_pid_file_is_refused_and_not_touched);
	tcase_add_test(tcase, only_a_pid_is_read_as_one);
	tcase_add_test(tcase, there_is_never_more_than_one_holder);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
