#include "lib/arena/name_directory.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/directory.h"
#include "lib/base/fork.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"

#define FIRST_PAUSE (50 * REEVE_USEC)
#define LONGEST_PAUSE (5 * REEVE_MSEC)
#define LOCK_NAME ".lock"

const char *name_directory_parent = "/dev/shm";

/* Which process's thread is inside: one more than its fork_generation(). A forked child finds its
 * parent's, which means nothing to it. */
static _Atomic unsigned inside;

static int take_word(void)
{
	unsigned mine, found = 0;
	int r = fork_watch();

	if (r < 0)
		return r;
	mine = fork_generation() + 1;
	if (atomic_compare_exchange_strong(&inside, &found, mine))
		return 0;
	return found != mine && atomic_compare_exchange_strong(&inside, &found, mine) ? 0 : -EAGAIN;
}

static int open_own_directory(const char *path)
{
	CLEANUP_FD int fd = sys_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat status;

	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR || errno == EACCES ? -EPERM : -errno;
	if (sys_fstat(fd, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid() || status.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM;
	return TAKE_FD(fd);
}

static int open_directory(void)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof path, "%s/reeve-%u", name_directory_parent, (unsigned)geteuid());
	r = open_own_directory(path);
	if (r != -ENOENT)
		return r;
	if (sys_mkdir(path, S_IRWXU) < 0 && errno != EEXIST)
		return -errno;
	return open_own_directory(path);
}

/* -EAGAIN: another process has it; or it is a file that somebody has just removed, and others do not
 * find it any more. */
static int lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat status;

	if (sys_fcntl(fd, F_SETLK, (long)&whole) < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	if (sys_fstat(fd, &status) < 0)
		return -errno;
	return status.st_nlink > 0 ? 0 : -EAGAIN;
}

static int open_and_lock(struct name_directory *ret)
{
	CLEANUP_FD int directory = open_directory();
	CLEANUP_FD int fd = -EBADF;
	int r;

	if (directory < 0)
		return directory;
	fd = sys_openat(
		directory, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return -errno;
	r = lock(fd);
	if (r < 0)
		return r;
	ret->fd = TAKE_FD(directory);
	ret->lock_fd = TAKE_FD(fd);
	return 0;
}

/* The word comes first: closing the file lets go of the lock, whichever thread took it. */
static int try_to_enter(struct name_directory *ret)
{
	int r = take_word();

	if (r < 0)
		return r;
	r = open_and_lock(ret);
	if (r < 0)
		atomic_store(&inside, 0);
	return r;
}

int name_directory_enter(reeve_nsec deadline, struct name_directory *ret)
{
	reeve_nsec pause = FIRST_PAUSE;
	int r;

	while ((r = try_to_enter(ret)) == -EAGAIN) {
		r = back_off(&pause, LONGEST_PAUSE, deadline);
		if (r < 0)
			break;
	}
	return r;
}

void name_directory_leave(struct name_directory *directory)
{
	if (directory->lock_fd < 0)
		return;
	directory->lock_fd = close_fd(directory->lock_fd);
	directory->fd = close_fd(directory->fd);
	atomic_store(&inside, 0);
}

struct visit {
	struct name_directory *directory;
	int (*call)(struct name_directory *directory, const char *name);
	int count;
};

static int visit_name(void *data, const char *name)
{
	struct visit *visit = data;
	int r = name[0] == '.' ? 0 : visit->call(visit->directory, name);

	if (r < 0)
		return r;
	visit->count += r;
	return 0;
}

int name_directory_each(struct name_directory *directory,
	int (*call)(struct name_directory *directory, const char *name))
{
	struct visit visit = { .directory = directory, .call = call };
	CLEANUP_FD int fd = -EBADF;
	int r;

	fd = sys_openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = directory_each(fd, visit_name, &visit);
	return r < 0 ? r : visit.count;
}
