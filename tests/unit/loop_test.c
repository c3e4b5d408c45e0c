#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

#include "unit/loop_fixture.h"

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

/* The same description behind the same number again, while its old registration could not be removed. */
START_TEST(a_ghost_that_comes_back_to_life_is_watched_anew)
{
	int fds[2], kept, number;
	struct reeve_loop_source *source;

	make_readable_pipe(fds);
	number = fds[0];
	source = add_fd(number, REEVE_LOOP_READABLE, 'a');
	kept = fcntl(number, F_DUPFD_CLOEXEC, 0);
	close(number);
	reeve_loop_source_free(source);
	ck_assert_int_eq(dup3(kept, number, O_CLOEXEC), number);
	add_fd(number, REEVE_LOOP_READABLE, 'b');
	ck_assert_str_eq(calls_of_round(), "b");
	close_loop();
	close_pipe(fds);
	close(kept);
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
	ck_assert_int_le(after.ru_nvcsw - before.ru_nvcsw, 10); /* the kernel may wait, too */
	close_loop();
	close_pipe(fds);
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

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *descriptors = loop_case("descriptors");
	TCase *changes = loop_case("changes");
	TCase *rounds = loop_case("rounds");

	tcase_add_test(descriptors, a_ready_descriptor_is_told_in_every_round_until_it_is_read);
	tcase_add_test(descriptors, the_events_told_are_those_that_hold);
	tcase_add_test(descriptors, a_paused_descriptor_tells_nothing_not_even_its_hangup);
	tcase_add_test(descriptors, what_cannot_be_watched_is_refused_by_name);
	tcase_add_test(descriptors, a_descriptor_closed_too_early_goes_silent_and_its_number_can_be_had_again);
	tcase_add_test(descriptors, the_ghost_of_a_closed_descriptor_is_laid);
	tcase_add_test(descriptors, a_ghost_that_comes_back_to_life_is_watched_anew);
	tcase_add_test(descriptors, more_descriptors_than_one_round_looks_at_have_their_turn);
	suite_add_tcase(suite, descriptors);

	tcase_add_test(changes, sources_ready_in_one_round_may_free_one_another_and_themselves);
	tcase_add_test(changes, what_was_stopped_or_paused_in_a_round_is_not_called_in_it);
	tcase_add_test(changes, a_callback_may_free_the_loop);
	tcase_add_test(changes, a_nested_run_is_refused);
	suite_add_tcase(suite, changes);

	tcase_add_test(rounds, run_returns_what_stop_was_given_after_the_round);
	tcase_add_test(rounds, one_round_ends_at_its_timeout);
	tcase_add_test(rounds, a_loop_with_nothing_to_do_sleeps);
	tcase_add_test(rounds, no_source_starves_another);
	suite_add_tcase(suite, rounds);
	return run_suite(suite);
}
