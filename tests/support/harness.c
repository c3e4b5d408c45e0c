#include "support/harness.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

static int fds_before;

int count_open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = -3; /* ".", "..", and the directory's own */

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

int has_child(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

static void note_before(void)
{
	fds_before = count_open_fds();
}

static void compare_after(void)
{
	ck_assert_msg(count_open_fds() == fds_before, "%d descriptors before, %d after", fds_before,
		count_open_fds());
	ck_assert_msg(!has_child(), "a child is left");
}

TCase *leakproof_case(const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, note_before, compare_after);
	tcase_set_timeout(tcase, 60);
	return tcase;
}

int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
