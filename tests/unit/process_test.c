/* Handles, watches on a loop, words, and the plain calls. */
#include <sys/stat.h>

#include "reeve/loop.h"
#include "unit/process_fixture.h"

START_TEST(every_stage_has_a_name_and_a_text_of_its_own)
{
	for (int i = -1; i <= REEVE_PROCESS_N_STAGES; i++) {
		ck_assert_int_gt(
			(int)strlen(reeve_process_stage_name((enum reeve_process_stage)i)), 0);
		ck_assert_int_gt(
			(int)strlen(reeve_process_stage_text((enum reeve_process_stage)i)), 0);
		for (int j = 0; j < i && i < REEVE_PROCESS_N_STAGES; j++)
			ck_assert_str_ne(reeve_process_stage_name((enum reeve_process_stage)i),
				reeve_process_stage_name((enum reeve_process_stage)j));
	}
	ck_assert_str_eq(reeve_process_stage_name(REEVE_PROCESS_STAGE_EXEC), "exec");
	ck_assert_str_eq(reeve_process_stage_text(REEVE_PROCESS_STAGE_EXEC), "execute the program");
}
END_TEST

START_TEST(outcomes_in_words)
{
	static const struct {
		struct reeve_process_outcome outcome;
		const char *text;
	} cases[] = {
		{ { .how = REEVE_PROCESS_EXITED, .status = 3 }, "exited with status 3" },
		{ { .how = REEVE_PROCESS_SIGNALLED, .status = SIGTERM }, "was killed by SIGTERM" },
		{ { .how = REEVE_PROCESS_SIGNALLED, .status = SIGSEGV, .core = true },
			"was killed by SIGSEGV (core dumped)" },
		{ { .how = REEVE_PROCESS_STOPPED, .status = SIGTSTP }, "was stopped by SIGTSTP" },
		{ { .how = REEVE_PROCESS_CONTINUED, .status = SIGCONT }, "was continued" },
		{ { .how = REEVE_PROCESS_UNKNOWN },
			"ended, with a status that somebody else took" },
	};
	char text[64], little[8];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_uint_eq(reeve_process_outcome_text(&cases[i].outcome, text, sizeof text),
			strlen(cases[i].text));
		ck_assert_str_eq(text, cases[i].text);
		ck_assert_uint_eq(
			reeve_process_outcome_text(&cases[i].outcome, little, sizeof little),
			strlen(cases[i].text));
		ck_assert_int_eq(strncmp(little, cases[i].text, sizeof little - 1), 0);
		ck_assert_uint_eq(strlen(little), sizeof little - 1);
	}
}
END_TEST

/* --- adoption --------------------------------------------------------------------------------- */

START_TEST(a_child_that_was_forked_is_adopted)
{
	struct reeve_process *process;
	pid_t pid = reeve_process_fork();

	if (pid == 0)
		_exit(14);
	ck_assert_int_eq(reeve_process_adopt(pid, &process), 0);
	ck_assert_int_eq(reeve_process_pid(process), pid);
	expect_exit(process, 14);
}
END_TEST

/* Two handles of one child: both learn what one of them took. */
START_TEST(handles_share_an_outcome)
{
	struct reeve_process *first = spawn_probe(PROBE("exit", "15")), *second;

	ck_assert_int_eq(reeve_process_adopt(reeve_process_pid(first), &second), 0);
	expect_exit(second, 15);
	expect_exit(first, 15);
}
END_TEST

START_TEST(a_strangers_end_is_seen)
{
	struct reeve_process_spec spec = { .argv = PROBE("family") };
	struct reeve_process *parent, *stranger;
	char line[32];
	pid_t pid;

	parent = spawn_ready(spec, line, sizeof line);
	pid = (pid_t)strtol(line, NULL, 10);
	ck_assert_int_eq(reeve_process_adopt(pid, &stranger), 0);
	ck_assert(reeve_process_is_alive(stranger));
	ck_assert_int_eq(reeve_process_wait(stranger, 0, NULL), -ETIMEDOUT);
	ck_assert_int_eq(
		reeve_process_wait_events(stranger, REEVE_PROCESS_WAIT_STOPPED, 0, NULL), -ECHILD);
	ck_assert_int_eq(reeve_process_signal(stranger, SIGKILL), 0);
	ck_assert_int_eq(wait_for(stranger).how, REEVE_PROCESS_UNKNOWN);
	ck_assert_int_eq(wait_for(stranger).pid, pid);
	reeve_process_free(stranger);
	reeve_process_signal(parent, SIGKILL);
	expect_signalled(parent, SIGKILL);
}
END_TEST

START_TEST(what_cannot_be_adopted)
{
	struct reeve_process *process;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(reeve_process_adopt(pid, &process), -ESRCH);
	ck_assert_int_eq(reeve_process_adopt(0, &process), -EINVAL);
	ck_assert_int_eq(reeve_process_adopt(-4, &process), -EINVAL);
	ck_assert_int_eq(reeve_process_adopt_fd_take(-1, &process), -EBADF);
	ck_assert_int_eq(reeve_process_adopt_fd_take(0, &process), -EBADF);
	ck_assert_int_eq(reeve_process_adopt_fd_take(899, &process), -EBADF);
}
END_TEST

START_TEST(a_pidfd_is_adopted)
{
	struct reeve_process *first = spawn_probe(PROBE("exit", "16")), *second;
	int fd = fcntl(reeve_process_fd(first), F_DUPFD_CLOEXEC, 3);

	ck_assert_int_eq(reeve_process_adopt_fd_take(fd, &second), 0);
	ck_assert_int_eq(reeve_process_fd(second), fd);
	ck_assert_int_eq(reeve_process_pid(second), reeve_process_pid(first));
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	expect_exit(second, 16);
	expect_exit(first, 16);
	ck_assert_int_eq(reeve_process_adopt_fd_take(fd, &second), -ESRCH);
	close(fd);
}
END_TEST

START_TEST(after_a_fork_handles_are_strangers)
{
	struct reeve_process *process = spawn_sleeper("sleep", 0);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct reeve_process_outcome outcome;
		struct reeve_process *own;

		if (reeve_process_wait(process, 0, NULL) != -ETIMEDOUT)
			_exit(1);
		if (reeve_process_signal(process, SIGKILL) < 0)
			_exit(2);
		if (reeve_process_wait(process, LONG_ENOUGH, &outcome) < 0 ||
			outcome.how != REEVE_PROCESS_UNKNOWN)
			_exit(3);
		reeve_process_free(process);
		own = spawn_probe(PROBE("exit", "0"));
		_exit(reeve_process_wait(own, LONG_ENOUGH, &outcome) < 0 ||
			outcome.how != REEVE_PROCESS_EXITED);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	expect_signalled(process, SIGKILL);
}
END_TEST

/* --- watches ---------------------------------------------------------------------------------- */

static struct reeve_loop *loop;
static int ended;

static void on_end(
	struct reeve_process *process, const struct reeve_process_outcome *outcome, void *data)
{
	ck_assert_ptr_eq(data, &ended);
	ck_assert_int_eq(outcome->how, REEVE_PROCESS_EXITED);
	ck_assert_int_eq(outcome->status, 17);
	ck_assert_int_eq(outcome->pid, reeve_process_pid(process));
	ended++;
	reeve_process_free(process);
}

static void never(
	struct reeve_process *process, const struct reeve_process_outcome *outcome, void *data)
{
	ck_abort_msg("called");
}

START_TEST(ends_are_events_of_a_loop)
{
	enum { COUNT = 20 };

	ck_assert_int_eq(reeve_loop_new(&loop), 0);
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(
			reeve_process_watch(spawn_probe(PROBE("exit", "17")), loop, on_end, &ended),
			0);
	while (ended < COUNT)
		ck_assert_int_gt(reeve_loop_run_once(loop, LONG_ENOUGH), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 0);
	reeve_loop_free(loop);
}
END_TEST

START_TEST(a_watch_after_the_end_is_called_too)
{
	struct reeve_process *process = spawn_probe(PROBE("exit", "17"));

	ck_assert_int_eq(reeve_loop_new(&loop), 0);
	wait_for(process);
	ck_assert_int_eq(reeve_process_watch(process, loop, on_end, &ended), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, LONG_ENOUGH), 1);
	ck_assert_int_eq(ended, 1);
	reeve_loop_free(loop);
}
END_TEST

START_TEST(a_watch_ends_with_unwatch_and_with_the_handle)
{
	struct reeve_process *one = spawn_sleeper("sleep", 0), *other = spawn_sleeper("sleep", 0);
	pid_t pid = reeve_process_pid(other);

	ck_assert_int_eq(reeve_loop_new(&loop), 0);
	ck_assert_int_eq(reeve_process_watch(one, loop, NULL, NULL), -EINVAL);
	ck_assert_int_eq(reeve_process_watch(one, loop, never, NULL), 0);
	ck_assert_int_eq(reeve_process_watch(one, loop, never, NULL), -EBUSY);
	ck_assert_int_eq(reeve_process_watch(other, loop, never, NULL), 0);
	reeve_process_unwatch(one);
	reeve_process_unwatch(one);
	reeve_process_signal(one, SIGKILL);
	reeve_process_signal(other, SIGKILL);
	reeve_process_free(other);
	expect_signalled(one, SIGKILL);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 0);
	reeve_loop_free(loop);
	while (kill(pid, 0) == 0)
		reeve_process_reap_orphans(NULL, NULL);
}
END_TEST

/* --- the plain calls -------------------------------------------------------------------------- */

static int run_in_child(int (*run)(void))
{
	struct reeve_process_outcome outcome;
	pid_t pid = reeve_process_fork();

	if (pid == 0)
		_exit(-run());
	ck_assert_int_eq(
		reeve_process_wait_pid(pid, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, &outcome), pid);
	ck_assert_int_eq(outcome.how, REEVE_PROCESS_EXITED);
	return outcome.status;
}

static int exec_probe(void)
{
	return reeve_process_exec(PROBE_PATH, PROBE("exit", "41"), NULL);
}

static int exec_in_path(void)
{
	return reeve_process_exec_search("sh", (const char *[]){ "sh", "-c", "exit $X", NULL },
		(const char *[]){ "X=42", NULL });
}

static int exec_by_fd(void)
{
	return reeve_process_exec_fd(
		open(PROBE_PATH, O_PATH | O_CLOEXEC), PROBE("exit", "43"), NULL);
}

static int exec_nothing(void)
{
	return reeve_process_exec_search("no-such-program", PROBE("exit"), NULL);
}

static int exec_a_directory(void)
{
	return reeve_process_exec("/", PROBE("exit"), NULL);
}

START_TEST(exec_replaces_the_program)
{
	ck_assert_int_eq(run_in_child(exec_probe), 41);
	ck_assert_int_eq(run_in_child(exec_in_path), 42);
	ck_assert_int_eq(run_in_child(exec_by_fd), 43);
	ck_assert_int_eq(run_in_child(exec_nothing), ENOENT);
	ck_assert_int_eq(run_in_child(exec_a_directory), EACCES);
}
END_TEST

static void expect_found(const char *name, const char *path, int result, const char *found)
{
	char buffer[4096] = "untouched";

	ck_assert_int_eq(reeve_process_find_executable(name, path, buffer, sizeof buffer), result);
	ck_assert_str_eq(buffer, found);
}

START_TEST(executables_are_found_or_the_reason_is)
{
	char directory[] = "/tmp/reeve-find-XXXXXX", file[64], folder[64], path[256];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(file, sizeof file, "%s/plain", directory);
	snprintf(folder, sizeof folder, "%s/folder", directory);
	snprintf(path, sizeof path, "%s:/bin", directory);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	ck_assert_int_eq(mkdir(folder, 0755), 0);

	expect_found("sh", "/nonexistent:/bin", 0, "/bin/sh");
	expect_found("sh", NULL, 0, strstr(getenv("PATH"), "/usr/bin") ? "/usr/bin/sh" : "/bin/sh");
	expect_found("/bin/sh", "", 0, "/bin/sh");
	expect_found("no-such-program", path, -ENOENT, "untouched");
	expect_found("/bin/no-such-program", path, -ENOENT, "untouched");
	expect_found("/bin/sh/x", path, -ENOENT, "untouched");
	expect_found("plain", path, -EACCES, file);
	expect_found(file, path, -EACCES, file);
	expect_found("folder", path, -EISDIR, folder);
	expect_found(folder, path, -EISDIR, folder);
	expect_found("/dev/null", path, -EACCES, "/dev/null");
	expect_found("", path, -EINVAL, "untouched");
	ck_assert_int_eq(chmod(file, 0755), 0);
	expect_found("plain", path, 0, file);
	ck_assert_int_eq(chdir(directory), 0);
	expect_found("plain", ":/bin", 0, "plain");
	ck_assert_int_eq(reeve_process_find_executable("sh", "/bin", path, 7), -ENAMETOOLONG);
	ck_assert_int_eq(reeve_process_find_executable("sh", "/bin", path, 8), 0);
	unlink(file);
	rmdir(folder);
	rmdir(directory);
}
END_TEST

/* What executing would take from further down the path is found there, too. */
START_TEST(a_file_that_is_not_executable_does_not_hide_one_that_is)
{
	char directory[] = "/tmp/reeve-find-XXXXXX", file[64], path[64];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(file, sizeof file, "%s/sh", directory);
	snprintf(path, sizeof path, "%s:/bin", directory);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	expect_found("sh", path, 0, "/bin/sh");
	unlink(file);
	rmdir(directory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process");
	TCase *tcase = leakproof_case("process");

	tcase_add_test(tcase, every_stage_has_a_name_and_a_text_of_its_own);
	tcase_add_test(tcase, outcomes_in_words);
	tcase_add_test(tcase, a_child_that_was_forked_is_adopted);
	tcase_add_test(tcase, handles_share_an_outcome);
	tcase_add_test(tcase, a_strangers_end_is_seen);
	tcase_add_test(tcase, what_cannot_be_adopted);
	tcase_add_test(tcase, a_pidfd_is_adopted);
	tcase_add_test(tcase, after_a_fork_handles_are_strangers);
	tcase_add_test(tcase, ends_are_events_of_a_loop);
	tcase_add_test(tcase, a_watch_after_the_end_is_called_too);
	tcase_add_test(tcase, a_watch_ends_with_unwatch_and_with_the_handle);
	tcase_add_test(tcase, exec_replaces_the_program);
	tcase_add_test(tcase, executables_are_found_or_the_reason_is);
	tcase_add_test(tcase, a_file_that_is_not_executable_does_not_hide_one_that_is);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
