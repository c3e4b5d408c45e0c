#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/daemon.h"
#include "support/harness.h"

#define LONG_ENOUGH (30 * REEVE_SEC)

/* --- a daemon tells what it is --- */

/* As the daemon sees itself; sent through a pipe that the daemon was told to keep. */
struct daemon_facts {
	pid_t pid, parent, group, session;
	mode_t umask;
	int open_fds;
	bool has_terminal, blocks_user_signal, ignores_user_signal, stdio_is_null;
	char directory[64];
};

static bool is_null(int fd)
{
	struct stat here, null;

	return fstat(fd, &here) == 0 && stat("/dev/null", &null) == 0 && here.st_rdev == null.st_rdev &&
		S_ISCHR(here.st_mode) && fcntl(fd, F_GETFD) == 0;
}

/* Those that a program has: valgrind keeps some of its own far above. */
static int count_low_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void tell_facts(int fd)
{
	struct daemon_facts facts = {
		.pid = getpid(),
		.parent = getppid(),
		.group = getpgrp(),
		.session = getsid(0),
		.open_fds = count_low_fds(),
	};
	struct sigaction action;
	sigset_t mask;
	int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);

	facts.has_terminal = terminal >= 0;
	facts.umask = umask(0);
	umask(facts.umask);
	sigaction(SIGUSR1, NULL, &action);
	facts.ignores_user_signal = action.sa_handler == SIG_IGN;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	facts.blocks_user_signal = sigismember(&mask, SIGUSR2);
	facts.stdio_is_null = is_null(0) && is_null(1) && is_null(2);
	if (!getcwd(facts.directory, sizeof facts.directory))
		facts.directory[0] = '\0';
	if (write(fd, &facts, sizeof facts) != sizeof facts)
		_exit(1);
}

/* The daemon is our grandchild: as its subreaper we can see it end. */
static int wait_for_daemon(pid_t pid)
{
	int status = -1;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void become_subreaper(void)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

/* Start a daemon that tells its facts, reports ready and ends. */
static struct daemon_facts facts_of_daemon(struct reeve_daemon_spec spec)
{
	struct reeve_daemon *daemon;
	struct reeve_daemon_report report;
	struct daemon_facts facts;
	int fds[2], keep[1], r;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	keep[0] = fds[1];
	spec.keep = keep;
	spec.keep_count = 1;
	spec.timeout = LONG_ENOUGH;
	r = reeve_daemon_start(&spec, &daemon, &report);
	if (r == 0) {
		tell_facts(fds[1]);
		r = reeve_daemon_report(daemon, 0, "here I am");
		reeve_daemon_free(daemon);
		_exit(r == 0 ? 3 : 1);
	}
	ck_assert_int_eq(r, 1);
	ck_assert_int_eq(report.status, 0);
	ck_assert_int_eq(report.failed, REEVE_DAEMON_STEP_NONE);
	ck_assert_str_eq(report.message, "here I am");
	ck_assert_int_eq(read(fds[0], &facts, sizeof facts), sizeof facts);
	ck_assert_int_eq(report.pid, facts.pid);
	ck_assert_int_eq(WEXITSTATUS(wait_for_daemon(report.pid)), 3);
	close(fds[0]);
	close(fds[1]);
	return facts;
}

START_TEST(a_daemon_is_detached_from_all_that_it_was_started_in)
{
	struct daemon_facts facts;
	sigset_t mask;

	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	umask(077);
	facts = facts_of_daemon((struct reeve_daemon_spec){ .umask = 027 });
	ck_assert_int_ne(facts.parent, getppid());
	ck_assert_int_ne(facts.session, getsid(0));
	ck_assert_int_ne(facts.session, facts.pid);
	ck_assert_int_eq(facts.group, facts.session);
	ck_assert(!facts.has_terminal);
	ck_assert_uint_eq(facts.umask, 027);
	ck_assert_str_eq(facts.directory, "/");
	ck_assert(facts.stdio_is_null);
	ck_assert_int_eq(facts.open_fds, 5); /* 0, 1, 2, the one kept, its end of the report */
	ck_assert(!facts.ignores_user_signal);
	ck_assert(!facts.blocks_user_signal);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	ck_assert(sigismember(&mask, SIGUSR2));
}
END_TEST

START_TEST(each_step_can_be_left_out)
{
	struct daemon_facts facts;
	char directory[64];
	sigset_t mask;
	int fds = count_low_fds();

	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	umask(077);
	ck_assert_int_eq(chdir("/usr"), 0);
	facts = facts_of_daemon((struct reeve_daemon_spec){
		.flags = REEVE_DAEMON_ONE_FORK | REEVE_DAEMON_KEEP_SIGNALS | REEVE_DAEMON_KEEP_UMASK |
			REEVE_DAEMON_KEEP_DIRECTORY | REEVE_DAEMON_KEEP_STDIO |
			REEVE_DAEMON_KEEP_DESCRIPTORS,
	});
	ck_assert_int_eq(facts.parent, getpid());
	ck_assert_int_eq(facts.session, facts.pid);
	ck_assert_uint_eq(facts.umask, 077);
	ck_assert_str_eq(facts.directory, getcwd(directory, sizeof directory));
	ck_assert(!facts.stdio_is_null);
	ck_assert_int_eq(facts.open_fds, fds + 3); /* the pipe, its end of the report */
	ck_assert(facts.ignores_user_signal);
	ck_assert(facts.blocks_user_signal);
}
END_TEST

/* With nothing on 0 to 2, every descriptor that is opened on the way wants to be one of them. */
START_TEST(a_starter_without_standard_descriptors_is_no_trouble)
{
	int saved[3];

	for (int fd = 0; fd <= 2; fd++) {
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
		close(fd);
	}
	{
		int reserved[3]; /* the facts' own pipe shall not be on 0 to 2 */
		struct daemon_facts facts;
		int fds[2], r;
		struct reeve_daemon *daemon;
		struct reeve_daemon_report report;

		for (int i = 0; i < 3; i++)
			reserved[i] = open("/", O_PATH | O_CLOEXEC);
		r = pipe2(fds, O_CLOEXEC);
		for (int i = 0; i < 3; i++)
			close(reserved[i]);
		if (r == 0)
			r = reeve_daemon_start(&(struct reeve_daemon_spec){
				.keep = &fds[1], .keep_count = 1, .timeout = LONG_ENOUGH },
				&daemon, &report);
		if (r == 0) {
			tell_facts(fds[1]);
			reeve_daemon_report(daemon, 0, NULL);
			_exit(0);
		}
		for (int fd = 0; fd <= 2; fd++) {
			dup2(saved[fd], fd);
			close(saved[fd]);
		}
		ck_assert_int_eq(r, 1);
		ck_assert_int_eq(read(fds[0], &facts, sizeof facts), sizeof facts);
		ck_assert(facts.stdio_is_null);
		ck_assert_int_eq(facts.open_fds, 5);
		ck_assert_int_eq(wait_for_daemon(report.pid), 0);
		close(fds[0]);
		close(fds[1]);
	}
}
END_TEST

START_TEST(descriptors_to_keep_come_in_any_order_and_twice)
{
	int fds[4], keep[6], r;
	struct reeve_daemon *daemon;
	struct reeve_daemon_report report;

	for (int i = 0; i < 4; i++)
		fds[i] = fcntl(0, F_DUPFD_CLOEXEC, 40 + 10 * i);
	keep[0] = fds[3];
	keep[1] = fds[1];
	keep[2] = fds[3];
	keep[3] = 1;
	keep[4] = 999; /* not open: no matter */
	keep[5] = fds[2];
	r = reeve_daemon_start(&(struct reeve_daemon_spec){
		.keep = keep, .keep_count = 6, .timeout = LONG_ENOUGH }, &daemon, &report);
	if (r == 0) {
		bool right = fcntl(fds[0], F_GETFD) < 0 && fcntl(fds[1], F_GETFD) >= 0 &&
			fcntl(fds[2], F_GETFD) >= 0 && fcntl(fds[3], F_GETFD) >= 0 && is_null(0) &&
			!is_null(1) && count_low_fds() == 7;

		reeve_daemon_report(daemon, right ? 0 : 1, NULL);
		_exit(0);
	}
	ck_assert_int_eq(r, 1);
	ck_assert_int_eq(report.status, 0);
	ck_assert_int_eq(wait_for_daemon(report.pid), 0);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}
END_TEST

/* --- readiness --- */

static const struct reeve_daemon_spec patient = { .timeout = LONG_ENOUGH };

START_TEST(a_failure_is_reported_with_status_and_message)
{
	struct reeve_daemon *daemon;
	struct reeve_daemon_report report;
	char long_message[2 * REEVE_DAEMON_MESSAGE_MAX];
	int r;

	memset(long_message, 'm', sizeof long_message);
	long_message[sizeof long_message - 1] = '\0';
	r = reeve_daemon_start(&patient, &daemon, &report);
	if (r == 0) {
		bool right = reeve_daemon_report(daemon, -1, NULL) == -EINVAL &&
			reeve_daemon_report(daemon, 256, NULL) == -EINVAL &&
			reeve_daemon_report(daemon, 78, long_message) == 0 &&
			reeve_daemon_report(daemon, 0, NULL) == -EALREADY;

		reeve_daemon_free(daemon);
		_exit(right ? 0 : 1);
	}
	ck_assert_int_eq(r, 1);
	ck_assert_int_eq(report.status, 78);
	ck_assert_uint_eq(strlen(report.message), REEVE_DAEMON_MESSAGE_MAX - 1);
	ck_assert_int_eq(wait_for_daemon(report.pid), 0);
}
END_TEST

START_TEST(a_daemon_that_ends_without_a_word_is_noticed)
{
	for (int one_fork = 0; one_fork < 2; one_fork++) {
		struct reeve_daemon_spec spec = {
			.flags = one_fork ? REEVE_DAEMON_ONE_FORK : 0,
			.timeout = REEVE_FOREVER,
		};
		struct reeve_daemon *daemon;
		struct reeve_daemon_report report;
		int r = reeve_daemon_start(&spec, &daemon, &report);

		if (r == 0)
			raise(SIGKILL);
		ck_assert_int_eq(r, -EPIPE);
		ck_assert_int_gt(report.pid, 0);
		ck_assert_int_eq(WTERMSIG(wait_for_daemon(report.pid)), SIGKILL);
	}
}
END_TEST

/* A daemon that never reports, but ends when `ends` does. Returns its pid, 0 where it was not told in time. */
static pid_t give_up_on_daemon(reeve_nsec timeout, const int ends[2])
{
	struct reeve_daemon_spec spec = { .timeout = timeout, .keep = ends, .keep_count = 1 };
	reeve_nsec before = reeve_now();
	struct reeve_daemon *daemon;
	struct reeve_daemon_report report;
	char byte;
	int r = reeve_daemon_start(&spec, &daemon, &report);

	if (r == 0)
		_exit(read(ends[0], &byte, 1) == 0 ? 5 : 1);
	ck_assert_int_eq(r, -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, timeout);
	return report.pid;
}

START_TEST(a_daemon_that_is_slow_is_not_waited_for_longer_than_said)
{
	pid_t pid = 0;
	int status;

	/* On a busy machine even the steps may take longer. */
	for (reeve_nsec timeout = 30 * REEVE_MSEC; pid == 0; timeout *= 2) {
		int ends[2];

		ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
		pid = give_up_on_daemon(timeout, ends);
		close(ends[0]);
		close(ends[1]);
		ck_assert_int_gt(waitpid(-1, &status, 0), 0);
		ck_assert_int_eq(WEXITSTATUS(status), 5);
	}
}
END_TEST

/* The daemon's report comes when nobody listens any more: no error for it, and above all no SIGPIPE. */
START_TEST(a_starter_that_is_gone_does_no_harm)
{
	struct reeve_daemon *daemon;
	struct reeve_daemon_report report;
	int fds[2], r;
	char byte;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	r = reeve_daemon_start(&(struct reeve_daemon_spec){ .keep = fds, .keep_count = 1 }, &daemon, &report);
	if (r == 0) {
		/* The pipe ends when the starter has returned and closed it. */
		while (read(fds[0], &byte, 1) > 0)
			continue;
		r = reeve_daemon_report(daemon, 0, "too late");
		reeve_daemon_free(daemon);
		_exit(r == 0 ? 0 : 1);
	}
	ck_assert_int_eq(r, 1);
	ck_assert_int_eq(report.status, 0);
	close(fds[1]);
	ck_assert_int_eq(wait_for_daemon(report.pid), 0);
	close(fds[0]);
}
END_TEST

START_TEST(a_step_that_fails_is_named)
{
	struct reeve_daemon_spec spec = { .directory = "/no/such", .timeout = LONG_ENOUGH };

	for (int one_fork = 0; one_fork < 2; one_fork++) {
		struct reeve_daemon *daemon;
		struct reeve_daemon_report report;
		int r;

		spec.flags = one_fork ? REEVE_DAEMON_ONE_FORK : 0;
		r = reeve_daemon_start(&spec, &daemon, &report);
		ck_assert_int_eq(r, -ENOENT);
		ck_assert_int_eq(report.failed, REEVE_DAEMON_STEP_DIRECTORY);
		ck_assert_int_eq(report.pid, 0);
		if (!one_fork) /* the failed daemon is an orphan of ours; with one fork it has been reaped */
			ck_assert_int_gt(waitpid(-1, NULL, 0), 0);
	}
	ck_assert_str_eq(reeve_daemon_step_name(REEVE_DAEMON_STEP_DIRECTORY), "directory");
	ck_assert_str_eq(reeve_daemon_step_name((enum reeve_daemon_step)99), "unknown");
}
END_TEST

START_TEST(a_description_that_makes_no_sense_does_nothing)
{
	struct reeve_daemon *daemon = NULL;
	struct reeve_daemon_report report;
	int keep[REEVE_DAEMON_KEEP_MAX + 1] = { -1 };

	ck_assert_int_eq(reeve_daemon_start(&(struct reeve_daemon_spec){ .flags = 1 << 6 }, &daemon, &report),
		-EINVAL);
	ck_assert_int_eq(reeve_daemon_start(&(struct reeve_daemon_spec){ .timeout = -2 }, &daemon, &report),
		-EINVAL);
	ck_assert_int_eq(reeve_daemon_start(&(struct reeve_daemon_spec){ .keep = keep, .keep_count = 1 },
		&daemon, &report), -EBADF);
	ck_assert_int_eq(reeve_daemon_start(&(struct reeve_daemon_spec){ .keep = keep,
		.keep_count = REEVE_DAEMON_KEEP_MAX + 1 }, &daemon, &report), -EINVAL);
	ck_assert_ptr_null(daemon);
	ck_assert_ptr_null(reeve_daemon_free(NULL));
}
END_TEST

START_TEST(starting_works_where_children_are_not_waited_for)
{
	struct reeve_daemon *daemon;
	struct reeve_daemon_report report;
	int r;

	signal(SIGCHLD, SIG_IGN);
	r = reeve_daemon_start(&patient, &daemon, &report);
	if (r == 0) {
		reeve_daemon_report(daemon, 0, NULL);
		_exit(0);
	}
	ck_assert_int_eq(r, 1);
	ck_assert_int_eq(waitpid(report.pid, NULL, 0), -1); /* returns when it is gone */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon");
	TCase *steps = leakproof_case("steps"), *readiness = leakproof_case("readiness");

	tcase_add_checked_fixture(steps, become_subreaper, NULL);
	tcase_add_test(steps, a_daemon_is_detached_from_all_that_it_was_started_in);
	tcase_add_test(steps, each_step_can_be_left_out);
	tcase_add_test(steps, a_starter_without_standard_descriptors_is_no_trouble);
	tcase_add_test(steps, descriptors_to_keep_come_in_any_order_and_twice);
	suite_add_tcase(suite, steps);

	tcase_add_checked_fixture(readiness, become_subreaper, NULL);
	tcase_add_test(readiness, a_failure_is_reported_with_status_and_message);
	tcase_add_test(readiness, a_daemon_that_ends_without_a_word_is_noticed);
	tcase_add_test(readiness, a_daemon_that_is_slow_is_not_waited_for_longer_than_said);
	tcase_add_test(readiness, a_starter_that_is_gone_does_no_harm);
	tcase_add_test(readiness, a_step_that_fails_is_named);
	tcase_add_test(readiness, a_description_that_makes_no_sense_does_nothing);
	tcase_add_test(readiness, starting_works_where_children_are_not_waited_for);
	suite_add_tcase(suite, readiness);
	return run_suite(suite);
}
