/* reeve/fifo.h - named pipes: where strangers meet.
 *
 *	one program                                         another
 *	reeve_fifo_create("/run/calls", 0620);
 *	fd = reeve_fifo_open_read("/run/calls",             fd = reeve_fifo_open_write("/run/calls",
 *		REEVE_FIFO_KEEP_ALIVE, 0);                          0, REEVE_SEC);
 *	size = reeve_pipe_read(fd, ...)                     reeve_pipe_write(fd, ...)
 *
 * Opening a FIFO with open(2) waits for the other side, without limit; here a deadline says how
 * long. The descriptors are close-on-exec and in non-blocking mode; reeve_pipe_read() and its
 * like wait on them. For messages that stay whole among several writers see reeve/frame.h.
 *
 * Restarts. When the last writer of a FIFO goes, its readers read the end (0); when the last
 * reader goes, what is in it is lost and writers get -EPIPE. A side that opened with
 * REEVE_FIFO_KEEP_ALIVE counts as both, so for it neither happens: a reader goes on with the
 * next writer, what a writer writes waits for the next reader. */
#ifndef REEVE_FIFO_H
#define REEVE_FIFO_H

#include <sys/types.h>

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_FIFO_KEEP_ALIVE 0x01u /* survive restarts of the other side: see above */
#define REEVE_FIFO_FOLLOW 0x02u     /* follow a symbolic link at the path's end; else -ELOOP */

/* Make a FIFO at `path`.
 *
 *   mode   whatever the umask
 *
 * Returns 0, -EEXIST (something is there, perhaps a FIFO: opening will tell), -ENOENT, -ENOTDIR,
 * -EACCES, -EROFS, -ENOSPC, -EINVAL (bits that are no permission), -ENAMETOOLONG. See mkfifo(3). */
REEVE_API int reeve_fifo_create(const char *path, mode_t mode);

/* Open for reading.
 *
 *   timeout   0: return at once, whether or not there is a writer. Otherwise wait until a writer
 *             has written something, or has come and gone
 *
 * Returns the descriptor, the caller's to close; or -ETIMEDOUT, -ENOENT, -ELOOP (a symbolic
 * link), -EMEDIUMTYPE (not a FIFO; it was opened to look and closed again), -EACCES, -EINVAL (an
 * unknown flag), -EMFILE, -ENFILE, -ENOMEM, -EINTR. */
REEVE_API int reeve_fifo_open_read(const char *path, unsigned flags, reeve_nsec timeout);

/* Open for writing.
 *
 *   timeout   how long to wait for a reader; 0: there has to be one. With REEVE_FIFO_KEEP_ALIVE
 *             there is nothing to wait for
 *
 * Returns the descriptor, the caller's to close; or -ETIMEDOUT (no reader), or as
 * reeve_fifo_open_read(). Needs read permission as well with REEVE_FIFO_KEEP_ALIVE. */
REEVE_API int reeve_fifo_open_write(const char *path, unsigned flags, reeve_nsec timeout);

/* Remove it; who has it open goes on. Returns 0, -ENOENT, -EMEDIUMTYPE (not a FIFO: left alone),
 * -EACCES, -EROFS. */
REEVE_API int reeve_fifo_remove(const char *path);

#ifdef __cplusplus
}
#endif

#endif
