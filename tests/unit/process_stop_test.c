/* Signals to processes, groups and cgroups, and the way from the polite to the certain. */
#include <sys/stat.h>

#include "unit/process_fixture.h"

#define STEPS(...)                                                                                 \
	.steps = (const struct reeve_process_stop_step[]){ __VA_ARGS__ },                          \
	.step_count = sizeof((const struct reeve_process_stop_step[]){ __VA_ARGS__ }) /            \
		      sizeof(struct reeve_process_stop_step)

static struct reeve_process_outcome stop(
	struct reeve_process *process, const struct reeve_process_stop_plan *plan)
{
	struct reeve_process_outcome outcome;

	ck_assert_int_eq(reeve_process_stop(process, plan, LONG_ENOUGH, &outcome), 0);
	reeve_process_free(process);
	return outcome;
}

START_TEST(the_first_step_is_enough_for_the_polite)
{
	const struct reeve_process_stop_plan plan = { STEPS({ SIGTERM, LONG_ENOUGH }) };
	struct reeve_process_outcome outcome = stop(spawn_sleeper("polite", 0), &plan);

	ck_assert_int_eq(outcome.how, REEVE_PROCESS_EXITED);
	ck_assert_int_eq(outcome.status, 9);
}
END_TEST

START_TEST(the_stubborn_get_one_step_after_another)
{
	const struct reeve_process_stop_plan plan = { STEPS({ SIGTERM, 10 * REEVE_MSEC },
		{ 0, 10 * REEVE_MSEC }, { SIGINT, LONG_ENOUGH }, { SIGQUIT, LONG_ENOUGH }) };
	reeve_nsec before = reeve_now();
	struct reeve_process_outcome outcome = stop(spawn_sleeper("stubborn", 0), &plan);

	ck_assert_int_eq(outcome.how, REEVE_PROCESS_SIGNALLED);
	ck_assert_int_eq(outcome.status, SIGINT);
	ck_assert_int_ge(reeve_now() - before, 20 * REEVE_MSEC);
}
END_TEST

START_TEST(nobody_outlives_sigkill)
{
	const struct reeve_process_stop_plan polite = { STEPS({ SIGTERM, 10 * REEVE_MSEC }) },
					     at_once = { 0 };

	ck_assert_int_eq(stop(spawn_sleeper("stubborn", 0), &polite).status, SIGKILL);
	ck_assert_int_eq(stop(spawn_sleeper("stubborn", 0), &at_once).status, SIGKILL);
}
END_TEST

START_TEST(a_stopped_process_can_act_on_its_signal)
{
	const struct reeve_process_stop_plan plan = { STEPS({ SIGTERM, LONG_ENOUGH }) };
	struct reeve_process *process = spawn_sleeper("polite", 0);

	ck_assert_int_eq(reeve_process_signal(process, SIGSTOP), 0);
	ck_assert_int_eq(
		reeve_process_wait_events(process, REEVE_PROCESS_WAIT_STOPPED, LONG_ENOUGH, NULL),
		0);
	ck_assert_int_eq(stop(process, &plan).status, 9);
}
END_TEST

START_TEST(what_has_ended_is_stopped)
{
	const struct reeve_process_stop_plan plan = { STEPS({ SIGTERM, REEVE_FOREVER }) };
	struct reeve_process *process = spawn_probe(PROBE("exit", "2"));
	struct reeve_process_outcome outcome;

	wait_for(process);
	ck_assert_int_eq(reeve_process_stop(process, &plan, LONG_ENOUGH, &outcome), 0);
	ck_assert_int_eq(outcome.status, 2);
	reeve_process_free(process);
}
END_TEST

START_TEST(a_wrong_plan_does_nothing)
{
	struct reeve_process *process = spawn_sleeper("sleep", 0);
	const struct reeve_process_stop_plan wrong[] = {
		{ STEPS({ 65, 0 }) },
		{ STEPS({ -1, 0 }) },
		{ STEPS({ SIGTERM, 0 }, { SIGKILL, -9 }) },
		{ .target = (enum reeve_process_target)7 },
		{ .step_count = 1 },
	};
	const struct reeve_process_stop_plan right = { 0 };

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_int_eq(
			reeve_process_stop(process, &wrong[i], LONG_ENOUGH, NULL), -EINVAL);
	ck_assert_int_eq(reeve_process_stop(process, &right, -3, NULL), -EINVAL);
	ck_assert(reeve_process_is_alive(process));
	stop(process, &right);
}
END_TEST

/* --- groups ----------------------------------------------------------------------------------- */

/* A leader with a child of its own, whose pid is told. */
static struct reeve_process *spawn_family(unsigned flags, pid_t *ret_child)
{
	struct reeve_process_spec spec = { .argv = PROBE("family"), .flags = flags };
	struct reeve_process *process;
	char line[32];

	process = spawn_ready(spec, line, sizeof line);
	*ret_child = (pid_t)strtol(line, NULL, 10);
	ck_assert_int_gt(*ret_child, 0);
	return process;
}

/* The child of a stopped leader becomes ours, and ends as it was made to. */
static void expect_end_of(pid_t child, int signal)
{
	struct reeve_process_outcome outcome;

	ck_assert_int_eq(
		reeve_process_wait_pid(child, REEVE_PROCESS_WAIT_ENDED, LONG_ENOUGH, &outcome),
		child);
	ck_assert_int_eq(outcome.status, signal);
}

START_TEST(a_group_is_stopped_as_one)
{
	const struct reeve_process_stop_plan plan = { REEVE_PROCESS_TARGET_GROUP, 0,
		STEPS({ SIGTERM, LONG_ENOUGH }) };
	pid_t child;

	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	ck_assert_int_eq(
		stop(spawn_family(REEVE_PROCESS_NEW_SESSION, &child), &plan).status, SIGTERM);
	expect_end_of(child, SIGTERM);
}
END_TEST

START_TEST(what_a_leader_leaves_behind_is_killed)
{
	struct reeve_process_stop_plan plan = { REEVE_PROCESS_TARGET_GROUP, 0,
		STEPS({ SIGUSR1, LONG_ENOUGH }) };
	struct reeve_process *leader;
	pid_t child;

	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	leader = spawn_family(REEVE_PROCESS_SET_PROCESS_GROUP, &child);
	ck_assert_int_eq(reeve_process_signal(leader, SIGKILL), 0);
	ck_assert_int_eq(poll(&(struct pollfd){ reeve_process_fd(leader), POLLIN, 0 }, 1, -1), 1);
	ck_assert_int_eq(stop(leader, &plan).status, SIGKILL);
	expect_end_of(child, SIGKILL);
}
END_TEST

START_TEST(a_group_outlives_its_leader)
{
	struct reeve_process *leader;
	pid_t child;
	int r;

	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	leader = spawn_family(REEVE_PROCESS_SET_PROCESS_GROUP, &child);
	reeve_process_signal(leader, SIGKILL);
	wait_for(leader);
	r = reeve_process_signal_group(leader, SIGTERM);
	if (r == -ESRCH) /* before Linux 6.9 */
		kill(child, SIGTERM);
	else
		ck_assert_int_eq(r, 0);
	expect_end_of(child, SIGTERM);
	ck_assert_int_eq(reeve_process_signal_group(leader, SIGTERM), -ESRCH);
	reeve_process_free(leader);
}
END_TEST

START_TEST(who_leads_no_group_has_none_to_signal)
{
	struct reeve_process *process = spawn_sleeper("sleep", 0);
	const struct reeve_process_stop_plan group = { .target = REEVE_PROCESS_TARGET_GROUP },
					     alone = { 0 };

	ck_assert_int_eq(reeve_process_signal_group(process, SIGTERM), -ESRCH);
	ck_assert_int_eq(reeve_process_stop(process, &group, LONG_ENOUGH, NULL), -ESRCH);
	ck_assert_int_eq(reeve_process_signal(process, 99), -EINVAL);
	ck_assert(reeve_process_is_alive(process));
	stop(process, &alone);
}
END_TEST

/* --- cgroups ---------------------------------------------------------------------------------- */

static char cgroup_path[256];

/* A cgroup of our own, or -1 where there is no cgroup v2 to write to. */
static int make_cgroup(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < 2; i++) {
		char controllers[256];

		snprintf(controllers, sizeof controllers, "%s/cgroup.controllers", roots[i]);
		snprintf(cgroup_path, sizeof cgroup_path, "%s/reeve-test-%d", roots[i], getpid());
		if (access(controllers, F_OK) == 0 && mkdir(cgroup_path, 0755) == 0)
			return open(cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return -1;
}

static void remove_cgroup(int fd)
{
	ck_assert_int_eq(rmdir(cgroup_path), 0);
	close(fd);
}

START_TEST(a_child_is_born_in_its_cgroup)
{
	struct reeve_process_spec spec = { .flags = REEVE_PROCESS_SET_CGROUP,
		.cgroup_fd = make_cgroup() };

	if (spec.cgroup_fd < 0)
		return;
	run_report(spec);
	expect_report("cgroup %s", strrchr(cgroup_path, '/'));
	remove_cgroup(spec.cgroup_fd);
	spec.argv = PROBE("report");
	spec.cgroup_fd = 899;
	expect_failure(&spec, -EBADF, REEVE_PROCESS_STAGE_CGROUP, 0);
	spec.cgroup_fd = 0; /* not a cgroup */
	expect_failure(&spec, -EBADF, REEVE_PROCESS_STAGE_CGROUP, 0);
}
END_TEST

START_TEST(a_cgroup_is_stopped_with_all_that_is_in_it)
{
	struct reeve_process_stop_plan plan = { REEVE_PROCESS_TARGET_CGROUP, make_cgroup(),
		STEPS({ SIGTERM, LONG_ENOUGH }) };
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SET_CGROUP | REEVE_PROCESS_NEW_SESSION,
		.argv = PROBE("family"),
		.cgroup_fd = plan.cgroup_fd,
	};
	char line[32];

	if (plan.cgroup_fd < 0)
		return;
	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	ck_assert_int_eq(stop(spawn_ready(spec, line, sizeof line), &plan).status, SIGTERM);
	expect_end_of((pid_t)strtol(line, NULL, 10), SIGTERM);
	plan.step_count = 0;
	ck_assert_int_eq(stop(spawn_ready(spec, line, sizeof line), &plan).status, SIGKILL);
	expect_end_of((pid_t)strtol(line, NULL, 10), SIGKILL);
	ck_assert_int_eq(reeve_process_signal_cgroup(plan.cgroup_fd, SIGKILL), -ESRCH);
	ck_assert_int_eq(reeve_process_signal_cgroup(plan.cgroup_fd, 0), -ESRCH);
	remove_cgroup(plan.cgroup_fd);
}
END_TEST

/* Kernels there are that kill at birth what is cloned into such a cgroup. */
START_TEST(a_cgroup_that_was_killed_takes_new_processes)
{
	struct reeve_process_spec spec = { .flags = REEVE_PROCESS_SET_CGROUP,
		.argv = PROBE("sleep"),
		.cgroup_fd = make_cgroup() };
	char line[32];

	if (spec.cgroup_fd < 0)
		return;
	for (int i = 0; i < 3; i++) {
		struct reeve_process *process = spawn_ready(spec, line, sizeof line);

		ck_assert_str_eq(line, "ready");
		ck_assert_int_eq(reeve_process_signal_cgroup(spec.cgroup_fd, SIGKILL), 0);
		expect_signalled(process, SIGKILL);
	}
	spec.argv = NULL;
	run_report(spec);
	expect_report("cgroup %s", strrchr(cgroup_path, '/'));
	remove_cgroup(spec.cgroup_fd);
}
END_TEST

/* Also what is in cgroups below it. */
START_TEST(cgroups_below_are_signalled)
{
	char below[300];
	int cgroup = make_cgroup(), below_fd;
	struct reeve_process *process;
	struct reeve_process_spec spec = { .flags = REEVE_PROCESS_SET_CGROUP,
		.argv = PROBE("polite") };
	char line[32];

	if (cgroup < 0)
		return;
	snprintf(below, sizeof below, "%s/below", cgroup_path);
	ck_assert_int_eq(mkdir(below, 0755), 0);
	below_fd = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	spec.cgroup_fd = below_fd;
	process = spawn_ready(spec, line, sizeof line);
	ck_assert_int_eq(reeve_process_signal_cgroup(cgroup, 0), 0);
	ck_assert_int_eq(reeve_process_signal_cgroup(cgroup, 77), -EINVAL);
	ck_assert_int_eq(reeve_process_signal_cgroup(cgroup, SIGTERM), 0);
	expect_exit(process, 9);
	close(below_fd);
	ck_assert_int_eq(rmdir(below), 0);
	remove_cgroup(cgroup);
	ck_assert_int_eq(reeve_process_signal_cgroup(899, SIGTERM), -EBADF);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process_stop");
	TCase *tcase = leakproof_case("stop");

	tcase_add_test(tcase, the_first_step_is_enough_for_the_polite);
	tcase_add_test(tcase, the_stubborn_get_one_step_after_another);
	tcase_add_test(tcase, nobody_outlives_sigkill);
	tcase_add_test(tcase, a_stopped_process_can_act_on_its_signal);
	tcase_add_test(tcase, what_has_ended_is_stopped);
	tcase_add_test(tcase, a_wrong_plan_does_nothing);
	tcase_add_test(tcase, a_group_is_stopped_as_one);
	tcase_add_test(tcase, what_a_leader_leaves_behind_is_killed);
	tcase_add_test(tcase, a_group_outlives_its_leader);
	tcase_add_test(tcase, who_leads_no_group_has_none_to_signal);
	tcase_add_test(tcase, a_child_is_born_in_its_cgroup);
	tcase_add_test(tcase, a_cgroup_is_stopped_with_all_that_is_in_it);
	tcase_add_test(tcase, a_cgroup_that_was_killed_takes_new_processes);
	tcase_add_test(tcase, cgroups_below_are_signalled);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
