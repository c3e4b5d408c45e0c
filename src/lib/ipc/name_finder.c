#include "lib/ipc/name_finder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
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

int find_at(const struct file_identity *identity, int pid, int fd)
{
	char path[PATH_SIZE];

	if (pid <= 0 || fd < 0)
		return -ESRCH;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
	return open_if_it(identity, AT_FDCWD, path);
}

static void cleanup_listing(DIR **listing)
{
	if (*listing)
		closedir(*listing);
}

/* Have `call` see each entry whose name is a number, until it returns something other than
 * -ESRCH. */
static int each_number(const struct file_identity *identity, int directory, const char *path,
	int (*call)(const struct file_identity *identity, int directory, const char *name))
{
	CLEANUP(cleanup_listing) DIR *listing = NULL;
	CLEANUP_FD int fd = sys_openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	struct dirent *entry;
	int r = -ESRCH;

	if (fd < 0)
		return -errno;
	listing = fdopendir(fd);
	if (!listing)
		return -errno;
	(void)TAKE_FD(fd);
	while (r == -ESRCH && (entry = readdir(listing)))
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			r = call(identity, dirfd(listing), entry->d_name);
	return r;
}

/* A process that has gone, or may not be looked at, does not have it. */
static int find_in_process(const struct file_identity *identity, int directory, const char *pid)
{
	char path[PATH_SIZE];
	int r;

	snprintf(path, sizeof path, "%.16s/fd", pid);
	r = each_number(identity, directory, path, open_if_it);
	return r < 0 && !is_shortage(-r) ? -ESRCH : r;
}

int find_anywhere(const struct file_identity *identity)
{
	return each_number(identity, AT_FDCWD, "/proc", find_in_process);
}
