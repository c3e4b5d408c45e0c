/* Signals to a process, to its group, to a cgroup. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/process/process.h"
#include "lib/process/registry.h"
#include "lib/process/target.h"

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1u << 2) /* Linux 6.9 */
#endif

int reeve_process_signal(struct reeve_process *process, int signal)
{
	if (registry_ended(process, NULL))
		return -ESRCH;
	return sys_pidfd_send_signal(process->pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

/* Older kernels know groups by number only, which is the group's for sure as long as its leader was
 * not reaped. */
static int signal_group_by_number(struct reeve_process *process, int signal)
{
	int r = reeve_process_signal(process, 0);

	if (r < 0)
		return r;
	return sys_kill(-process->pid, signal) < 0 ? -errno : 0;
}

int reeve_process_signal_group(struct reeve_process *process, int signal)
{
	if (sys_pidfd_send_signal(process->pidfd, signal, NULL, PIDFD_SIGNAL_PROCESS_GROUP) == 0)
		return 0;
	return errno == EINVAL ? signal_group_by_number(process, signal) : -errno;
}

/* --- cgroup v2 -------------------------------------------------------------------------------- */

static int open_file(int directory, const char *name, int flags)
{
	int fd = sys_openat(directory, name, flags | O_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Whether the events file says that there is a process in the cgroup or below: 1, 0, or a negative
 * errno. */
static int is_populated(int events_fd)
{
	char text[256];
	ssize_t size = sys_pread(events_fd, text, sizeof text - 1, 0);

	if (size < 0)
		return -errno;
	text[size] = '\0';
	return strstr(text, "populated 1") ? 1 : 0;
}

int cgroup_wait_empty(int cgroup_fd, reeve_nsec deadline)
{
	CLEANUP_FD int fd = open_file(cgroup_fd, "cgroup.events", O_RDONLY);
	struct pollfd polled = { .fd = fd, .events = POLLPRI };
	int r;

	if (fd < 0)
		return fd;
	while ((r = is_populated(fd)) == 1) {
		r = poll_until(&polled, 1, deadline);
		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
	}
	return r;
}

static int kill_at_once(int cgroup_fd)
{
	CLEANUP_FD int fd = open_file(cgroup_fd, "cgroup.kill", O_WRONLY);

	if (fd < 0)
		return fd;
	return sys_write(fd, "1", 1) < 0 ? -errno : 0;
}

/* Each process of one cgroup: how many got the signal. */
static int signal_members(int cgroup_fd, int signal)
{
	CLEANUP_FD int fd = open_file(cgroup_fd, "cgroup.procs", O_RDONLY);
	char text[4096];
	ssize_t size;
	int sent = 0;
	pid_t pid = 0;

	if (fd < 0)
		return fd;
	while ((size = sys_read(fd, text, sizeof text)) > 0) {
		for (ssize_t i = 0; i < size; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (text[i] - '0');
				continue;
			}
			if (pid > 0 && sys_kill(pid, signal) == 0)
				sent++;
			else if (pid > 0 && errno != ESRCH)
				return -errno;
			pid = 0;
		}
	}
	return size < 0 ? -errno : sent;
}

static void cleanup_dir(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static int signal_tree(int cgroup_fd, int signal)
{
	CLEANUP(cleanup_dir) DIR *directory = NULL;
	struct dirent *entry;
	int fd, r, sent = signal_members(cgroup_fd, signal);

	if (sent < 0)
		return sent;
	fd = open_file(cgroup_fd, ".", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	directory = fdopendir(fd);
	if (!directory) {
		close_fd(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(directory))) {
		CLEANUP_FD int below = -EBADF;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		below = open_file(cgroup_fd, entry->d_name, O_RDONLY | O_DIRECTORY);
		r = below < 0 ? below : signal_tree(below, signal);
		if (r == -ENOENT || r == -ENODEV)
			continue; /* removed meanwhile */
		if (r < 0)
			return r;
		sent += r;
	}
	return sent;
}

int reeve_process_signal_cgroup(int cgroup_fd, int signal)
{
	CLEANUP_FD int events = open_file(cgroup_fd, "cgroup.events", O_RDONLY);
	int r;

	if (signal < 0 || signal > 64)
		return -EINVAL;
	if (events < 0)
		return events;
	r = is_populated(events);
	if (r <= 0)
		return r < 0 ? r : -ESRCH;
	if (signal == SIGKILL) {
		r = kill_at_once(cgroup_fd);
		if (r != -ENOENT) /* Linux 5.14 */
			return r;
	}
	r = signal_tree(cgroup_fd, signal);
	return r == 0 ? -ESRCH : r < 0 ? r : 0;
}
