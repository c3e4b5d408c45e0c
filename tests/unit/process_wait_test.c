/* Waiting: for one, for any, for a group; polling, with a deadline, for stops too; and when the
 * status is gone. */
#include <pthread.h>
#include <sys/ptrace.h>
#include <time.h>

#include "lib/base/interrupt.h"
#include "unit/process_fixture.h"

START_TEST(every_exit_status)
{
	for (int status = 0; status < 256; status++) {
		char number[8];

		snprintf(number, sizeof number, "%d", status);
		expect_exit(spawn_probe(PROBE("exit", number)), status);
	}
}
END_TEST

START_TEST(the_signal_that_ended_it)
{
	expect_signalled(spawn_probe(PROBE("raise", "15")), SIGTERM);
	expect_signalled(spawn_probe(PROBE("raise", "9")), SIGKILL);
	expect_signalled(spawn_probe(PROBE("raise", "64")), 64);
}
END_TEST

START_TEST(a_core_dump_is_told)
{
	struct reeve_process_limit limit = { RLIMIT_CORE, { 0, 0 } };
	struct reeve_process_spec spec = {
		.argv = PROBE("raise", "6"),
		.executable = PROBE_PATH,
		.limits = &limit,
		.limit_count = 1,
	};
	struct reeve_process *process = spawn(&spec);
	struct reeve_process_outcome outcome = wait_for(process);

	ck_assert_int_eq(outcome.how, REEVE_PROCESS_SIGNALLED);
	ck_assert_int_eq(outcome.status, SIGABRT);
	ck_assert_int_eq(outcome.pid, reeve_process_pid(process));
	reeve_process_free(process);
}
END_TEST

START_TEST(an_outcome_is_kept)
{
	struct reeve_process *process = spawn_probe(PROBE("exit", "3"));
	struct reeve_process_outcome first = wait_for(process), again;

	ck_assert_int_eq(reeve_process_wait(process, 0, &again), 0);
	ck_assert_int_eq(memcmp(&first, &again, sizeof first), 0);
	ck_assert_int_eq(reeve_process_wait(process, 0, NULL), 0);
	ck_assert(!reeve_process_is_alive(process));
	ck_assert_int_eq(reeve_process_signal(process, 0), -ESRCH);
	reeve_process_free(process);
}
END_TEST

START_TEST(what_it_used_is_told)
{
	struct reeve_process *process = spawn_probe(PROBE("burn"));
	struct reeve_process_outcome outcome = wait_for(process);

	ck_assert_int_ge(
		outcome.usage.ru_utime.tv_usec + outcome.usage.ru_stime.tv_usec +
			1000000 * (outcome.usage.ru_utime.tv_sec + outcome.usage.ru_stime.tv_sec),
		20000);
	ck_assert_int_gt(outcome.usage.ru_maxrss, 0);
	ck_assert_uint_eq(outcome.uid, getuid());
	reeve_process_free(process);
}
END_TEST

START_TEST(a_deadline_passes_while_it_runs)
{
	struct reeve_process *process = spawn_sleeper("sleep", 0);
	struct reeve_process_outcome outcome;
	reeve_nsec before = reeve_now();

	ck_assert_int_eq(reeve_process_wait(process, 0, &outcome), -ETIMEDOUT);
	ck_assert_int_eq(reeve_process_wait(process, 30 * REEVE_MSEC, &outcome), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 30 * REEVE_MSEC);
	ck_assert_int_eq(reeve_process_wait(process, -2, &outcome), -EINVAL);
	ck_assert(reeve_process_is_alive(process));
	ck_assert_int_eq(reeve_process_signal(process, SIGKILL), 0);
	expect_signalled(process, SIGKILL);
}
END_TEST

static int hook_calls;

static int count_hook(void)
{
	hook_calls++;
	return 0;
}

static int interrupting_hook(void)
{
	return -EINTR;
}

static void do_nothing(int signal)
{
}

static void interrupt_soon(void)
{
	const struct sigaction action = { .sa_handler = do_nothing };
	timer_t timer;
	const struct itimerspec often = { { 0, 5000000 }, { 0, 5000000 } };

	sigaction(SIGALRM, &action, NULL);
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &often, NULL), 0);
}

/* PEP 475: handlers run, the time that is left is waited for, and only who asked for it is
 * interrupted. */
START_TEST(signals_do_not_end_a_wait)
{
	struct reeve_process *process = spawn_sleeper("sleep", 0);
	pid_t pid = reeve_process_pid(process);

	interrupt_set_hook(count_hook);
	interrupt_soon();
	ck_assert_int_eq(reeve_process_wait(process, 60 * REEVE_MSEC, NULL), -ETIMEDOUT);
	ck_assert_int_ge(hook_calls, 3);
	hook_calls = 0;
	ck_assert_int_eq(reeve_process_wait_events(
				 process, REEVE_PROCESS_WAIT_STOPPED, 60 * REEVE_MSEC, NULL),
		-ETIMEDOUT);
	ck_assert_int_ge(hook_calls, 3);
	interrupt_set_hook(interrupting_hook);
	ck_assert_int_eq(reeve_process_wait(process, REEVE_FOREVER, NULL), -EINTR);
	ck_assert_int_eq(
		reeve_process_wait_pid(pid, REEVE_PROCESS_WAIT_ENDED, REEVE_FOREVER, NULL), -EINTR);
	ck_assert_int_eq(
		reeve_process_wait_pid(pid, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, NULL), -EINTR);
	ck_assert_int_eq(reeve_process_wait_any(&process, 1, LONG_ENOUGH, NULL, NULL), -EINTR);
	interrupt_set_hook(count_hook);
	reeve_process_signal(process, SIGKILL);
	expect_signalled(process, SIGKILL);
	interrupt_set_hook(NULL);
}
END_TEST

START_TEST(stops_and_continues)
{
	const unsigned all = REEVE_PROCESS_WAIT_ENDED | REEVE_PROCESS_WAIT_STOPPED |
			     REEVE_PROCESS_WAIT_CONTINUED;
	struct reeve_process *process = spawn_probe(PROBE("stop"));
	struct reeve_process_outcome outcome;

	ck_assert_int_eq(reeve_process_wait_events(process, all, LONG_ENOUGH, &outcome), 0);
	ck_assert_int_eq(outcome.how, REEVE_PROCESS_STOPPED);
	ck_assert_int_eq(outcome.status, SIGSTOP);
	ck_assert_int_eq(
		reeve_process_wait_events(process, all, 0, &outcome), -ETIMEDOUT); /* taken */
	ck_assert_int_eq(reeve_process_wait(process, 0, NULL), -ETIMEDOUT);
	ck_assert_int_eq(reeve_process_signal(process, SIGCONT), 0);
	ck_assert_int_eq(reeve_process_wait_events(
				 process, REEVE_PROCESS_WAIT_CONTINUED, REEVE_FOREVER, &outcome),
		0);
	ck_assert_int_eq(outcome.how, REEVE_PROCESS_CONTINUED);
	ck_assert_int_eq(reeve_process_wait_events(process, all, LONG_ENOUGH, &outcome), 0);
	ck_assert_int_eq(outcome.how, REEVE_PROCESS_EXITED);
	ck_assert_int_eq(outcome.status, 5);
	ck_assert_int_eq(reeve_process_wait_events(process, all, 0, &outcome), 0);
	ck_assert_int_eq(outcome.status, 5);
	ck_assert_int_eq(
		reeve_process_wait_events(process, REEVE_PROCESS_WAIT_STOPPED, 0, &outcome),
		-ECHILD);
	ck_assert_int_eq(reeve_process_wait_events(process, 0, 0, &outcome), -EINVAL);
	ck_assert_int_eq(reeve_process_wait_events(process, 8, 0, &outcome), -EINVAL);
	reeve_process_free(process);
}
END_TEST

/* --- several ---------------------------------------------------------------------------------- */

START_TEST(any_of_an_array)
{
	enum { COUNT = 100 };
	struct reeve_process *processes[COUNT] = { NULL };
	struct reeve_process_outcome outcome;
	bool seen[COUNT] = { false };
	size_t index;

	ck_assert_int_eq(
		reeve_process_wait_any(processes, COUNT, LONG_ENOUGH, &index, &outcome), -ECHILD);
	ck_assert_int_eq(reeve_process_wait_any(NULL, 0, LONG_ENOUGH, &index, &outcome), -ECHILD);
	for (size_t i = 0; i < COUNT; i += 3) {
		char number[8];

		snprintf(number, sizeof number, "%zu", i);
		processes[i] = spawn_probe(PROBE("exit", number));
	}
	for (size_t i = 0; i < COUNT; i += 3) {
		ck_assert_int_eq(
			reeve_process_wait_any(processes, COUNT, LONG_ENOUGH, &index, &outcome), 0);
		ck_assert_uint_eq(index % 3, 0);
		ck_assert(!seen[index]);
		ck_assert_int_eq(outcome.status, (int)index);
		seen[index] = true;
	}
	ck_assert_int_eq(reeve_process_wait_any(processes, COUNT, 0, &index, &outcome), -ECHILD);
	for (size_t i = 0; i < COUNT; i++)
		reeve_process_free(processes[i]);
}
END_TEST

START_TEST(any_has_a_deadline)
{
	struct reeve_process *process = spawn_sleeper("sleep", 0);

	ck_assert_int_eq(reeve_process_wait_any(&process, 1, 0, NULL, NULL), -ETIMEDOUT);
	ck_assert_int_eq(
		reeve_process_wait_any(&process, 1, 20 * REEVE_MSEC, NULL, NULL), -ETIMEDOUT);
	reeve_process_signal(process, SIGKILL);
	ck_assert_int_eq(reeve_process_wait_any(&process, 1, LONG_ENOUGH, NULL, NULL), 0);
	reeve_process_free(process);
}
END_TEST

START_TEST(a_group)
{
	struct reeve_process *leader = spawn_sleeper("sleep", REEVE_PROCESS_SET_PROCESS_GROUP),
			     *other, *outsider;
	pid_t group = reeve_process_pid(leader);
	struct reeve_process_spec member = {
		.flags = REEVE_PROCESS_SET_PROCESS_GROUP,
		.argv = PROBE("exit", "2"),
		.executable = PROBE_PATH,
		.process_group = group,
	};
	struct reeve_process_outcome outcome;

	outsider = spawn_probe(PROBE("exit", "1"));
	other = spawn(&member);
	ck_assert_int_eq(
		reeve_process_wait_pid(-group, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, &outcome),
		reeve_process_pid(other));
	ck_assert_int_eq(outcome.status, 2);
	ck_assert_int_eq(
		reeve_process_wait_pid(-group, REEVE_PROCESS_WAIT_ENDED, 20 * REEVE_MSEC, NULL),
		-ETIMEDOUT);
	ck_assert_int_eq(reeve_process_signal_group(leader, SIGTERM), 0);
	ck_assert_int_eq(
		reeve_process_wait_pid(-group, REEVE_PROCESS_WAIT_ENDED, REEVE_FOREVER, NULL),
		group);
	ck_assert_int_eq(
		reeve_process_wait_pid(-group, REEVE_PROCESS_WAIT_ENDED, REEVE_FOREVER, NULL),
		-ECHILD);
	ck_assert_int_eq(reeve_process_wait_pid(0, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, NULL),
		reeve_process_pid(outsider));
	expect_exit(other, 2); /* the handles kept what the plain wait took */
	expect_exit(outsider, 1);
	expect_signalled(leader, SIGTERM);
}
END_TEST

START_TEST(plain_children)
{
	struct reeve_process_outcome outcome;
	pid_t pid = reeve_process_fork();

	if (pid == 0)
		_exit(33);
	ck_assert_int_eq(
		reeve_process_wait_pid(-1, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, &outcome), pid);
	ck_assert_int_eq(outcome.status, 33);
	ck_assert_int_eq(
		reeve_process_wait_pid(-1, REEVE_PROCESS_WAIT_ENDED, 0, &outcome), -ECHILD);
	ck_assert_int_eq(
		reeve_process_wait_pid(pid, REEVE_PROCESS_WAIT_ENDED, REEVE_FOREVER, &outcome),
		-ECHILD);
	ck_assert_int_eq(reeve_process_wait_pid(-1, 0, 0, &outcome), -EINVAL);
	ck_assert_int_eq(reeve_process_wait_pid(-1, 16, 0, &outcome), -EINVAL);
	ck_assert_int_eq(
		reeve_process_wait_pid(-1, REEVE_PROCESS_WAIT_ENDED, -7, &outcome), -EINVAL);
}
END_TEST

/* --- somebody else took it -------------------------------------------------------------------- */

START_TEST(a_peek_leaves_the_status)
{
	const unsigned look = REEVE_PROCESS_WAIT_ENDED | REEVE_PROCESS_WAIT_PEEK;
	struct reeve_process *process = spawn_probe(PROBE("exit", "5"));
	pid_t pid = reeve_process_pid(process);
	struct reeve_process_outcome outcome;

	for (int i = 0; i < 3; i++) {
		memset(&outcome, 0xff, sizeof outcome);
		ck_assert_int_eq(reeve_process_wait_pid(-1, look, LONG_ENOUGH, &outcome), pid);
		ck_assert_int_eq(outcome.how, REEVE_PROCESS_EXITED);
		ck_assert_int_eq(outcome.status, 5);
		ck_assert_int_eq(outcome.pid, pid);
		memset(&outcome, 0xff, sizeof outcome);
		ck_assert_int_eq(
			reeve_process_wait_events(process, look, LONG_ENOUGH, &outcome), 0);
		ck_assert_int_eq(outcome.status, 5);
		ck_assert_int_eq(kill(pid, 0), 0);
	}
	expect_exit(process, 5);
	ck_assert_int_eq(kill(pid, 0), -1);
	ck_assert_int_eq(reeve_process_wait_pid(-1, look, 0, &outcome), -ECHILD);
	ck_assert_int_eq(
		reeve_process_wait_pid(-1, REEVE_PROCESS_WAIT_PEEK, 0, &outcome), -EINVAL);
}
END_TEST

START_TEST(a_stolen_status_is_unknown)
{
	struct reeve_process *process = spawn_probe(PROBE("exit", "3"));
	struct reeve_process_outcome outcome;

	ck_assert_int_eq(waitpid(reeve_process_pid(process), NULL, 0), reeve_process_pid(process));
	outcome = wait_for(process);
	ck_assert_int_eq(outcome.how, REEVE_PROCESS_UNKNOWN);
	ck_assert_int_eq(outcome.pid, reeve_process_pid(process));
	reeve_process_free(process);
}
END_TEST

START_TEST(an_ignored_sigchld_makes_it_unknown)
{
	struct reeve_process *process;

	signal(SIGCHLD, SIG_IGN);
	process = spawn_probe(PROBE("exit", "3"));
	ck_assert_int_eq(wait_for(process).how, REEVE_PROCESS_UNKNOWN);
	reeve_process_free(process);
	expect_failure(
		&(struct reeve_process_spec){ .argv = PROBE("x"), .executable = "/nonexistent" },
		-ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	signal(SIGCHLD, SIG_DFL);
}
END_TEST

/* A dead process that is traced by another is the tracer's first, though its pidfd is readable
 * already. */
START_TEST(a_traced_process_is_its_tracers_first)
{
	struct reeve_process *process = spawn_sleeper("sleep", 0);
	pid_t pid = reeve_process_pid(process), tracer;
	int fds[2], go[2];
	char byte;

	make_pipe(fds);
	make_pipe(go);
	tracer = fork();
	if (tracer == 0) {
		close(go[1]);
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
			_exit(1);
		dprintf(fds[1], "x");
		if (read(go[0], &byte, 1) < 0)
			_exit(2);
		_exit(0); /* lets go of what it traces */
	}
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	reeve_process_signal(process, SIGKILL);
	ck_assert_int_eq(reeve_process_wait(process, 50 * REEVE_MSEC, NULL), -ETIMEDOUT);
	close(go[1]);
	expect_signalled(process, SIGKILL);
	ck_assert_int_eq(waitpid(tracer, NULL, 0), tracer);
	close(go[0]);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* --- threads ---------------------------------------------------------------------------------- */

static void *spawn_and_wait(void *argument)
{
	const char *number = argument;

	for (int i = 0; i < 50; i++)
		expect_exit(spawn_probe(PROBE("exit", number)), number[0] - '0');
	return NULL;
}

START_TEST(threads_do_not_disturb_one_another)
{
	static char numbers[4][2] = { "1", "2", "3", "4" };
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, spawn_and_wait, numbers[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process_wait");
	TCase *tcase = leakproof_case("wait");

	tcase_add_test(tcase, every_exit_status);
	tcase_add_test(tcase, the_signal_that_ended_it);
	tcase_add_test(tcase, a_core_dump_is_told);
	tcase_add_test(tcase, an_outcome_is_kept);
	tcase_add_test(tcase, what_it_used_is_told);
	tcase_add_test(tcase, a_deadline_passes_while_it_runs);
	tcase_add_test(tcase, signals_do_not_end_a_wait);
	tcase_add_test(tcase, stops_and_continues);
	tcase_add_test(tcase, any_of_an_array);
	tcase_add_test(tcase, any_has_a_deadline);
	tcase_add_test(tcase, a_group);
	tcase_add_test(tcase, plain_children);
	tcase_add_test(tcase, a_peek_leaves_the_status);
	tcase_add_test(tcase, a_stolen_status_is_unknown);
	tcase_add_test(tcase, an_ignored_sigchld_makes_it_unknown);
	tcase_add_test(tcase, a_traced_process_is_its_tracers_first);
	tcase_add_test(tcase, threads_do_not_disturb_one_another);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
