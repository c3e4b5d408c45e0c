#include "reeve/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/fd/sigpipe.h"
#include "lib/fd/stream.h"

#define BOTH_NONBLOCKING (REEVE_PIPE_NONBLOCKING_READ | REEVE_PIPE_NONBLOCKING_WRITE)

/* A new descriptor's only status flag is its access mode, which F_SETFL leaves alone. */
static int set_nonblocking(int fd)
{
	return sys_fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int reeve_pipe_open(unsigned flags, int ret[2])
{
	int fds[2], r = 0;

	if (flags & ~BOTH_NONBLOCKING)
		return -EINVAL;
	if (sys_pipe2(fds, flags == BOTH_NONBLOCKING ? O_CLOEXEC | O_NONBLOCK : O_CLOEXEC) < 0)
		return -errno;
	if (flags == REEVE_PIPE_NONBLOCKING_READ)
		r = set_nonblocking(fds[0]);
	else if (flags == REEVE_PIPE_NONBLOCKING_WRITE)
		r = set_nonblocking(fds[1]);
	if (r < 0) {
		close(fds[0]);
		close(fds[1]);
		return r;
	}
	memcpy(ret, fds, sizeof fds);
	return 0;
}

ssize_t reeve_pipe_size(int fd)
{
	int size = sys_fcntl(fd, F_GETPIPE_SZ, 0);

	return size < 0 ? -errno : size;
}

ssize_t reeve_pipe_set_size(int fd, size_t size)
{
	int set;

	if (size > INT_MAX)
		return -EINVAL;
	set = sys_fcntl(fd, F_SETPIPE_SZ, (long)size);
	return set < 0 ? -errno : set;
}

ssize_t reeve_pipe_available(int fd)
{
	int available;

	return sys_ioctl(fd, FIONREAD, &available) < 0 ? -errno : available;
}

ssize_t reeve_pipe_read(int fd, void *data, size_t size, reeve_nsec timeout)
{
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	return r < 0 ? r : stream_read(fd, data, size, deadline);
}

static ssize_t write_until(int fd, const void *data, size_t size, reeve_nsec deadline)
{
	struct iovec part = { (void *)(uintptr_t)data, size };

	return stream_write(fd, &part, 1, deadline);
}

ssize_t reeve_pipe_write(int fd, const void *data, size_t size, reeve_nsec timeout)
{
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	return r < 0 ? r : write_until(fd, data, size, deadline);
}

int reeve_pipe_read_full(int fd, void *data, size_t size, size_t *progress, reeve_nsec timeout)
{
	size_t own_progress = 0, *done = progress ? progress : &own_progress;
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	if (r < 0 || *done > size)
		return -EINVAL;
	while (*done < size) {
		ssize_t n = stream_read(fd, (char *)data + *done, size - *done, deadline);

		if (n <= 0)
			return n < 0 ? (int)n : -ENODATA;
		*done += (size_t)n;
	}
	return 0;
}

int reeve_pipe_write_full(
	int fd, const void *data, size_t size, size_t *progress, reeve_nsec timeout)
{
	size_t own_progress = 0, *done = progress ? progress : &own_progress;
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	if (r < 0 || *done > size)
		return -EINVAL;
	while (*done < size) {
		ssize_t n = write_until(fd, (const char *)data + *done, size - *done, deadline);

		if (n < 0)
			return (int)n;
		*done += (size_t)n;
	}
	return 0;
}

static ssize_t splice_once(int from, int to, size_t size)
{
	return sys_splice(from, NULL, to, NULL, size, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

static ssize_t tee_once(int from, int to, size_t size)
{
	return sys_tee(from, to, size, SPLICE_F_NONBLOCK);
}

/* Neither call says which side was not ready: so both are waited for. */
static ssize_t move_until(ssize_t (*call)(int from, int to, size_t size), int from, int to,
	size_t size, reeve_nsec timeout)
{
	struct sigpipe_guard guard;
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	while (r == 0) {
		ssize_t n;

		sigpipe_block(&guard);
		n = call(from, to, size);
		sigpipe_restore(&guard, n < 0 && errno == EPIPE);
		if (n >= 0)
			return n;
		if (errno == EAGAIN) {
			r = wait_fd(from, POLLIN, deadline);
			if (r == 0)
				r = wait_fd(to, POLLOUT, deadline);
		} else {
			r = errno == EINTR ? interrupt_run() : -errno;
		}
	}
	return r;
}

ssize_t reeve_pipe_splice(int from, int to, size_t size, reeve_nsec timeout)
{
	return move_until(splice_once, from, to, size, timeout);
}

ssize_t reeve_pipe_tee(int from, int to, size_t size, reeve_nsec timeout)
{
	return move_until(tee_once, from, to, size, timeout);
}
