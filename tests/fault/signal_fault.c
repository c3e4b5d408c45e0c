/* Each system call on the way of a signal made to fail in turn: the error is told, and nothing
 * is left behind or lost. */
#include <fcntl.h>
#include <sys/wait.h>

#include "reeve/timer.h"
#include "support/faulty_sys.h"
#include "unit/signal_fixture.h"

/* No scenario has so many calls. */
#define MOST 200

static struct log told;

struct pair {
	struct reeve_signal_subscription *one, *two;
};

static int set_up(struct pair *pair, int *fd)
{
	int r = reeve_signal_subscribe(SIGUSR1, log_event, &told, &pair->one);

	if (r == 0)
		r = reeve_signal_subscribe(SIGRTMIN, log_event, &told, &pair->two);
	if (r == 0)
		r = *fd = reeve_signal_fd();
	return r < 0 ? r : 0;
}

static void tear_down(struct pair *pair)
{
	pair->one = reeve_signal_unsubscribe(pair->one);
	pair->two = reeve_signal_unsubscribe(pair->two);
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_DEFAULT);
	ck_assert_int_eq(reeve_signal_disposition(SIGRTMIN), REEVE_SIGNAL_DEFAULT);
	ck_assert_uint_eq(reeve_signal_get_mask(), REEVE_SIGNAL_NONE);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}

START_TEST(setting_up_fails_whole_or_works)
{
	int before = count_open_fds();
	unsigned n, failures = 0;

	choose_mode(_i);
	for (n = 1; n < MOST; n++) {
		struct pair pair = { 0 };
		int fd, r;
		bool fired;

		faulty_arm(n, ENOMEM);
		r = set_up(&pair, &fd);
		fired = faulty_fired();
		faulty_arm(0, 0);
		ck_assert_msg(
			r == 0 || (fired && r == -ENOMEM), "call %u failed, and it said %d", n, r);
		if (r == 0) {
			told.count = 0;
			reeve_signal_raise(SIGUSR1);
			reeve_signal_queue(getpid(), SIGRTMIN, 1);
			wait_for_log(&told, 2);
		} else {
			failures++;
		}
		tear_down(&pair);
		ck_assert_int_eq(count_open_fds(), before);
		if (!fired)
			break;
	}
	ck_assert_uint_lt(n, MOST);
	ck_assert_uint_ge(failures, 5);
}
END_TEST

/* Receiving: whatever fails is told or made up for, and no signal is lost. */
START_TEST(waiting_fails_with_its_error_and_loses_nothing)
{
	struct pair pair = { 0 };
	unsigned n;
	int fd;

	choose_mode(_i);
	ck_assert_int_eq(set_up(&pair, &fd), 0);
	for (n = 1; n < MOST; n++) {
		bool fired;
		int r = 0;

		told.count = 0;
		faulty_arm(n, EIO);
		ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
		while (r == 0 && told.count == 0) {
			r = reeve_signal_wait(SOON);
			if (r > 0)
				r = 0;
		}
		if (r == 0)
			r = reeve_signal_wait(0);
		fired = faulty_fired();
		faulty_arm(0, 0);
		ck_assert_msg(r == -ETIMEDOUT || (fired && r == -EIO),
			"call %u (%s) failed, and it said %d", n, faulty_name(), r);
		wait_for_log(&told, 1);
		if (!fired)
			break;
	}
	ck_assert_uint_lt(n, MOST);
	tear_down(&pair);
}
END_TEST

/* In the child each call to start over fails in turn; the next one works. */
START_TEST(a_child_that_cannot_start_over_is_told_and_may_try_again)
{
	struct pair pair = { 0 };
	unsigned n;
	int fd, status;
	bool fired = true;

	choose_mode(_i);
	ck_assert_int_eq(set_up(&pair, &fd), 0);
	for (n = 1; n < MOST && fired; n++) {
		pid_t child;

		faulty_arm(n, EMFILE);
		child = fork();
		if (child == 0) {
			int r = reeve_signal_dispatch();

			if (r != 0 && r != -EMFILE)
				_exit(1);
			fired = faulty_fired();
			faulty_arm(0, 0);
			if (reeve_signal_raise(SIGUSR1) < 0 || reeve_signal_wait(SOON) != 1)
				_exit(2);
			_exit(fired ? 3 : 4);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		faulty_arm(0, 0);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) >= 3,
			"call %u failed: status %#x", n, status);
		fired = WEXITSTATUS(status) == 3;
	}
	ck_assert_uint_lt(n, MOST);
	tear_down(&pair);
}
END_TEST

#define expect_error(name, expression)                                                             \
	do {                                                                                       \
		faulty_arm_call(name, 1, EIO);                                                     \
		ck_assert_int_eq((expression), -EIO);                                              \
		ck_assert(faulty_fired());                                                         \
		faulty_arm(0, 0);                                                                  \
	} while (0)

START_TEST(what_one_call_does_tells_its_error)
{
	struct reeve_timer_value value = { .left = REEVE_SEC };
	pid_t me = getpid();

	expect_error("kill", reeve_signal_send(me, SIGUSR1));
	expect_error("kill", reeve_signal_send_group(me, SIGUSR1));
	expect_error("tgkill", reeve_signal_send_thread(me, me, SIGUSR1));
	expect_error("tgkill", reeve_signal_raise(SIGUSR1));
	expect_error("rt_sigqueueinfo", reeve_signal_queue(me, SIGUSR1, 1));
	expect_error("rt_tgsigqueueinfo", reeve_signal_queue_thread(me, me, SIGUSR1, 1));
	expect_error("pidfd_send_signal", reeve_signal_send_pidfd(0, SIGUSR1));
	expect_error("pidfd_send_signal", reeve_signal_queue_pidfd(0, SIGUSR1, 1));
	expect_error("sigaction", reeve_signal_ignore(SIGUSR1));
	expect_error("sigaction", reeve_signal_default(SIGUSR1));
	expect_error("sigaction", reeve_signal_disposition(SIGUSR1));
	expect_error("sigaction", reeve_signal_interrupt(SIGUSR1, true));
	expect_error("sigtimedwait", reeve_signal_wait_for(REEVE_SIGNAL_SET(SIGUSR1), 0, NULL));
	expect_error("fcntl", reeve_signal_set_wakeup_fd(0, NULL));
	expect_error("setitimer", reeve_timer_set(REEVE_TIMER_REAL, value, NULL));
	expect_error("setitimer", reeve_alarm(REEVE_SEC, NULL));
	expect_error("getitimer", reeve_timer_get(REEVE_TIMER_REAL, &value));
	ck_assert_int_eq(reeve_signal_ignore(SIGUSR1), 0);
	expect_error("sigaction", reeve_signal_restore(SIGUSR1));
	ck_assert_int_eq(reeve_signal_restore(SIGUSR1), 0);
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_DEFAULT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal faults");
	TCase *tcase = leakproof_case("faults");

	add_test_in_each_mode(tcase, setting_up_fails_whole_or_works);
	add_test_in_each_mode(tcase, waiting_fails_with_its_error_and_loses_nothing);
	add_test_in_each_mode(tcase, a_child_that_cannot_start_over_is_told_and_may_try_again);
	tcase_add_test(tcase, what_one_call_does_tells_its_error);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
