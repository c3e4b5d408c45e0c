/* What a child's signals look like; whose child it is; and how it notices that its parent died. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "unit/process_fixture.h"

static void do_nothing(int signal)
{
}

/* Everything a parent can do to its own signals. */
static void disturb(void)
{
	sigset_t all;

	signal(SIGUSR1, do_nothing);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGRTMIN + 1, SIG_IGN);
	sigfillset(&all);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
}

START_TEST(signals_are_reset)
{
	disturb();
	run_report((struct reeve_process_spec){ 0 });
	expect_report("mask 0000000000000000");
	expect_report("ignored 0000000000000000");
	expect_report("caught 0000000000000000");
}
END_TEST

START_TEST(the_mask_is_chosen)
{
	disturb();
	run_report((struct reeve_process_spec){
		.mask = REEVE_SIGNAL_SET(SIGINT) | REEVE_SIGNAL_SET(SIGTERM) | REEVE_SIGNAL_SET(64),
	});
	expect_report("mask 8000000000004002");
	run_report((struct reeve_process_spec){ .flags = REEVE_PROCESS_KEEP_MASK });
	expect_report("mask fffffffe7ffbfeff"); /* but KILL, STOP, and what libc keeps open */
}
END_TEST

START_TEST(what_is_ignored_is_chosen)
{
	struct reeve_process_spec spec = { .argv = PROBE("report"),
		.ignored = REEVE_SIGNAL_SET(SIGINT) };

	disturb();
	run_report((struct reeve_process_spec){ .ignored = spec.ignored });
	expect_report("ignored %016x", 1 << (SIGINT - 1));
	run_report((struct reeve_process_spec){
		.flags = REEVE_PROCESS_KEEP_IGNORED,
		.ignored = REEVE_SIGNAL_SET(SIGINT),
	});
	expect_report("ignored %016llx", 1ull << (SIGINT - 1) | 1ull << (SIGHUP - 1) |
						 1ull << (SIGPIPE - 1) | 1ull << SIGRTMIN);
	expect_report("caught 0000000000000000");
	spec.ignored |= REEVE_SIGNAL_SET(SIGKILL);
	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
	spec.ignored = REEVE_SIGNAL_SET(SIGSTOP);
	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
}
END_TEST

START_TEST(the_callers_state_is_as_before)
{
	struct reeve_process_spec fails = { .argv = PROBE("report"), .executable = "/nonexistent" };
	sigset_t before, after;

	sigemptyset(&before);
	sigaddset(&before, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	signal(SIGUSR1, do_nothing);
	umask(0123);
	errno = 4711;
	expect_failure(&fails, -ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	ck_assert_int_eq(errno, 4711);
	run_report(
		(struct reeve_process_spec){ .flags = REEVE_PROCESS_SET_UMASK, .directory = "/" });
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	ck_assert_int_eq(memcmp(&before, &after, sizeof(uint64_t)), 0);
	ck_assert_ptr_eq(signal(SIGUSR1, SIG_DFL), do_nothing);
	ck_assert_int_eq((int)umask(0), 0123);
}
END_TEST

/* --- parents ---------------------------------------------------------------------------------- */

/* A process that starts a sleeper as described, tells its pid, and exits. */
static pid_t start_and_die(struct reeve_process_spec spec)
{
	char line[32];
	pid_t middle;
	int fds[2];

	make_pipe(fds);
	middle = fork();
	ck_assert_int_ge(middle, 0);
	if (middle == 0) {
		spec.argv = PROBE("sleep");
		dprintf(fds[1], "%d\n", reeve_process_pid(spawn_ready(spec, line, sizeof line)));
		_exit(0);
	}
	close(fds[1]);
	read_line(fds[0], line, sizeof line);
	close(fds[0]);
	ck_assert_int_eq(waitpid(middle, NULL, 0), middle);
	return (pid_t)strtol(line, NULL, 10);
}

START_TEST(a_parents_death_is_told_by_signal)
{
	struct reeve_process_outcome outcome;
	pid_t told, untold;

	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	untold = start_and_die((struct reeve_process_spec){ 0 });
	told = start_and_die((struct reeve_process_spec){ .parent_death_signal = SIGTERM });
	ck_assert_int_eq(
		reeve_process_wait_pid(-1, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, &outcome), told);
	ck_assert_int_eq(outcome.how, REEVE_PROCESS_SIGNALLED);
	ck_assert_int_eq(outcome.status, SIGTERM);
	ck_assert_int_eq(kill(untold, SIGKILL), 0);
	ck_assert_int_eq(
		reeve_process_wait_pid(untold, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, &outcome),
		untold);
}
END_TEST

START_TEST(no_such_parent_death_signal)
{
	struct reeve_process_spec spec = { .argv = PROBE("report"), .parent_death_signal = 65 };

	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_PARENT_DEATH, 0);
	run_report((struct reeve_process_spec){ .parent_death_signal = SIGKILL });
	expect_report("death %d", SIGKILL);
}
END_TEST

/* --- siblings --------------------------------------------------------------------------------- */

static pid_t *shared;

static void make_shared(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
}

static int in_child(int (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(run());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int spawn_a_sibling(void)
{
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SIBLING,
		.argv = PROBE("exit", "12"),
		.executable = PROBE_PATH,
		.shared_pid = shared,
	};
	struct reeve_process_outcome outcome;
	struct reeve_process *process = spawn(&spec);
	int r = 0;

	if (reeve_process_pid(process) != *shared)
		r = 1;
	if (reeve_process_wait(process, LONG_ENOUGH, &outcome) < 0 ||
		outcome.how != REEVE_PROCESS_UNKNOWN)
		r = 2;
	if (reeve_process_signal(process, SIGTERM) != -ESRCH)
		r = 3;
	reeve_process_free(process);
	return r;
}

START_TEST(a_sibling_is_the_parents_child)
{
	struct reeve_process_outcome outcome;

	make_shared();
	ck_assert_int_eq(in_child(spawn_a_sibling), 0);
	ck_assert_int_eq(
		reeve_process_wait_pid(*shared, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, &outcome),
		*shared);
	ck_assert_int_eq(outcome.status, 12);
}
END_TEST

static int signal_a_sibling(void)
{
	struct reeve_process *process = spawn_sleeper("sleep", REEVE_PROCESS_SIBLING);
	struct reeve_process_outcome outcome;

	*shared = reeve_process_pid(process);
	return reeve_process_signal(process, SIGKILL) < 0 ||
	       reeve_process_wait(process, LONG_ENOUGH, &outcome) < 0;
}

START_TEST(a_sibling_can_be_signalled)
{
	struct reeve_process_outcome outcome;

	make_shared();
	ck_assert_int_eq(in_child(signal_a_sibling), 0);
	ck_assert_int_eq(
		reeve_process_wait_pid(*shared, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, &outcome),
		*shared);
	ck_assert_int_eq(outcome.how, REEVE_PROCESS_SIGNALLED);
}
END_TEST

static int fail_a_sibling(void)
{
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SIBLING,
		.argv = PROBE("report"),
		.executable = "/nonexistent",
		.shared_pid = shared + 1,
	};
	struct reeve_process_failure failure;
	struct reeve_process *process;

	if (reeve_process_spawn(&spec, &failure, &process) != -ENOENT || failure.pid <= 0)
		return 1;
	*shared = failure.pid;
	return shared[1] == failure.pid ? 0 : 2;
}

START_TEST(a_failed_siblings_pid_is_told)
{
	struct reeve_process_outcome outcome;

	make_shared();
	ck_assert_int_eq(in_child(fail_a_sibling), 0);
	ck_assert_int_eq(
		reeve_process_wait_pid(*shared, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, &outcome),
		*shared);
	ck_assert_int_eq(outcome.how, REEVE_PROCESS_EXITED);
	ck_assert_int_eq(outcome.status, 127);
}
END_TEST

/* --- the shared pid --------------------------------------------------------------------------- */

static void check_shared_pid(unsigned flags, uid_t uid)
{
	struct reeve_process_spec spec = {
		.flags = flags,
		.argv = PROBE("exit", "0"),
		.executable = "/bin/true",
		.uid = uid,
		.shared_pid = shared,
	};
	struct reeve_process *process = spawn(&spec);

	ck_assert_int_eq(*shared, reeve_process_pid(process));
	expect_exit(process, 0);
	spec.executable = "/nonexistent";
	*shared = 4711;
	expect_failure(&spec, -ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	ck_assert_int_eq(*shared, 0);
}

START_TEST(the_kernel_writes_the_pid)
{
	make_shared();
	check_shared_pid(0, 0);
	if (geteuid() == 0)
		check_shared_pid(REEVE_PROCESS_SET_UID, 65534);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process_signal_state");
	TCase *tcase = leakproof_case("signals");

	tcase_add_test(tcase, signals_are_reset);
	tcase_add_test(tcase, the_mask_is_chosen);
	tcase_add_test(tcase, what_is_ignored_is_chosen);
	tcase_add_test(tcase, the_callers_state_is_as_before);
	tcase_add_test(tcase, a_parents_death_is_told_by_signal);
	tcase_add_test(tcase, no_such_parent_death_signal);
	tcase_add_test(tcase, a_sibling_is_the_parents_child);
	tcase_add_test(tcase, a_sibling_can_be_signalled);
	tcase_add_test(tcase, a_failed_siblings_pid_is_told);
	tcase_add_test(tcase, the_kernel_writes_the_pid);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
