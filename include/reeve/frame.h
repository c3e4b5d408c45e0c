/* reeve/frame.h - whole messages over pipes and FIFOs.
 *
 * A pipe keeps pieces of up to PIPE_BUF (4096) bytes whole, and mixes larger ones of several
 * writers. So a message travels as frames of at most that size, each written in one piece; the
 * reader puts them together. What follows from that:
 *
 *   - any number of processes and threads may write to one pipe at once: no message is ever mixed
 *     with another;
 *   - a message may be larger than the pipe;
 *   - a message arrives whole or not at all: one whose writer gave up or was killed half-way is
 *     dropped;
 *   - a reader may be killed and another take its place: it starts with a whole frame, for a frame
 *     is never half read (the pipe is always emptied at a stroke). What the first had read and not
 *     handed out is gone with it.
 *
 * Messages of up to REEVE_FRAME_SMALL bytes from one writer arrive in the order in which they
 * were written; larger ones when they are complete. There is one reader at a time. The format is
 * for one machine. */
#ifndef REEVE_FRAME_H
#define REEVE_FRAME_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A message of up to this size is one frame, and one system call. */
#define REEVE_FRAME_SMALL 4064

/* No message is larger. */
#define REEVE_FRAME_MAX ((size_t)1 << 30)

/* So many messages can be half-way at once; beyond that the one that has been silent longest is
 * dropped. */
#define REEVE_FRAME_PENDING_MAX 64

/* How far a message has been written: all zero before the first call. */
struct reeve_frame_progress {
	uint64_t id;
	size_t sent;
};

/* Write one message of `size` bytes; none is a message, too.
 *
 *   progress   with it, calling again with the same message after -ETIMEDOUT or -EINTR goes on
 *              where it stopped: so a program with an event loop sends what is larger than the
 *              pipe. It is zeroed on success. NULL: what a failed call had sent of the message is
 *              dropped by the reader
 *
 * Returns 0, or -ETIMEDOUT, -EMSGSIZE (more than REEVE_FRAME_MAX), -EPIPE, -EINTR, -EBADF,
 * -EINVAL, -EPROTO (no pipe: it took a part of a frame). Thread-safe. */
REEVE_API int reeve_frame_write(int fd, const void *data, size_t size,
	struct reeve_frame_progress *progress, reeve_nsec timeout);

struct reeve_frame_reader;

/* Make a reader; it keeps what has come of messages that are not yet complete.
 *
 *   largest   size of the largest message that is to be accepted, REEVE_FRAME_MAX at most
 *
 * Returns 0, -EINVAL, -ENOMEM. To be released with reeve_frame_reader_free(). */
REEVE_API int reeve_frame_reader_new(size_t largest, struct reeve_frame_reader **ret);

/* Returns NULL; NULL is fine. */
REEVE_API struct reeve_frame_reader *reeve_frame_reader_free(struct reeve_frame_reader *reader);

/* Read the next message from `fd`, always the same one.
 *
 *   ret_data, ret_size   the message, which belongs to the reader and is good until its next call
 *
 * Returns 1 with a message; 0 at the end: nobody has the pipe open for writing, and all whole
 * messages were read (a later call may find a new writer of a FIFO); or
 *
 *   -ETIMEDOUT  no message became complete; what has come of one is kept
 *   -EMSGSIZE   a message larger than `largest` has begun; the rest of it will be skipped. Go on
 *   -EBADMSG    bytes that are no frame were skipped: somebody else writes here. Go on
 *   -ENOMEM     for the buffer, or for a message, which is then skipped. Go on
 *   -EINTR, -EBADF, -EIO
 *
 * After -ETIMEDOUT nothing is kept back: `fd` is then the thing to poll. After anything else,
 * call again before polling: there may be more messages already. */
REEVE_API int reeve_frame_read(struct reeve_frame_reader *reader, int fd, reeve_nsec timeout,
	const void **ret_data, size_t *ret_size);

#ifdef __cplusplus
}
#endif

#endif
