#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/interrupt.h"
#include "lib/loop/timer_heap.h"
#include "reeve/loop.h"
#include "support/harness.h"

#define LONG_ENOUGH (10 * REEVE_SEC)

static struct reeve_loop *loop;

/* What was called, in order: each source has a letter as its data. */
static char calls[4096];

#define LETTER(letter) ((void *)(uintptr_t)(letter))

static void note(const void *letter)
{
	size_t length = strlen(calls);

	ck_assert_uint_lt(length + 1, sizeof calls);
	calls[length] = (char)(uintptr_t)letter;
	calls[length + 1] = '\0';
}

static void on_fd(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	note(data);
}

static void on_timer(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	note(data);
}

static void on_deferred(struct reeve_loop_source *source, void *data)
{
	note(data);
}

static void make_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void make_readable_pipe(int fds[2])
{
	make_pipe(fds);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

static void close_pipe(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static struct reeve_loop_source *add_fd(int fd, unsigned events, char letter)
{
	struct reeve_loop_source *source;

	ck_assert_int_eq(reeve_loop_add_fd(loop, fd, events, on_fd, LETTER(letter), &source), 0);
	return source;
}

static struct reeve_loop_source *add_timer(reeve_nsec after, reeve_nsec interval, char letter)
{
	struct reeve_loop_source *source;

	ck_assert_int_eq(reeve_loop_add_timer(loop, on_timer, LETTER(letter), &source), 0);
	ck_assert_int_eq(reeve_loop_timer_start(source, after, interval), 0);
	return source;
}

static struct reeve_loop_source *defer(char letter)
{
	struct reeve_loop_source *source;

	ck_assert_int_eq(reeve_loop_defer(loop, on_deferred, LETTER(letter), &source), 0);
	return source;
}

/* The calls of one round that has something to do, or "" where it has not. */
static const char *calls_of_round(void)
{
	int r;

	calls[0] = '\0';
	r = reeve_loop_run_once(loop, 0);
	ck_assert_int_eq(r, (int)strlen(calls));
	return calls;
}

static void open_loop(void)
{
	ck_assert_int_eq(reeve_loop_new(&loop), 0);
	calls[0] = '\0';
}

static void close_loop(void)
{
	loop = reeve_loop_free(loop);
}

/* --- descriptors --- */

static unsigned seen_events;
static int seen_fd;

static void see(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	seen_fd = fd;
	seen_events = events;
	note(LETTER('s'));
}

START_TEST(a_ready_descriptor_is_told_in_every_round_until_it_is_read)
{
	int fds[2];
	char byte;

	make_readable_pipe(fds);
	add_fd(fds[0], REEVE_LOOP_READABLE, 'a');
	ck_assert_str_eq(calls_of_round(), "a");
	ck_assert_str_eq(calls_of_round(), "a");
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	ck_assert_str_eq(calls_of_round(), "");
	close_loop();
	close_pipe(fds);
}
END_TEST

START_TEST(the_events_told_are_those_that_hold)
{
	int fds[2];
	struct reeve_loop_source *reader, *writer;

	make_readable_pipe(fds);
	ck_assert_int_eq(reeve_loop_add_fd(loop, fds[0], REEVE_LOOP_READABLE, see, NULL, &reader), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 1);
	ck_assert_int_eq(seen_fd, fds[0]);
	ck_assert_uint_eq(seen_events, REEVE_LOOP_READABLE);
	reeve_loop_source_free(reader);

	ck_assert_int_eq(reeve_loop_add_fd(loop, fds[1], REEVE_LOOP_WRITABLE, see, NULL, &writer), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 1);
	ck_assert_uint_eq(seen_events, REEVE_LOOP_WRITABLE);
	close(fds[0]);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 1);
	ck_assert_uint_eq(seen_events, REEVE_LOOP_WRITABLE | REEVE_LOOP_ERROR);
	reeve_loop_source_free(writer);
	close(fds[1]);
	close_loop();
}
END_TEST

START_TEST(a_paused_descriptor_tells_nothing_not_even_its_hangup)
{
	int fds[2];
	struct reeve_loop_source *source;

	make_readable_pipe(fds);
	close(fds[1]);
	source = add_fd(fds[0], 0, 'a');
	ck_assert_str_eq(calls_of_round(), "");
	ck_assert_int_eq(reeve_loop_fd_set_events(source, REEVE_LOOP_READABLE), 0);
	ck_assert_str_eq(calls_of_round(), "a");
	ck_assert_int_eq(reeve_loop_fd_set_events(source, 0), 0);
	ck_assert_int_eq(reeve_loop_fd_set_events(source, 0), 0);
	ck_assert_str_eq(calls_of_round(), "");
	close_loop();
	close(fds[0]);
}
END_TEST

START_TEST(what_cannot_be_watched_is_refused_by_name)
{
	int fds[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct reeve_loop_source *source = NULL, *timer;

	make_pipe(fds);
	for (int paused = 0; paused < 2; paused++) {
		unsigned events = paused ? 0 : REEVE_LOOP_READABLE;

		ck_assert_int_eq(reeve_loop_add_fd(loop, file, events, on_fd, NULL, &source), -EPERM);
		ck_assert_int_eq(reeve_loop_add_fd(loop, -1, events, on_fd, NULL, &source), -EBADF);
		ck_assert_int_eq(reeve_loop_add_fd(loop, 1000000, events, on_fd, NULL, &source), -EBADF);
	}
	ck_assert_int_eq(reeve_loop_add_fd(loop, fds[0], 1 << 6, on_fd, NULL, &source), -EINVAL);
	ck_assert_int_eq(reeve_loop_add_fd(loop, fds[0], 0, NULL, NULL, &source), -EINVAL);
	ck_assert_int_lt(reeve_loop_add_fd(loop, reeve_loop_fd(loop), REEVE_LOOP_READABLE, on_fd, NULL,
		&source), 0);
	ck_assert_ptr_null(source);
	ck_assert_int_eq(reeve_loop_add_timer(loop, NULL, NULL, &source), -EINVAL);
	ck_assert_int_eq(reeve_loop_defer(loop, NULL, NULL, &source), -EINVAL);

	source = add_fd(fds[0], REEVE_LOOP_READABLE, 'a');
	timer = add_timer(LONG_ENOUGH, 0, 't');
	ck_assert_int_eq(reeve_loop_add_fd(loop, fds[0], 0, on_fd, NULL, &timer), -EEXIST);
	ck_assert_int_eq(reeve_loop_fd_set_events(source, 1 << 6), -EINVAL);
	ck_assert_int_eq(reeve_loop_fd_set_events(timer, 0), -EINVAL);
	ck_assert_int_eq(reeve_loop_timer_start(source, 0, 0), -EINVAL);
	ck_assert_int_eq(reeve_loop_timer_stop(source), -EINVAL);
	ck_assert_int_eq(reeve_loop_timer_deadline(source), -EINVAL);
	ck_assert_int_eq(reeve_loop_deferred_schedule(source), -EINVAL);
	ck_assert_int_eq(reeve_loop_timer_start(timer, -1, 0), -EINVAL);
	ck_assert_int_eq(reeve_loop_timer_start(timer, 0, -1), -EINVAL);
	ck_assert_int_eq(reeve_loop_timer_start_at(timer, -1, 0), -EINVAL);
	ck_assert_int_eq(reeve_loop_run_once(loop, -2), -EINVAL);
	ck_assert_ptr_eq(reeve_loop_source_loop(timer), loop);
	close_loop();
	close_pipe(fds);
	close(file);
}
END_TEST

START_TEST(a_descriptor_closed_too_early_goes_silent_and_its_number_can_be_had_again)
{
	int fds[2], again;
	struct reeve_loop_source *source, *other;

	make_readable_pipe(fds);
	source = add_fd(fds[0], REEVE_LOOP_READABLE, 'a');
	close(fds[0]);
	ck_assert_str_eq(calls_of_round(), "");
	ck_assert_int_eq(reeve_loop_fd_set_events(source, REEVE_LOOP_WRITABLE), -EBADF);
	again = dup(fds[1]);
	ck_assert_int_eq(again, fds[0]);
	ck_assert_int_eq(reeve_loop_fd_set_events(source, REEVE_LOOP_WRITABLE), -ENOENT);
	ck_assert_int_eq(reeve_loop_add_fd(loop, again, 0, on_fd, NULL, &other), -EEXIST);
	reeve_loop_source_free(source);
	add_fd(again, REEVE_LOOP_ERROR, 'b');
	ck_assert_str_eq(calls_of_round(), "b");
	close_loop();
	close_pipe(fds);
}
END_TEST

/* The kernel goes on reporting a registration whose descriptor was closed while a duplicate lives on: nobody may be
 * called for it, and it may not keep the loop awake. */
START_TEST(the_ghost_of_a_closed_descriptor_is_laid)
{
	int fds[2], other[2], kept;
	struct pollfd embedded;

	make_readable_pipe(fds);
	make_readable_pipe(other);
	add_fd(other[0], REEVE_LOOP_READABLE, 'b');
	embedded = (struct pollfd){ .fd = reeve_loop_fd(loop), .events = POLLIN };
	for (int with_successor = 0; with_successor < 2; with_successor++) {
		struct reeve_loop_source *source = add_fd(fds[0], REEVE_LOOP_READABLE, 'a');
		int number = fds[0];

		kept = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
		close(fds[0]);
		reeve_loop_source_free(source);
		if (with_successor) {
			ck_assert_int_eq(dup2(fds[1], number), number);
			source = add_fd(number, REEVE_LOOP_READABLE, 'c');
		}
		ck_assert_str_eq(calls_of_round(), "b");
		if (with_successor) {
			reeve_loop_source_free(source);
			close(number);
		}
		fds[0] = kept;
	}
	while (read(other[0], &(char){ 0 }, 1) > 0)
		continue;
	ck_assert_int_eq(poll(&embedded, 1, 0), 0);
	ck_assert_int_eq(write(other[1], "x", 1), 1);
	ck_assert_int_eq(poll(&embedded, 1, 0), 1);
	ck_assert_str_eq(calls_of_round(), "b");
	close_loop();
	close_pipe(fds);
	close_pipe(other);
}
END_TEST

START_TEST(more_descriptors_than_one_round_looks_at_have_their_turn)
{
	enum { COUNT = 400 };
	static int fds[COUNT];
	int pipe_fds[2], rounds = 0;

	make_readable_pipe(pipe_fds);
	for (int i = 0; i < COUNT; i++) {
		fds[i] = fcntl(pipe_fds[0], F_DUPFD_CLOEXEC, 0);
		add_fd(fds[i], REEVE_LOOP_READABLE, 'a');
	}
	calls[0] = '\0';
	while (strlen(calls) < COUNT && rounds++ < COUNT)
		ck_assert_int_gt(reeve_loop_run_once(loop, 0), 0);
	ck_assert_int_le(rounds, 5);
	close_loop();
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	close_pipe(pipe_fds);
}
END_TEST

/* --- changes from callbacks --- */

static struct reeve_loop_source *victims[3];

static void free_all_victims(void)
{
	for (size_t i = 0; i < 3; i++)
		victims[i] = reeve_loop_source_free(victims[i]);
}

static void free_victims_on_fd(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	note(data);
	free_all_victims();
}

static void free_victims_on_timer(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	note(data);
	free_all_victims();
}

static void free_victims_on_deferred(struct reeve_loop_source *source, void *data)
{
	note(data);
	free_all_victims();
}

/* Whichever is called first frees all three, itself among them: none of the others may be called. */
START_TEST(sources_ready_in_one_round_may_free_one_another_and_themselves)
{
	int fds[3][2];

	for (int i = 0; i < 3; i++) {
		make_readable_pipe(fds[i]);
		ck_assert_int_eq(reeve_loop_add_fd(loop, fds[i][0], REEVE_LOOP_READABLE,
			free_victims_on_fd, LETTER('f'), &victims[i]), 0);
	}
	ck_assert_str_eq(calls_of_round(), "f");
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(reeve_loop_add_timer(loop, free_victims_on_timer, LETTER('t'), &victims[i]), 0);
		ck_assert_int_eq(reeve_loop_timer_start(victims[i], 0, i), 0);
	}
	ck_assert_str_eq(calls_of_round(), "t");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(reeve_loop_defer(loop, free_victims_on_deferred, LETTER('d'), &victims[i]), 0);
	ck_assert_str_eq(calls_of_round(), "d");
	ck_assert_str_eq(calls_of_round(), "");
	close_loop();
	for (int i = 0; i < 3; i++)
		close_pipe(fds[i]);
}
END_TEST

static void silence_victim(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	note(data);
	ck_assert_int_eq(reeve_loop_timer_stop(victims[0]), 0);
	ck_assert_int_eq(reeve_loop_timer_deadline(victims[0]), REEVE_FOREVER);
}

static void pause_victims(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	note(data);
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(reeve_loop_fd_set_events(victims[i], 0), 0);
}

START_TEST(what_was_stopped_or_paused_in_a_round_is_not_called_in_it)
{
	struct reeve_loop_source *first;
	int fds[2][2];

	ck_assert_int_eq(reeve_loop_add_timer(loop, silence_victim, LETTER('a'), &first), 0);
	ck_assert_int_eq(reeve_loop_timer_start(first, 0, 0), 0);
	victims[0] = add_timer(0, 1, 'b');
	ck_assert_str_eq(calls_of_round(), "a");
	ck_assert_str_eq(calls_of_round(), "");

	for (int i = 0; i < 2; i++) {
		make_readable_pipe(fds[i]);
		ck_assert_int_eq(reeve_loop_add_fd(loop, fds[i][0], REEVE_LOOP_READABLE, pause_victims,
			LETTER('p'), &victims[i]), 0);
	}
	ck_assert_str_eq(calls_of_round(), "p");
	ck_assert_str_eq(calls_of_round(), "");
	close_loop();
	for (int i = 0; i < 2; i++)
		close_pipe(fds[i]);
}
END_TEST

static void free_the_loop(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	note(data);
	loop = reeve_loop_free(loop);
}

START_TEST(a_callback_may_free_the_loop)
{
	struct reeve_loop_source *source;

	ck_assert_int_eq(reeve_loop_add_timer(loop, free_the_loop, LETTER('a'), &source), 0);
	ck_assert_int_eq(reeve_loop_timer_start(source, 0, 1), 0);
	add_timer(0, 0, 'b');
	defer('c');
	ck_assert_int_eq(reeve_loop_run(loop), -ECANCELED);
	ck_assert_str_eq(calls, "a");
}
END_TEST

static int nested_results[2];

static void run_nested(struct reeve_loop_source *source, void *data)
{
	nested_results[0] = reeve_loop_run(loop);
	nested_results[1] = reeve_loop_run_once(loop, 0);
}

START_TEST(a_nested_run_is_refused)
{
	ck_assert_int_eq(reeve_loop_defer(loop, run_nested, NULL, NULL), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 1);
	ck_assert_int_eq(nested_results[0], -EBUSY);
	ck_assert_int_eq(nested_results[1], -EBUSY);
	close_loop();
}
END_TEST

/* --- run and stop --- */

static void stop_with_7(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	reeve_loop_stop(loop, 7);
}

START_TEST(run_returns_what_stop_was_given_after_the_round)
{
	struct reeve_loop_source *source;

	ck_assert_int_eq(reeve_loop_add_timer(loop, stop_with_7, NULL, &source), 0);
	ck_assert_int_eq(reeve_loop_timer_start(source, REEVE_MSEC, 0), 0);
	ck_assert_int_eq(reeve_loop_timer_start_at(add_timer(0, 0, 'a'),
		reeve_loop_timer_deadline(source), 0), 0);
	ck_assert_int_eq(reeve_loop_run(loop), 7);
	ck_assert_str_eq(calls, "a");
	reeve_loop_stop(loop, 8);
	defer('b');
	ck_assert_int_eq(reeve_loop_run(loop), 8);
	ck_assert_str_eq(calls, "a");
	ck_assert_str_eq(calls_of_round(), "b");
	close_loop();
}
END_TEST

START_TEST(one_round_ends_at_its_timeout)
{
	reeve_nsec before = reeve_now();
	int fds[2];

	make_pipe(fds);
	add_fd(fds[0], REEVE_LOOP_READABLE, 'a');
	ck_assert_int_eq(reeve_loop_run_once(loop, 20 * REEVE_MSEC), 0);
	ck_assert_int_ge(reeve_now() - before, 20 * REEVE_MSEC);
	reeve_loop_stop(loop, 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 0);
	close_loop();
	close_pipe(fds);
}
END_TEST

START_TEST(a_loop_with_nothing_to_do_sleeps)
{
	struct rusage before, after;
	int fds[2];

	make_pipe(fds);
	add_fd(fds[0], REEVE_LOOP_READABLE, 'a');
	add_timer(LONG_ENOUGH, LONG_ENOUGH, 't');
	getrusage(RUSAGE_THREAD, &before);
	ck_assert_int_eq(reeve_loop_run_once(loop, 300 * REEVE_MSEC), 0);
	getrusage(RUSAGE_THREAD, &after);
	ck_assert_int_le(after.ru_nvcsw - before.ru_nvcsw, 1);
	close_loop();
	close_pipe(fds);
}
END_TEST

/* --- timers --- */

START_TEST(timers_are_called_by_deadline_and_equal_ones_in_start_order)
{
	reeve_nsec start = reeve_now();
	struct reeve_loop_source *timers[5];

	for (int i = 0; i < 5; i++)
		timers[i] = add_timer(LONG_ENOUGH, 0, "abcde"[i]);
	for (int i = 4; i >= 0; i--)
		ck_assert_int_eq(reeve_loop_timer_start_at(timers[i], start + i / 2, 0), 0);
	ck_assert_str_eq(calls_of_round(), "badce");
	ck_assert_str_eq(calls_of_round(), "");
	close_loop();
}
END_TEST

static uint64_t seen_expirations;
static reeve_nsec seen_time;

static void count_expirations(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	seen_expirations = expirations;
	seen_time = reeve_now();
}

START_TEST(a_timer_is_never_early)
{
	struct reeve_loop_source *timer;

	ck_assert_int_eq(reeve_loop_add_timer(loop, count_expirations, NULL, &timer), 0);
	ck_assert_int_eq(reeve_loop_timer_deadline(timer), REEVE_FOREVER);
	for (reeve_nsec after = 1; after < 20 * REEVE_MSEC; after = after * 7 / 2 + 1) {
		reeve_nsec deadline;

		ck_assert_int_eq(reeve_loop_timer_start(timer, after, 0), 0);
		deadline = reeve_loop_timer_deadline(timer);
		ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 1);
		ck_assert_int_ge(seen_time, deadline);
		ck_assert_int_ge(reeve_loop_now(loop), deadline);
		ck_assert_uint_eq(seen_expirations, 1);
		ck_assert_int_eq(reeve_loop_timer_deadline(timer), REEVE_FOREVER);
	}
	close_loop();
}
END_TEST

START_TEST(a_late_repeating_timer_is_called_once_and_stays_on_its_grid)
{
	struct reeve_loop_source *timer;
	reeve_nsec start = reeve_now() - 1000 * REEVE_SEC;

	ck_assert_int_eq(reeve_loop_add_timer(loop, count_expirations, NULL, &timer), 0);
	ck_assert_int_eq(reeve_loop_timer_start_at(timer, start, 10 * REEVE_SEC), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 1);
	ck_assert_uint_eq(seen_expirations, 101);
	ck_assert_int_eq(reeve_loop_timer_deadline(timer), start + 1010 * REEVE_SEC);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 0);
	close_loop();
}
END_TEST

START_TEST(deadlines_past_the_end_of_time_are_clipped)
{
	struct reeve_loop_source *timer;

	ck_assert_int_eq(reeve_loop_add_timer(loop, count_expirations, NULL, &timer), 0);
	ck_assert_int_eq(reeve_loop_timer_start(timer, INT64_MAX, 0), 0);
	ck_assert_int_eq(reeve_loop_timer_deadline(timer), INT64_MAX);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_MSEC), 0);
	ck_assert_int_eq(reeve_loop_timer_start_at(timer, 0, INT64_MAX), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 1);
	ck_assert_int_eq(reeve_loop_timer_deadline(timer), INT64_MAX);
	close_loop();
}
END_TEST

static void restart_in_the_past(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	note(data);
	ck_assert_int_eq(reeve_loop_timer_start_at(source, 0, 0), 0);
}

static void schedule_again(struct reeve_loop_source *source, void *data)
{
	note(data);
	ck_assert_int_eq(reeve_loop_deferred_schedule(source), 0);
	ck_assert_int_eq(reeve_loop_deferred_schedule(source), 0);
}

/* A timer that is always due, a deferred call that is always outstanding and a descriptor that is always ready all
 * have their turn, once each, in every round. */
START_TEST(no_source_starves_another)
{
	struct reeve_loop_source *hog, *deferred;
	int fds[2];

	make_readable_pipe(fds);
	ck_assert_int_eq(reeve_loop_add_timer(loop, restart_in_the_past, LETTER('a'), &hog), 0);
	ck_assert_int_eq(reeve_loop_timer_start_at(hog, 0, 0), 0);
	add_timer(0, 1, 'b');
	ck_assert_int_eq(reeve_loop_defer(loop, schedule_again, LETTER('d'), &deferred), 0);
	add_fd(fds[0], REEVE_LOOP_READABLE, 'f');
	for (int i = 0; i < 100; i++)
		ck_assert_str_eq(calls_of_round(), "fabd");
	close_loop();
	close_pipe(fds);
}
END_TEST

/* Random starts and stops: what is left comes out by deadline, then by start. */
START_TEST(the_heap_is_in_order_whatever_was_done_to_it)
{
	enum { COUNT = 500 };
	static struct timer_node nodes[COUNT];
	struct timer_heap heap = { 0 };
	struct timer_node *node;
	reeve_nsec last_deadline = 0;
	uint64_t last_started = 0;
	size_t running = 0;

	srandom((unsigned)_i);
	ck_assert_int_eq(timer_heap_reserve(&heap, COUNT), 0);
	for (int i = 0; i < 5000; i++) {
		node = &nodes[random() % COUNT];
		timer_heap_remove(&heap, node);
		ck_assert_uint_eq(node->place, 0);
		if (random() % 3)
			timer_heap_add(&heap, node, random() % 50);
	}
	for (int i = 0; i < COUNT; i++)
		running += nodes[i].place != 0;
	ck_assert_uint_eq(heap.count, running);
	while ((node = timer_heap_first(&heap))) {
		ck_assert(node->deadline > last_deadline ||
			(node->deadline == last_deadline && node->started >= last_started));
		last_deadline = node->deadline;
		last_started = node->started;
		timer_heap_remove(&heap, node);
		running--;
	}
	ck_assert_uint_eq(running, 0);
	free(heap.nodes);
}
END_TEST

/* --- deferred calls --- */

static void defer_more(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	note(data);
	ck_assert_int_eq(reeve_loop_defer(loop, on_deferred, LETTER('d'), NULL), 0);
}

START_TEST(deferred_calls_run_after_the_rest_of_their_round)
{
	int fds[2];

	make_readable_pipe(fds);
	ck_assert_int_eq(reeve_loop_add_fd(loop, fds[0], REEVE_LOOP_READABLE, defer_more, LETTER('f'), NULL), 0);
	defer('1');
	defer('2');
	add_timer(0, 0, 't');
	ck_assert_str_eq(calls_of_round(), "ft12d");
	close_loop();
	close_pipe(fds);
}
END_TEST

static void free_floating(struct reeve_loop_source *source, void *data)
{
	note(data);
	reeve_loop_source_free(source);
}

static void schedule_floating_once(struct reeve_loop_source *source, void *data)
{
	if (!strchr(calls, 's'))
		ck_assert_int_eq(reeve_loop_deferred_schedule(source), 0);
	note(data);
}

START_TEST(a_deferred_call_that_nobody_holds_may_free_or_repeat_itself)
{
	ck_assert_int_eq(reeve_loop_defer(loop, free_floating, LETTER('f'), NULL), 0);
	ck_assert_int_eq(reeve_loop_defer(loop, schedule_floating_once, LETTER('s'), NULL), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 2);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 1);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 0);
	ck_assert_str_eq(calls, "fss");
	close_loop();
}
END_TEST

/* --- embedding --- */

static bool is_readable(int fd, reeve_nsec within)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	struct timespec wait = { .tv_sec = within / REEVE_SEC, .tv_nsec = within % REEVE_SEC };

	return ppoll(&polled, 1, &wait, NULL) == 1;
}

START_TEST(the_embedding_descriptor_is_readable_when_there_is_something_to_do)
{
	struct reeve_loop_source *timer = add_timer(0, 0, 't'), *deferred, *pipe_source;
	int fd = reeve_loop_fd(loop), fds[2];

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(reeve_loop_fd(loop), fd);
	ck_assert(is_readable(fd, 0));
	ck_assert_str_eq(calls_of_round(), "t");
	ck_assert(!is_readable(fd, 0));

	ck_assert_int_eq(reeve_loop_timer_start(timer, 5 * REEVE_MSEC, 0), 0);
	ck_assert(is_readable(fd, LONG_ENOUGH));
	ck_assert_str_eq(calls_of_round(), "t");
	ck_assert(!is_readable(fd, 0));
	ck_assert_int_eq(reeve_loop_timer_start_at(timer, 0, 0), 0);
	ck_assert(is_readable(fd, 0));
	ck_assert_int_eq(reeve_loop_timer_stop(timer), 0);
	ck_assert(!is_readable(fd, 0));

	deferred = defer('d');
	ck_assert(is_readable(fd, 0));
	ck_assert_str_eq(calls_of_round(), "d");
	ck_assert(!is_readable(fd, 0));
	ck_assert_int_eq(reeve_loop_deferred_schedule(deferred), 0);
	ck_assert(is_readable(fd, 0));
	reeve_loop_source_free(deferred);
	ck_assert(!is_readable(fd, 0));

	make_readable_pipe(fds);
	pipe_source = add_fd(fds[0], REEVE_LOOP_READABLE, 'f');
	ck_assert(is_readable(fd, 0));
	ck_assert_str_eq(calls_of_round(), "f");
	reeve_loop_source_free(pipe_source);
	ck_assert(!is_readable(fd, 0));
	close_loop();
	close_pipe(fds);
}
END_TEST

/* --- fork --- */

START_TEST(a_child_cannot_use_the_loop_and_frees_its_copy_without_harm)
{
	struct reeve_loop_source *source, *timer;
	int fds[2], status;
	pid_t pid;

	make_readable_pipe(fds);
	source = add_fd(fds[0], REEVE_LOOP_READABLE, 'a');
	timer = add_timer(20 * REEVE_MSEC, 0, 't');
	ck_assert_int_ge(reeve_loop_fd(loop), 0);
	pid = fork();
	if (pid == 0) {
		bool refused = reeve_loop_run(loop) == -ECHILD &&
			reeve_loop_run_once(loop, 0) == -ECHILD &&
			reeve_loop_fd(loop) == -ECHILD &&
			reeve_loop_fd_set_events(source, 0) == -ECHILD &&
			reeve_loop_timer_stop(timer) == -ECHILD &&
			reeve_loop_add_timer(loop, on_timer, NULL, &timer) == -ECHILD &&
			reeve_loop_add_fd(loop, fds[1], 0, on_fd, NULL, &timer) == -ECHILD;

		reeve_loop_source_free(source);
		reeve_loop_free(loop);
		refused = refused && reeve_loop_new(&loop) == 0;
		reeve_loop_free(loop);
		_exit(refused ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(calls_of_round(), "a");
	reeve_loop_source_free(source);
	ck_assert(is_readable(reeve_loop_fd(loop), LONG_ENOUGH));
	ck_assert_str_eq(calls_of_round(), "t");
	close_loop();
	close_pipe(fds);
}
END_TEST

static void fork_here(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	*(pid_t *)data = fork();
}

START_TEST(a_callback_that_forks_returns_from_run_in_the_child)
{
	int fds[2], status, r;
	pid_t pid = -1;

	make_readable_pipe(fds);
	ck_assert_int_eq(reeve_loop_add_fd(loop, fds[0], REEVE_LOOP_READABLE, fork_here, &pid, NULL), 0);
	add_timer(0, 0, 't');
	r = reeve_loop_run_once(loop, 0);
	if (pid == 0)
		_exit(r == -ECHILD && !*calls ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(r, 2);
	close_loop();
	close_pipe(fds);
}
END_TEST

/* --- interruption --- */

static int hook_calls, hook_result;

static int hook(void)
{
	hook_calls++;
	return hook_result;
}

static void on_alarm(int number)
{
}

static void alarm_every_millisecond(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } };

	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &every, NULL), 0);
}

START_TEST(a_signal_interrupts_the_wait_only_where_it_is_said_to)
{
	reeve_nsec before = reeve_now();

	interrupt_set_hook(hook);
	alarm_every_millisecond();
	ck_assert_int_eq(reeve_loop_run_once(loop, 50 * REEVE_MSEC), 0);
	ck_assert_int_ge(reeve_now() - before, 50 * REEVE_MSEC);
	ck_assert_int_gt(hook_calls, 0);
	hook_result = -EINTR;
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), -EINTR);
	ck_assert_int_eq(reeve_loop_run(loop), -EINTR);
	interrupt_set_hook(NULL);
	close_loop();
}
END_TEST

static int stop_loop(void)
{
	reeve_loop_stop(loop, 3);
	return 0;
}

START_TEST(a_deferred_signal_handler_may_stop_the_loop)
{
	interrupt_set_hook(stop_loop);
	alarm_every_millisecond();
	ck_assert_int_eq(reeve_loop_run(loop), 3);
	interrupt_set_hook(NULL);
	close_loop();
}
END_TEST

static int free_loop(void)
{
	loop = reeve_loop_free(loop);
	return 0;
}

START_TEST(a_deferred_signal_handler_may_free_the_loop)
{
	interrupt_set_hook(free_loop);
	alarm_every_millisecond();
	ck_assert_int_eq(reeve_loop_run(loop), -ECANCELED);
	interrupt_set_hook(NULL);
}
END_TEST

static TCase *loop_case(const char *name)
{
	TCase *tcase = leakproof_case(name);

	tcase_add_checked_fixture(tcase, open_loop, NULL);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *descriptors = loop_case("descriptors"), *changes = loop_case("changes");
	TCase *running = loop_case("running"), *timers = loop_case("timers"), *heap;
	TCase *deferred = loop_case("deferred"), *processes = loop_case("processes");

	tcase_add_test(descriptors, a_ready_descriptor_is_told_in_every_round_until_it_is_read);
	tcase_add_test(descriptors, the_events_told_are_those_that_hold);
	tcase_add_test(descriptors, a_paused_descriptor_tells_nothing_not_even_its_hangup);
	tcase_add_test(descriptors, what_cannot_be_watched_is_refused_by_name);
	tcase_add_test(descriptors, a_descriptor_closed_too_early_goes_silent_and_its_number_can_be_had_again);
	tcase_add_test(descriptors, the_ghost_of_a_closed_descriptor_is_laid);
	tcase_add_test(descriptors, more_descriptors_than_one_round_looks_at_have_their_turn);
	suite_add_tcase(suite, descriptors);

	tcase_add_test(changes, sources_ready_in_one_round_may_free_one_another_and_themselves);
	tcase_add_test(changes, what_was_stopped_or_paused_in_a_round_is_not_called_in_it);
	tcase_add_test(changes, a_callback_may_free_the_loop);
	tcase_add_test(changes, a_nested_run_is_refused);
	suite_add_tcase(suite, changes);

	tcase_add_test(running, run_returns_what_stop_was_given_after_the_round);
	tcase_add_test(running, one_round_ends_at_its_timeout);
	tcase_add_test(running, a_loop_with_nothing_to_do_sleeps);
	tcase_add_test(running, no_source_starves_another);
	tcase_add_test(running, the_embedding_descriptor_is_readable_when_there_is_something_to_do);
	suite_add_tcase(suite, running);

	tcase_add_test(timers, timers_are_called_by_deadline_and_equal_ones_in_start_order);
	tcase_add_test(timers, a_timer_is_never_early);
	tcase_add_test(timers, a_late_repeating_timer_is_called_once_and_stays_on_its_grid);
	tcase_add_test(timers, deadlines_past_the_end_of_time_are_clipped);
	suite_add_tcase(suite, timers);
	heap = leakproof_case("heap");
	tcase_add_loop_test(heap, the_heap_is_in_order_whatever_was_done_to_it, 0, 20);
	suite_add_tcase(suite, heap);

	tcase_add_test(deferred, deferred_calls_run_after_the_rest_of_their_round);
	tcase_add_test(deferred, a_deferred_call_that_nobody_holds_may_free_or_repeat_itself);
	suite_add_tcase(suite, deferred);

	tcase_add_test(processes, a_child_cannot_use_the_loop_and_frees_its_copy_without_harm);
	tcase_add_test(processes, a_callback_that_forks_returns_from_run_in_the_child);
	tcase_add_test(processes, a_signal_interrupts_the_wait_only_where_it_is_said_to);
	tcase_add_test(processes, a_deferred_signal_handler_may_stop_the_loop);
	tcase_add_test(processes, a_deferred_signal_handler_may_free_the_loop);
	suite_add_tcase(suite, processes);
	return run_suite(suite);
}
