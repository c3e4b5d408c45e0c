/* A stream: one pipe, and the targets that what comes out of it goes to. It lives as long as its program is
 * configured; the end of the pipe means that nobody will write to it again.
 *
 * Bytes are taken in chunks, one a round of the loop, so that no stream holds up another. A stream that is
 * read as fast as it is written, a few bytes at a time, costs its program and the scribe a switch for each
 * write; so where that happens its pipe is left to fill for STREAM_FILL, as long as it keeps filling. */
#ifndef SCRIBE_STREAM_H
#define SCRIBE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/messages.h"
#include "reeve/loop.h"
#include "scribe/ansi.h"
#include "scribe/syslog.h"
#include "scribe/target.h"

#define STREAM_FILL REEVE_MSEC

/* Pipes have the kernel's usual size until they are busy. So many are larger at a time, for the kernel limits
 * what an ordinary user's pipes hold together (pipe-user-pages-soft). */
#define STREAM_PIPE_USUAL 65536
#define STREAM_PIPE_BUSY 262144
#define STREAM_PIPE_FILLING 1048576
#define STREAM_LARGE_PIPES 16

struct stream;

/* All streams of one scribe. */
struct stream_set {
	struct reeve_loop *loop; /* borrowed, as is what follows */
	struct scribe_journal *journal;
	struct target_set *targets;
	struct syslog_sender *syslog;
	struct feed *feed; /* NULL: nothing is to be events */
	void (*fed)(void *data); /* something is in the feed, and the core may be asleep */
	void (*finished)(void *data); /* all that stream_set_close() had to close have gone */
	void *data;

	struct stream **table; /* by number; those that are closing are not in it any more */
	size_t size;
	struct stream *self;
	struct stream *closing;
	size_t count; /* of all */
	bool ends;

	struct stream *filling; /* those whose pipes are left to fill */
	struct reeve_loop_source *fill_timer;
	unsigned large_pipes;
	reeve_nsec reclaimed; /* when large pipes that are idle were looked for */
};

/* The fields that are borrowed or callbacks are filled in, all others zero. Returns 0 or -ENOMEM. */
int stream_set_init(struct stream_set *set);

/* Release all, leaving what is in their pipes. */
void stream_set_deinit(struct stream_set *set);

/* Open it, or change what it is: `fd`, a pipe's read end, is the stream's own from now on, also on failure;
 * negative: the one that it has. Returns 0, -ENOENT (no descriptor, and none known), -EINVAL (no such number, no
 * pipe), -ENOMEM, or as epoll_ctl(2) fails. */
int stream_open(struct stream_set *set, const struct message_log_open *open, int fd_consume);

/* NULL: there is none of that number. */
struct stream *stream_find(const struct stream_set *set, uint32_t number);

/* Carry what is in the pipe now, then release the stream. That is at once, but where a target is full. */
void stream_close(struct stream *stream);

/* Close all, the supervisor's own log last, and call finished() then. */
void stream_set_close(struct stream_set *set);

/* A descriptor to read its log file with, the caller's; -ENOENT: it has none. */
int stream_open_to_read(const struct stream *stream);

/* The feed has room again: go on with what waits for it. */
void stream_set_feed_has_room(struct stream_set *set);

/* Begin its log file anew. */
void stream_clear(struct stream *stream);

#endif
