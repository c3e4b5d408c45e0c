/* What every call of the descriptor layer that waits does when signals come meanwhile (PEP 475):
 * it runs what is due, and goes on with the time that is left; or gives up where that says so. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/interrupt.h"
#include "reeve/channel.h"
#include "reeve/fifo.h"
#include "reeve/frame.h"
#include "reeve/pipe.h"
#include "support/harness.h"

/* Each of these can neither read nor write. */
static int empty_pipe[2], full_pipe[2], empty_channel[2], full_channel[2], idle_listener,
	full_listener;
static char directory[64], fifo[80], full_address[80];
static int clients[16], client_count;

static char block[65536];

static long read_pipe(reeve_nsec timeout)
{
	return reeve_pipe_read(empty_pipe[0], block, sizeof block, timeout);
}

static long read_pipe_full(reeve_nsec timeout)
{
	return reeve_pipe_read_full(empty_pipe[0], block, sizeof block, NULL, timeout);
}

static long write_pipe(reeve_nsec timeout)
{
	return reeve_pipe_write(full_pipe[1], block, sizeof block, timeout);
}

static long write_pipe_full(reeve_nsec timeout)
{
	return reeve_pipe_write_full(full_pipe[1], block, sizeof block, NULL, timeout);
}

static long splice_from_empty(reeve_nsec timeout)
{
	return reeve_pipe_splice(empty_pipe[0], full_pipe[1], 1, timeout);
}

static long tee_from_empty(reeve_nsec timeout)
{
	return reeve_pipe_tee(empty_pipe[0], full_pipe[1], 1, timeout);
}

static long write_frame(reeve_nsec timeout)
{
	return reeve_frame_write(full_pipe[1], block, sizeof block, NULL, timeout);
}

static long read_frame(reeve_nsec timeout)
{
	struct reeve_frame_reader *reader;
	const void *data;
	size_t size;
	int r;

	ck_assert_int_eq(reeve_frame_reader_new(1, &reader), 0);
	r = reeve_frame_read(reader, empty_pipe[0], timeout, &data, &size);
	reeve_frame_reader_free(reader);
	return r;
}

static long receive(reeve_nsec timeout)
{
	return reeve_channel_receive(empty_channel[0], block, 1, NULL, 0, NULL, timeout);
}

static long send_message(reeve_nsec timeout)
{
	return reeve_channel_send(full_channel[0], block, sizeof block, NULL, 0, timeout);
}

static long accept_connection(reeve_nsec timeout)
{
	return reeve_channel_accept(idle_listener, timeout);
}

static long connect_to_full(reeve_nsec timeout)
{
	return reeve_channel_connect(full_address, timeout);
}

static long open_fifo_to_read(reeve_nsec timeout)
{
	return reeve_fifo_open_read(fifo, 0, timeout);
}

static long open_fifo_to_write(reeve_nsec timeout)
{
	return reeve_fifo_open_write(fifo, 0, timeout);
}

static const struct {
	const char *name;
	long (*call)(reeve_nsec timeout);
} waiting_calls[] = {
	{ "pipe_read", read_pipe },
	{ "pipe_read_full", read_pipe_full },
	{ "pipe_write", write_pipe },
	{ "pipe_write_full", write_pipe_full },
	{ "pipe_splice", splice_from_empty },
	{ "pipe_tee", tee_from_empty },
	{ "frame_write", write_frame },
	{ "frame_read", read_frame },
	{ "channel_receive", receive },
	{ "channel_send", send_message },
	{ "channel_accept", accept_connection },
	{ "channel_connect", connect_to_full },
	{ "fifo_open_read", open_fifo_to_read },
	{ "fifo_open_write", open_fifo_to_write },
};

enum { CALLS = sizeof waiting_calls / sizeof *waiting_calls };

static void open_all(void)
{
	char idle_address[80];

	ck_assert_int_eq(reeve_pipe_open(0, empty_pipe), 0);
	ck_assert_int_eq(reeve_pipe_open(0, full_pipe), 0);
	while (write_pipe(0) > 0)
		;
	ck_assert_int_eq(reeve_channel_pair(empty_channel), 0);
	ck_assert_int_eq(reeve_channel_pair(full_channel), 0);
	while (send_message(0) == 0)
		;
	snprintf(directory, sizeof directory, "/tmp/reeve-interrupt-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(fifo, sizeof fifo, "%s/fifo", directory);
	ck_assert_int_eq(reeve_fifo_create(fifo, 0600), 0);
	snprintf(idle_address, sizeof idle_address, "@%s", directory);
	idle_listener = reeve_channel_listen(idle_address, 0, 0);
	ck_assert_int_ge(idle_listener, 0);
	snprintf(full_address, sizeof full_address, "@%s/full", directory);
	full_listener = reeve_channel_listen(full_address, 0, 1);
	ck_assert_int_ge(full_listener, 0);
	client_count = 0;
	while ((clients[client_count] = reeve_channel_connect(full_address, 0)) >= 0)
		ck_assert_int_lt(++client_count, 16);
}

static void close_all(void)
{
	for (int i = 0; i < 2; i++) {
		close(empty_pipe[i]);
		close(full_pipe[i]);
		close(empty_channel[i]);
		close(full_channel[i]);
	}
	while (client_count > 0)
		close(clients[--client_count]);
	close(idle_listener);
	close(full_listener);
	reeve_fifo_remove(fifo);
	rmdir(directory);
}

static atomic_uint due;

static int go_on(void)
{
	atomic_fetch_add(&due, 1);
	return 0;
}

static int give_up(void)
{
	return -EINTR;
}

static void do_nothing(int signal)
{
}

/* A signal a millisecond, with a handler that interrupts. */
static void start_signals(interrupt_hook *hook)
{
	struct sigaction action = { .sa_handler = do_nothing };
	struct itimerval each = { { 0, 1000 }, { 0, 1000 } };

	atomic_store(&due, 0);
	interrupt_set_hook(hook);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
}

static void stop_signals(void)
{
	struct itimerval none = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &none, NULL);
	interrupt_set_hook(NULL);
}

START_TEST(an_interrupted_call_goes_on_with_the_time_that_is_left)
{
	do { /* once more if it was held up until its time was over */
		reeve_nsec before = reeve_now();
		long r;

		start_signals(go_on);
		r = waiting_calls[_i].call(60 * REEVE_MSEC);
		stop_signals();
		ck_assert_msg(r == -ETIMEDOUT, "%s: %ld", waiting_calls[_i].name, r);
		ck_assert_int_ge(reeve_now() - before, 60 * REEVE_MSEC);
	} while (atomic_load(&due) == 0);
}
END_TEST

START_TEST(a_call_gives_up_where_the_handler_says_so)
{
	long r;

	start_signals(give_up);
	r = waiting_calls[_i].call(REEVE_FOREVER);
	stop_signals();
	ck_assert_msg(r == -EINTR, "%s: %ld", waiting_calls[_i].name, r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fd interrupt");
	TCase *tcase = leakproof_case("fd interrupt");

	tcase_add_checked_fixture(tcase, open_all, close_all);
	tcase_add_loop_test(
		tcase, an_interrupted_call_goes_on_with_the_time_that_is_left, 0, CALLS);
	tcase_add_loop_test(tcase, a_call_gives_up_where_the_handler_says_so, 0, CALLS);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
