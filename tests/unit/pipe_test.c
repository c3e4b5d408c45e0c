#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/pipe.h"
#include "support/harness.h"

static int ends[2];

static void open_pipe(void)
{
	ck_assert_int_eq(reeve_pipe_open(0, ends), 0);
}

static void close_end(int i)
{
	if (ends[i] >= 0)
		close(ends[i]);
	ends[i] = -1;
}

static void close_pipe(void)
{
	close_end(0);
	close_end(1);
}

static void reopen(unsigned flags)
{
	close_pipe();
	ck_assert_int_eq(reeve_pipe_open(flags, ends), 0);
}

/* All four combinations of modes, as what follows must not depend on them. */
#define EACH_MODE(flags)                                                                           \
	unsigned flags = 0;                                                                        \
	flags < 4;                                                                                 \
	flags++

static bool is_nonblocking(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

static void fill(void)
{
	static char block[4096];

	while (reeve_pipe_write(ends[1], block, sizeof block, 0) > 0)
		;
}

START_TEST(the_ends_are_as_asked_for)
{
	for (EACH_MODE(flags)) {
		reopen(flags);
		ck_assert_int_eq(is_nonblocking(ends[0]), !!(flags & REEVE_PIPE_NONBLOCKING_READ));
		ck_assert_int_eq(is_nonblocking(ends[1]), !!(flags & REEVE_PIPE_NONBLOCKING_WRITE));
		ck_assert_int_eq(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
		ck_assert_int_eq(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
	}
	ck_assert_int_eq(reeve_pipe_open(4, ends), -EINVAL);
}
END_TEST

START_TEST(the_size_can_be_had_and_set)
{
	ssize_t size = reeve_pipe_size(ends[0]);

	ck_assert_int_ge(size, 4096);
	ck_assert_int_eq(reeve_pipe_set_size(ends[1], (size_t)size + 1), 2 * size);
	ck_assert_int_eq(reeve_pipe_size(ends[0]), 2 * size);
	ck_assert_int_eq(reeve_pipe_set_size(ends[1], (size_t)INT_MAX + 1), -EINVAL);
	fill();
	ck_assert_int_eq(reeve_pipe_set_size(ends[1], 4096), -EBUSY);
	ck_assert_int_eq(reeve_pipe_size(-1), -EBADF);
	ck_assert_int_eq(reeve_pipe_size(STDIN_FILENO), -EBADF);
}
END_TEST

START_TEST(what_is_in_it_is_told)
{
	ck_assert_int_eq(reeve_pipe_available(ends[0]), 0);
	ck_assert_int_eq(reeve_pipe_write(ends[1], "12345", 5, 0), 5);
	ck_assert_int_eq(reeve_pipe_available(ends[0]), 5);
	ck_assert_int_eq(reeve_pipe_available(-1), -EBADF);
}
END_TEST

START_TEST(reading_takes_what_is_there)
{
	char text[16];

	for (EACH_MODE(flags)) {
		reopen(flags);
		ck_assert_int_eq(reeve_pipe_read(ends[0], text, sizeof text, 0), -ETIMEDOUT);
		ck_assert_int_eq(reeve_pipe_write(ends[1], "12345", 5, REEVE_FOREVER), 5);
		ck_assert_int_eq(reeve_pipe_read(ends[0], text, 2, 0), 2);
		ck_assert_int_eq(reeve_pipe_read(ends[0], text, sizeof text, REEVE_FOREVER), 3);
		ck_assert_int_eq(memcmp(text, "345", 3), 0);
		close_end(1);
		ck_assert_int_eq(reeve_pipe_read(ends[0], text, sizeof text, 0), 0);
		ck_assert_int_eq(reeve_pipe_read(ends[0], text, sizeof text, REEVE_FOREVER), 0);
	}
}
END_TEST

START_TEST(deadlines_hold_in_every_mode)
{
	static char block[65536];
	char byte;

	for (EACH_MODE(flags)) {
		reeve_nsec before = reeve_now();

		reopen(flags);
		ck_assert_int_eq(reeve_pipe_read(ends[0], &byte, 1, 10 * REEVE_MSEC), -ETIMEDOUT);
		ck_assert_int_ge(reeve_now() - before, 10 * REEVE_MSEC);
		fill();
		before = reeve_now();
		ck_assert_int_eq(reeve_pipe_write(ends[1], block, sizeof block, 10 * REEVE_MSEC),
			-ETIMEDOUT);
		ck_assert_int_ge(reeve_now() - before, 10 * REEVE_MSEC);
		ck_assert_int_eq(reeve_pipe_write(ends[1], &byte, 1, -9), -EINVAL);
		ck_assert_int_eq(reeve_pipe_read(ends[0], &byte, 1, -9), -EINVAL);
	}
}
END_TEST

START_TEST(a_failed_write_tells_how_far_it_came_and_can_be_continued)
{
	static char sent[200000], received[200000];

	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (char)(i * 31 >> 3);
	for (EACH_MODE(flags)) {
		size_t written = 0, read = 0;
		int r = -ETIMEDOUT;

		reopen(flags);
		while (r == -ETIMEDOUT) {
			size_t before = written;

			r = reeve_pipe_write_full(
				ends[1], sent, sizeof sent, &written, 5 * REEVE_MSEC);
			ck_assert_uint_gt(written, before);
			ck_assert_int_eq(reeve_pipe_available(ends[0]), (long)(written - read));
			ck_assert_int_eq(
				reeve_pipe_read_full(ends[0], received, sizeof received, &read, 0),
				written == sizeof sent ? 0 : -ETIMEDOUT);
			ck_assert_uint_eq(read, written);
		}
		ck_assert_int_eq(r, 0);
		ck_assert_int_eq(memcmp(sent, received, sizeof sent), 0);
	}
}
END_TEST

START_TEST(an_end_before_all_was_read_is_no_data)
{
	char text[16];
	size_t done = 0;

	ck_assert_int_eq(reeve_pipe_write_full(ends[1], "123", 3, NULL, REEVE_FOREVER), 0);
	close_end(1);
	ck_assert_int_eq(
		reeve_pipe_read_full(ends[0], text, sizeof text, &done, REEVE_FOREVER), -ENODATA);
	ck_assert_uint_eq(done, 3);
	done = 17;
	ck_assert_int_eq(reeve_pipe_read_full(ends[0], text, 16, &done, 0), -EINVAL);
	ck_assert_int_eq(reeve_pipe_write_full(ends[0], text, 16, &done, 0), -EINVAL);
	done = 16;
	ck_assert_int_eq(reeve_pipe_read_full(ends[0], text, 16, &done, 0), 0);
}
END_TEST

/* SIGPIPE: with its deadly default, no way of writing ever raises it. */

static void check_epipe(void)
{
	static char block[65536];
	int source[2];

	ck_assert_int_eq(reeve_pipe_write(ends[1], "x", 1, 0), -EPIPE);
	ck_assert_int_eq(reeve_pipe_write(ends[1], "x", 1, REEVE_FOREVER), -EPIPE);
	ck_assert_int_eq(
		reeve_pipe_write_full(ends[1], block, sizeof block, NULL, REEVE_SEC), -EPIPE);
	ck_assert_int_eq(reeve_pipe_open(0, source), 0);
	ck_assert_int_eq(reeve_pipe_write(source[1], "x", 1, 0), 1);
	ck_assert_int_eq(reeve_pipe_splice(source[0], ends[1], 1, 0), -EPIPE);
	ck_assert_int_eq(reeve_pipe_tee(source[0], ends[1], 1, 0), -EPIPE);
	close(source[0]);
	close(source[1]);
}

START_TEST(a_pipe_that_nobody_reads_kills_nobody)
{
	for (EACH_MODE(flags)) {
		reopen(flags);
		close_end(0);
		check_epipe();
	}
}
END_TEST

/* The mask comes back as it was, and somebody else's pending SIGPIPE stays. */
START_TEST(the_callers_signals_are_left_alone)
{
	sigset_t set, mask, pending;
	int delivered;

	close_end(0);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	check_epipe();
	sigpending(&pending);
	ck_assert(!sigismember(&pending, SIGPIPE));
	raise(SIGPIPE);
	check_epipe();
	sigpending(&pending);
	ck_assert(sigismember(&pending, SIGPIPE));
	sigwait(&set, &delivered);
	pthread_sigmask(SIG_UNBLOCK, &set, &mask);
	ck_assert(sigismember(&mask, SIGPIPE));
	check_epipe();
	pthread_sigmask(SIG_UNBLOCK, NULL, &mask);
	ck_assert(!sigismember(&mask, SIGPIPE));
}
END_TEST

static void *write_then_see_epipe(void *unused)
{
	static char block[65536];
	int r;

	while ((r = reeve_pipe_write_full(ends[1], block, sizeof block, NULL, REEVE_FOREVER)) == 0)
		;
	return (void *)(intptr_t)r;
}

START_TEST(a_writer_that_waits_learns_that_its_reader_went)
{
	pthread_t thread;
	void *result;

	ck_assert_int_eq(pthread_create(&thread, NULL, write_then_see_epipe, NULL), 0);
	while (reeve_pipe_available(ends[0]) < reeve_pipe_size(ends[0]))
		sched_yield();
	close_end(0);
	pthread_join(thread, &result);
	ck_assert_int_eq((intptr_t)result, -EPIPE);
}
END_TEST

/* Other descriptors. */

START_TEST(files_and_sockets_are_read_and_written_too)
{
	char path[] = "/tmp/reeve-pipe-XXXXXX", text[8];
	int fd = mkostemp(path, O_CLOEXEC), pair[2];

	ck_assert_int_eq(reeve_pipe_write(fd, "12345", 5, 0), 5);
	ck_assert_int_eq(reeve_pipe_write(fd, "678", 3, REEVE_SEC), 3);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(reeve_pipe_read_full(fd, text, 8, NULL, REEVE_SEC), 0);
	ck_assert_int_eq(memcmp(text, "12345678", 8), 0);
	ck_assert_int_eq(reeve_pipe_read(fd, text, 8, 0), 0);
	close(fd);
	unlink(path);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(reeve_pipe_read(pair[0], text, 8, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_pipe_write(pair[1], "12", 2, 0), 2);
	ck_assert_int_eq(reeve_pipe_read(pair[0], text, 8, REEVE_SEC), 2);
	close(pair[0]);
	ck_assert_int_eq(reeve_pipe_write(pair[1], "12", 2, REEVE_SEC), -EPIPE);
	close(pair[1]);
}
END_TEST

/* Splicing. */

START_TEST(splicing_moves_bytes_between_pipes)
{
	int other[2];
	char text[8];

	ck_assert_int_eq(reeve_pipe_open(0, other), 0);
	ck_assert_int_eq(reeve_pipe_splice(ends[0], other[1], 100, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_pipe_write(ends[1], "12345", 5, 0), 5);
	ck_assert_int_eq(reeve_pipe_tee(ends[0], other[1], 2, 0), 2);
	ck_assert_int_eq(reeve_pipe_available(ends[0]), 5);
	ck_assert_int_eq(reeve_pipe_splice(ends[0], other[1], 100, REEVE_FOREVER), 5);
	ck_assert_int_eq(reeve_pipe_available(ends[0]), 0);
	ck_assert_int_eq(reeve_pipe_read(other[0], text, 8, 0), 7);
	ck_assert_int_eq(memcmp(text, "1212345", 7), 0);
	close_end(1);
	ck_assert_int_eq(reeve_pipe_splice(ends[0], other[1], 100, REEVE_FOREVER), 0);
	ck_assert_int_eq(reeve_pipe_tee(ends[0], other[1], 100, REEVE_FOREVER), 0);
	ck_assert_int_eq(reeve_pipe_splice(ends[0], other[1], 100, -5), -EINVAL);
	close(other[0]);
	close(other[1]);
}
END_TEST

START_TEST(splicing_keeps_the_deadline_whichever_side_is_late)
{
	int source[2];
	reeve_nsec before = reeve_now();

	ck_assert_int_eq(reeve_pipe_open(0, source), 0);
	ck_assert_int_eq(reeve_pipe_splice(source[0], ends[1], 100, 10 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 10 * REEVE_MSEC);
	fill();
	ck_assert_int_eq(reeve_pipe_write(source[1], "x", 1, 0), 1);
	before = reeve_now();
	ck_assert_int_eq(reeve_pipe_splice(source[0], ends[1], 100, 10 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_eq(reeve_pipe_tee(source[0], ends[1], 100, 10 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 20 * REEVE_MSEC);
	ck_assert_int_eq(reeve_pipe_available(source[0]), 1);
	close(source[0]);
	close(source[1]);
}
END_TEST

START_TEST(splicing_to_a_file_but_not_to_one_that_appends)
{
	char path[] = "/tmp/reeve-pipe-XXXXXX", text[8];
	int fd = mkostemp(path, O_CLOEXEC), appending = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	ck_assert_int_eq(reeve_pipe_write(ends[1], "12345", 5, 0), 5);
	ck_assert_int_eq(reeve_pipe_splice(ends[0], appending, 5, 0), -EINVAL);
	ck_assert_int_eq(reeve_pipe_splice(ends[0], fd, 100, REEVE_SEC), 5);
	ck_assert_int_eq(pread(fd, text, 8, 0), 5);
	ck_assert_int_eq(memcmp(text, "12345", 5), 0);
	ck_assert_int_eq(reeve_pipe_splice(fd, fd, 1, 0), -EINVAL);
	ck_assert_int_eq(lseek(fd, 1, SEEK_SET), 1);
	ck_assert_int_eq(reeve_pipe_splice(fd, ends[1], 100, 0), 4);
	ck_assert_int_eq(reeve_pipe_splice(fd, ends[1], 100, 0), 0);
	close(fd);
	close(appending);
	unlink(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pipe");
	TCase *tcase = leakproof_case("pipe");

	tcase_add_checked_fixture(tcase, open_pipe, close_pipe);
	tcase_add_test(tcase, the_ends_are_as_asked_for);
	tcase_add_test(tcase, the_size_can_be_had_and_set);
	tcase_add_test(tcase, what_is_in_it_is_told);
	tcase_add_test(tcase, reading_takes_what_is_there);
	tcase_add_test(tcase, deadlines_hold_in_every_mode);
	tcase_add_test(tcase, a_failed_write_tells_how_far_it_came_and_can_be_continued);
	tcase_add_test(tcase, an_end_before_all_was_read_is_no_data);
	tcase_add_test(tcase, a_pipe_that_nobody_reads_kills_nobody);
	tcase_add_test(tcase, the_callers_signals_are_left_alone);
	tcase_add_test(tcase, a_writer_that_waits_learns_that_its_reader_went);
	tcase_add_test(tcase, files_and_sockets_are_read_and_written_too);
	tcase_add_test(tcase, splicing_moves_bytes_between_pipes);
	tcase_add_test(tcase, splicing_keeps_the_deadline_whichever_side_is_late);
	tcase_add_test(tcase, splicing_to_a_file_but_not_to_one_that_appends);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
