#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "reeve/daemon.h"
#include "reeve/thread.h"
#include "support/harness.h"

static char name[64];
static int manager = -1;

/* Be the service manager: a datagram socket at a path or an abstract name, and the variable that tells of it. */
static void listen_at(bool abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size;

	snprintf(name, sizeof name, "%sreeve-notify-%d", abstract ? "@" : "/tmp/", (int)getpid());
	memcpy(address.sun_path, name, strlen(name));
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	if (abstract)
		address.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

static void stop_listening(void)
{
	close(manager);
	unlink(name);
}

static const char *heard(void)
{
	static char text[8192];
	ssize_t size = recv(manager, text, sizeof text - 1, 0);

	ck_assert_int_ge(size, 0);
	text[size] = '\0';
	return text;
}

START_TEST(what_is_sent_is_heard_at_paths_and_abstract_names)
{
	long long usec;
	int end = 0;

	listen_at(_i);
	ck_assert_int_eq(reeve_notify_ready(), 1);
	ck_assert_str_eq(heard(), "READY=1");
	ck_assert_int_eq(reeve_notify_stopping(), 1);
	ck_assert_str_eq(heard(), "STOPPING=1");
	ck_assert_int_eq(reeve_notify_status("half way, 50%"), 1);
	ck_assert_str_eq(heard(), "STATUS=half way, 50%");
	ck_assert_int_eq(reeve_notify_main_pid(4711), 1);
	ck_assert_str_eq(heard(), "MAINPID=4711");
	ck_assert_int_eq(reeve_notify_watchdog(), 1);
	ck_assert_str_eq(heard(), "WATCHDOG=1");
	ck_assert_int_eq(reeve_notify("READY=1\nSTATUS=here"), 1);
	ck_assert_str_eq(heard(), "READY=1\nSTATUS=here");
	ck_assert_int_eq(reeve_notify_reloading(), 1);
	ck_assert_int_eq(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%lld%n", &usec, &end), 1);
	ck_assert_int_le(usec, reeve_now() / REEVE_USEC);
	stop_listening();
}
END_TEST

START_TEST(without_a_manager_nothing_is_sent)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(reeve_notify_ready(), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert_int_eq(reeve_notify_ready(), 0);
}
END_TEST

START_TEST(a_malformed_address_or_message_is_refused)
{
	char long_name[200];

	memset(long_name, 'a', sizeof long_name);
	long_name[0] = '/';
	for (size_t length = 107; length < 110; length++) {
		long_name[length] = '\0';
		setenv("NOTIFY_SOCKET", long_name, 1);
		ck_assert_int_eq(reeve_notify_ready(), length < 108 ? -ENOENT : -EINVAL);
		long_name[length] = 'a';
	}
	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert_int_eq(reeve_notify_ready(), -EINVAL);
	setenv("NOTIFY_SOCKET", "/", 1);
	ck_assert_int_eq(reeve_notify_ready(), -EINVAL);
	setenv("NOTIFY_SOCKET", "@", 1);
	ck_assert_int_eq(reeve_notify_ready(), -EINVAL);
	setenv("NOTIFY_SOCKET", "@nobody listens here", 1);
	ck_assert_int_eq(reeve_notify_ready(), -ECONNREFUSED);
	ck_assert_int_eq(reeve_notify(NULL), -EINVAL);
	ck_assert_int_eq(reeve_notify(""), -EINVAL);
	ck_assert_int_eq(reeve_notify_status("two\nlines"), -EINVAL);
	ck_assert_int_eq(reeve_notify_status(NULL), -EINVAL);
	ck_assert_int_eq(reeve_notify_main_pid(0), -EINVAL);
}
END_TEST

static void *notify_ready(void *data)
{
	return (void *)(intptr_t)reeve_notify_ready();
}

/* A manager whose socket is full is waited for; nothing is lost. */
START_TEST(a_slow_manager_is_waited_for)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct reeve_thread *thread;
	void *result = NULL;

	listen_at(false);
	memcpy(address.sun_path, name, strlen(name));
	ck_assert_int_eq(connect(filler, (struct sockaddr *)&address, sizeof address), 0);
	while (send(filler, "FILL=1", 6, 0) == 6)
		continue;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(reeve_thread_start(NULL, notify_ready, NULL, &thread), 0);
	ck_assert_int_eq(reeve_thread_join(thread, 20 * REEVE_MSEC, NULL), -ETIMEDOUT);
	while (strcmp(heard(), "READY=1") != 0)
		continue;
	ck_assert_int_eq(reeve_thread_join(thread, REEVE_FOREVER, &result), 0);
	ck_assert_int_eq((intptr_t)result, 1);
	reeve_thread_free(thread);
	close(filler);
	stop_listening();
}
END_TEST

START_TEST(the_watchdogs_interval_is_for_this_process_only)
{
	static const char *const wrong[] = { "0", "-1", "x", "10x", " 10", "9223372036854776", "99999999999999999999" };
	reeve_nsec interval = -7;
	char pid[32];

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	ck_assert_int_eq(reeve_notify_watchdog_interval(&interval), 0);
	setenv("WATCHDOG_PID", "1", 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	ck_assert_int_eq(reeve_notify_watchdog_interval(&interval), 0);
	setenv("WATCHDOG_PID", "x", 1);
	ck_assert_int_eq(reeve_notify_watchdog_interval(&interval), -EINVAL);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		setenv("WATCHDOG_USEC", wrong[i], 1);
		ck_assert_int_eq(reeve_notify_watchdog_interval(&interval), -EINVAL);
	}
	ck_assert_int_eq(interval, -7);
	setenv("WATCHDOG_USEC", "30000000", 1);
	ck_assert_int_eq(reeve_notify_watchdog_interval(&interval), 1);
	ck_assert_int_eq(interval, 30 * REEVE_SEC);
	unsetenv("WATCHDOG_PID");
	ck_assert_int_eq(reeve_notify_watchdog_interval(&interval), 1);
}
END_TEST

START_TEST(a_line_feed_says_ready_and_the_descriptor_is_closed)
{
	char text[4];
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(reeve_notify_fd(fds[1]), 0);
	ck_assert_int_eq(read(fds[0], text, sizeof text), 1);
	ck_assert_int_eq(text[0], '\n');
	ck_assert_int_eq(read(fds[0], text, sizeof text), 0);
	close(fds[0]);

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	ck_assert_int_eq(reeve_notify_fd(fds[1]), -EPIPE);
	ck_assert_int_eq(fcntl(fds[1], F_GETFD), -1);
	ck_assert_int_eq(reeve_notify_fd(-1), -EBADF);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tcase = leakproof_case("notify");

	tcase_add_loop_test(tcase, what_is_sent_is_heard_at_paths_and_abstract_names, 0, 2);
	tcase_add_test(tcase, without_a_manager_nothing_is_sent);
	tcase_add_test(tcase, a_malformed_address_or_message_is_refused);
	tcase_add_test(tcase, a_slow_manager_is_waited_for);
	tcase_add_test(tcase, the_watchdogs_interval_is_for_this_process_only);
	tcase_add_test(tcase, a_line_feed_says_ready_and_the_descriptor_is_closed);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
