#include "scribe/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The descriptors that the supervisor was started with. */
#define OWN_DESCRIPTORS 3

#define NOT_OWN (-1)

/* Which descriptor of ours does the path name? One that we don't have is OWN_DESCRIPTORS. */
static int own_descriptor(const char *path)
{
	static const char *const directories[] = { "/dev/fd/", "/proc/self/fd/" };
	static const char *const names[OWN_DESCRIPTORS] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };

	for (int i = 0; i < OWN_DESCRIPTORS; i++)
		if (strcmp(path, names[i]) == 0)
			return i;
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
		size_t length = strlen(directories[i]);

		if (strncmp(path, directories[i], length) != 0)
			continue;
		if (path[length] >= '0' && path[length] <= '2' && path[length + 1] == '\0')
			return path[length] - '0';
		return OWN_DESCRIPTORS;
	}
	return NOT_OWN;
}

/* Which descriptor of ours, to write to, is the same pipe, socket or terminal? (A file is opened by its path.) */
static int own_descriptor_like(const struct stat *status)
{
	struct stat own;

	if (S_ISREG(status->st_mode))
		return NOT_OWN;
	for (int i = STDOUT_FILENO; i < OWN_DESCRIPTORS; i++)
		if (fstat(i, &own) == 0 && own.st_dev == status->st_dev &&
			own.st_ino == status->st_ino && own.st_rdev == status->st_rdev)
			return i;
	return NOT_OWN;
}

static enum target_kind kind_of(const struct stat *status)
{
	if (S_ISREG(status->st_mode))
		return TARGET_FILE;
	if (S_ISFIFO(status->st_mode))
		return TARGET_PIPE;
	if (S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3))
		return TARGET_NULL;
	return TARGET_STREAM;
}

static int copy_descriptor(int own, struct opened *ret)
{
	int fd = fcntl(own, F_DUPFD_CLOEXEC, OWN_DESCRIPTORS);

	if (fd < 0)
		return -errno;
	ret->fd = fd;
	return 0;
}

/* A file: the very same descriptor, for the place in it is shared with whoever else has it. Anything else: a
 * description of our own in non-blocking mode, where one is to be had (a socket can't be opened, and a
 * terminal or pipe may belong to somebody else). */
static int open_own(int own, struct opened *ret)
{
	char path[32];
	int fd;

	if (own >= OWN_DESCRIPTORS || fstat(own, &ret->status) < 0)
		return -EBADF;
	ret->kind = kind_of(&ret->status);
	if (ret->kind == TARGET_FILE) {
		ret->kind = TARGET_DESCRIPTOR;
		return copy_descriptor(own, ret);
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", own);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return copy_descriptor(own, ret);
	ret->fd = fd;
	return 0;
}

/* A file that was to be new is there. Ours from before, when the scribe that made it was killed? */
static bool is_ours(const struct stat *status)
{
	return S_ISREG(status->st_mode) && status->st_uid == geteuid() && status->st_nlink == 1;
}

static int open_path(const char *path, mode_t mode, bool is_new, struct opened *ret)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd, r = 0;

	if (is_new)
		flags |= O_NOFOLLOW;
	fd = open(path, flags, mode);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &ret->status) < 0)
		r = -errno;
	else if (is_new && !is_ours(&ret->status))
		r = -EEXIST;
	if (r < 0) {
		close(fd);
		return r;
	}
	ret->fd = fd;
	ret->kind = kind_of(&ret->status);
	if (ret->kind != TARGET_FILE)
		fcntl(fd, F_SETFL, O_NONBLOCK); /* devices can't be spliced to in O_APPEND mode */
	return 0;
}

int open_target(const char *path, mode_t mode, bool is_new, struct opened *ret)
{
	int own = own_descriptor(path);
	struct stat status;

	if (own == NOT_OWN && !is_new && stat(path, &status) == 0)
		own = own_descriptor_like(&status);
	if (own != NOT_OWN)
		return open_own(own, ret);
	return open_path(path, mode, is_new, ret);
}
