#include "support/harness.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
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

long system_call_of(pid_t pid, pid_t tid, unsigned long *ret_argument)
{
	char path[64];
	long number;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	file = fopen(path, "r");
	if (!file)
		return -1;
	if (fscanf(file, "%ld %lx", &number, ret_argument) != 2)
		number = -1;
	fclose(file);
	return number;
}

bool is_asleep(pid_t pid, pid_t tid)
{
	unsigned long address;

	return system_call_of(pid, tid, &address) == SYS_futex;
}

TCase *leakproof_case(const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, note_before, compare_after);
	tcase_set_timeout(tcase, 60);
	return tcase;
}

/* Tests start as from a shell, whatever starts them: what a script has in the background, for one,
 * ignores SIGINT and SIGQUIT. */
static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number <= SIGRTMAX; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Check tells a forked test's time in 32 bits of microseconds, and fails a whole test that took longer. */
#define FORKED_LONGEST 2000
#define SOME_MORE 120

void case_takes(TCase *tcase, unsigned long seconds)
{
	tcase_set_timeout(tcase, (double)(seconds + SOME_MORE));
	if (seconds > FORKED_LONGEST)
		setenv("CK_FORK", "no", 1);
}

int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	reset_signals();
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
