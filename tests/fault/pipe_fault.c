/* Pipes, FIFOs and frames. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "reeve/fifo.h"
#include "reeve/frame.h"
#include "reeve/pipe.h"
#include "support/each_fault.h"

static int move_bytes(void)
{
	CLEANUP_FD int from = -EBADF, to = -EBADF, from2 = -EBADF, to2 = -EBADF;
	int ends[2], r;
	char text[8];

	TRY(reeve_pipe_open(REEVE_PIPE_NONBLOCKING_READ, ends));
	from = ends[0];
	to = ends[1];
	TRY(reeve_pipe_open(REEVE_PIPE_NONBLOCKING_WRITE, ends));
	from2 = ends[0];
	to2 = ends[1];
	TRY((int)reeve_pipe_set_size(from, 1 << 17));
	TRY((int)reeve_pipe_size(from));
	TRY(reeve_pipe_write_full(to, "12345", 5, NULL, REEVE_SEC));
	TRY((int)reeve_pipe_available(from));
	TRY((int)reeve_pipe_tee(from, to2, 5, REEVE_SEC));
	TRY((int)reeve_pipe_splice(from, to2, 5, REEVE_SEC));
	TRY(reeve_pipe_read_full(from2, text, 8, NULL, REEVE_SEC));
	ck_assert_int_eq(memcmp(text, "12345123", 8), 0);
	TRY((int)reeve_pipe_read(from2, text, 8, REEVE_FOREVER));
	r = (int)reeve_pipe_read(from2, text, 8, 0);
	return r == -ETIMEDOUT ? 0 : r;
}

/* The first write of a program asks the kernel what it can, on a pipe of its own; before
 * waiting, what is not known to be a regular file is taken for none. */
static const char *const asking[] = { "pipe2", "pwritev2", "fstat", NULL };

START_TEST(moving_bytes)
{
	fail_each_call(move_bytes, EIO, asking);
	fail_each_call(move_bytes, ENOMEM, asking);
}
END_TEST

START_TEST(moving_bytes_while_signals_come)
{
	static const char *const interruptible[] = { "preadv2", "pwritev2", "writev", "read",
		"splice", "tee", "ppoll", "pipe2", "fstat", NULL };

	fail_each_call(move_bytes, EINTR, interruptible);
}
END_TEST

static int send_frames(void)
{
	static char message[20000];
	CLEANUP_FD int from = -EBADF, to = -EBADF;
	struct reeve_frame_reader *reader = NULL;
	const void *data;
	int ends[2], r;
	size_t size;

	TRY(reeve_pipe_open(0, ends));
	from = ends[0];
	to = ends[1];
	r = reeve_frame_reader_new(1 << 20, &reader);
	if (r == 0)
		r = reeve_frame_write(to, message, sizeof message, NULL, REEVE_SEC);
	if (r == 0)
		r = reeve_frame_write(to, message, 10, NULL, REEVE_SEC);
	for (int i = 0; r >= 0 && i < 2; i++)
		r = reeve_frame_read(reader, from, REEVE_SEC, &data, &size);
	reeve_frame_reader_free(reader);
	return r < 0 ? r : 0;
}

START_TEST(sending_frames)
{
	/* Identity from elsewhere; the pipe's size guessed. */
	static const char *const absorbed[] = { "getrandom", "fcntl", "pipe2", "pwritev2", NULL };

	fail_each_call(send_frames, EIO, absorbed);
	fail_each_call(send_frames, ENOMEM, absorbed);
}
END_TEST

static char directory[64], path[96];

static int use_fifo(void)
{
	CLEANUP_FD int reader = -EBADF, writer = -EBADF, keeper = -EBADF;
	int r;

	TRY(reeve_fifo_create(path, 0666));
	r = reeve_fifo_open_write(path, 0, REEVE_MSEC);
	if (r != -ETIMEDOUT)
		goto out;
	reader = r = reeve_fifo_open_read(path, 0, 0);
	if (r < 0)
		goto out;
	writer = r = reeve_fifo_open_write(path, 0, REEVE_SEC);
	if (r < 0)
		goto out;
	keeper = r = reeve_fifo_open_read(path, REEVE_FIFO_KEEP_ALIVE, 0);
	if (r < 0)
		goto out;
	r = reeve_fifo_remove(path);
out:
	unlink(path);
	return r;
}

START_TEST(using_a_fifo)
{
	/* Without notice of openings it looks by itself. */
	static const char *const absorbed[] = { "inotify_init1", "inotify_add_watch", NULL };
	mode_t old = umask(0077);

	snprintf(directory, sizeof directory, "/tmp/reeve-fifo-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/fifo", directory);
	fail_each_call(use_fifo, EIO, absorbed);
	umask(old);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

/* Older kernels: no RWF_NOSIGNAL, no RWF_NOWAIT. */

static int ends[2];

static void open_on_an_old_kernel(void)
{
	ck_assert_int_eq(reeve_pipe_open(0, ends), 0);
	faulty_arm_call("pwritev2", 1, EOPNOTSUPP);
	ck_assert_int_eq(reeve_pipe_write(ends[1], "x", 1, REEVE_FOREVER), 1);
	ck_assert(faulty_fired());
}

static void close_ends(void)
{
	ends[0] = close_fd(ends[0]);
	ends[1] = close_fd(ends[1]);
}

START_TEST(an_old_kernel_raises_no_sigpipe_either)
{
	sigset_t set, mask, pending;
	int delivered;

	open_on_an_old_kernel();
	ends[0] = close_fd(ends[0]);
	ck_assert_int_eq(reeve_pipe_write(ends[1], "x", 1, REEVE_FOREVER), -EPIPE);
	ck_assert_int_eq(reeve_pipe_write(ends[1], "x", 1, 0), -EPIPE);
	ck_assert_int_eq(reeve_frame_write(ends[1], "x", 1, NULL, 0), -EPIPE);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	ck_assert(!sigismember(&mask, SIGPIPE));

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	ck_assert_int_eq(reeve_pipe_write(ends[1], "x", 1, 0), -EPIPE);
	sigpending(&pending);
	ck_assert(!sigismember(&pending, SIGPIPE));
	raise(SIGPIPE);
	ck_assert_int_eq(reeve_pipe_write(ends[1], "x", 1, 0), -EPIPE);
	sigpending(&pending);
	ck_assert(sigismember(&pending, SIGPIPE));
	sigwait(&set, &delivered);
	close_ends();
}
END_TEST

/* Each write is refused the call that does not wait, then polls. */
START_TEST(an_old_kernel_keeps_deadlines_too)
{
	static char block[65536];
	char byte;
	ssize_t n;
	size_t written = 1;

	open_on_an_old_kernel();
	do {
		faulty_arm_call("pwritev2", 1, EOPNOTSUPP);
		n = reeve_pipe_write(ends[1], block, sizeof block, REEVE_MSEC);
		ck_assert(faulty_fired());
		ck_assert(n == -ETIMEDOUT || (n > 0 && n <= 4096));
		written += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	ck_assert_int_eq(reeve_pipe_available(ends[0]), (long)written);
	while (written > 0) {
		faulty_arm_call("preadv2", 1, EOPNOTSUPP);
		n = reeve_pipe_read(ends[0], block, sizeof block, REEVE_MSEC);
		ck_assert(faulty_fired());
		ck_assert_int_gt(n, 0);
		written -= (size_t)n;
	}
	faulty_arm_call("preadv2", 1, EOPNOTSUPP);
	ck_assert_int_eq(reeve_pipe_read(ends[0], &byte, 1, REEVE_MSEC), -ETIMEDOUT);
	close_ends();
}
END_TEST

/* A regular file polls as ready while it says EAGAIN: it is asked again, the plain way. */
START_TEST(a_file_that_is_not_in_memory_is_waited_for)
{
	char path_of_file[] = "/tmp/reeve-pipe-XXXXXX", text[8];
	int fd = mkostemp(path_of_file, O_CLOEXEC);

	faulty_arm_call("pwritev2", 2, EAGAIN); /* the first one asks what the kernel can */
	ck_assert_int_eq(reeve_pipe_write(fd, "12345", 5, 0), 5);
	ck_assert(faulty_fired());
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	faulty_arm_call("preadv2", 1, EAGAIN);
	ck_assert_int_eq(reeve_pipe_read(fd, text, sizeof text, 0), 5);
	ck_assert(faulty_fired());
	close(fd);
	unlink(path_of_file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pipe fault");
	TCase *tcase = leakproof_case("pipe fault");

	tcase_add_test(tcase, moving_bytes);
	tcase_add_test(tcase, moving_bytes_while_signals_come);
	tcase_add_test(tcase, sending_frames);
	tcase_add_test(tcase, using_a_fifo);
	tcase_add_test(tcase, an_old_kernel_raises_no_sigpipe_either);
	tcase_add_test(tcase, an_old_kernel_keeps_deadlines_too);
	tcase_add_test(tcase, a_file_that_is_not_in_memory_is_waited_for);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
