/* The loop among others: inside another loop, in a forked child, interrupted by signals. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "lib/base/interrupt.h"
#include "reeve/signal.h"
#include "unit/loop_fixture.h"

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
	timer = add_timer(LONG_ENOUGH, 0, 't');
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
	ck_assert(!is_readable(reeve_loop_fd(loop), 0));
	ck_assert_int_eq(reeve_loop_timer_start(timer, REEVE_MSEC, 0), 0);
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

/* --- signals --- */

static int values[8], value_count;

static void note_value(struct reeve_loop_source *source, const struct reeve_signal_event *event, void *data)
{
	note(data);
	ck_assert_int_lt(value_count, 8);
	values[value_count++] = event->value;
}

static void queue_values(int signo, int first, int last)
{
	for (int value = first; value <= last; value++)
		ck_assert_int_eq(reeve_signal_queue(getpid(), signo, value), 0);
}

static const enum reeve_signal_mode modes[] = { REEVE_SIGNAL_HANDLER, REEVE_SIGNAL_THREAD, REEVE_SIGNAL_FD };

START_TEST(signals_come_with_their_value_in_order_in_each_mode)
{
	struct reeve_loop_source *source, *other;

	ck_assert_int_eq(reeve_signal_set_mode(modes[_i]), 0);
	ck_assert_int_eq(reeve_loop_add_signal(loop, SIGRTMIN, note_value, LETTER('r'), &source), 0);
	ck_assert_int_eq(reeve_loop_add_signal(loop, SIGRTMIN + 1, note_value, LETTER('o'), &other), 0);
	queue_values(SIGRTMIN, 1, 3);
	queue_values(SIGRTMIN + 1, 4, 5);
	while (value_count < 5)
		ck_assert_int_gt(reeve_loop_run_once(loop, REEVE_FOREVER), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(values[i], i + 1);
	ck_assert_str_eq(calls, "rrroo");
	reeve_loop_source_free(source);
	queue_values(SIGRTMIN + 1, 6, 6);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 1);
	reeve_loop_source_free(other);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 0);
	close_loop();
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static void free_loop_on_signal(
	struct reeve_loop_source *source, const struct reeve_signal_event *event, void *data)
{
	loop = reeve_loop_free(loop);
}

START_TEST(a_signal_callback_may_free_the_loop_in_each_mode)
{
	ck_assert_int_eq(reeve_signal_set_mode(modes[_i]), 0);
	ck_assert_int_eq(reeve_loop_add_signal(loop, SIGUSR1, free_loop_on_signal, NULL, NULL), 0);
	ck_assert_int_eq(reeve_loop_add_signal(loop, SIGUSR1, note_value, NULL, NULL), 0);
	ck_assert_int_eq(reeve_signal_send(getpid(), SIGUSR1), 0);
	ck_assert_int_eq(reeve_loop_run(loop), -ECANCELED);
	ck_assert_int_eq(value_count, 0);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(a_signal_that_cannot_be_handled_is_refused)
{
	struct reeve_loop_source *source = NULL;

	ck_assert_int_eq(reeve_loop_add_signal(loop, SIGKILL, note_value, NULL, &source), -EPERM);
	ck_assert_int_eq(reeve_loop_add_signal(loop, 0, note_value, NULL, &source), -EINVAL);
	ck_assert_int_eq(reeve_loop_add_signal(loop, SIGUSR1, NULL, NULL, &source), -EINVAL);
	ck_assert_ptr_null(source);
	close_loop();
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop_process");
	TCase *embedding = loop_case("embedding");
	TCase *fork = loop_case("fork");
	TCase *interruption = loop_case("interruption");
	TCase *signals = loop_case("signals");

	tcase_add_test(embedding, the_embedding_descriptor_is_readable_when_there_is_something_to_do);
	suite_add_tcase(suite, embedding);

	tcase_add_test(fork, a_child_cannot_use_the_loop_and_frees_its_copy_without_harm);
	tcase_add_test(fork, a_callback_that_forks_returns_from_run_in_the_child);
	suite_add_tcase(suite, fork);

	tcase_add_test(interruption, a_signal_interrupts_the_wait_only_where_it_is_said_to);
	tcase_add_test(interruption, a_deferred_signal_handler_may_stop_the_loop);
	tcase_add_test(interruption, a_deferred_signal_handler_may_free_the_loop);
	suite_add_tcase(suite, interruption);

	tcase_add_loop_test(signals, signals_come_with_their_value_in_order_in_each_mode, 0, 3);
	tcase_add_loop_test(signals, a_signal_callback_may_free_the_loop_in_each_mode, 0, 3);
	tcase_add_test(signals, a_signal_that_cannot_be_handled_is_refused);
	suite_add_tcase(suite, signals);
	return run_suite(suite);
}
