/* Addresses of channels: listening, accepting, connecting.
 *
 * A listening socket is made under a name of its own beside its address, given its mode, set to
 * listen, and only then linked to the address: so whoever finds a socket there that refuses
 * connections has found one whose listener is dead. Two that find the same dead one are kept
 * apart by a lock on the directory, held from the look until the replacement: else the second
 * could replace the first one's living socket. */
#include "reeve/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/fd/socket.h"

/* ".reeve-PID-N" */
#define TEMPORARY_NAME_SIZE 40

/* So many sockets of that name may have been left by dead processes of the same pid. */
#define TEMPORARY_TRIES 1000

struct address {
	struct sockaddr_un name;
	socklen_t size;
};

static int parse_address(const char *text, struct address *ret)
{
	struct address address = { .name.sun_family = AF_UNIX };
	size_t length = strlen(text);
	bool abstract = text[0] == '@';

	if (length == (abstract ? 1 : 0))
		return -EINVAL;
	if (length > REEVE_CHANNEL_ADDRESS_MAX)
		return -ENAMETOOLONG;
	memcpy(address.name.sun_path, text, length);
	if (abstract)
		address.name.sun_path[0] = '\0';
	/* A path counts with its terminating zero, an abstract name has none. */
	address.size = offsetof(struct sockaddr_un, sun_path) + length + (abstract ? 0 : 1);
	*ret = address;
	return 0;
}

static bool is_abstract(const struct address *address)
{
	return address->name.sun_path[0] == '\0';
}

static int bind_to(int fd, const struct address *address)
{
	return sys_bind(fd, (const struct sockaddr *)&address->name, address->size) < 0 ? -errno
											: 0;
}

static int connect_to(int fd, const struct address *address)
{
	return sys_connect(fd, (const struct sockaddr *)&address->name, address->size) < 0 ? -errno
											   : 0;
}

/* Open the directory that the path lies in, and find the last part of its name. */
static int open_directory(const char *path, const char **ret_base)
{
	char directory[REEVE_CHANNEL_ADDRESS_MAX + 1] = ".";
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	int fd;

	if (*base == '\0')
		return -EINVAL;
	if (slash) {
		memcpy(directory, path, base - path);
		directory[base - path] = '\0';
	}
	fd = sys_open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	*ret_base = base;
	return fd;
}

/* Bind to a name in the directory that nobody else uses; it is reached through /proc so that a
 * directory's name of any length fits. */
static int bind_temporary(int fd, int directory, char name[TEMPORARY_NAME_SIZE])
{
	static atomic_uint counter;
	int r = -EADDRINUSE;

	for (int tries = 0; r == -EADDRINUSE && tries < TEMPORARY_TRIES; tries++) {
		char path[REEVE_CHANNEL_ADDRESS_MAX + 1];
		struct address address;

		snprintf(name, TEMPORARY_NAME_SIZE, ".reeve-%d-%u", getpid(),
			atomic_fetch_add(&counter, 1));
		snprintf(path, sizeof path, "/proc/self/fd/%d/%s", directory, name);
		r = parse_address(path, &address);
		if (r == 0)
			r = bind_to(fd, &address);
	}
	return r;
}

/* Whether somebody listens there: 0 if not any more, -EADDRINUSE, -EEXIST (no socket), -ENOENT,
 * ... */
static int check_dead(int directory, const char *base, const struct address *address)
{
	CLEANUP_FD int fd = -EBADF;
	struct stat status;
	int r;

	if (sys_fstatat(directory, base, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect_to(fd, address);
	if (r == -ECONNREFUSED)
		return 0;
	/* connected; its queue is full; it is of another type */
	return r == 0 || r == -EAGAIN || r == -EPROTOTYPE ? -EADDRINUSE : r;
}

static int replace_dead(
	int directory, const char *name, const char *base, const struct address *address)
{
	CLEANUP_FD int lock = sys_openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	int r;

	if (lock < 0)
		return -errno;
	if (sys_flock(lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	r = check_dead(directory, base, address);
	if (r < 0)
		return r;
	return sys_renameat(directory, name, directory, base) < 0 ? -errno : 0;
}

/* Give the listening socket `name` its address; `name` is gone afterwards if that worked. */
static int publish(int directory, const char *name, const char *base, const struct address *address)
{
	int r;

	do {
		if (sys_linkat(directory, name, directory, base, 0) == 0) {
			unlinkat(directory, name, 0);
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
		r = replace_dead(directory, name, base, address);
	} while (r == -ENOENT); /* what was there has just been removed */
	return r;
}

static int listen_at_path(
	int fd, const char *path, const struct address *address, mode_t mode, int backlog)
{
	CLEANUP_FD int directory = -EBADF;
	char name[TEMPORARY_NAME_SIZE];
	const char *base = NULL;
	int r;

	directory = open_directory(path, &base);
	if (directory < 0)
		return directory;
	r = bind_temporary(fd, directory, name);
	if (r < 0)
		return r;
	if (sys_fchmodat(directory, name, mode, 0) < 0 || sys_listen(fd, backlog) < 0)
		r = -errno;
	else
		r = publish(directory, name, base, address);
	if (r < 0)
		unlinkat(directory, name, 0);
	return r;
}

static int listen_at_name(int fd, const struct address *address, int backlog)
{
	int r = bind_to(fd, address);

	if (r < 0)
		return r;
	return sys_listen(fd, backlog) < 0 ? -errno : 0;
}

int reeve_channel_listen(const char *text, mode_t mode, int backlog)
{
	CLEANUP_FD int fd = -EBADF;
	struct address address;
	int r = parse_address(text, &address);

	if (r < 0)
		return r;
	if (mode & ~(mode_t)0777 || backlog < 0)
		return -EINVAL;
	if (backlog == 0)
		backlog = INT_MAX; /* the kernel clips it to net.core.somaxconn */
	fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = socket_set_credentials(fd); /* accepted sockets inherit it */
	if (r == 0)
		r = is_abstract(&address) ? listen_at_name(fd, &address, backlog)
					  : listen_at_path(fd, text, &address, mode, backlog);
	return r < 0 ? r : TAKE_FD(fd);
}

int reeve_channel_accept(int listener, reeve_nsec timeout)
{
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	while (r == 0) {
		int fd = sys_accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			return fd;
		if (errno == EINTR || errno == ECONNABORTED)
			r = interrupt_run();
		else if (errno == EAGAIN)
			r = wait_fd(listener, POLLIN, deadline);
		else
			r = -errno;
	}
	return r;
}

/* A connection waits inside connect(2) for room in the listener's queue: poll(2) does not know
 * of that, but the timeout for sending is heeded. */
static int limit_connect(int fd, reeve_nsec left)
{
	struct timeval limit = { 0 };

	if (left != REEVE_FOREVER) {
		limit.tv_sec = left / REEVE_SEC;
		limit.tv_usec = left % REEVE_SEC / REEVE_USEC;
		if (limit.tv_sec == 0 && limit.tv_usec == 0)
			limit.tv_usec = 1; /* 0 would be without limit */
	}
	return sys_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ? -errno : 0;
}

static int connect_until(int fd, const struct address *address, reeve_nsec deadline)
{
	int r;

	for (;;) {
		r = limit_connect(fd, deadline_left(deadline));
		if (r < 0)
			return r;
		r = connect_to(fd, address);
		if (r != -EINTR)
			break;
		r = interrupt_run();
		if (r < 0)
			return r;
		/* The kernel counts in ticks; signals that come faster would keep it from the last one. */
		if (deadline_left(deadline) == 0)
			return -ETIMEDOUT;
	}
	if (r < 0)
		return r == -EAGAIN ? -ETIMEDOUT : r;
	return limit_connect(fd, REEVE_FOREVER);
}

int reeve_channel_connect(const char *text, reeve_nsec timeout)
{
	CLEANUP_FD int fd = -EBADF;
	struct address address;
	reeve_nsec deadline = 0;
	int r = parse_address(text, &address);

	if (r == 0)
		r = deadline_from(timeout, &deadline);
	if (r < 0)
		return r;
	fd = sys_socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = socket_set_credentials(fd);
	if (r == 0)
		r = connect_until(fd, &address, deadline);
	return r < 0 ? r : TAKE_FD(fd);
}

int reeve_channel_remove(const char *text)
{
	struct address address;
	struct stat status;
	int r = parse_address(text, &address);

	if (r < 0 || is_abstract(&address))
		return r;
	if (sys_fstatat(AT_FDCWD, text, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	return sys_unlink(text) < 0 ? -errno : 0;
}
