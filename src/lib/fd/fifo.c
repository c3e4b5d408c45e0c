#include "reeve/fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"

/* How often a writer looks for a reader that gives no notice: one that waits inside open(2)
 * itself. */
#define LOOK_INTERVAL (50 * REEVE_MSEC)

#define ALL_FLAGS (REEVE_FIFO_KEEP_ALIVE | REEVE_FIFO_FOLLOW)

static int check_is_fifo(const struct stat *status)
{
	return S_ISFIFO(status->st_mode) ? 0 : -EMEDIUMTYPE;
}

/* Give what has just been made the bits that the umask kept from it. */
static int set_mode(const char *path, mode_t mode)
{
	CLEANUP_FD int fd = sys_open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat status;
	char self[32];
	int r;

	if (fd < 0 || sys_fstat(fd, &status) < 0)
		return -errno;
	r = check_is_fifo(&status);
	if (r < 0 || (status.st_mode & 0777) == mode)
		return r;
	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	return sys_fchmodat(AT_FDCWD, self, mode, 0) < 0 ? -errno : 0;
}

int reeve_fifo_create(const char *path, mode_t mode)
{
	int r;

	if (mode & ~(mode_t)0777)
		return -EINVAL;
	if (sys_mkfifo(path, mode) < 0)
		return -errno;
	r = set_mode(path, mode);
	if (r < 0)
		unlink(path);
	return r;
}

/* Open without waiting. -ENXIO: a FIFO without a reader. */
static int open_now(const char *path, int access, unsigned flags)
{
	int follow = flags & REEVE_FIFO_FOLLOW ? 0 : O_NOFOLLOW;
	CLEANUP_FD int fd = sys_open(path, access | follow | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0);
	struct stat status;
	int r;

	if (fd < 0 && errno != ENXIO && errno != EISDIR)
		return -errno;
	if (fd >= 0)
		r = sys_fstat(fd, &status);
	else
		r = sys_fstatat(AT_FDCWD, path, &status, follow ? AT_SYMLINK_NOFOLLOW : 0);
	if (r < 0)
		return -errno;
	r = check_is_fifo(&status);
	if (r < 0)
		return r;
	return fd < 0 ? -ENXIO : TAKE_FD(fd);
}

int reeve_fifo_open_read(const char *path, unsigned flags, reeve_nsec timeout)
{
	CLEANUP_FD int fd = -EBADF;
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	if (r < 0 || flags & ~ALL_FLAGS)
		return -EINVAL;
	fd = open_now(path, flags & REEVE_FIFO_KEEP_ALIVE ? O_RDWR : O_RDONLY, flags);
	if (fd < 0)
		return fd;
	/* Until a first writer has come it does not poll as hung up. */
	r = timeout == 0 ? 0 : wait_fd(fd, POLLIN, deadline);
	return r < 0 ? r : TAKE_FD(fd);
}

/* A descriptor that is readable when somebody has opened the FIFO; none (negative) where that
 * can't be had. */
static int watch_openings(const char *path, unsigned flags)
{
	CLEANUP_FD int fd = sys_inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	uint32_t follow = flags & REEVE_FIFO_FOLLOW ? 0 : IN_DONT_FOLLOW;

	if (fd < 0 || sys_inotify_add_watch(fd, path, IN_OPEN | follow) < 0)
		return -EBADF;
	return TAKE_FD(fd);
}

/* Wait for an opening, but not past the next look. */
static int await_opening(int watch, reeve_nsec deadline)
{
	char events[4096];
	struct pollfd polled = { .fd = watch, .events = POLLIN };
	reeve_nsec look = reeve_now() + LOOK_INTERVAL;
	int r;

	if (deadline_left(deadline) == 0)
		return -ETIMEDOUT;
	r = poll_until(&polled, 1, deadline == REEVE_FOREVER || look < deadline ? look : deadline);
	if (r > 0)
		(void)!sys_read(watch, events, sizeof events);
	return r < 0 ? r : 0;
}

static int open_when_read(const char *path, unsigned flags, reeve_nsec deadline)
{
	CLEANUP_FD int watch = -EBADF;
	int fd = open_now(path, O_WRONLY, flags);

	if (fd != -ENXIO)
		return fd;
	if (deadline_left(deadline) != 0)
		watch = watch_openings(path, flags);
	for (;;) {
		int r;

		fd = open_now(path, O_WRONLY, flags);
		if (fd != -ENXIO)
			return fd;
		r = await_opening(watch, deadline);
		if (r < 0)
			return r;
	}
}

int reeve_fifo_open_write(const char *path, unsigned flags, reeve_nsec timeout)
{
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	if (r < 0 || flags & ~ALL_FLAGS)
		return -EINVAL;
	if (flags & REEVE_FIFO_KEEP_ALIVE)
		return open_now(path, O_RDWR, flags);
	return open_when_read(path, flags, deadline);
}

int reeve_fifo_remove(const char *path)
{
	struct stat status;
	int r;

	if (sys_fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = check_is_fifo(&status);
	if (r < 0)
		return r;
	return sys_unlink(path) < 0 ? -errno : 0;
}
