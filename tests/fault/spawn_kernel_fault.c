/* What a kernel, or a filter before it, may lack: spawn and stop find another way, with the same
 * result. */
#include <sys/mman.h>
#include <sys/stat.h>

#include "support/faulty_sys.h"
#include "unit/process_fixture.h"

static void expect_full_report(void)
{
	static pid_t shared;
	pid_t pid = run_report((struct reeve_process_spec){
		.flags = REEVE_PROCESS_KEEP_IGNORED | REEVE_PROCESS_CLOSE_REST,
		.ignored = REEVE_SIGNAL_SET(SIGINT),
		.mask = REEVE_SIGNAL_SET(SIGTERM),
		.shared_pid = &shared,
	});

	ck_assert_int_eq(shared, pid);
	expect_report("pid %d", pid);
	expect_report("ignored %016llx", 1ull << (SIGINT - 1) | 1ull << (SIGPIPE - 1));
	expect_report("mask %016llx", 1ull << (SIGTERM - 1));
	expect_report("caught 0000000000000000");
	ck_assert_int_eq(count_lines("fd "), 4);
}

static void do_nothing(int signal)
{
}

/* clone(2) does for clone3(2), with whatever error a filter refuses that. */
START_TEST(without_clone3)
{
	static const int errors[] = { ENOSYS, EPERM };
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_NEW_SESSION,
		.shell = "exit 0",
		.executable = "/nonexistent",
	};
	int fd = open("/", O_PATH); /* not close-on-exec */

	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, do_nothing);
	faulty_arm_call("clone", 1, errors[_i]);
	expect_full_report();
	ck_assert(faulty_fired());
	expect_full_report(); /* remembered */
	expect_failure(&spec, -ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	if (geteuid() == 0) {
		spec = (struct reeve_process_spec){ .flags = REEVE_PROCESS_SET_UID,
			.shell = "exit 0" };
		spec.uid = 65534;
		spec.shared_pid =
			mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		expect_exit(spawn(&spec), 0);
		ck_assert_int_gt(*spec.shared_pid, 0);
	}
	close(fd);
}
END_TEST

/* A cgroup is joined by hand then. */
START_TEST(without_clone3_in_a_cgroup)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char path[128], controllers[128];

	for (int i = 0; i < 2; i++) {
		struct reeve_process_spec spec = { .flags = REEVE_PROCESS_SET_CGROUP };

		snprintf(controllers, sizeof controllers, "%s/cgroup.controllers", roots[i]);
		snprintf(path, sizeof path, "%s/reeve-fault-%d", roots[i], getpid());
		if (access(controllers, F_OK) < 0 || mkdir(path, 0755) < 0)
			continue;
		spec.cgroup_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		faulty_arm_call("clone", 1, ENOSYS);
		run_report(spec);
		expect_report("cgroup %s", strrchr(path, '/'));
		ck_assert_int_eq(rmdir(path), 0);
		close(spec.cgroup_fd);
		spec.argv = PROBE("report");
		spec.cgroup_fd = 899;
		expect_failure(&spec, -EBADF, REEVE_PROCESS_STAGE_CGROUP, 0);
	}
}
END_TEST

/* Linux 5.10 has no CLOSE_RANGE_CLOEXEC; whichever of the child's calls says EINVAL, a success is a
 * whole one. */
START_TEST(without_close_on_exec_ranges)
{
	static const struct reeve_process_descriptor map[] = { { 0, 730 }, { 0, 733 }, { 0, 709 } };
	int leak[] = { dup2(0, 710), dup2(0, 731), dup2(0, 734), dup2(0, 900) }, successes = 0;
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_CLOSE_REST | REEVE_PROCESS_SET_EXECUTABLE_FD,
		.argv = PROBE("report", "730"),
		.executable_fd = open(PROBE_PATH, O_PATH | O_CLOEXEC),
	};

	for (unsigned n = 1;; n++) {
		struct reeve_process_descriptor whole[4] = { map[0], map[1], map[2] };
		struct reeve_process *process;
		int fds[2], r;

		make_pipe(fds);
		whole[0].from = fds[1];
		spec.descriptors = whole;
		spec.descriptor_count = 3;
		faulty_arm_call("child_call", n, EINVAL);
		r = reeve_process_spawn(&spec, NULL, &process);
		close(fds[1]);
		if (r == 0) {
			read_all(fds[0], report_text, sizeof report_text);
			expect_exit(process, 0);
			ck_assert_int_eq(count_lines("fd "), 3 + 3);
			ck_assert_int_eq(count_lines("fd 730 "), 1);
			successes++;
		}
		close(fds[0]);
		faulty_disarm();
		if (!faulty_fired())
			break;
	}
	ck_assert_int_ge(successes, 2); /* that one, and the last */
	for (int i = 0; i < 4; i++)
		close(leak[i]);
	close(spec.executable_fd);
}
END_TEST

/* Before Linux 6.9 a pidfd could not name a group. */
START_TEST(without_groups_by_pidfd)
{
	struct reeve_process *process = spawn_sleeper("polite", REEVE_PROCESS_SET_PROCESS_GROUP);

	faulty_arm_call("pidfd_send_signal", 1, EINVAL);
	ck_assert_int_eq(reeve_process_signal_group(process, SIGTERM), 0);
	ck_assert(faulty_fired());
	wait_for(process);
	faulty_arm_call("pidfd_send_signal", 1, EINVAL);
	ck_assert_int_eq(reeve_process_signal_group(process, SIGTERM),
		-ESRCH); /* its number may be another's */
	reeve_process_free(process);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spawn_kernel_fault");
	TCase *tcase = leakproof_case("kernel");

	tcase_add_loop_test(tcase, without_clone3, 0, 2);
	tcase_add_test(tcase, without_clone3_in_a_cgroup);
	tcase_add_test(tcase, without_close_on_exec_ranges);
	tcase_add_test(tcase, without_groups_by_pidfd);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
