#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/fifo.h"
#include "reeve/frame.h"
#include "reeve/pipe.h"
#include "support/harness.h"

static int ends[2];
static struct reeve_frame_reader *reader;

static void set_up(void)
{
	ck_assert_int_eq(reeve_pipe_open(0, ends), 0);
	ck_assert_int_eq(reeve_frame_reader_new(REEVE_FRAME_MAX, &reader), 0);
}

static void close_end(int i)
{
	if (ends[i] >= 0)
		close(ends[i]);
	ends[i] = -1;
}

static void tear_down(void)
{
	reader = reeve_frame_reader_free(reader);
	close_end(0);
	close_end(1);
}

static void new_reader(size_t largest)
{
	reeve_frame_reader_free(reader);
	ck_assert_int_eq(reeve_frame_reader_new(largest, &reader), 0);
}

/* Message number n: its size and each of its bytes follow from n. */
static size_t message_size(unsigned n)
{
	static const size_t sizes[] = { 0, 1, 100, REEVE_FRAME_SMALL, REEVE_FRAME_SMALL + 1, 20000,
		65536, 70000, 300000 };

	return sizes[n % (sizeof sizes / sizeof *sizes)];
}

static void make_message(unsigned n, char *data)
{
	for (size_t i = 0; i < message_size(n); i++)
		data[i] = (char)(n * 7 + i + (i >> 8));
}

static void check_message(unsigned n, const void *data, size_t size)
{
	static char expected[300000];

	ck_assert_uint_eq(size, message_size(n));
	make_message(n, expected);
	ck_assert_int_eq(memcmp(data, expected, size), 0);
}

static int read_now(const void **data, size_t *size)
{
	return reeve_frame_read(reader, ends[0], 0, data, size);
}

START_TEST(messages_come_out_as_they_went_in)
{
	static char message[300000];
	const void *data;
	size_t size;

	ck_assert_int_gt(reeve_pipe_set_size(ends[1], 1 << 19), 0);
	for (unsigned n = 0; n < 18; n++) {
		make_message(n, message);
		ck_assert_int_eq(reeve_frame_write(ends[1], message, message_size(n), NULL, 0), 0);
		ck_assert_int_eq(read_now(&data, &size), 1);
		check_message(n, data, size);
	}
	ck_assert_int_eq(read_now(&data, &size), -ETIMEDOUT);
	close_end(1);
	ck_assert_int_eq(read_now(&data, &size), 0);
	ck_assert_int_eq(read_now(&data, &size), 0);
}
END_TEST

START_TEST(many_small_messages_wait_in_the_pipe)
{
	const void *data;
	size_t size;
	unsigned count = 0;

	while (reeve_frame_write(ends[1], &count, sizeof count, NULL, 0) == 0)
		count++;
	ck_assert_uint_gt(count, 100);
	close_end(1);
	for (unsigned i = 0; i < count; i++) {
		ck_assert_int_eq(read_now(&data, &size), 1);
		ck_assert_uint_eq(size, sizeof i);
		ck_assert_int_eq(memcmp(data, &i, size), 0);
	}
	ck_assert_int_eq(read_now(&data, &size), 0);
}
END_TEST

/* One thread, no waiting at all: what an event loop does. */
START_TEST(a_message_larger_than_the_pipe_goes_bit_by_bit)
{
	static char message[300000];
	struct reeve_frame_progress progress = { 0 };
	const void *data;
	size_t size;
	int written, turns = 0;

	make_message(8, message);
	do {
		size_t before = progress.sent;

		written = reeve_frame_write(ends[1], message, sizeof message, &progress, 0);
		ck_assert(written == 0 || (written == -ETIMEDOUT && progress.sent > before));
		ck_assert_int_eq(read_now(&data, &size), written == 0 ? 1 : -ETIMEDOUT);
		turns++;
	} while (written < 0);
	check_message(8, data, size);
	ck_assert_int_ge(turns, 4);
	ck_assert_uint_eq(progress.id, 0);
	ck_assert_uint_eq(progress.sent, 0);
}
END_TEST

START_TEST(a_message_whose_writer_gave_up_is_dropped)
{
	static char message[300000];
	const void *data;
	size_t size;

	ck_assert_int_eq(reeve_frame_write(ends[1], message, sizeof message, NULL, 0), -ETIMEDOUT);
	ck_assert_int_eq(read_now(&data, &size), -ETIMEDOUT);
	ck_assert_int_eq(reeve_frame_write(ends[1], "next", 4, NULL, 0), 0);
	ck_assert_int_eq(read_now(&data, &size), 1);
	ck_assert_int_eq(memcmp(data, "next", 4), 0);
	close_end(1);
	ck_assert_int_eq(read_now(&data, &size), 0);
}
END_TEST

/* However many give up, the one that is being sent now is not what is forgotten. */
START_TEST(messages_given_up_make_room_for_others)
{
	static char message[20000];
	const void *data;
	size_t size;

	ck_assert_int_gt(reeve_pipe_set_size(ends[1], 4 * 4096), 0);
	for (int i = 0; i < 5 * REEVE_FRAME_PENDING_MAX; i++) {
		ck_assert_int_eq(
			reeve_frame_write(ends[1], message, sizeof message, NULL, 0), -ETIMEDOUT);
		ck_assert_int_eq(read_now(&data, &size), -ETIMEDOUT);
	}
	ck_assert_int_gt(reeve_pipe_set_size(ends[1], 65536), 0);
	ck_assert_int_eq(reeve_frame_write(ends[1], message, sizeof message, NULL, 0), 0);
	ck_assert_int_eq(read_now(&data, &size), 1);
	ck_assert_uint_eq(size, sizeof message);
}
END_TEST

START_TEST(what_is_too_large_is_reported_once_and_skipped)
{
	static char message[20000];
	const void *data;
	size_t size;

	new_reader(10);
	ck_assert_int_eq(reeve_frame_write(ends[1], message, sizeof message, NULL, 0), 0);
	ck_assert_int_eq(reeve_frame_write(ends[1], message, 11, NULL, 0), 0);
	ck_assert_int_eq(reeve_frame_write(ends[1], message, 10, NULL, 0), 0);
	ck_assert_int_eq(read_now(&data, &size), -EMSGSIZE);
	ck_assert_int_eq(read_now(&data, &size), -EMSGSIZE);
	ck_assert_int_eq(read_now(&data, &size), 1);
	ck_assert_uint_eq(size, 10);
	ck_assert_int_eq(read_now(&data, &size), -ETIMEDOUT);
	ck_assert_int_eq(reeve_frame_reader_new(REEVE_FRAME_MAX + 1, &reader), -EINVAL);
	ck_assert_int_eq(
		reeve_frame_write(ends[1], message, REEVE_FRAME_MAX + 1, NULL, 0), -EMSGSIZE);
}
END_TEST

START_TEST(a_strangers_bytes_are_reported_once_and_skipped)
{
	static const char *const garbage[] = { "hello\n", "RVM1 but no frame of ours at all, see?",
		"R", "RVM1" };
	static char blanks[5000];
	const void *data;
	size_t size;

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(reeve_pipe_write(ends[1], garbage[i], strlen(garbage[i]), 0),
			(int)strlen(garbage[i]));
		ck_assert_int_eq(reeve_frame_write(ends[1], "a", 1, NULL, 0), 0);
		ck_assert_int_eq(read_now(&data, &size), -EBADMSG);
		ck_assert_int_eq(read_now(&data, &size), 1);
		ck_assert_int_eq(*(const char *)data, 'a');
	}
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
			reeve_pipe_write(ends[1], blanks, sizeof blanks, 0), sizeof blanks);
		ck_assert_int_eq(read_now(&data, &size), i == 0 ? -EBADMSG : -ETIMEDOUT);
	}
	ck_assert_int_eq(read_now(&data, &size), -ETIMEDOUT);
	ck_assert_int_eq(reeve_pipe_write(ends[1], "RVM1", 4, 0), 4);
	ck_assert_int_eq(read_now(&data, &size), -ETIMEDOUT);
	close_end(1);
	ck_assert_int_eq(read_now(&data, &size), 0);
}
END_TEST

START_TEST(half_a_frame_at_the_end_is_reported)
{
	const void *data;
	size_t size;

	ck_assert_int_eq(reeve_pipe_write(ends[1], "RVM1", 4, 0), 4);
	close_end(1);
	ck_assert_int_eq(read_now(&data, &size), -EBADMSG);
	ck_assert_int_eq(read_now(&data, &size), 0);
}
END_TEST

START_TEST(arguments_that_cannot_be_are_refused)
{
	struct reeve_frame_progress progress = { .sent = 3 };
	const void *data;
	size_t size;
	int pair[2];

	ck_assert_int_eq(reeve_frame_write(ends[1], "abcd", 4, &progress, 0), -EINVAL);
	ck_assert_int_eq(reeve_frame_write(ends[1], "abcd", 4, NULL, -3), -EINVAL);
	ck_assert_int_eq(reeve_frame_read(reader, ends[0], -3, &data, &size), -EINVAL);
	ck_assert_int_eq(reeve_frame_read(reader, -1, 0, &data, &size), -EBADF);
	ck_assert_int_eq(reeve_frame_write(-1, "abcd", 4, NULL, 0), -EBADF);
	close_end(0);
	ck_assert_int_eq(reeve_frame_write(ends[1], "abcd", 4, NULL, REEVE_FOREVER), -EPIPE);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(reeve_frame_write(pair[0], "abcd", 4, NULL, 0), 0);
	ck_assert_int_eq(reeve_frame_read(reader, pair[1], REEVE_SEC, &data, &size), 1);
	ck_assert_int_eq(memcmp(data, "abcd", 4), 0);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* Several writers. Each message begins with its writer, its turn and the number that the rest follows from. */

enum { WRITERS = 6, MESSAGES = 60 };

struct label {
	unsigned writer, turn, n;
};

static void write_all(int fd, unsigned writer)
{
	static char message[sizeof(struct label) + 300000];
	unsigned seed = writer;

	for (unsigned turn = 0; turn < MESSAGES; turn++) {
		struct label label = { writer, turn, (unsigned)rand_r(&seed) % 9 };

		memcpy(message, &label, sizeof label);
		make_message(label.n, message + sizeof label);
		if (reeve_frame_write(fd, message, sizeof label + message_size(label.n), NULL,
			    REEVE_FOREVER) < 0)
			_exit(1);
	}
}

static void start_writers(int fd)
{
	for (unsigned writer = 0; writer < WRITERS; writer++)
		if (fork() == 0) {
			write_all(fd, writer);
			_exit(0);
		}
}

static void reap_writers(void)
{
	int status;

	while (wait(&status) > 0)
		ck_assert_int_eq(status, 0);
}

static void check_labelled(const void *data, size_t size, unsigned next_turn[WRITERS])
{
	struct label label;

	ck_assert_uint_ge(size, sizeof label);
	memcpy(&label, data, sizeof label);
	ck_assert_uint_lt(label.writer, WRITERS);
	ck_assert_uint_eq(label.turn, next_turn[label.writer]);
	next_turn[label.writer]++;
	check_message(label.n, (const char *)data + sizeof label, size - sizeof label);
}

START_TEST(several_writers_never_mix_their_messages)
{
	unsigned next_turn[WRITERS] = { 0 };
	const void *data;
	size_t size;
	int r;

	start_writers(ends[1]);
	close_end(1);
	while ((r = reeve_frame_read(reader, ends[0], REEVE_FOREVER, &data, &size)) == 1)
		check_labelled(data, size, next_turn);
	ck_assert_int_eq(r, 0);
	for (int i = 0; i < WRITERS; i++)
		ck_assert_uint_eq(next_turn[i], MESSAGES);
	reap_writers();
}
END_TEST

/* Whole messages only, whatever moment a writer is killed at; and those of the others all arrive. */
START_TEST(a_writer_that_is_killed_leaves_nothing_behind)
{
	unsigned next_turn[WRITERS] = { 0 };
	const void *data;
	size_t size;
	int r;

	start_writers(ends[1]);
	for (int i = 0; i < 40; i++) {
		pid_t victim = fork();

		if (victim == 0) {
			static char message[200000];

			memset(message, 0xff, sizeof message);
			for (;;)
				reeve_frame_write(
					ends[1], message, sizeof message, NULL, REEVE_FOREVER);
		}
		r = reeve_frame_read(reader, ends[0], REEVE_FOREVER, &data, &size);
		ck_assert_int_eq(r, 1);
		if (size == 200000)
			ck_assert_uint_eq(((const unsigned char *)data)[199999], 0xff);
		else
			check_labelled(data, size, next_turn);
		kill(victim, SIGKILL);
		ck_assert_int_eq(waitpid(victim, NULL, 0), victim);
	}
	close_end(1);
	while ((r = reeve_frame_read(reader, ends[0], REEVE_FOREVER, &data, &size)) == 1)
		if (size != 200000)
			check_labelled(data, size, next_turn);
	ck_assert_int_eq(r, 0);
	for (int i = 0; i < WRITERS; i++)
		ck_assert_uint_eq(next_turn[i], MESSAGES);
	reap_writers();
}
END_TEST

/* A reader is killed over and over; its successors never see half a frame. What a dead one had read is lost: so the
 * turns of a writer only ever go up. */
START_TEST(a_reader_that_is_killed_hands_over_to_the_next)
{
	char path[] = "/tmp/reeve-frame-XXXXXX", fifo[64];
	int keep, hand, report[2];

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(fifo, sizeof fifo, "%s/fifo", path);
	ck_assert_int_eq(reeve_fifo_create(fifo, 0600), 0);
	keep = reeve_fifo_open_write(fifo, REEVE_FIFO_KEEP_ALIVE, 0);
	ck_assert_int_ge(keep, 0);
	ck_assert_int_eq(reeve_pipe_open(0, report), 0);
	start_writers(keep);
	for (int generation = 0; generation < 25; generation++) {
		pid_t victim = fork();
		char verdict;

		if (victim == 0) {
			unsigned last[WRITERS] = { 0 };
			const void *data;
			size_t size;

			hand = reeve_fifo_open_read(fifo, 0, 0);
			for (;;) {
				struct label label;
				int r = reeve_frame_read(reader, hand, REEVE_FOREVER, &data, &size);

				memset(&label, 0xff, sizeof label);
				if (r == 1 && size >= sizeof label)
					memcpy(&label, data, sizeof label);
				verdict =
					r == 1 && label.writer < WRITERS &&
							label.turn >= last[label.writer] &&
							size == sizeof label + message_size(label.n)
						? 'y'
						: 'n';
				if (verdict == 'y')
					last[label.writer] = label.turn;
				(void)!write(report[1], &verdict, 1);
			}
		}
		ck_assert_int_eq(read(report[0], &verdict, 1), 1);
		ck_assert_int_eq(verdict, 'y');
		kill(victim, SIGKILL);
		ck_assert_int_eq(waitpid(victim, NULL, 0), victim);
		while (reeve_pipe_available(report[0]) > 0) {
			ck_assert_int_eq(read(report[0], &verdict, 1), 1);
			ck_assert_int_eq(verdict, 'y');
		}
		if (waitpid(-1, NULL, WNOHANG) != 0)
			break; /* the writers are done */
	}
	close(report[0]);
	close(report[1]);
	hand = reeve_fifo_open_read(fifo, 0, 0);
	while (waitpid(-1, NULL, WNOHANG) >= 0) {
		const void *data;
		size_t size;
		int r = reeve_frame_read(reader, hand, REEVE_MSEC, &data, &size);

		ck_assert(r == 1 || r == -ETIMEDOUT);
	}
	close(hand);
	close(keep);
	ck_assert_int_eq(reeve_fifo_remove(fifo), 0);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

static void fill_with_messages(void)
{
	unsigned byte = 0;

	while (reeve_frame_write(ends[1], &byte, sizeof byte, NULL, 0) == 0)
		;
}

/* So a frame is never half read. A pipe that was made larger is noticed when a read got all it could. */
START_TEST(a_pipe_is_emptied_at_a_stroke_whatever_its_size)
{
	const void *data;
	size_t size;

	for (int i = 0; i < 3; i++) {
		fill_with_messages();
		while (read_now(&data, &size) == 1)
			;
		fill_with_messages();
		ck_assert_int_eq(read_now(&data, &size), 1);
		ck_assert_int_eq(reeve_pipe_available(ends[0]), 0);
		while (read_now(&data, &size) == 1)
			;
		ck_assert_int_gt(
			reeve_pipe_set_size(ends[0], 2 * (size_t)reeve_pipe_size(ends[0])), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tcase = leakproof_case("frame");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, messages_come_out_as_they_went_in);
	tcase_add_test(tcase, many_small_messages_wait_in_the_pipe);
	tcase_add_test(tcase, a_message_larger_than_the_pipe_goes_bit_by_bit);
	tcase_add_test(tcase, a_message_whose_writer_gave_up_is_dropped);
	tcase_add_test(tcase, messages_given_up_make_room_for_others);
	tcase_add_test(tcase, what_is_too_large_is_reported_once_and_skipped);
	tcase_add_test(tcase, a_strangers_bytes_are_reported_once_and_skipped);
	tcase_add_test(tcase, half_a_frame_at_the_end_is_reported);
	tcase_add_test(tcase, arguments_that_cannot_be_are_refused);
	tcase_add_test(tcase, several_writers_never_mix_their_messages);
	tcase_add_test(tcase, a_writer_that_is_killed_leaves_nothing_behind);
	tcase_add_test(tcase, a_reader_that_is_killed_hands_over_to_the_next);
	tcase_add_test(tcase, a_pipe_is_emptied_at_a_stroke_whatever_its_size);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
