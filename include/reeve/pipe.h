/* reeve/pipe.h - pipes: bytes from one end to the other, with deadlines, and never SIGPIPE.
 *
 * What is said here of pipes holds for FIFOs (reeve/fifo.h), too, and reading and writing work
 * on any descriptor that can be read and written. For whole messages instead of bytes see
 * reeve/frame.h.
 *
 * It makes no difference to these functions whether a descriptor is in non-blocking mode: with a
 * timeout they never wait longer than that, without one they wait. (Before Linux 6.4 the kernel
 * cannot refuse to wait on a descriptor in blocking mode; there it is asked first, and could
 * still wait where two processes read, or write, one such pipe at once. Use the non-blocking
 * mode where that may be.)
 *
 * Writing to a pipe that nobody can read any more is -EPIPE, and no signal reaches the program.
 * From Linux 6.18 on that costs nothing (RWF_NOSIGNAL); before, SIGPIPE is blocked in the
 * calling thread for the duration of the write, and taken away if it was raised. */
#ifndef REEVE_PIPE_H
#define REEVE_PIPE_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_PIPE_NONBLOCKING_READ 0x01u  /* the reading end is in non-blocking mode */
#define REEVE_PIPE_NONBLOCKING_WRITE 0x02u /* the writing end is in non-blocking mode */

/* Make a pipe, both ends close-on-exec.
 *
 *   flags   REEVE_PIPE_*, or 0
 *   ret     the reading end, then the writing end: the caller's to close
 *
 * Returns 0, -EINVAL (an unknown flag), -EMFILE, -ENFILE. See pipe(2). */
REEVE_API int reeve_pipe_open(unsigned flags, int ret[2]);

/* How many bytes the pipe holds at most. Returns that, or -EBADF (also: not a pipe). */
REEVE_API ssize_t reeve_pipe_size(int fd);

/* Make it hold at least `size` bytes. Returns how many it holds now, a power of two; or -EBUSY
 * (it holds more bytes than that already), -EPERM (more than /proc/sys/fs/pipe-max-size, for an
 * ordinary user), -EINVAL, -EBADF, -ENOMEM. See F_SETPIPE_SZ, fcntl(2). */
REEVE_API ssize_t reeve_pipe_set_size(int fd, size_t size);

/* How many bytes are in it now. Returns that, or -EBADF, -ENOTTY (nothing that could be asked).
 * See FIONREAD, pipe(7). */
REEVE_API ssize_t reeve_pipe_available(int fd);

/* Read what is there, up to `size` bytes, waiting for the first.
 *
 * Returns how many; 0 when no one has it open for writing any more, or `size` is 0; or
 * -ETIMEDOUT, -EINTR, -EBADF, -EIO, -EINVAL. */
REEVE_API ssize_t reeve_pipe_read(int fd, void *data, size_t size, reeve_nsec timeout);

/* Write what there is room for, up to `size` bytes, waiting for the first; up to PIPE_BUF (4096)
 * bytes are written as one piece or not at all.
 *
 * Returns how many; or -ETIMEDOUT, -EPIPE (no one has it open for reading any more), -EINTR,
 * -EBADF, -EINVAL, and for files -ENOSPC, -EFBIG, -EIO, -EDQUOT. */
REEVE_API ssize_t reeve_pipe_write(int fd, const void *data, size_t size, reeve_nsec timeout);

/* Read exactly `size` bytes, write all of them.
 *
 *   progress   how many of them are done: set it to 0 before the first call. It is kept up to date
 *              also when the call fails, so that calling again with the same arguments goes on
 *              where it stopped. NULL where a part is as bad as nothing
 *
 * Return 0 when all is done; or as reeve_pipe_read() and reeve_pipe_write(), and reading
 * -ENODATA when the end came before; -EINVAL where `progress` is more than `size`. */
REEVE_API int reeve_pipe_read_full(
	int fd, void *data, size_t size, size_t *progress, reeve_nsec timeout);
REEVE_API int reeve_pipe_write_full(
	int fd, const void *data, size_t size, size_t *progress, reeve_nsec timeout);

/* Move up to `size` bytes from one descriptor to another without copying them, waiting for the
 * first. At least one of the two is a pipe. The other may be a file (read and written at its own
 * position; to write not in O_APPEND mode: -EINVAL) or a socket (to write to, in non-blocking
 * mode if the timeout is to hold); file systems may refuse (-EINVAL).
 *
 * Returns how many; 0 at the end of `from`; or -ETIMEDOUT, -EPIPE, -EINVAL, -EBADF, -EINTR,
 * -ENOMEM, and as reeve_pipe_write(). See splice(2). */
REEVE_API ssize_t reeve_pipe_splice(int from, int to, size_t size, reeve_nsec timeout);

/* Copy up to `size` bytes from one pipe to another, without consuming them. Returns as
 * reeve_pipe_splice(). While bytes that were copied are still unread in `from`, it copies the
 * same again. See tee(2). */
REEVE_API ssize_t reeve_pipe_tee(int from, int to, size_t size, reeve_nsec timeout);

#ifdef __cplusplus
}
#endif

#endif
