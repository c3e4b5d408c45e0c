/* Masks, what is pending, waiting: for callbacks, for a handler, for one of a set. */
#include <pthread.h>
#include <poll.h>

#include "unit/signal_fixture.h"

#define USR1 REEVE_SIGNAL_SET(SIGUSR1)
#define USR2 REEVE_SIGNAL_SET(SIGUSR2)

static void block(reeve_signal_set set)
{
	ck_assert_int_eq(reeve_signal_mask(REEVE_SIGNAL_BLOCK, set, NULL), 0);
}

/* --- Masks ----------------------------------------------------------------------------------- */

START_TEST(masks_are_set_and_told)
{
	reeve_signal_set old = 7;

	ck_assert_uint_eq(reeve_signal_get_mask(), REEVE_SIGNAL_NONE);
	ck_assert_int_eq(reeve_signal_mask(REEVE_SIGNAL_BLOCK, USR1 | USR2, &old), 0);
	ck_assert_uint_eq(old, REEVE_SIGNAL_NONE);
	ck_assert_int_eq(reeve_signal_mask(REEVE_SIGNAL_UNBLOCK, USR2, &old), 0);
	ck_assert_uint_eq(old, USR1 | USR2);
	ck_assert_uint_eq(reeve_signal_get_mask(), USR1);
	ck_assert_int_eq(reeve_signal_mask(REEVE_SIGNAL_SETMASK, REEVE_SIGNAL_ALL, NULL), 0);
	ck_assert_uint_eq(reeve_signal_get_mask(),
		reeve_signal_valid() & ~REEVE_SIGNAL_SET(SIGKILL) & ~REEVE_SIGNAL_SET(SIGSTOP));
	ck_assert_int_eq(reeve_signal_mask(REEVE_SIGNAL_SETMASK, REEVE_SIGNAL_NONE, NULL), 0);
	ck_assert_uint_eq(reeve_signal_get_mask(), REEVE_SIGNAL_NONE);
	ck_assert_int_eq(reeve_signal_mask((enum reeve_signal_how)3, USR1, &old), -EINVAL);
	ck_assert_uint_eq(old, USR1 | USR2);
}
END_TEST

START_TEST(what_is_blocked_is_pending_and_comes_when_let_in)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *one = subscribe(SIGUSR1, log_event, &log);
	struct reeve_signal_subscription *two = subscribe(SIGUSR2, log_event, &log);

	ck_assert_uint_eq(reeve_signal_pending(), REEVE_SIGNAL_NONE);
	block(USR1 | USR2);
	reeve_signal_raise(SIGUSR1);
	ck_assert_uint_eq(reeve_signal_pending(), USR1);
	reeve_signal_send(getpid(), SIGUSR2);
	ck_assert_uint_eq(reeve_signal_pending(), USR1 | USR2);
	ck_assert_int_eq(reeve_signal_dispatch(), 0);
	ck_assert_int_eq(reeve_signal_mask(REEVE_SIGNAL_UNBLOCK, USR1 | USR2, NULL), 0);
	ck_assert_uint_eq(reeve_signal_pending(), REEVE_SIGNAL_NONE);
	ck_assert_int_eq(reeve_signal_dispatch(), 2);
	ck_assert_int_eq(log.events[0].signo + log.events[1].signo, SIGUSR1 + SIGUSR2);
	reeve_signal_unsubscribe(one);
	reeve_signal_unsubscribe(two);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* The library holds real-time signals back in a flood; the program's own mask is none of its
 * business. */
START_TEST(a_flood_leaves_the_programs_mask_alone)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	reeve_signal_set mine = REEVE_SIGNAL_SET(SIGRTMIN), old;

	if (handlers_are_delayed(REEVE_SIGNAL_HANDLER))
		return;
	subscription = subscribe(SIGRTMIN, log_event, &log);
	reeve_signal_dispatch();
	for (int i = 0; i < 2000; i++)
		ck_assert_int_eq(reeve_signal_queue(getpid(), SIGRTMIN, i), 0);
	ck_assert_uint_eq(reeve_signal_get_mask(), REEVE_SIGNAL_NONE);
	ck_assert_int_eq(reeve_signal_mask(REEVE_SIGNAL_BLOCK, mine, &old), 0);
	ck_assert_uint_eq(old, REEVE_SIGNAL_NONE);
	reeve_signal_dispatch();
	ck_assert_uint_eq(reeve_signal_get_mask(), mine);
	ck_assert_uint_lt(log.count, 2000);
	ck_assert_int_eq(reeve_signal_mask(REEVE_SIGNAL_SETMASK, old, NULL), 0);
	wait_for_log(&log, 2000);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* --- One of a set ---------------------------------------------------------------------------- */

START_TEST(one_of_a_set_is_taken_with_what_it_brings)
{
	struct reeve_signal_event event;
	reeve_signal_set set = USR1 | REEVE_SIGNAL_SET(SIGRTMIN);

	block(set);
	ck_assert_int_eq(reeve_signal_queue(getpid(), SIGRTMIN, 42), 0);
	ck_assert_int_eq(reeve_signal_wait_for(set, REEVE_FOREVER, &event), SIGRTMIN);
	ck_assert_int_eq(event.signo, SIGRTMIN);
	ck_assert_int_eq(event.code, SI_QUEUE);
	ck_assert_int_eq(event.value, 42);
	ck_assert_int_eq(event.pid, getpid());
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait_for(set, SOON, NULL), SIGUSR1);
	ck_assert_uint_eq(reeve_signal_pending(), REEVE_SIGNAL_NONE);
}
END_TEST

START_TEST(polling_and_timing_out)
{
	struct reeve_signal_event event = { .signo = 77 };
	reeve_nsec before = reeve_now();

	block(USR1);
	ck_assert_int_eq(reeve_signal_wait_for(USR1, 0, &event), -ETIMEDOUT);
	ck_assert_int_eq(reeve_signal_wait_for(USR1, 5 * REEVE_MSEC, &event), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 5 * REEVE_MSEC);
	ck_assert_int_eq(event.signo, 77);
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait_for(USR1, 0, &event), SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait_for(USR1, -2, &event), -EINVAL);
	ck_assert_int_eq(reeve_signal_wait_for(REEVE_SIGNAL_NONE, 0, &event), -EINVAL);
	ck_assert_int_eq(reeve_signal_wait_for(REEVE_SIGNAL_SET(SIGKILL), 0, &event), -EINVAL);
}
END_TEST

static pid_t interrupt_then(int often, int signo, int last)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	for (int i = 0; i < often; i++) {
		usleep(3000);
		reeve_signal_send(getppid(), signo);
	}
	usleep(3000);
	reeve_signal_send(getppid(), last);
	_exit(0);
}

static pid_t interrupt_for_ever(int signo)
{
	pid_t parent = getpid(), child = fork();

	if (child != 0)
		return child;
	while (getppid() == parent) {
		usleep(3000);
		reeve_signal_send(parent, signo);
	}
	_exit(0);
}

static void stop_interrupting(pid_t child)
{
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

START_TEST(an_interruption_runs_callbacks_and_leaves_the_time_that_is_left)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription = subscribe(SIGUSR2, log_event, &log);
	reeve_nsec before = reeve_now();
	pid_t child;

	block(USR1);
	child = interrupt_then(5, SIGUSR2, SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait_for(USR1, SOON, NULL), SIGUSR1);
	reap(child);
	reeve_signal_dispatch();
	ck_assert_uint_ge(log.count, 1);
	child = interrupt_then(5, SIGUSR2, 0);
	before = reeve_now();
	ck_assert_int_eq(reeve_signal_wait_for(USR1, 30 * REEVE_MSEC, NULL), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 30 * REEVE_MSEC);
	reap(child);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(an_interrupting_signal_ends_it)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription = subscribe(SIGUSR2, log_event, &log);
	pid_t child;

	ck_assert_int_eq(reeve_signal_interrupt(SIGUSR2, true), 0);
	block(USR1);
	child = interrupt_for_ever(SIGUSR2);
	ck_assert_int_eq(reeve_signal_wait_for(USR1, SOON, NULL), -EINTR);
	ck_assert_uint_ge(log.count, 1);
	stop_interrupting(child);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static void *wait_in_thread(void *ret)
{
	*(int *)ret = reeve_signal_wait_for(USR1, SOON, NULL);
	return NULL;
}

START_TEST(a_thread_waits_while_others_run)
{
	pthread_t thread;
	int taken = 0;

	block(USR1);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_in_thread, &taken), 0);
	ck_assert_int_eq(reeve_signal_send(getpid(), SIGUSR1), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(taken, SIGUSR1);
}
END_TEST

/* --- Waiting for callbacks ------------------------------------------------------------------- */

START_TEST(a_wait_ends_when_its_time_is_over)
{
	reeve_nsec before = reeve_now();

	choose_mode(_i);
	ck_assert_int_eq(reeve_signal_wait(0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_signal_wait(5 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_eq(reeve_signal_pause(5 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 10 * REEVE_MSEC);
	ck_assert_int_eq(reeve_signal_wait(-2), -EINVAL);
	ck_assert_int_eq(reeve_signal_pause(-7), -EINVAL);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static void nothing(int signo)
{
}

START_TEST(a_foreign_handler_ends_a_pause_but_no_wait)
{
	struct sigaction action = { .sa_handler = nothing };
	pid_t child;

	choose_mode(_i);
	ck_assert_int_eq(sigaction(SIGUSR2, &action, NULL), 0);
	child = interrupt_then(3, SIGUSR2, 0);
	ck_assert_int_eq(reeve_signal_wait(20 * REEVE_MSEC), -ETIMEDOUT);
	reap(child);
	child = interrupt_for_ever(SIGUSR2);
	ck_assert_int_eq(reeve_signal_pause(SOON), 0);
	stop_interrupting(child);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(a_pause_sees_what_came_before_it)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;

	choose_mode(_i);
	subscription = subscribe(SIGUSR1, log_event, &log);
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_pause(SOON), 1);
	ck_assert_uint_eq(log.count, 1);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static int readable(int fd, int milliseconds)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	int r;

	do
		r = poll(&polled, 1, milliseconds);
	while (r < 0 && errno == EINTR);
	return r;
}

START_TEST(the_descriptor_is_readable_exactly_while_dispatch_is_due)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	int fd;

	choose_mode(_i);
	subscription = subscribe(SIGUSR1, log_event, &log);
	if (_i == REEVE_SIGNAL_HANDLER) {
		reeve_signal_raise(SIGUSR1); /* before anyone asked for the descriptor */
		fd = reeve_signal_fd();
		ck_assert_int_eq(readable(fd, 0), 1);
		ck_assert_int_eq(reeve_signal_dispatch(), 1);
	}
	fd = reeve_signal_fd();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(reeve_signal_fd(), fd);
	for (uint64_t before = log.count; log.count < before + 3;) {
		uint64_t count = log.count;

		ck_assert_int_eq(readable(fd, 0), 0);
		reeve_signal_raise(SIGUSR1);
		ck_assert_int_eq(readable(fd, 10000), 1);
		ck_assert_uint_eq(log.count, count);
		ck_assert_int_eq(reeve_signal_dispatch(), 1);
	}
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal waits");
	TCase *tcase = leakproof_case("waits");

	tcase_add_test(tcase, masks_are_set_and_told);
	tcase_add_test(tcase, what_is_blocked_is_pending_and_comes_when_let_in);
	tcase_add_test(tcase, a_flood_leaves_the_programs_mask_alone);
	tcase_add_test(tcase, one_of_a_set_is_taken_with_what_it_brings);
	tcase_add_test(tcase, polling_and_timing_out);
	tcase_add_test(tcase, an_interruption_runs_callbacks_and_leaves_the_time_that_is_left);
	tcase_add_test(tcase, an_interrupting_signal_ends_it);
	tcase_add_test(tcase, a_thread_waits_while_others_run);
	add_test_in_each_mode(tcase, a_wait_ends_when_its_time_is_over);
	add_test_in_each_mode(tcase, a_foreign_handler_ends_a_pause_but_no_wait);
	add_test_in_each_mode(tcase, a_pause_sees_what_came_before_it);
	add_test_in_each_mode(tcase, the_descriptor_is_readable_exactly_while_dispatch_is_due);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
