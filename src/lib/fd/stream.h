/* Reading and writing until a deadline, whatever mode the descriptor is in; never SIGPIPE. */
#ifndef LIB_FD_STREAM_H
#define LIB_FD_STREAM_H

#include <sys/uio.h>

#include "reeve/base.h"

/* Read what is there, waiting for the first byte. Returns how many, 0 at the end, -ETIMEDOUT or
 * another negative errno. */
ssize_t stream_read(int fd, void *data, size_t size, reeve_nsec deadline);

/* Write what there is room for, waiting for it; up to PIPE_BUF bytes go in one piece. Returns
 * how many, or a negative errno. */
ssize_t stream_write(int fd, const struct iovec *parts, int count, reeve_nsec deadline);

#endif
