#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/daemon.h"
#include "support/each_fault.h"

/* --- becoming a daemon: every step fails once --- */

/* Which step a call belongs to, and what the starter is told where that is not the error itself. */
static const struct {
	const char *call;
	enum reeve_daemon_step step;
	int told;
} calls[] = {
	{ "calloc", REEVE_DAEMON_STEP_NONE, -ENOMEM },
	{ "socketpair", REEVE_DAEMON_STEP_NONE, 0 },
	{ "fork", REEVE_DAEMON_STEP_FORK, 0 }, /* or the second one */
	{ "setsid", REEVE_DAEMON_STEP_SESSION, 0 },
	{ "sigaction", REEVE_DAEMON_STEP_SIGNALS, 0 },
	{ "chdir", REEVE_DAEMON_STEP_DIRECTORY, 0 },
	{ "open", REEVE_DAEMON_STEP_STDIO, 0 },
	{ "dup2", REEVE_DAEMON_STEP_STDIO, 0 },
	{ "close_range", REEVE_DAEMON_STEP_DESCRIPTORS, 0 },
	{ "sendmsg", REEVE_DAEMON_STEP_NONE, -EPIPE }, /* the daemon could not report, so it ended */
	{ "ppoll", REEVE_DAEMON_STEP_NONE, 0 },
	{ "recvmsg", REEVE_DAEMON_STEP_NONE, 0 },
	{ "waitid", REEVE_DAEMON_STEP_NONE, 1 }, /* somebody else reaped: no failure */
};

#define CALL_COUNT (sizeof calls / sizeof *calls)

static bool seen[CALL_COUNT];
static bool seen_second_fork;

static void check_outcome(const char *name, int error, int r, const struct reeve_daemon_report *report)
{
	for (size_t i = 0; i < CALL_COUNT; i++) {
		if (strcmp(name, calls[i].call) != 0)
			continue;
		ck_assert_msg(r == (calls[i].told ? calls[i].told : -error), "%s: told %d", name, r);
		if (report->failed == REEVE_DAEMON_STEP_SECOND_FORK && strcmp(name, "fork") == 0)
			seen_second_fork = true;
		else
			ck_assert_msg(report->failed == calls[i].step, "%s: in step %s", name,
				reeve_daemon_step_name(report->failed));
		seen[i] = true;
		return;
	}
	ck_abort_msg("%s is a call that this test does not know", name);
}

/* Each call in turn, or each of one name: which one is the n-th of all depends on how fast starter and daemon are. */
static void fail_each_step(const char *only, unsigned flags, int error)
{
	struct reeve_daemon_spec spec = { .flags = flags, .timeout = 10 * REEVE_SEC };
	int fds = count_open_fds();
	bool fired = true;
	char byte;

	for (unsigned n = 1; fired; n++) {
		struct reeve_daemon *daemon = NULL;
		struct reeve_daemon_report report;
		const char *name;
		int alive[2], r;

		/* Open as long as there is a daemon, which otherwise could go on to the next turn's failure. */
		ck_assert_int_eq(pipe2(alive, O_CLOEXEC), 0);
		spec.keep = &alive[1];
		spec.keep_count = 1;
		faulty_arm_call(only, n, error);
		r = reeve_daemon_start(&spec, &daemon, &report);
		if (r == 0) {
			r = reeve_daemon_report(daemon, 0, "ready");
			reeve_daemon_free(daemon);
			_exit(r == 0 ? 0 : 1);
		}
		close(alive[1]);
		ck_assert_int_eq(read(alive[0], &byte, 1), 0);
		close(alive[0]);
		fired = faulty_fired();
		name = faulty_name();
		faulty_arm(0, 0);
		ck_assert_int_eq(count_open_fds(), fds);
		if (flags & REEVE_DAEMON_ONE_FORK) {
			if (report.pid > 0)
				ck_assert_int_eq(waitpid(report.pid, NULL, 0), report.pid);
		}
		if (fired && (strcmp(name, "waitid") == 0 || flags & REEVE_DAEMON_ONE_FORK))
			while (wait(NULL) > 0)
				continue;
		ck_assert_msg(!has_child(), "call %u: a child is left", n);
		if (fired)
			check_outcome(name, error, r, &report);
		else
			ck_assert_msg(r == 1 && report.status == 0, "without a failure it returned %d", r);
	}
}

START_TEST(becoming_a_daemon)
{
	fail_each_step(NULL, 0, EIO);
	for (size_t i = 0; i < CALL_COUNT; i++)
		fail_each_step(calls[i].call, 0, EIO);
	for (size_t i = 0; i < CALL_COUNT; i++)
		ck_assert_msg(seen[i], "%s was never called", calls[i].call);
	ck_assert(seen_second_fork);
	fail_each_step(NULL, 0, ENOMEM);
	fail_each_step(NULL, REEVE_DAEMON_ONE_FORK, EMFILE);
}
END_TEST

/* --- pid file --- */

static char directory[] = "/tmp/reeve-daemon-XXXXXX";

static void enter_directory(void)
{
	memcpy(directory + sizeof directory - sizeof "XXXXXX", "XXXXXX", sizeof "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
}

static void remove_directory(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}

static int hold_pid_file(void)
{
	struct reeve_pid_file *file;
	pid_t owner;
	int r = reeve_pid_file_open("pid", &file, NULL);

	if (r < 0)
		return r;
	r = reeve_pid_file_write(file);
	if (r == 0)
		r = reeve_pid_file_owner("pid", &owner);
	reeve_pid_file_free(file);
	return r;
}

static int hold_pid_file_and_clean_up(void)
{
	int r = hold_pid_file();

	unlink("pid");
	return r;
}

START_TEST(holding_a_pid_file)
{
	/* At its end the file may be left behind: it is not locked any more. */
	static const char *const absorbed[] = { "pread", "fstat", "fstatat", "unlink", NULL };

	fail_each_call(hold_pid_file_and_clean_up, EIO, absorbed);
	fail_each_call(hold_pid_file_and_clean_up, ENOSPC, absorbed);
}
END_TEST

/* --- notification --- */

static int notify(void)
{
	int r = reeve_notify_status("fine");

	return r == 1 ? 0 : r;
}

START_TEST(notifying)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "manager" };
	int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char name[128];

	ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof address), 0);
	snprintf(name, sizeof name, "%s/manager", directory);
	setenv("NOTIFY_SOCKET", name, 1);
	fail_each_call(notify, EIO, NULL);
	fail_each_call(notify, EMFILE, NULL);
	close(manager);
	unlink("manager");
}
END_TEST

static int notify_by_descriptor(void)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r = reeve_notify_fd(fds[1]);
	close(fds[0]);
	return r;
}

START_TEST(notifying_by_descriptor)
{
	/* That the newest way to write does not work is no matter. */
	static const char *const absorbed[] = { "pipe2", "pwritev2", "sigtimedwait", NULL };

	fail_each_call(notify_by_descriptor, EIO, absorbed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon_fault");
	TCase *daemon = leakproof_case("daemon"), *files = leakproof_case("files");

	tcase_add_test(daemon, becoming_a_daemon);
	suite_add_tcase(suite, daemon);
	tcase_add_checked_fixture(files, enter_directory, remove_directory);
	tcase_add_test(files, holding_a_pid_file);
	tcase_add_test(files, notifying);
	tcase_add_test(files, notifying_by_descriptor);
	suite_add_tcase(suite, files);
	return run_suite(suite);
}
