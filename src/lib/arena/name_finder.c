#include "lib/arena/name_finder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/directory.h"
#include "lib/base/sys.h"

#define PATH_SIZE 64

static bool is_it(const struct file_identity *identity, const struct stat *status)
{
	return S_ISREG(status->st_mode) && status->st_dev == identity->device &&
	       status->st_ino == identity->inode;
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* Looked at first, since opening can have effects where it is some other file; and once more
 * afterwards, since its owner may have put another in its place. */
static int open_if_it(const struct file_identity *identity, int directory, const char *path)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat status;

	if (sys_fstatat(directory, path, &status, 0) < 0 || !is_it(identity, &status))
		return -ESRCH;
	fd = sys_openat(directory, path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return is_shortage(errno) ? -errno : -ESRCH;
	if (sys_fstat(fd, &status) < 0 || !is_it(identity, &status))
		return -ESRCH;
	return TAKE_FD(fd);
}

int find_at(const struct file_identity *identity, const struct file_holder *holder)
{
	char path[PATH_SIZE];

	if (holder->pid <= 0 || holder->fd < 0)
		return -ESRCH;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", holder->pid, holder->fd);
	return open_if_it(identity, AT_FDCWD, path);
}

/* What is looked at, and what was found. */
struct search {
	const struct file_identity *identity;
	int directory; /* /proc, or a process's descriptors */
	struct file_holder at;
	int found;
};

static bool is_number(const char *name)
{
	return name[0] >= '0' && name[0] <= '9';
}

/* 1 if it is it. */
static int look_at_descriptor(void *data, const char *name)
{
	struct search *search = data;
	int fd;

	if (!is_number(name))
		return 0;
	search->at.fd = (int32_t)strtol(name, NULL, 10);
	fd = open_if_it(search->identity, search->directory, name);
	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	search->found = fd;
	return 1;
}

/* A process that has gone, or may not be looked at, does not have it. */
static int look_at_process(void *data, const char *name)
{
	struct search *search = data;
	int proc = search->directory, r;
	CLEANUP_FD int fd = -EBADF;
	char path[PATH_SIZE];

	if (!is_number(name))
		return 0;
	search->at.pid = (int32_t)strtol(name, NULL, 10);
	snprintf(path, sizeof path, "%.16s/fd", name);
	fd = sys_openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return is_shortage(errno) ? -errno : 0;
	search->directory = fd;
	r = directory_each(fd, look_at_descriptor, search);
	search->directory = proc;
	return r < 0 && !is_shortage(-r) ? 0 : r;
}

int find_anywhere(const struct file_identity *identity, struct file_holder *ret)
{
	CLEANUP_FD int proc = sys_open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	struct search search = { .identity = identity, .directory = proc };
	int r = proc < 0 ? -errno : directory_each(proc, look_at_process, &search);

	if (r <= 0)
		return r < 0 ? r : -ESRCH;
	*ret = search.at;
	return search.found;
}
