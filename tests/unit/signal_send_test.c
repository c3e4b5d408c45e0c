/* Sending: to a process, a group, a thread, a pidfd; with a value; to oneself. */
#include <pthread.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "unit/signal_fixture.h"

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* A child that takes one of `signo`, checks the value if it comes with one, and exits with 0. */
static pid_t taker(int signo, bool with_value, int value)
{
	struct reeve_signal_event event;
	pid_t child;

	ck_assert_int_eq(reeve_signal_mask(REEVE_SIGNAL_BLOCK, REEVE_SIGNAL_SET(signo), NULL), 0);
	child = fork();
	if (child != 0)
		return child;
	if (reeve_signal_wait_for(REEVE_SIGNAL_SET(signo), SOON, &event) != signo)
		_exit(1);
	if (event.pid != getppid() || event.uid != getuid())
		_exit(2);
	if (with_value && (event.code != SI_QUEUE || event.value != value ||
				  event.pointer != (void *)(intptr_t)value))
		_exit(3);
	_exit(0);
}

START_TEST(each_way_reaches_the_process)
{
	pid_t child = taker(SIGUSR1, false, 0);
	int pidfd;

	ck_assert_int_eq(reeve_signal_send(child, 0), 0);
	ck_assert_int_eq(reeve_signal_send(child, SIGUSR1), 0);
	reap(child);

	child = taker(SIGUSR1, false, 0);
	ck_assert_int_eq(reeve_signal_send_thread(child, child, SIGUSR1), 0);
	reap(child);

	child = taker(SIGUSR1, false, 0);
	pidfd = open_pidfd(child);
	ck_assert_int_eq(reeve_signal_send_pidfd(pidfd, 0), 0);
	ck_assert_int_eq(reeve_signal_send_pidfd(pidfd, SIGUSR1), 0);
	reap(child);
	ck_assert_int_eq(reeve_signal_send_pidfd(pidfd, SIGUSR1), -ESRCH);
	ck_assert_int_eq(reeve_signal_queue_pidfd(pidfd, SIGUSR1, 1), -ESRCH);
	close(pidfd);
}
END_TEST

START_TEST(each_way_brings_a_value)
{
	pid_t child = taker(SIGRTMIN, true, 11);
	int pidfd;

	ck_assert_int_eq(reeve_signal_queue(child, SIGRTMIN, 11), 0);
	reap(child);
	child = taker(SIGRTMIN, true, -12);
	ck_assert_int_eq(reeve_signal_queue_thread(child, child, SIGRTMIN, -12), 0);
	reap(child);
	child = taker(SIGRTMIN, true, 13);
	pidfd = open_pidfd(child);
	ck_assert_int_eq(reeve_signal_queue_pidfd(pidfd, SIGRTMIN, 13), 0);
	reap(child);
	close(pidfd);
}
END_TEST

START_TEST(a_group_gets_it_all_together)
{
	pid_t children[3];

	for (size_t i = 0; i < 3; i++) {
		children[i] = taker(SIGUSR1, false, 0);
		ck_assert_int_eq(setpgid(children[i], children[0]), 0);
	}
	ck_assert_int_eq(reeve_signal_send_group(children[0], 0), 0);
	ck_assert_int_eq(reeve_signal_send_group(children[0], SIGUSR1), 0);
	for (size_t i = 0; i < 3; i++)
		reap(children[i]);
	ck_assert_int_eq(reeve_signal_send_group(children[0], SIGUSR1), -ESRCH);
}
END_TEST

START_TEST(the_own_group_is_zero)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;

	ck_assert_int_eq(setpgid(0, 0), 0);
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_send_group(0, SIGUSR1), 0);
	wait_for_log(&log, 1);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(wrong_targets_and_signals_are_refused_each_by_its_error)
{
	static const int refused[][2] = { { -1, -EINVAL }, { 65, -EINVAL }, { 32, -EBUSY },
		{ 33, -EBUSY } };
	pid_t me = getpid();

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		ck_assert_int_eq(reeve_signal_send(me, refused[i][0]), refused[i][1]);
		ck_assert_int_eq(reeve_signal_send_group(me, refused[i][0]), refused[i][1]);
		ck_assert_int_eq(reeve_signal_send_thread(me, me, refused[i][0]), refused[i][1]);
		ck_assert_int_eq(reeve_signal_send_pidfd(0, refused[i][0]), refused[i][1]);
		ck_assert_int_eq(reeve_signal_queue(me, refused[i][0], 1), refused[i][1]);
		ck_assert_int_eq(
			reeve_signal_queue_thread(me, me, refused[i][0], 1), refused[i][1]);
		ck_assert_int_eq(reeve_signal_queue_pidfd(0, refused[i][0], 1), refused[i][1]);
		ck_assert_int_eq(reeve_signal_raise(refused[i][0]), refused[i][1]);
	}
	/* None of these is everybody. */
	ck_assert_int_eq(reeve_signal_send(0, SIGKILL), -ESRCH);
	ck_assert_int_eq(reeve_signal_send(-1, SIGKILL), -ESRCH);
	ck_assert_int_eq(reeve_signal_queue(-1, SIGKILL, 0), -ESRCH);
	ck_assert_int_eq(reeve_signal_send_group(1, SIGKILL), -ESRCH);
	ck_assert_int_eq(reeve_signal_send_group(-1, SIGKILL), -ESRCH);
	ck_assert_int_eq(reeve_signal_send_thread(me, 0, SIGKILL), -ESRCH);
	ck_assert_int_eq(reeve_signal_send_thread(0, me, SIGKILL), -ESRCH);
	ck_assert_int_eq(reeve_signal_send_thread(me, 1, 0), -ESRCH);
	ck_assert_int_eq(reeve_signal_send_pidfd(-1, 0), -EBADF);
	ck_assert_int_eq(reeve_signal_send_pidfd(STDIN_FILENO, 0), -EBADF);
}
END_TEST

START_TEST(a_full_queue_is_told_to_the_sender)
{
	struct rlimit before, none;
	int r;

	ck_assert_int_eq(
		reeve_signal_mask(REEVE_SIGNAL_BLOCK, REEVE_SIGNAL_SET(SIGRTMIN), NULL), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_SIGPENDING, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &none), 0);
	r = reeve_signal_queue(getpid(), SIGRTMIN, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_SIGPENDING, &before), 0);
	ck_assert_int_eq(r, -EAGAIN);
}
END_TEST

/* --- Threads --------------------------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	pid_t tid;
	sem_t ready;
	int got;
};

static void *take_one(void *data)
{
	struct worker *worker = data;
	struct reeve_signal_event event;

	worker->tid = gettid();
	sem_post(&worker->ready);
	if (reeve_signal_wait_for(REEVE_SIGNAL_SET(SIGRTMIN), SOON, &event) == SIGRTMIN)
		worker->got = event.value;
	return NULL;
}

START_TEST(one_thread_gets_it_and_no_other)
{
	struct worker workers[2] = { 0 };

	ck_assert_int_eq(
		reeve_signal_mask(REEVE_SIGNAL_BLOCK, REEVE_SIGNAL_SET(SIGRTMIN), NULL), 0);
	for (int i = 0; i < 2; i++) {
		sem_init(&workers[i].ready, 0, 0);
		ck_assert_int_eq(
			pthread_create(&workers[i].thread, NULL, take_one, &workers[i]), 0);
		sem_wait(&workers[i].ready);
	}
	for (int i = 1; i >= 0; i--)
		ck_assert_int_eq(
			reeve_signal_queue_thread(getpid(), workers[i].tid, SIGRTMIN, 100 + i), 0);
	for (int i = 0; i < 2; i++) {
		pthread_join(workers[i].thread, NULL);
		ck_assert_int_eq(workers[i].got, 100 + i);
	}
	/* The kernel may be busy yet with the end of a thread that was joined. */
	WAIT_UNTIL(reeve_signal_send_thread(getpid(), workers[0].tid, 0) == -ESRCH);
}
END_TEST

static pid_t callback_thread;

static void note_thread(const struct reeve_signal_event *event, void *data)
{
	callback_thread = gettid();
}

static void *raise_here(void *unused)
{
	ck_assert_int_eq(reeve_signal_raise(SIGUSR1), 0);
	return NULL;
}

/* Wherever it is raised, the callback runs in the thread that dispatches. */
START_TEST(raised_in_a_thread_handled_in_the_dispatcher)
{
	struct reeve_signal_subscription *subscription;
	pthread_t thread;

	choose_mode(_i);
	subscription = subscribe(SIGUSR1, note_thread, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, raise_here, NULL), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(reeve_signal_wait(SOON), 1);
	ck_assert_int_eq(callback_thread, getpid());
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static sem_t open_now, go_on;

static void *stay_open(void *unused)
{
	reeve_signal_mask(REEVE_SIGNAL_SETMASK, REEVE_SIGNAL_NONE, NULL);
	sem_post(&open_now);
	while (sem_wait(&go_on) != 0)
		;
	return NULL;
}

/* Modes that want a signal blocked get along with threads that have it open. */
START_TEST(a_thread_that_has_the_signal_open_puts_it_back)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	pthread_t thread;

	choose_mode(_i);
	sem_init(&open_now, 0, 0);
	sem_init(&go_on, 0, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, stay_open, NULL), 0);
	sem_wait(&open_now);
	subscription = subscribe(SIGRTMIN, log_event, &log);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(reeve_signal_queue(getpid(), SIGRTMIN, i), 0);
	wait_for_log(&log, 10);
	for (int i = 0, sum = 0; i < 10; i++) {
		sum += log.events[i].value;
		ck_assert_int_eq(log.events[i].pid, getpid());
		if (i == 9)
			ck_assert_int_eq(sum, 45);
	}
	sem_post(&go_on);
	pthread_join(thread, NULL);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal sending");
	TCase *tcase = leakproof_case("sending");

	tcase_add_test(tcase, each_way_reaches_the_process);
	tcase_add_test(tcase, each_way_brings_a_value);
	tcase_add_test(tcase, a_group_gets_it_all_together);
	tcase_add_test(tcase, the_own_group_is_zero);
	tcase_add_test(tcase, wrong_targets_and_signals_are_refused_each_by_its_error);
	tcase_add_test(tcase, a_full_queue_is_told_to_the_sender);
	tcase_add_test(tcase, one_thread_gets_it_and_no_other);
	add_test_in_each_mode(tcase, raised_in_a_thread_handled_in_the_dispatcher);
	add_test_in_each_mode(tcase, a_thread_that_has_the_signal_open_puts_it_back);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
