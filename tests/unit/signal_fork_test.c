/* A forked child keeps subscriptions, and never touches what is its parent's. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "unit/signal_fixture.h"

#define require(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(__LINE__ % 250 + 1);                                                 \
	} while (0)

static int readable(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	return poll(&polled, 1, 0);
}

/* fork(2) past the C library: no pthread_atfork(3). */
static pid_t raw_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static pid_t fork_in_way(int way)
{
	return way == 0 ? fork() : raw_fork();
}

START_TEST(a_child_handles_its_own_signals)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	pid_t child;
	int fd;

	if (children_cannot_start_threads(_i % 3))
		return;
	choose_mode(_i % 3);
	subscription = subscribe(SIGUSR1, log_event, &log);
	fd = reeve_signal_fd();
	child = fork_in_way(_i / 3);
	if (child == 0) {
		require(reeve_signal_fd() == fd);
		require(reeve_signal_raise(SIGUSR1) == 0);
		require(reeve_signal_wait(SOON) == 1);
		require(log.count == 1 && log.events[0].pid == getpid());
		subscription = reeve_signal_unsubscribe(subscription);
		require(reeve_signal_disposition(SIGUSR1) == REEVE_SIGNAL_DEFAULT);
		require(reeve_signal_shutdown() == 0);
		_exit(0);
	}
	reap(child);
	ck_assert_int_eq(readable(fd), 0);
	ck_assert_int_eq(reeve_signal_dispatch(), 0);
	reeve_signal_raise(SIGUSR1);
	wait_for_log(&log, 1);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* The child gets a signal before it ever calls the library; nothing of it may show in the
 * parent. */
START_TEST(a_child_never_writes_to_its_parents_descriptors)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	int fds[2], fd;
	pid_t child;

	choose_mode(_i % 3);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_set_wakeup_fd(fds[1], NULL), 0);
	fd = reeve_signal_fd();
	child = fork_in_way(_i / 3);
	if (child == 0) {
		kill(getpid(), SIGUSR1);
		require(read(fds[0], (char[1]){ 0 }, 1) == -1);
		_exit(0);
	}
	reap(child);
	ck_assert_int_eq(readable(fd), 0);
	ck_assert_int_eq(readable(fds[0]), 0);
	ck_assert_int_eq(reeve_signal_dispatch(), 0);
	ck_assert_uint_eq(log.count, 0);
	reeve_signal_set_wakeup_fd(-1, NULL);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* What was due in the parent is dispatched by the parent, once. */
START_TEST(a_child_forgets_what_was_due_in_its_parent)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	pid_t child;

	if (children_cannot_start_threads(_i))
		return;
	choose_mode(_i);
	subscription = subscribe(SIGUSR1, log_event, &log);
	reeve_signal_raise(SIGUSR1);
	child = fork();
	if (child == 0) {
		require(reeve_signal_dispatch() == 0);
		require(reeve_signal_wait(REEVE_MSEC) == -ETIMEDOUT);
		_exit(0);
	}
	reap(child);
	wait_for_log(&log, 1);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* A signal that one process subscribes to later must not show up in the other (a shared signalfd
 * would). */
START_TEST(a_childs_subscription_is_its_own)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription, *later;
	pid_t child;

	if (children_cannot_start_threads(_i))
		return;
	choose_mode(_i);
	subscription = subscribe(SIGUSR1, log_event, &log);
	child = fork();
	if (child == 0) {
		require(reeve_signal_subscribe(SIGUSR2, log_event, &log, &later) == 0);
		reeve_signal_unsubscribe(subscription);
		require(reeve_signal_raise(SIGUSR2) == 0);
		require(reeve_signal_wait(SOON) == 1 && log.events[0].signo == SIGUSR2);
		_exit(0);
	}
	reap(child);
	reeve_signal_raise(SIGUSR1);
	wait_for_log(&log, 1);
	ck_assert_int_eq(log.events[0].signo, SIGUSR1);
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR2), REEVE_SIGNAL_DEFAULT);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static void fork_once(const struct reeve_signal_event *event, void *data)
{
	pid_t *child = data;

	if (*child < 0)
		*child = fork();
}

START_TEST(a_callback_may_fork)
{
	struct reeve_signal_subscription *subscription;
	pid_t child = -1;

	if (children_cannot_start_threads(_i))
		return;
	choose_mode(_i);
	subscription = subscribe(SIGUSR1, fork_once, &child);
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(reeve_signal_wait(SOON), 1);
	if (child == 0) {
		require(reeve_signal_dispatch() == 0);
		require(reeve_signal_raise(SIGUSR1) == 0);
		require(reeve_signal_wait(SOON) == 1);
		reeve_signal_unsubscribe(subscription);
		require(reeve_signal_shutdown() == 0);
		_exit(0);
	}
	reap(child);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static void *wait_here(void *unused)
{
	while (reeve_signal_wait(SOON) > 0 && reeve_signal_count(SIGUSR2) == 0)
		;
	return NULL;
}

/* A thread that waits, and the turn to dispatch, stay behind in the parent. */
START_TEST(a_child_of_a_threaded_parent_is_free)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *one, *two;
	pthread_t thread;

	if (children_cannot_start_threads(_i))
		return;
	choose_mode(_i);
	one = subscribe(SIGUSR1, log_event, &log);
	two = subscribe(SIGUSR2, log_event, &log);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_here, NULL), 0);
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (child == 0) {
			require(reeve_signal_raise(SIGUSR1) == 0);
			require(reeve_signal_wait(SOON) == 1);
			reeve_signal_unsubscribe(one);
			reeve_signal_unsubscribe(two);
			require(reeve_signal_shutdown() == 0);
			_exit(0);
		}
		reeve_signal_send(getpid(), SIGUSR1);
		reap(child);
	}
	reeve_signal_send(getpid(), SIGUSR2);
	pthread_join(thread, NULL);
	reeve_signal_unsubscribe(one);
	reeve_signal_unsubscribe(two);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal fork");
	TCase *tcase = leakproof_case("fork");

	tcase_add_loop_test(tcase, a_child_handles_its_own_signals, 0, 6);
	tcase_add_loop_test(tcase, a_child_never_writes_to_its_parents_descriptors, 0, 6);
	add_test_in_each_mode(tcase, a_child_forgets_what_was_due_in_its_parent);
	add_test_in_each_mode(tcase, a_childs_subscription_is_its_own);
	add_test_in_each_mode(tcase, a_callback_may_fork);
	add_test_in_each_mode(tcase, a_child_of_a_threaded_parent_is_free);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
