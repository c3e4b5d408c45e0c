/* Spawn: each member of a description does what it says, and a failure says where. */
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "unit/process_fixture.h"

/* --- the program ------------------------------------------------------------------------------ */

START_TEST(argv_is_passed_as_it_is)
{
	const char *argv[] = { "any name", "report", "900", "", "a b", "*", "\xff", NULL };

	run_report((struct reeve_process_spec){ .argv = argv });
	expect_report("argv0 any name");
	expect_report("arg ");
	expect_report("arg a b");
	expect_report("arg *");
	expect_report("arg \xff");
}
END_TEST

START_TEST(a_shell_line_is_run_by_a_shell)
{
	struct reeve_process_spec spec = { .shell = "exit $((1 + 2))" };

	expect_exit(spawn(&spec), 3);
}
END_TEST

START_TEST(there_is_argv_or_a_shell_line)
{
	struct reeve_process_spec neither = { 0 },
				  both = { .shell = "true", .argv = PROBE("report") },
				  empty = { .argv = (const char *[]){ NULL } },
				  empty_and_shell = { .shell = "true",
					  .argv = (const char *[]){ NULL } };

	expect_failure(&neither, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
	expect_failure(&both, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
	expect_failure(&empty, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
	expect_failure(&empty_and_shell, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
}
END_TEST

START_TEST(the_environment_is_given_or_inherited)
{
	setenv("REEVE_TEST", "inherited", 1);
	run_report((struct reeve_process_spec){ 0 });
	expect_report("env REEVE_TEST=inherited");
	run_report((struct reeve_process_spec){
		.environment = (const char *[]){ "A=1", "B=", NULL } });
	expect_report("env A=1");
	expect_report("env B=");
	ck_assert_int_eq(count_lines("env "), 2);
	run_report((struct reeve_process_spec){ .environment = (const char *[]){ NULL } });
	ck_assert_int_eq(count_lines("env "), 0);
}
END_TEST

/* A directory with a copy of nothing but a link to the probe. */
static void make_directory(char *path, const char *link)
{
	char name[PATH_MAX];

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(name, sizeof name, "%s/%s", path, link);
	ck_assert_int_eq(symlink(PROBE_PATH, name), 0);
}

static void remove_directory(const char *path, const char *link)
{
	char name[PATH_MAX];

	snprintf(name, sizeof name, "%s/%s", path, link);
	unlink(name);
	ck_assert_int_eq(rmdir(path), 0);
}

START_TEST(a_name_is_looked_up_in_the_path_that_was_chosen)
{
	char directory[] = "/tmp/reeve-path-XXXXXX", variable[PATH_MAX];
	const char *environment[] = { variable, NULL };
	struct reeve_process_spec spec = {
		.argv = PROBE("exit", "4"),
		.executable = "reeve-probe",
		.environment = environment,
	};

	make_directory(directory, "reeve-probe");
	snprintf(
		variable, sizeof variable, "PATH=/nonexistent::/etc/passwd:%s:/usr/bin", directory);
	expect_exit(spawn(&spec), 4);

	spec.flags = REEVE_PROCESS_SEARCH_CALLER_PATH;
	expect_failure(&spec, -ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	setenv("PATH", variable + 5, 1);
	expect_exit(spawn(&spec), 4);

	spec.flags = REEVE_PROCESS_NO_SEARCH;
	expect_failure(&spec, -ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	spec.directory = directory;
	expect_exit(spawn(&spec), 4);

	spec.flags = 0; /* an empty entry is the child's directory */
	environment[0] = "PATH=:/nonexistent";
	expect_exit(spawn(&spec), 4);
	environment[0] = "NO_PATH=1"; /* then it is /bin:/usr/bin */
	expect_failure(&spec, -ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	spec.argv = (const char *[]){ "sh", "-c", "exit 6", NULL };
	spec.executable = NULL;
	expect_exit(spawn(&spec), 6);
	remove_directory(directory, "reeve-probe");
}
END_TEST

START_TEST(what_cannot_be_executed_is_told_as_exec_tells_it)
{
	char script[] = "/tmp/reeve-script-XXXXXX", refused[PATH_MAX];
	struct reeve_process_spec spec = { .argv = PROBE("report") };
	int fd = mkostemp(script, O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "not a program\n", 14), 14);
	close(fd);
	spec.executable = "/nonexistent/program";
	expect_failure(&spec, -ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	spec.executable = "/etc/passwd/program";
	expect_failure(&spec, -ENOTDIR, REEVE_PROCESS_STAGE_EXEC, 0);
	spec.executable = "/etc";
	expect_failure(&spec, -EACCES, REEVE_PROCESS_STAGE_EXEC, 0);
	spec.executable = script;
	expect_failure(&spec, -EACCES, REEVE_PROCESS_STAGE_EXEC, 0);
	snprintf(refused, sizeof refused, "PATH=/tmp:/nonexistent");
	spec.executable = script + strlen("/tmp/");
	spec.environment = (const char *[]){ refused, NULL };
	expect_failure(&spec, -EACCES, REEVE_PROCESS_STAGE_EXEC, 0);
	chmod(script, 0755);
	expect_failure(&spec, -ENOEXEC, REEVE_PROCESS_STAGE_EXEC, 0);
	spec.executable = "";
	expect_failure(&spec, -ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	unlink(script);
}
END_TEST

START_TEST(an_open_file_is_executed)
{
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SET_EXECUTABLE_FD | REEVE_PROCESS_CLOSE_REST,
		.argv = PROBE("exit", "8"),
		.executable_fd = open(PROBE_PATH, O_PATH | O_CLOEXEC),
	};
	struct reeve_process_descriptor overwritten = { 0, spec.executable_fd };

	ck_assert_int_ge(spec.executable_fd, 0);
	expect_exit(spawn(&spec), 8);
	spec.descriptors = &overwritten;
	spec.descriptor_count = 1;
	expect_exit(spawn(&spec), 8);
	close(spec.executable_fd);
	spec.executable_fd = 899;
	expect_failure(&spec, -EBADF, REEVE_PROCESS_STAGE_EXEC, 0);
}
END_TEST

/* --- what surrounds it ------------------------------------------------------------------------ */

START_TEST(the_directory_is_a_path_or_a_descriptor)
{
	struct reeve_process_spec spec = { .directory = "/usr/bin" };
	struct reeve_process_descriptor overwritten;

	run_report(spec);
	expect_report("cwd /usr/bin");
	spec.flags = REEVE_PROCESS_SET_DIRECTORY_FD | REEVE_PROCESS_CLOSE_REST;
	spec.directory_fd = open("/usr/lib", O_PATH | O_DIRECTORY | O_CLOEXEC);
	overwritten = (struct reeve_process_descriptor){ 0, spec.directory_fd };
	spec.descriptors = &overwritten;
	spec.descriptor_count = 1;
	run_report(spec);
	expect_report("cwd /usr/lib");
	close(spec.directory_fd);
	spec = (struct reeve_process_spec){ .argv = PROBE("report"), .directory = "/nonexistent" };
	expect_failure(&spec, -ENOENT, REEVE_PROCESS_STAGE_DIRECTORY, 0);
	spec.directory = "/etc/passwd";
	expect_failure(&spec, -ENOTDIR, REEVE_PROCESS_STAGE_DIRECTORY, 0);
}
END_TEST

START_TEST(all_zero_changes_nothing)
{
	char directory[PATH_MAX];

	umask(027);
	run_report((struct reeve_process_spec){ 0 });
	expect_report("cwd %s", getcwd(directory, sizeof directory));
	expect_report("uid %u %u %u", getuid(), geteuid(), geteuid());
	expect_report("umask 027");
	expect_report("pgid %d", getpgrp());
	expect_report("sid %d", getsid(0));
	expect_report("nice %d", getpriority(PRIO_PROCESS, 0));
	expect_report("death 0");
	expect_report("mask 0000000000000000");
	expect_report("ignored 0000000000000000");
}
END_TEST

START_TEST(umask_nice_and_oom_score)
{
	int nice = getpriority(PRIO_PROCESS, 0);

	run_report((struct reeve_process_spec){
		.flags = REEVE_PROCESS_SET_UMASK | REEVE_PROCESS_SET_NICE |
			 REEVE_PROCESS_SET_OOM_SCORE_ADJ,
		.umask = 0,
		.nice = 17,
		.oom_score_adj = 123,
	});
	expect_report("umask 000");
	expect_report("nice 17");
	expect_report("oom 123");
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), nice);
}
END_TEST

START_TEST(what_is_refused_of_them_is_told)
{
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SET_OOM_SCORE_ADJ,
		.argv = PROBE("report"),
		.oom_score_adj = 1001,
	};

	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_OOM_SCORE_ADJ, 0);
}
END_TEST

START_TEST(limits_are_set_in_order_and_told_by_index)
{
	struct reeve_process_limit limits[] = {
		{ RLIMIT_CORE, { 0, 4096 } },
		{ RLIMIT_NOFILE, { 1000, 1001 } },
		{ RLIMIT_NPROC, { 5, 4 } },
	};
	struct reeve_process_spec spec = { .limits = limits, .limit_count = 2 };

	run_report(spec);
	expect_report("limit core 0 4096");
	expect_report("limit nofile 1000 1001");
	spec.argv = PROBE("report");
	spec.limit_count = 3;
	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_LIMIT, 2);
	limits[1].resource = 99;
	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_LIMIT, 1);
	spec.limit_count = REEVE_PROCESS_LIMITS_MAX + 1;
	expect_failure(&spec, -E2BIG, REEVE_PROCESS_STAGE_PREPARE, 0);
}
END_TEST

/* The descriptors come first, so the program's own low limit does not hinder them. */
START_TEST(a_lowered_descriptor_limit_does_not_break_the_map)
{
	struct reeve_process_limit limit = { RLIMIT_NOFILE, { 10, 10 } };

	run_report((struct reeve_process_spec){ .limits = &limit, .limit_count = 1 });
	expect_report("limit nofile 10 10");
	ck_assert_int_eq(count_lines("fd 900 pipe:"), 1);
}
END_TEST

START_TEST(session_and_process_group)
{
	pid_t pid = run_report((struct reeve_process_spec){ .flags = REEVE_PROCESS_NEW_SESSION });

	expect_report("sid %d", pid);
	expect_report("pgid %d", pid);
	pid = run_report((struct reeve_process_spec){ .flags = REEVE_PROCESS_SET_PROCESS_GROUP });
	expect_report("sid %d", getsid(0));
	expect_report("pgid %d", pid);
}
END_TEST

START_TEST(another_process_group_is_joined)
{
	struct reeve_process *leader = spawn_sleeper("sleep", REEVE_PROCESS_SET_PROCESS_GROUP);
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SET_PROCESS_GROUP,
		.process_group = reeve_process_pid(leader),
	};

	run_report(spec);
	expect_report("pgid %d", reeve_process_pid(leader));
	ck_assert_int_eq(reeve_process_signal_group(leader, SIGKILL), 0);
	expect_signalled(leader, SIGKILL);
	spec.argv = PROBE("report");
	spec.executable = PROBE_PATH;
	expect_failure(&spec, -EPERM, REEVE_PROCESS_STAGE_PROCESS_GROUP, 0);
	spec.flags |= REEVE_PROCESS_NEW_SESSION;
	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
}
END_TEST

START_TEST(a_terminal_becomes_the_controlling_one)
{
	struct reeve_process_spec spec = { .flags = REEVE_PROCESS_NEW_SESSION |
						    REEVE_PROCESS_SET_TERMINAL };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	spec.terminal_fd = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(spec.terminal_fd, 0);
	run_report(spec);
	expect_report("tty yes");
	close(spec.terminal_fd);
	close(master);
	run_report((struct reeve_process_spec){ .flags = REEVE_PROCESS_NEW_SESSION });
	expect_report("tty no");

	spec.argv = PROBE("report");
	spec.terminal_fd = 0;
	expect_failure(&spec, -ENOTTY, REEVE_PROCESS_STAGE_TERMINAL, 0);
	spec.flags = REEVE_PROCESS_SET_TERMINAL;
	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_PREPARE, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process_spawn");
	TCase *tcase = leakproof_case("spawn");

	tcase_add_test(tcase, argv_is_passed_as_it_is);
	tcase_add_test(tcase, a_shell_line_is_run_by_a_shell);
	tcase_add_test(tcase, there_is_argv_or_a_shell_line);
	tcase_add_test(tcase, the_environment_is_given_or_inherited);
	tcase_add_test(tcase, a_name_is_looked_up_in_the_path_that_was_chosen);
	tcase_add_test(tcase, what_cannot_be_executed_is_told_as_exec_tells_it);
	tcase_add_test(tcase, an_open_file_is_executed);
	tcase_add_test(tcase, the_directory_is_a_path_or_a_descriptor);
	tcase_add_test(tcase, all_zero_changes_nothing);
	tcase_add_test(tcase, umask_nice_and_oom_score);
	tcase_add_test(tcase, what_is_refused_of_them_is_told);
	tcase_add_test(tcase, limits_are_set_in_order_and_told_by_index);
	tcase_add_test(tcase, a_lowered_descriptor_limit_does_not_break_the_map);
	tcase_add_test(tcase, session_and_process_group);
	tcase_add_test(tcase, another_process_group_is_joined);
	tcase_add_test(tcase, a_terminal_becomes_the_controlling_one);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
