/* The wakeup descriptor: the numbers of signals as bytes. */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "unit/signal_fixture.h"

static int fds[2];

static void open_pipe(void)
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void close_pair(void)
{
	close(fds[0]);
	close(fds[1]);
}

static int available(int fd)
{
	int count = 0;

	ck_assert_int_eq(ioctl(fd, FIONREAD, &count), 0);
	return count;
}

/* A thread tells of a signal when it has put it where it is dispatched from. */
static void expect_bytes(const char *bytes, ssize_t count)
{
	char got[16];

	WAIT_UNTIL(available(fds[0]) >= count);
	ck_assert_int_eq(read(fds[0], got, sizeof got), count);
	for (ssize_t i = 0; i < count; i++)
		ck_assert_int_eq(got[i], bytes[i]);
}

START_TEST(what_it_is_set_to_is_checked)
{
	int previous = 7, blocking[2];

	open_pipe();
	ck_assert_int_eq(pipe2(blocking, O_CLOEXEC), 0);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(blocking[1], &previous), -EINVAL);
	close(blocking[0]);
	close(blocking[1]);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(blocking[1], &previous), -EBADF);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(-2, &previous), -EBADF);
	ck_assert_int_eq(previous, 7);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(fds[1], &previous), 0);
	ck_assert_int_eq(previous, -1);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(fds[0], &previous), 0);
	ck_assert_int_eq(previous, fds[1]);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(-1, &previous), 0);
	ck_assert_int_eq(previous, fds[0]);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(-1, NULL), 0);
	close_pair();
}
END_TEST

START_TEST(bytes_come_in_the_order_of_signals)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *one, *two;

	choose_mode(_i);
	open_pipe();
	one = subscribe(SIGUSR1, log_event, &log);
	two = subscribe(SIGRTMAX, log_event, &log);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(fds[1], NULL), 0);
	reeve_signal_raise(SIGUSR1);
	wait_for_log(&log, 1);
	reeve_signal_raise(SIGRTMAX);
	wait_for_log(&log, 2);
	reeve_signal_raise(SIGUSR1);
	wait_for_log(&log, 3);
	expect_bytes((char[]){ SIGUSR1, SIGRTMAX, SIGUSR1 }, 3);
	ck_assert_uint_eq(reeve_signal_wakeup_dropped(NULL), 0);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(-1, NULL), 0);
	reeve_signal_raise(SIGUSR1);
	wait_for_log(&log, 4);
	ck_assert_int_eq(read(fds[0], (char[1]){ 0 }, 1), -1);
	reeve_signal_unsubscribe(one);
	reeve_signal_unsubscribe(two);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close_pair();
}
END_TEST

/* Written at once, so that a foreign loop that polls it wakes up before anybody dispatches. */
START_TEST(it_wakes_a_poll)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	struct pollfd polled;
	pid_t child;
	int r;

	choose_mode(_i);
	open_pipe();
	polled = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(fds[1], NULL), 0);
	child = fork();
	if (child == 0)
		_exit(reeve_signal_send(getppid(), SIGUSR1) == 0 ? 0 : 1);
	do
		r = poll(&polled, 1, 10000);
	while (r < 0 && errno == EINTR);
	ck_assert_int_eq(r, 1);
	ck_assert_uint_eq(log.count, 0);
	reap(child);
	wait_for_log(&log, 1);
	expect_bytes((char[]){ SIGUSR1 }, 1);
	reeve_signal_set_wakeup_fd(-1, NULL);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close_pair();
}
END_TEST

START_TEST(both_that_were_blocked_are_told_when_let_in)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *one = subscribe(SIGUSR1, log_event, &log);
	struct reeve_signal_subscription *two = subscribe(SIGUSR2, log_event, &log);
	reeve_signal_set both = REEVE_SIGNAL_SET(SIGUSR1) | REEVE_SIGNAL_SET(SIGUSR2);
	char bytes[4];

	open_pipe();
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(fds[1], NULL), 0);
	reeve_signal_mask(REEVE_SIGNAL_BLOCK, both, NULL);
	reeve_signal_raise(SIGUSR1);
	reeve_signal_raise(SIGUSR2);
	ck_assert_int_eq(read(fds[0], bytes, sizeof bytes), -1);
	reeve_signal_mask(REEVE_SIGNAL_UNBLOCK, both, NULL);
	ck_assert_int_eq(read(fds[0], bytes, sizeof bytes), 2);
	ck_assert_int_eq(bytes[0] + bytes[1], SIGUSR1 + SIGUSR2);
	reeve_signal_set_wakeup_fd(-1, NULL);
	reeve_signal_unsubscribe(one);
	reeve_signal_unsubscribe(two);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close_pair();
}
END_TEST

static void fill(int fd)
{
	char block[4096] = { 0 };

	while (write(fd, block, sizeof block) > 0)
		;
	while (write(fd, block, 1) > 0)
		;
}

START_TEST(a_full_one_is_told_and_does_no_harm)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	int error = 0;

	choose_mode(_i);
	open_pipe();
	fill(fds[1]);
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(fds[1], NULL), 0);
	ck_assert_uint_eq(reeve_signal_wakeup_dropped(&error), 0);
	ck_assert_int_eq(error, 0);
	for (uint64_t i = 1; i <= 3; i++) {
		reeve_signal_raise(SIGUSR1);
		wait_for_log(&log, i);
	}
	WAIT_UNTIL(reeve_signal_wakeup_dropped(&error) == 3); /* a thread tells when it has put it */
	ck_assert_int_eq(error, -EAGAIN);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(-1, NULL), 0);
	ck_assert_uint_eq(reeve_signal_wakeup_dropped(&error), 0);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close_pair();
}
END_TEST

/* No reader: an error to be told, and no SIGPIPE, whose default action would end this process. */
START_TEST(a_broken_one_is_told_and_does_no_harm)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	int error = 0;

	choose_mode(_i % 3);
	if (_i < 3)
		open_pipe();
	else
		ck_assert_int_eq(
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	close(fds[0]);
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(fds[1], NULL), 0);
	reeve_signal_raise(SIGUSR1);
	wait_for_log(&log, 1);
	WAIT_UNTIL(reeve_signal_wakeup_dropped(&error) == 1);
	ck_assert_int_eq(error, -EPIPE);
	reeve_signal_set_wakeup_fd(-1, NULL);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal wakeup");
	TCase *tcase = leakproof_case("wakeup");

	tcase_add_test(tcase, what_it_is_set_to_is_checked);
	add_test_in_each_mode(tcase, bytes_come_in_the_order_of_signals);
	tcase_add_loop_test(tcase, it_wakes_a_poll, 0, 2); /* signalfd: when dispatched */
	tcase_add_test(tcase, both_that_were_blocked_are_told_when_let_in);
	add_test_in_each_mode(tcase, a_full_one_is_told_and_does_no_harm);
	tcase_add_loop_test(tcase, a_broken_one_is_told_and_does_no_harm, 0, 6);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
