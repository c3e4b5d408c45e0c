/* Reading and writing until a deadline.
 *
 * A descriptor's O_NONBLOCK belongs to all who share it, so it is taken as found. Without a
 * deadline a plain call does. With one, the kernel is asked for a call that does not wait
 * (RWF_NOWAIT), which pipes allow from Linux 6.4 on. Where that is refused (older kernels,
 * FIFOs, terminals) a descriptor in non-blocking mode is used as it is, and one in blocking mode
 * is polled first; since a pipe that polls as writable has room for PIPE_BUF bytes, no more are
 * then written at a time. */
#include "lib/fd/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/fd/sigpipe.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif

/* One direction: a call that may wait (flags 0), or may not (RWF_NOWAIT). Negative errno. */
typedef ssize_t transfer(int fd, const struct iovec *parts, int count, int flags);

static ssize_t read_once(int fd, const struct iovec *parts, int count, int flags)
{
	ssize_t n = flags ? sys_preadv2(fd, parts, count, -1, flags)
			  : sys_read(fd, parts->iov_base, parts->iov_len);

	return n < 0 ? -errno : n;
}

static ssize_t write_once(int fd, const struct iovec *parts, int count, int flags)
{
	struct sigpipe_guard guard;
	ssize_t n;

	if (sigpipe_flag_works()) {
		n = sys_pwritev2(fd, parts, count, -1, flags | RWF_NOSIGNAL);
		if (n >= 0 || errno != EOPNOTSUPP || flags)
			return n < 0 ? -errno : n;
		/* a device that knows no flags at all */
	}
	sigpipe_block(&guard);
	n = flags ? sys_pwritev2(fd, parts, count, -1, flags) : sys_writev(fd, parts, count);
	sigpipe_restore(&guard, n < 0 && errno == EPIPE);
	return n < 0 ? -errno : n;
}

static bool is_nonblocking(int fd)
{
	int flags = sys_fcntl(fd, F_GETFL, 0);

	return flags >= 0 && flags & O_NONBLOCK;
}

/* A regular file polls as ready at any time, and may say EAGAIN for what has to come from the
 * disk. */
static bool is_regular(int fd)
{
	struct stat status;

	return sys_fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* Where the kernel knows no call that does not wait. */
static ssize_t try_without_nowait(
	transfer *call, int fd, const struct iovec *parts, int count, short event)
{
	struct iovec first = *parts;
	int r;

	if (is_nonblocking(fd) || is_regular(fd))
		return call(fd, parts, count, 0);
	r = wait_fd(fd, event, 0);
	if (r < 0)
		return r == -ETIMEDOUT ? -EAGAIN : r;
	if (event != POLLOUT || count > 1) /* several parts are PIPE_BUF bytes at most */
		return call(fd, parts, count, 0);
	if (first.iov_len > PIPE_BUF)
		first.iov_len = PIPE_BUF;
	return call(fd, &first, 1, 0);
}

static ssize_t try_now(transfer *call, int fd, const struct iovec *parts, int count, short event)
{
	ssize_t n = call(fd, parts, count, RWF_NOWAIT);

	if (n == -EOPNOTSUPP || n == -ENOSYS)
		return try_without_nowait(call, fd, parts, count, event);
	if (n == -EAGAIN && is_regular(fd))
		return call(fd, parts, count, 0);
	return n;
}

static ssize_t transfer_until(transfer *call, int fd, const struct iovec *parts, int count,
	short event, reeve_nsec deadline)
{
	for (;;) {
		ssize_t n = deadline == REEVE_FOREVER ? call(fd, parts, count, 0)
						      : try_now(call, fd, parts, count, event);
		int r;

		if (n == -EAGAIN)
			r = wait_fd(fd, event, deadline);
		else if (n == -EINTR)
			r = interrupt_run();
		else
			return n;
		if (r < 0)
			return r;
	}
}

ssize_t stream_read(int fd, void *data, size_t size, reeve_nsec deadline)
{
	struct iovec part = { data, size };

	return transfer_until(read_once, fd, &part, 1, POLLIN, deadline);
}

ssize_t stream_write(int fd, const struct iovec *parts, int count, reeve_nsec deadline)
{
	return transfer_until(write_once, fd, parts, count, POLLOUT, deadline);
}
