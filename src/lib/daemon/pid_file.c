/* The lock is what says that the program runs; the content only says as which process. It is a lock of the open file
 * description (F_OFD_SETLK): a forked child inherits it, another open() and close() of the same file in this process does
 * not lose it, and anybody may ask for it without taking it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "reeve/daemon.h"

/* "2147483647\n" and a NUL. */
#define CONTENT_MAX 12

/* How often the file may be removed by others between our open and our lock before we give up. */
#define TRIES_MAX 100

struct reeve_pid_file {
	char *path; /* absolute: the working directory may change */
	int fd;
};

/* --- what is in the file --- */

/* The pid that stands in an open pid file, or -EBADMSG where there is none, or what read(2) failed with. */
static int read_pid(int fd)
{
	char content[CONTENT_MAX];
	ssize_t size = sys_pread(fd, content, sizeof content, 0);
	int pid = 0;
	ssize_t i;

	if (size < 0)
		return -errno;
	for (i = 0; i < size && content[i] >= '0' && content[i] <= '9'; i++) {
		if (__builtin_mul_overflow(pid, 10, &pid) ||
			__builtin_add_overflow(pid, content[i] - '0', &pid))
			return -EBADMSG;
	}
	if (pid == 0 || (i < size && content[i] != '\n'))
		return -EBADMSG;
	return pid;
}

static int check_regular(int fd, struct stat *ret)
{
	if (sys_fstat(fd, ret) < 0)
		return -errno;
	return S_ISREG(ret->st_mode) ? 0 : -EINVAL;
}

/* --- taking it --- */

/* Whether `path` leads to the file that `ours` describes: 1 or 0, or a negative errno. */
static int is_at(const char *path, const struct stat *ours)
{
	struct stat there;

	if (sys_fstatat(AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return there.st_dev == ours->st_dev && there.st_ino == ours->st_ino;
}

static int lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (sys_fcntl(fd, F_OFD_SETLK, (long)&whole) < 0)
		return errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
	return 0;
}

/* Open and lock once. Returns the descriptor; -ESTALE where the file was removed by its owner before we had the lock,
 * so that what we hold is no longer what others will find. */
static int open_and_lock(const char *path, pid_t *ret_owner)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat ours;
	int r;

	fd = sys_open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = check_regular(fd, &ours);
	if (r == 0)
		r = lock(fd);
	if (r == -EBUSY && ret_owner) {
		int pid = read_pid(fd);

		*ret_owner = pid > 0 ? pid : 0;
	}
	if (r < 0)
		return r;
	r = is_at(path, &ours);
	if (r <= 0)
		return r < 0 ? r : -ESTALE;
	if (sys_ftruncate(fd, 0) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int make_absolute(const char *path, char **ret)
{
	char directory[PATH_MAX];
	size_t size;

	if (*path == '/')
		directory[0] = '\0';
	else if (!sys_getcwd(directory, sizeof directory))
		return -errno;
	size = strlen(directory) + 1 + strlen(path) + 1;
	*ret = sys_malloc(size);
	if (!*ret)
		return -ENOMEM;
	snprintf(*ret, size, "%s%s%s", directory, *path == '/' ? "" : "/", path);
	return 0;
}

int reeve_pid_file_open(const char *path, struct reeve_pid_file **ret, pid_t *ret_owner)
{
	CLEANUP_FREE struct reeve_pid_file *file = NULL;
	CLEANUP_FREE char *absolute = NULL;
	int r;

	if (!path || !*path)
		return -EINVAL;
	file = sys_calloc(1, sizeof *file);
	if (!file)
		return -ENOMEM;
	r = make_absolute(path, &absolute);
	if (r < 0)
		return r;
	r = -ESTALE;
	for (int tries = 0; r == -ESTALE && tries < TRIES_MAX; tries++)
		r = open_and_lock(absolute, ret_owner);
	if (r < 0)
		return r;
	file->fd = r;
	file->path = TAKE_PTR(absolute);
	*ret = TAKE_PTR(file);
	return 0;
}

/* --- using it --- */

int reeve_pid_file_write(struct reeve_pid_file *file)
{
	char content[CONTENT_MAX];
	int length = snprintf(content, sizeof content, "%d\n", (int)getpid());
	ssize_t written = sys_pwrite(file->fd, content, (size_t)length, 0);

	if (written < 0)
		return -errno;
	if (written != length)
		return -ENOSPC;
	if (sys_ftruncate(file->fd, length) < 0)
		return -errno;
	return 0;
}

int reeve_pid_file_fd(const struct reeve_pid_file *file)
{
	return file->fd;
}

int reeve_pid_file_owner(const char *path, pid_t *ret)
{
	struct flock holder = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	CLEANUP_FD int fd = -EBADF;
	struct stat ignored;
	int r;

	fd = sys_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = check_regular(fd, &ignored);
	if (r < 0)
		return r;
	if (sys_fcntl(fd, F_OFD_GETLK, (long)&holder) < 0)
		return -errno;
	if (holder.l_type == F_UNLCK)
		return -ESRCH;
	r = read_pid(fd);
	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

struct reeve_pid_file *reeve_pid_file_free(struct reeve_pid_file *file)
{
	struct stat ours;

	if (!file)
		return NULL;
	/* Removed under the lock, so that nobody can have locked it in between; and by the last one who wrote. */
	if (read_pid(file->fd) == getpid() && check_regular(file->fd, &ours) == 0 &&
		is_at(file->path, &ours) > 0)
		sys_unlink(file->path);
	close_fd(file->fd);
	free(file->path);
	free(file);
	return NULL;
}
