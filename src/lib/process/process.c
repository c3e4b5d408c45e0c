#include "lib/process/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/process/reap.h"
#include "lib/process/registry.h"

struct reeve_process *process_new(void)
{
	struct reeve_process *process = sys_calloc(1, sizeof *process);

	if (process)
		process->pidfd = -EBADF;
	return process;
}

struct reeve_process *reeve_process_free(struct reeve_process *process)
{
	if (!process)
		return NULL;
	spawn_settle(process);
	reeve_process_unwatch(process);
	if (process->pid != 0 && process->is_child && !reeve_process_is_alive(process))
		process_collect(process, NULL);
	process->pidfd = close_fd(process->pidfd);
	registry_abandon_consume(process);
	return NULL;
}

/* Whether `pidfd` is of a child of ours. */
static int is_child(int pidfd)
{
	siginfo_t info;

	while (sys_waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT, NULL) < 0)
		if (errno != EINTR)
			return errno == ECHILD ? 0 : -errno;
	return 1;
}

static int adopt(pid_t pid, int pidfd, struct reeve_process **ret)
{
	struct reeve_process *process;
	int r = registry_watch_forks();

	if (r == 0)
		r = is_child(pidfd);
	if (r < 0)
		return r;
	process = process_new();
	if (!process)
		return -ENOMEM;
	process->pid = pid;
	process->pidfd = pidfd;
	process->is_child = r;
	if (process->is_child)
		registry_add(process);
	*ret = process;
	return 0;
}

int reeve_process_adopt(pid_t pid, struct reeve_process **ret)
{
	CLEANUP_FD int pidfd = -EBADF;
	int r;

	if (pid <= 0)
		return -EINVAL;
	pidfd = sys_pidfd_open(pid, 0);
	if (pidfd < 0)
		return -errno;
	r = adopt(pid, pidfd, ret);
	if (r == 0)
		TAKE_FD(pidfd);
	return r;
}

/* The pid is a line of the descriptor's /proc entry: "Pid:\t123", -1 once it was reaped. */
static int pid_of(int pidfd, pid_t *ret)
{
	CLEANUP_FD int fd = -EBADF;
	char text[1024], path[64];
	const char *line;
	ssize_t size;
	int pid;

	if (pidfd < 0)
		return -EBADF;
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
	fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return errno == ENOENT ? -EBADF : -errno;
	size = sys_read(fd, text, sizeof text - 1);
	if (size < 0)
		return -errno;
	text[size] = '\0';
	line = strstr(text, "\nPid:");
	if (!line || sscanf(line + 5, "%d", &pid) != 1)
		return -EBADF;
	if (pid <= 0)
		return -ESRCH;
	*ret = pid;
	return 0;
}

int reeve_process_adopt_fd_take(int pidfd, struct reeve_process **ret)
{
	pid_t pid;
	int r = pid_of(pidfd, &pid);

	return r < 0 ? r : adopt(pid, pidfd, ret);
}

pid_t reeve_process_pid(const struct reeve_process *process)
{
	return process->pid;
}

int reeve_process_fd(const struct reeve_process *process)
{
	return process->pidfd;
}

int process_has_ended(const struct reeve_process *process)
{
	int r;

	if (registry_ended(process, NULL))
		return 1;
	r = wait_fd(process->pidfd, POLLIN, 0);
	return r == -ETIMEDOUT ? 0 : r < 0 ? r : 1;
}

bool reeve_process_is_alive(const struct reeve_process *process)
{
	return process_has_ended(process) != 1;
}

/* --- Outcomes --------------------------------------------------------------------------------- */

void outcome_from(
	const siginfo_t *info, const struct rusage *usage, struct reeve_process_outcome *ret)
{
	enum reeve_process_how how;

	switch (info->si_code) {
	case CLD_EXITED: how = REEVE_PROCESS_EXITED; break;
	case CLD_KILLED:
	case CLD_DUMPED: how = REEVE_PROCESS_SIGNALLED; break;
	case CLD_CONTINUED: how = REEVE_PROCESS_CONTINUED; break;
	default: how = REEVE_PROCESS_STOPPED; break;
	}
	*ret = (struct reeve_process_outcome){
		.how = how,
		.status = info->si_status,
		.core = info->si_code == CLD_DUMPED,
		.pid = info->si_pid,
		.uid = info->si_uid,
		.usage = *usage,
	};
}

bool outcome_is_end(const struct reeve_process_outcome *outcome)
{
	return outcome->how == REEVE_PROCESS_EXITED || outcome->how == REEVE_PROCESS_SIGNALLED;
}
