/* Spawn in two steps: children that run beside the caller, and what they must not touch. */
#include <sys/resource.h>

#include "unit/process_fixture.h"

#define AT_ONCE 32

static struct reeve_process *begin(const struct reeve_process_spec *spec)
{
	struct reeve_process_failure failure = { 0 };
	struct reeve_process *process = NULL;

	ck_assert_int_eq(reeve_process_spawn_begin(spec, &failure, &process), 0);
	ck_assert_int_gt(reeve_process_pid(process), 0);
	ck_assert_int_eq(failure.error, 0);
	return process;
}

static void finish(struct reeve_process *process)
{
	struct reeve_process_failure failure = { 0 };
	int r = reeve_process_spawn_finish(process, &failure);

	ck_assert_msg(r == 0, "cannot %s: %s", reeve_process_stage_text(failure.stage), strerror(-r));
}

/* Each has its own description, descriptors and outcome, in whatever order they are finished. */
START_TEST(many_at_once)
{
	struct reeve_process *processes[AT_ONCE];
	struct reeve_process_spec specs[AT_ONCE];
	const char *argv[AT_ONCE][4];
	char numbers[AT_ONCE][8];

	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < AT_ONCE; i++) {
			snprintf(numbers[i], sizeof numbers[i], "%d", i);
			memcpy(argv[i], PROBE("exit", numbers[i]), sizeof argv[i]);
			specs[i] = (struct reeve_process_spec){
				.flags = i % 2 ? REEVE_PROCESS_CLOSE_REST : 0,
				.argv = argv[i],
				.executable = PROBE_PATH,
			};
			processes[i] = begin(&specs[i]);
		}
		for (int i = 0; i < AT_ONCE; i++)
			finish(processes[(i * 7) % AT_ONCE]);
		for (int i = 0; i < AT_ONCE; i++)
			expect_exit(processes[i], i);
	}
}
END_TEST

/* A pipe's ends each, closed by the caller as soon as finish() has returned and not before. */
START_TEST(each_has_its_descriptors)
{
	struct reeve_process *processes[AT_ONCE];
	struct reeve_process_spec specs[AT_ONCE];
	struct reeve_process_descriptor map[AT_ONCE][2];
	int pipes[AT_ONCE][2];

	for (int i = 0; i < AT_ONCE; i++) {
		ck_assert_int_eq(pipe2(pipes[i], O_CLOEXEC), 0);
		map[i][0] = (struct reeve_process_descriptor){ REEVE_PROCESS_DEV_NULL, 0 };
		map[i][1] = (struct reeve_process_descriptor){ pipes[i][1], 1 };
		specs[i] = (struct reeve_process_spec){
			.flags = REEVE_PROCESS_CLOSE_REST,
			.shell = "echo $$",
			.descriptors = map[i],
			.descriptor_count = 2,
		};
		processes[i] = begin(&specs[i]);
	}
	for (int i = 0; i < AT_ONCE; i++) {
		char text[64], pid[64];

		finish(processes[i]);
		close(pipes[i][1]);
		snprintf(pid, sizeof pid, "%d\n", (int)reeve_process_pid(processes[i]));
		read_all(pipes[i][0], text, sizeof text);
		ck_assert_str_eq(text, pid);
		close(pipes[i][0]);
		expect_exit(processes[i], 0);
	}
}
END_TEST

/* The child shares the thread's errno, and makes calls that fail. */
START_TEST(the_callers_errno_is_its_own)
{
	const char *argv[] = { "none", NULL };
	struct reeve_process_spec spec = { .argv = argv, .executable = "/nonexistent/none" };

	for (int round = 0; round < 50; round++) {
		struct reeve_process *process = begin(&spec);

		for (int i = 0; i < 2000; i++) {
			ck_assert_int_eq(close(-1), -1);
			ck_assert_int_eq(errno, EBADF);
		}
		ck_assert_int_eq(reeve_process_spawn_finish(process, NULL), -ENOENT);
		expect_exit(process, 127);
	}
}
END_TEST

START_TEST(a_failure_is_told_by_the_finish)
{
	struct reeve_process_limit limits[] = { { RLIMIT_CORE, { 0, 0 } }, { 1000, { 0, 0 } } };
	struct reeve_process_spec spec = {
		.argv = PROBE("exit", "0"),
		.executable = PROBE_PATH,
		.limits = limits,
		.limit_count = 2,
	};
	struct reeve_process *process = begin(&spec);
	struct reeve_process_failure failure = { 0 };

	ck_assert_int_eq(reeve_process_spawn_finish(process, &failure), -EINVAL);
	ck_assert_int_eq(failure.error, -EINVAL);
	ck_assert_int_eq(failure.stage, REEVE_PROCESS_STAGE_LIMIT);
	ck_assert_uint_eq(failure.index, 1);
	ck_assert_int_eq(failure.pid, reeve_process_pid(process));
	expect_exit(process, 127);
}
END_TEST

START_TEST(what_fails_before_is_told_by_the_begin)
{
	struct reeve_process_spec spec = { 0 };
	struct reeve_process_failure failure = { 0 };
	struct reeve_process *process = (void *)&failure;

	ck_assert_int_eq(reeve_process_spawn_begin(&spec, &failure, &process), -EINVAL);
	ck_assert_ptr_eq(process, &failure);
	ck_assert_int_eq(failure.stage, REEVE_PROCESS_STAGE_PREPARE);
	ck_assert_int_eq(failure.pid, 0);
}
END_TEST

/* Looked for in PATH, or of another user: as if it ran beside, but for the time it takes. */
START_TEST(those_that_are_waited_for)
{
	struct reeve_process_spec searched = {
		.argv = (const char *[]){ "sh", "-c", "exit 4", NULL },
	};
	struct reeve_process_spec missing = { .argv = (const char *[]){ "no such program", NULL } };
	struct reeve_process_failure failure = { 0 };
	struct reeve_process *process;

	process = begin(&searched);
	finish(process);
	expect_exit(process, 4);
	process = begin(&missing);
	ck_assert_int_eq(reeve_process_spawn_finish(process, &failure), -ENOENT);
	ck_assert_int_eq(failure.stage, REEVE_PROCESS_STAGE_EXEC);
	expect_exit(process, 127);
}
END_TEST

START_TEST(it_is_finished_once)
{
	struct reeve_process_spec spec = { .argv = PROBE("exit", "0"), .executable = PROBE_PATH };
	struct reeve_process *process = begin(&spec);

	finish(process);
	ck_assert_int_eq(reeve_process_spawn_finish(process, NULL), -EINVAL);
	expect_exit(process, 0);
	process = spawn(&spec);
	ck_assert_int_eq(reeve_process_spawn_finish(process, NULL), -EINVAL);
	expect_exit(process, 0);
}
END_TEST

START_TEST(a_free_finishes_it)
{
	for (int i = 0; i < 20; i++) {
		char number[] = "0";
		struct reeve_process_spec spec = {
			.argv = PROBE("exit", number),
			.executable = PROBE_PATH,
		};
		struct reeve_process *process = begin(&spec);
		pid_t pid = reeve_process_pid(process);

		reeve_process_free(process);
		reeve_process_wait_pid(pid, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, NULL);
		ck_assert_int_eq(kill(pid, 0), -1); /* it was reaped, by us or by what remembers it */
	}
}
END_TEST

/* Whoever is forked in between has a copy of the handle, but the child is not its own. */
START_TEST(a_fork_in_between_does_not_hang)
{
	struct reeve_process_spec spec = { .argv = PROBE("exit", "0"), .executable = PROBE_PATH };

	for (int i = 0; i < 20; i++) {
		struct reeve_process *process = begin(&spec);
		pid_t forked = fork();

		if (forked == 0) {
			reeve_process_free(process);
			_exit(0);
		}
		finish(process);
		expect_exit(process, 0);
		ck_assert_int_eq(waitpid(forked, NULL, 0), forked);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process_begin");
	TCase *tcase = leakproof_case("begin");

	tcase_add_test(tcase, many_at_once);
	tcase_add_test(tcase, each_has_its_descriptors);
	tcase_add_test(tcase, the_callers_errno_is_its_own);
	tcase_add_test(tcase, a_failure_is_told_by_the_finish);
	tcase_add_test(tcase, what_fails_before_is_told_by_the_begin);
	tcase_add_test(tcase, those_that_are_waited_for);
	tcase_add_test(tcase, it_is_finished_once);
	tcase_add_test(tcase, a_free_finishes_it);
	tcase_add_test(tcase, a_fork_in_between_does_not_hang);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
