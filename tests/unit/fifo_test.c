#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/fifo.h"
#include "reeve/pipe.h"
#include "support/harness.h"

static char directory[64], path[96], other[96];

static void make_directory(void)
{
	snprintf(directory, sizeof directory, "/tmp/reeve-fifo-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/fifo", directory);
	snprintf(other, sizeof other, "%s/other", directory);
}

static void remove_directory(void)
{
	unlink(path);
	unlink(other);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void create(void)
{
	ck_assert_int_eq(reeve_fifo_create(path, 0600), 0);
}

static int open_reader(unsigned flags)
{
	int fd = reeve_fifo_open_read(path, flags, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static int open_writer(unsigned flags)
{
	int fd = reeve_fifo_open_write(path, flags, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(it_is_created_with_its_mode_whatever_the_umask)
{
	mode_t old = umask(0077);
	struct stat status;

	ck_assert_int_eq(reeve_fifo_create(path, 0622), 0);
	umask(old);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFIFO | 0622);
	ck_assert_int_eq(reeve_fifo_create(path, 0622), -EEXIST);
	ck_assert_int_eq(reeve_fifo_create(other, 01622), -EINVAL);
	ck_assert_int_eq(reeve_fifo_create("/nowhere/fifo", 0622), -ENOENT);
	ck_assert_int_eq(reeve_fifo_remove(path), 0);
	ck_assert_int_eq(reeve_fifo_remove(path), -ENOENT);
}
END_TEST

START_TEST(neither_side_hangs_when_it_opens_alone)
{
	int fd;

	create();
	ck_assert_int_eq(reeve_fifo_open_write(path, 0, 0), -ETIMEDOUT);
	fd = open_reader(0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
}
END_TEST

START_TEST(the_deadline_is_kept_while_waiting_for_the_other_side)
{
	reeve_nsec before = reeve_now();

	create();
	ck_assert_int_eq(reeve_fifo_open_write(path, 0, 120 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 120 * REEVE_MSEC);
	before = reeve_now();
	ck_assert_int_eq(reeve_fifo_open_read(path, 0, 20 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_eq(
		reeve_fifo_open_read(path, REEVE_FIFO_KEEP_ALIVE, 20 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 40 * REEVE_MSEC);
	ck_assert_int_eq(reeve_fifo_open_write(path, 0, -5), -EINVAL);
	ck_assert_int_eq(reeve_fifo_open_read(path, 0, -5), -EINVAL);
	ck_assert_int_eq(reeve_fifo_open_write(path, 0x80, 0), -EINVAL);
	ck_assert_int_eq(reeve_fifo_open_read(path, 0x80, 0), -EINVAL);
}
END_TEST

static void *open_and_write(void *unused)
{
	int fd = reeve_fifo_open_write(path, 0, REEVE_FOREVER);
	ssize_t n = fd < 0 ? fd : reeve_pipe_write(fd, "hello", 5, REEVE_FOREVER);

	close(fd);
	return (void *)(intptr_t)n;
}

static void *open_and_read(void *how)
{
	static char text[8];
	int fd = how ? open(path, O_RDONLY | O_CLOEXEC)
		     : reeve_fifo_open_read(path, 0, REEVE_FOREVER);
	ssize_t n = fd < 0 ? fd : reeve_pipe_read(fd, text, sizeof text, REEVE_FOREVER);

	close(fd);
	return (void *)(intptr_t)n;
}

static void join(pthread_t thread, intptr_t expected)
{
	void *result;

	pthread_join(thread, &result);
	ck_assert_int_eq((intptr_t)result, expected);
}

/* Whoever comes first: the writer waits for the reader, the reader for what is written. */
START_TEST(the_two_sides_find_each_other)
{
	pthread_t reader, writer;

	create();
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(pthread_create(&writer, NULL, open_and_write, NULL), 0);
		ck_assert_int_eq(pthread_create(&reader, NULL, open_and_read, NULL), 0);
		join(writer, 5);
		join(reader, 5);
	}
}
END_TEST

/* A stranger that hangs in open(2) gives no notice of itself, and is found all the same. */
START_TEST(a_reader_that_waits_in_open_is_found)
{
	pthread_t reader, writer;

	create();
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(pthread_create(&writer, NULL, open_and_write, NULL), 0);
		ck_assert_int_eq(pthread_create(&reader, NULL, open_and_read, directory), 0);
		join(writer, 5);
		join(reader, 5);
	}
}
END_TEST

START_TEST(without_keep_alive_a_side_notices_that_the_other_went)
{
	int reader, writer;
	char text[8];

	create();
	reader = open_reader(0);
	writer = open_writer(0);
	ck_assert_int_eq(reeve_pipe_read(reader, text, 8, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_pipe_write(writer, "x", 1, 0), 1);
	close(writer);
	ck_assert_int_eq(reeve_pipe_read(reader, text, 8, REEVE_FOREVER), 1);
	ck_assert_int_eq(reeve_pipe_read(reader, text, 8, REEVE_FOREVER), 0);
	writer = open_writer(0);
	close(reader);
	ck_assert_int_eq(reeve_pipe_write(writer, "x", 1, REEVE_FOREVER), -EPIPE);
	close(writer);
}
END_TEST

START_TEST(a_reader_survives_its_writers)
{
	int reader, writer;
	char text[8];

	create();
	reader = open_reader(REEVE_FIFO_KEEP_ALIVE);
	for (int i = 0; i < 3; i++) {
		writer = open_writer(0);
		ck_assert_int_eq(reeve_pipe_write(writer, "abc", 3, 0), 3);
		close(writer);
		ck_assert_int_eq(reeve_pipe_read(reader, text, 8, 0), 3);
		ck_assert_int_eq(reeve_pipe_read(reader, text, 8, 0), -ETIMEDOUT);
	}
	close(reader);
}
END_TEST

START_TEST(a_writer_survives_its_readers_and_nothing_is_lost)
{
	int reader, writer;
	char text[8];

	create();
	writer = open_writer(REEVE_FIFO_KEEP_ALIVE);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(reeve_pipe_write(writer, "abc", 3, 0), 3);
		reader = open_reader(0);
		ck_assert_int_eq(reeve_pipe_read(reader, text, 2, 0), 2);
		close(reader);
		reader = open_reader(0);
		ck_assert_int_eq(reeve_pipe_read(reader, text, 8, 0), 1);
		close(reader);
	}
	close(writer);
}
END_TEST

static void check_refused(const char *what, int error)
{
	ck_assert_int_eq(reeve_fifo_open_read(what, 0, 0), error);
	ck_assert_int_eq(reeve_fifo_open_read(what, REEVE_FIFO_KEEP_ALIVE, 0), error);
	ck_assert_int_eq(reeve_fifo_open_write(what, 0, REEVE_FOREVER), error);
	ck_assert_int_eq(reeve_fifo_open_write(what, REEVE_FIFO_KEEP_ALIVE, 0), error);
}

START_TEST(what_is_no_fifo_is_refused_and_left_alone)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = open(other, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	close(fd);
	check_refused(other, -EMEDIUMTYPE);
	ck_assert_int_eq(reeve_fifo_remove(other), -EMEDIUMTYPE);
	ck_assert_int_eq(access(other, F_OK), 0);
	unlink(other);
	check_refused(other, -ENOENT);
	check_refused(directory, -EMEDIUMTYPE);
	check_refused("/dev/null", -EMEDIUMTYPE);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(name.sun_path, other, strlen(other));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
	check_refused(other, -EMEDIUMTYPE);
	close(fd);
}
END_TEST

START_TEST(a_link_is_followed_when_asked_only)
{
	int fd;

	create();
	ck_assert_int_eq(symlink(path, other), 0);
	ck_assert_int_eq(reeve_fifo_open_read(other, 0, 0), -ELOOP);
	ck_assert_int_eq(reeve_fifo_open_write(other, 0, REEVE_FOREVER), -ELOOP);
	ck_assert_int_eq(reeve_fifo_open_write(other, REEVE_FIFO_FOLLOW, 0), -ETIMEDOUT);
	fd = reeve_fifo_open_read(other, REEVE_FIFO_FOLLOW, 0);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(reeve_fifo_remove(other), -EMEDIUMTYPE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fifo");
	TCase *tcase = leakproof_case("fifo");

	tcase_add_checked_fixture(tcase, make_directory, remove_directory);
	tcase_add_test(tcase, it_is_created_with_its_mode_whatever_the_umask);
	tcase_add_test(tcase, neither_side_hangs_when_it_opens_alone);
	tcase_add_test(tcase, the_deadline_is_kept_while_waiting_for_the_other_side);
	tcase_add_test(tcase, the_two_sides_find_each_other);
	tcase_add_test(tcase, a_reader_that_waits_in_open_is_found);
	tcase_add_test(tcase, without_keep_alive_a_side_notices_that_the_other_went);
	tcase_add_test(tcase, a_reader_survives_its_writers);
	tcase_add_test(tcase, a_writer_survives_its_readers_and_nothing_is_lost);
	tcase_add_test(tcase, what_is_no_fifo_is_refused_and_left_alone);
	tcase_add_test(tcase, a_link_is_followed_when_asked_only);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
