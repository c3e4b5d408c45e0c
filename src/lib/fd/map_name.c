/* Maps with a name: files in the tmpfs that shm_open(3) uses.
 *
 * A new one is made without a name, given its mode and size, and then linked: nobody ever sees
 * one that is still empty, and of two that make it at once both get the same. */
#include "reeve/map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"

#define DIRECTORY "/dev/shm"
#define PATH_SIZE (sizeof DIRECTORY + 1 + NAME_MAX)

static int make_path(const char *name, char ret[PATH_SIZE])
{
	if (*name == '/')
		name++;
	if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(ret, PATH_SIZE, DIRECTORY "/%s", name);
	return 0;
}

/* Returns a descriptor, or -EEXIST and others. */
static int create(const char *path, mode_t mode, size_t size)
{
	CLEANUP_FD int fd = -EBADF;
	char self[32];

	if (size == 0 || size > PTRDIFF_MAX)
		return -EINVAL;
	fd = sys_open(DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (sys_ftruncate(fd, (off_t)size) < 0 || sys_fchmod(fd, mode) < 0)
		return -errno;
	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	if (sys_linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int open_existing(const char *path, enum reeve_map_access access)
{
	int mode = access == REEVE_MAP_WRITE ? O_RDWR : O_RDONLY;
	int fd = sys_open(path, mode | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);

	return fd < 0 ? -errno : fd;
}

static int open_or_create(
	const char *path, enum reeve_map_access access, unsigned flags, mode_t mode, size_t size)
{
	int fd;

	do {
		fd = flags & REEVE_MAP_EXCLUSIVE ? -ENOENT : open_existing(path, access);
		if (fd != -ENOENT || !(flags & REEVE_MAP_CREATE))
			return fd;
		fd = create(path, mode, size);
	} while (fd == -EEXIST && !(flags & REEVE_MAP_EXCLUSIVE));
	return fd;
}

int reeve_map_named(const char *name, enum reeve_map_access access, unsigned flags, mode_t mode,
	size_t size, struct reeve_map **ret)
{
	CLEANUP_FD int fd = -EBADF;
	char path[PATH_SIZE];
	int r = make_path(name, path);

	if (r < 0)
		return r;
	if (flags & ~(REEVE_MAP_CREATE | REEVE_MAP_EXCLUSIVE) || flags == REEVE_MAP_EXCLUSIVE ||
		mode & ~(mode_t)0777)
		return -EINVAL;
	fd = open_or_create(path, access, flags, mode, size);
	return fd < 0 ? fd : reeve_map_descriptor(fd, access, 0, size, ret);
}

int reeve_map_unlink(const char *name)
{
	char path[PATH_SIZE];
	int r = make_path(name, path);

	if (r < 0)
		return r;
	return sys_unlink(path) < 0 ? -errno : 0;
}
