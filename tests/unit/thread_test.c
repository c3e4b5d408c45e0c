#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/signal.h"
#include "reeve/thread.h"
#include "support/harness.h"

static void *give_back(void *data)
{
	return data;
}

/* Threads that wait for us to let them end: on a pipe, which is an event that can be waited for. */
static int gate[2];

static void open_gate_pipe(void)
{
	ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
}

static void close_gate_pipe(void)
{
	close(gate[0]);
	close(gate[1]);
}

static void let_one_through(void)
{
	ck_assert_int_eq(write(gate[1], "x", 1), 1);
}

static void *wait_at_gate(void *data)
{
	char byte;

	return read(gate[0], &byte, 1) == 1 ? data : NULL;
}

static struct reeve_thread *start(const struct reeve_thread_spec *spec, reeve_thread_function *function, void *data)
{
	struct reeve_thread *thread;

	ck_assert_int_eq(reeve_thread_start(spec, function, data, &thread), 0);
	return thread;
}

START_TEST(join_gives_what_the_function_returned_as_often_as_asked)
{
	int data;
	struct reeve_thread *thread = start(NULL, give_back, &data);

	for (int i = 0; i < 3; i++) {
		void *result = NULL;

		ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, &result), 0);
		ck_assert_ptr_eq(result, &data);
		ck_assert(!reeve_thread_is_alive(thread));
	}
	ck_assert_ptr_null(reeve_thread_free(thread));
	ck_assert_ptr_null(reeve_thread_free(NULL));
}
END_TEST

START_TEST(a_join_ends_at_its_deadline)
{
	struct reeve_thread *thread = start(NULL, wait_at_gate, NULL);
	reeve_nsec before = reeve_now();

	ck_assert_int_eq(reeve_thread_join(thread, 0, NULL), -ETIMEDOUT);
	ck_assert_int_eq(reeve_thread_join(thread, 20 * REEVE_MSEC, NULL), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 20 * REEVE_MSEC);
	ck_assert_int_eq(reeve_thread_join(thread, -2, NULL), -EINVAL);
	ck_assert(reeve_thread_is_alive(thread));
	let_one_through();
	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, NULL), 0);
	reeve_thread_free(thread);
}
END_TEST

static void *join_another(void *data)
{
	void *result = NULL;
	int r = reeve_thread_join(data, REEVE_FOREVER, &result);

	return r == 0 ? result : NULL;
}

START_TEST(several_threads_may_join_one)
{
	int data;
	struct reeve_thread *joined = start(NULL, wait_at_gate, &data), *joiners[8];

	for (int i = 0; i < 8; i++)
		joiners[i] = start(NULL, join_another, joined);
	let_one_through();
	for (int i = 0; i < 8; i++) {
		void *result = NULL;

		ck_assert_int_eq(reeve_thread_join(joiners[i], REEVE_FOREVER, &result), 0);
		ck_assert_ptr_eq(result, &data);
		reeve_thread_free(joiners[i]);
	}
	reeve_thread_free(joined);
}
END_TEST

static void *join_self(void *data)
{
	return (void *)(intptr_t)reeve_thread_join(reeve_thread_self(), REEVE_FOREVER, NULL);
}

START_TEST(a_thread_that_waits_for_itself_is_told)
{
	struct reeve_thread *thread = start(NULL, join_self, NULL);
	void *result = NULL;

	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, &result), 0);
	ck_assert_int_eq((intptr_t)result, -EDEADLK);
	ck_assert_ptr_null(reeve_thread_self());
	reeve_thread_free(thread);
}
END_TEST

static void *exit_thread(void *data)
{
	pthread_exit(data);
}

static void *cancel_self(void *data)
{
	pthread_cancel(pthread_self());
	pthread_testcancel();
	return data;
}

START_TEST(pthread_exit_and_cancellation_are_ends_too)
{
	int data;
	struct reeve_thread *thread = start(NULL, exit_thread, &data);
	void *result = NULL;

	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, &result), 0);
	ck_assert_ptr_eq(result, &data);
	reeve_thread_free(thread);
	thread = start(NULL, cancel_self, &data);
	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, &result), 0);
	ck_assert_ptr_eq(result, PTHREAD_CANCELED);
	reeve_thread_free(thread);
}
END_TEST

struct facts {
	char kernel_name[16], name[REEVE_THREAD_NAME_MAX + 1];
	pid_t tid;
	sigset_t mask;
	size_t stack_size;
};

static void *tell_facts(void *data)
{
	struct facts *facts = data;
	pthread_attr_t attributes;

	pthread_getname_np(pthread_self(), facts->kernel_name, sizeof facts->kernel_name);
	snprintf(facts->name, sizeof facts->name, "%s", reeve_thread_name(reeve_thread_self()));
	facts->tid = gettid();
	pthread_sigmask(SIG_SETMASK, NULL, &facts->mask);
	pthread_getattr_np(pthread_self(), &attributes);
	pthread_attr_getstacksize(&attributes, &facts->stack_size);
	pthread_attr_destroy(&attributes);
	return NULL;
}

static struct facts facts_of_thread(const struct reeve_thread_spec *spec)
{
	struct facts facts = { 0 };
	struct reeve_thread *thread = start(spec, tell_facts, &facts);
	pid_t tid = reeve_thread_id(thread);

	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, NULL), 0);
	ck_assert_int_eq(facts.tid, tid);
	ck_assert_str_eq(facts.name, reeve_thread_name(thread));
	reeve_thread_free(thread);
	return facts;
}

START_TEST(a_thread_has_its_name)
{
	struct facts facts = facts_of_thread(&(struct reeve_thread_spec){ .name = "a rather long name" });
	char longest[REEVE_THREAD_NAME_MAX + 2];
	struct reeve_thread_spec spec = { .name = longest };
	struct reeve_thread *thread = NULL;

	ck_assert_str_eq(facts.name, "a rather long name");
	ck_assert_str_eq(facts.kernel_name, "a rather long n");
	ck_assert_int_eq(strncmp(facts_of_thread(NULL).name, "thread-", 7), 0);
	memset(longest, 'n', sizeof longest);
	longest[REEVE_THREAD_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(reeve_thread_start(&spec, give_back, NULL, &thread), -ENAMETOOLONG);
	ck_assert_ptr_null(thread);
	longest[REEVE_THREAD_NAME_MAX] = '\0';
	ck_assert_str_eq(facts_of_thread(&spec).name, longest);
}
END_TEST

START_TEST(a_thread_has_no_part_in_signals_unless_asked_for)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT };
	struct facts facts = facts_of_thread(NULL);
	sigset_t before, after;

	ck_assert(sigismember(&facts.mask, SIGTERM));
	ck_assert(sigismember(&facts.mask, SIGRTMAX));
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		ck_assert(!sigismember(&facts.mask, faults[i]));

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	sigaddset(&before, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	facts = facts_of_thread(&(struct reeve_thread_spec){ .receives_signals = true });
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		ck_assert_int_eq(sigismember(&facts.mask, signo), sigismember(&before, signo));
		ck_assert_int_eq(sigismember(&after, signo), sigismember(&before, signo));
	}
}
END_TEST

START_TEST(a_stack_is_as_large_as_asked_for)
{
	struct reeve_thread *thread = NULL;

	ck_assert_uint_ge(facts_of_thread(&(struct reeve_thread_spec){ .stack_size = 3000001 }).stack_size,
		3000001);
	ck_assert_int_eq(reeve_thread_start(&(struct reeve_thread_spec){ .stack_size = 1 }, give_back, NULL,
		&thread), -EINVAL);
	ck_assert_int_lt(reeve_thread_start(&(struct reeve_thread_spec){ .stack_size = SIZE_MAX }, give_back,
		NULL, &thread), 0);
	ck_assert_int_lt(reeve_thread_start(&(struct reeve_thread_spec){ .stack_size = SIZE_MAX / 2 },
		give_back, NULL, &thread), 0);
	ck_assert_int_eq(reeve_thread_start(NULL, NULL, NULL, &thread), -EINVAL);
	ck_assert_ptr_null(thread);
}
END_TEST

/* Handles are freed while their threads are at every point of their lives. */
START_TEST(a_handle_may_be_freed_at_any_time)
{
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(reeve_thread_start(NULL, give_back, NULL, NULL), 0);
		reeve_thread_free(start(NULL, give_back, NULL));
	}
	reeve_thread_free(start(NULL, wait_at_gate, NULL));
	ck_assert_int_eq(reeve_thread_join_all(REEVE_MSEC), -ETIMEDOUT);
	let_one_through();
	ck_assert_int_eq(reeve_thread_join_all(REEVE_FOREVER), 0);
}
END_TEST

/* --- what keeps the process alive --- */

static void *write_late(void *data)
{
	char byte;
	/* The byte comes from the parent once it has seen main() return. */
	ssize_t size = read(gate[0], &byte, 1);

	return (void *)write(*(int *)data, "late", (size_t)size * 4);
}

static void main_returned(void)
{
	let_one_through();
}

/* In a child: a thread that waits until exit handlers run, then writes. Does its word arrive? */
static bool word_arrives(bool background)
{
	int word[2], status;
	char text[4];
	ssize_t size;
	pid_t pid;

	ck_assert_int_eq(pipe2(word, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct reeve_thread_spec spec = { .background = background };

		if (reeve_thread_start(&spec, background ? wait_at_gate : write_late, &word[1], NULL) < 0)
			_exit(1);
		if (!background)
			atexit(main_returned); /* runs before the library's own handler */
		exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(word[1]);
	size = read(word[0], text, sizeof text);
	close(word[0]);
	return size == 4;
}

START_TEST(the_process_ends_after_its_foreground_threads_and_not_later)
{
	ck_assert(word_arrives(false));
	ck_assert(!word_arrives(true));
}
END_TEST

static void *exit_process(void *data)
{
	exit(7);
}

START_TEST(a_thread_may_end_the_process)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct reeve_thread *thread = start(NULL, exit_process, NULL);

		reeve_thread_join(thread, REEVE_FOREVER, NULL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), 7);
}
END_TEST

/* --- fork --- */

static bool can_start_in_child(void)
{
#ifndef __SANITIZE_THREAD__ /* which does not support that */
	struct reeve_thread *own = start(NULL, give_back, NULL);

	if (reeve_thread_join(own, REEVE_FOREVER, NULL) < 0)
		return false;
	reeve_thread_free(own);
#endif
	return true;
}

START_TEST(a_forked_child_is_without_the_other_threads)
{
	struct reeve_thread *thread = start(NULL, wait_at_gate, NULL);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		bool right = !reeve_thread_is_alive(thread) &&
			reeve_thread_join(thread, REEVE_FOREVER, NULL) == -ESRCH &&
			reeve_thread_join_all(REEVE_FOREVER) == 0;

		reeve_thread_free(thread);
		right = right && can_start_in_child();
		exit(right ? 0 : 1); /* and does not wait for threads that are not there */
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	let_one_through();
	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, NULL), 0);
	reeve_thread_free(thread);
}
END_TEST

static void *fork_and_wait(void *data)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(reeve_thread_is_alive(reeve_thread_self()) && reeve_thread_join_all(0) == 0 ? 0 : 1);
	waitpid(pid, &status, 0);
	return (void *)(intptr_t)status;
}

START_TEST(a_thread_that_forks_is_the_childs_only_one)
{
	struct reeve_thread *thread = start(NULL, fork_and_wait, NULL);
	void *result = (void *)1;

	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, &result), 0);
	ck_assert_int_eq((intptr_t)result, 0);
	reeve_thread_free(thread);
}
END_TEST

/* --- signals meanwhile --- */

static void open_the_gate(const struct reeve_signal_event *event, void *data)
{
	let_one_through();
}

/* The thread ends only because the handler ran inside the join. */
START_TEST(a_join_runs_the_handlers_of_signals_that_interrupt_it)
{
	struct reeve_signal_subscription *subscription;
	struct reeve_thread *thread = start(NULL, wait_at_gate, NULL);

	ck_assert_int_eq(reeve_signal_subscribe(SIGALRM, open_the_gate, NULL, &subscription), 0);
	alarm(1);
	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, NULL), 0);
	reeve_thread_free(thread);
	thread = start(NULL, wait_at_gate, NULL);
	ck_assert_int_eq(reeve_signal_interrupt(SIGALRM, true), 0);
	alarm(1);
	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, NULL), -EINTR);
	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, NULL), 0);
	reeve_thread_free(thread);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

static TCase *thread_case(const char *name)
{
	TCase *tcase = leakproof_case(name);

	tcase_add_checked_fixture(tcase, open_gate_pipe, close_gate_pipe);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("thread");
	TCase *join = thread_case("join"), *shape = thread_case("shape"), *process = thread_case("process");

	tcase_add_test(join, join_gives_what_the_function_returned_as_often_as_asked);
	tcase_add_test(join, a_join_ends_at_its_deadline);
	tcase_add_test(join, several_threads_may_join_one);
	tcase_add_test(join, a_thread_that_waits_for_itself_is_told);
	tcase_add_test(join, pthread_exit_and_cancellation_are_ends_too);
	tcase_add_test(join, a_join_runs_the_handlers_of_signals_that_interrupt_it);
	suite_add_tcase(suite, join);

	tcase_add_test(shape, a_thread_has_its_name);
	tcase_add_test(shape, a_thread_has_no_part_in_signals_unless_asked_for);
	tcase_add_test(shape, a_stack_is_as_large_as_asked_for);
	tcase_add_test(shape, a_handle_may_be_freed_at_any_time);
	suite_add_tcase(suite, shape);

	tcase_add_test(process, the_process_ends_after_its_foreground_threads_and_not_later);
	tcase_add_test(process, a_thread_may_end_the_process);
	tcase_add_test(process, a_forked_child_is_without_the_other_threads);
	tcase_add_test(process, a_thread_that_forks_is_the_childs_only_one);
	suite_add_tcase(suite, process);
	return run_suite(suite);
}
