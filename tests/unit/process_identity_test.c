/* Spawn as somebody else: users, groups, and whose right it is to enter a directory. */
#include <pthread.h>
#include <sys/prctl.h>

#include "unit/process_fixture.h"

#define NOBODY 65534u

static bool is_root(void)
{
	return geteuid() == 0;
}

/* The probe, for users who could not get at its path. */
static int open_probe(void)
{
	int fd = open(PROBE_PATH, O_PATH | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(user_and_groups_are_changed)
{
	gid_t groups[] = { 1, 2, 65534 };
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SET_EXECUTABLE_FD | REEVE_PROCESS_SET_UID |
			 REEVE_PROCESS_SET_GID | REEVE_PROCESS_SET_GROUPS,
		.uid = NOBODY,
		.gid = 65533,
		.groups = groups,
		.group_count = 3,
		.parent_death_signal = SIGUSR1,
	};

	if (!is_root())
		return;
	spec.executable_fd = open_probe();
	run_report(spec);
	expect_report("uid 65534 65534 65534");
	expect_report("gid 65533 65533 65533");
	expect_report("groups 1 2 65534");
	expect_report("death %d", SIGUSR1);
	spec.group_count = 0;
	run_report(spec);
	expect_report("groups");
	ck_assert_uint_eq(getuid(), 0);
	close(spec.executable_fd);
}
END_TEST

/* Another user's child must not share our memory: a core dump of ours would be refused ever
 * after. */
START_TEST(a_change_of_user_leaves_the_parent_dumpable)
{
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SET_EXECUTABLE_FD | REEVE_PROCESS_SET_UID,
		.uid = NOBODY,
	};

	if (!is_root())
		return;
	spec.executable_fd = open_probe();
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
	run_report(spec);
	close(spec.executable_fd);
	spec.flags = REEVE_PROCESS_SET_UID;
	spec.argv = PROBE("report");
	spec.executable = "/nonexistent";
	expect_failure(&spec, -ENOENT, REEVE_PROCESS_STAGE_EXEC, 0);
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
}
END_TEST

START_TEST(a_refused_change_of_user_is_told)
{
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SET_UID,
		.argv = PROBE("report"),
		.executable = PROBE_PATH,
		.uid = 0,
	};

	if (is_root())
		ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	expect_failure(&spec, -EPERM, REEVE_PROCESS_STAGE_UID, 0);
	spec.flags = REEVE_PROCESS_SET_GID | REEVE_PROCESS_SET_UID;
	spec.gid = getgid() + 1;
	expect_failure(&spec, -EPERM, REEVE_PROCESS_STAGE_GID, 0);
	spec.flags = REEVE_PROCESS_SET_GROUPS;
	expect_failure(&spec, -EPERM, REEVE_PROCESS_STAGE_GROUPS, 0);
	spec.flags = REEVE_PROCESS_SET_NICE;
	spec.nice = -5;
	expect_failure(&spec, -EACCES, REEVE_PROCESS_STAGE_NICE, 0);
	spec.flags = REEVE_PROCESS_SET_UID; /* no change: no privilege needed */
	spec.uid = getuid();
	expect_exit(spawn(&(struct reeve_process_spec){ .flags = spec.flags,
			    .uid = spec.uid,
			    .argv = PROBE("exit", "0"),
			    .executable = "/bin/true" }),
		0);
}
END_TEST

/* The new user enters the directory, unless the caller is asked to. */
START_TEST(who_enters_the_directory)
{
	char directory[] = "/tmp/reeve-private-XXXXXX";
	struct reeve_process_spec spec = {
		.flags = REEVE_PROCESS_SET_UID,
		.argv = (const char *[]){ "true", NULL },
		.executable = "/bin/true",
		.uid = NOBODY,
		.directory = directory,
	};

	if (!is_root())
		return;
	ck_assert_ptr_nonnull(mkdtemp(directory));
	expect_failure(&spec, -EACCES, REEVE_PROCESS_STAGE_DIRECTORY, 0);
	spec.flags |= REEVE_PROCESS_DIRECTORY_AS_CALLER;
	expect_exit(spawn(&spec), 0);
	rmdir(directory);
}
END_TEST

static void *spawn_as_nobody(void *unused)
{
	for (int i = 0; i < 20; i++)
		expect_exit(spawn(&(struct reeve_process_spec){ .flags = REEVE_PROCESS_SET_UID,
				    .uid = NOBODY,
				    .argv = (const char *[]){ "true", NULL },
				    .executable = "/bin/true" }),
			0);
	return NULL;
}

START_TEST(a_threaded_parent_may_change_its_childrens_user)
{
	pthread_t threads[4];

	if (!is_root())
		return;
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, spawn_as_nobody, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(getuid(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process_identity");
	TCase *tcase = leakproof_case("identity");

	tcase_add_test(tcase, user_and_groups_are_changed);
	tcase_add_test(tcase, a_change_of_user_leaves_the_parent_dumpable);
	tcase_add_test(tcase, a_refused_change_of_user_is_told);
	tcase_add_test(tcase, who_enters_the_directory);
	tcase_add_test(tcase, a_threaded_parent_may_change_its_childrens_user);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
