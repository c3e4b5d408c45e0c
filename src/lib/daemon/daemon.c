/* Becoming a daemon: the starter's side. It makes a socket pair, forks, and learns from the packets that come over the pair
 * how far the other side got (report.h); that side takes its steps (steps.c). A socket, not a pipe, because sending
 * to a starter that is gone must not raise SIGPIPE. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/daemon/report.h"
#include "lib/daemon/steps.h"

#define ALL_FLAGS                                                                                  \
	(REEVE_DAEMON_ONE_FORK | REEVE_DAEMON_KEEP_SIGNALS | REEVE_DAEMON_KEEP_UMASK |             \
		REEVE_DAEMON_KEEP_DIRECTORY | REEVE_DAEMON_KEEP_STDIO |                            \
		REEVE_DAEMON_KEEP_DESCRIPTORS)

static int check_spec(const struct reeve_daemon_spec *spec)
{
	if (spec->flags & ~(unsigned)ALL_FLAGS || spec->keep_count > REEVE_DAEMON_KEEP_MAX)
		return -EINVAL;
	for (size_t i = 0; i < spec->keep_count; i++)
		if (spec->keep[i] < 0)
			return -EBADF;
	return 0;
}

/* --- the daemon's side --- */

/* Between fork and return. Returns 0 in the daemon, or 1 with the exit status of a process that is none. */
static int become_daemon(const struct daemon_steps *steps, int *ret_status)
{
	struct report_packet packet = { .kind = REPORT_STARTED };
	enum reeve_daemon_step failed = REEVE_DAEMON_STEP_NONE;
	int r = daemon_take_steps(steps, &failed);

	*ret_status = 0;
	if (r > 0)
		return 1;
	if (r < 0) {
		packet.kind = REPORT_FAILED;
		packet.step = failed;
		packet.value = -r;
	} else {
		packet.pid = getpid();
	}
	*ret_status = 1;
	return report_send(steps->report, &packet) < 0 || r < 0;
}

/* --- the starter's side --- */

/* Read packets until the outcome is known. */
static int follow(int fd, bool wait_for_status, reeve_nsec deadline, struct reeve_daemon_report *report)
{
	struct report_packet packet;
	int r;

	while ((r = report_receive(fd, deadline, &packet)) == 0) {
		switch (packet.kind) {
		case REPORT_STARTED:
			report->pid = packet.pid;
			if (!wait_for_status)
				return 1;
			break;
		case REPORT_FAILED:
			report->failed = (enum reeve_daemon_step)packet.step;
			return -packet.value;
		case REPORT_STATUS:
			report->status = packet.value;
			memcpy(report->message, packet.text, sizeof packet.text);
			return 1;
		}
	}
	return r;
}

/* Wait for a child that is about to end, or has. Somebody else may have reaped it. */
static void reap(pid_t pid)
{
	siginfo_t ignored;

	while (sys_waitid(P_PID, (id_t)pid, &ignored, WEXITED, NULL) < 0 && errno == EINTR)
		continue;
}

static int await_daemon(int fd, pid_t child, const struct reeve_daemon_spec *spec, reeve_nsec deadline,
	struct reeve_daemon_report *report)
{
	int r = follow(fd, spec->timeout != 0, deadline, report);

	if (!(spec->flags & REEVE_DAEMON_ONE_FORK) || report->failed)
		reap(child);
	return r;
}

/* A socket pair whose ends are above 2, where no step gets in their way. */
static int make_pair(int *ret_first, int *ret_second)
{
	int fds[2] = { -EBADF, -EBADF };

	if (sys_socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		int moved;

		if (fds[i] > 2)
			continue;
		moved = sys_fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (moved < 0) {
			moved = -errno;
			close_fd(fds[0]);
			close_fd(fds[1]);
			return moved;
		}
		close_fd(fds[i]);
		fds[i] = moved;
	}
	*ret_first = fds[0];
	*ret_second = fds[1];
	return 0;
}

/* fork(2) with all signals blocked, so that no handler runs in a half-made daemon: the child takes the mask on from there.
 * Returns the pid, 0 in the child, or a negative errno. */
static pid_t fork_blocked(sigset_t *ret_mask)
{
	sigset_t all;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, ret_mask);
	pid = sys_fork();
	if (pid < 0)
		pid = -errno;
	if (pid != 0)
		pthread_sigmask(SIG_SETMASK, ret_mask, NULL);
	return pid;
}

int reeve_daemon_start(const struct reeve_daemon_spec *spec, struct reeve_daemon **ret,
	struct reeve_daemon_report *report)
{
	CLEANUP_FREE struct reeve_daemon *daemon = NULL;
	CLEANUP_FD int starters_end = -EBADF;
	CLEANUP_FD int daemons_end = -EBADF;
	reeve_nsec deadline;
	sigset_t mask;
	int r, status;
	pid_t pid;

	*report = (struct reeve_daemon_report){ 0 };
	r = check_spec(spec);
	if (r == 0)
		r = deadline_from(spec->timeout ? spec->timeout : REEVE_FOREVER, &deadline);
	if (r < 0)
		return r;
	daemon = sys_calloc(1, sizeof *daemon);
	if (!daemon)
		return -ENOMEM;
	r = make_pair(&starters_end, &daemons_end);
	if (r < 0)
		return r;
	fflush(NULL);
	pid = fork_blocked(&mask);
	if (pid < 0) {
		report->failed = REEVE_DAEMON_STEP_FORK;
		return pid;
	}
	if (pid > 0) {
		daemons_end = close_fd(daemons_end);
		return await_daemon(starters_end, pid, spec, deadline, report);
	}
	starters_end = close_fd(starters_end);
	if (become_daemon(&(struct daemon_steps){ .spec = spec, .mask = &mask, .report = daemons_end }, &status)) {
		free(TAKE_PTR(daemon));
		_exit(status);
	}
	daemon->fd = TAKE_FD(daemons_end);
	*ret = TAKE_PTR(daemon);
	return 0;
}
