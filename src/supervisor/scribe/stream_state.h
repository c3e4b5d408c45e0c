/* A stream as its own files know it: carry.c takes bytes from its pipe to its targets, pace.c says when, and
 * stream.c makes it and ends it. */
#ifndef SCRIBE_STREAM_STATE_H
#define SCRIBE_STREAM_STATE_H

#include "scribe/stream.h"

struct stream {
	struct target_waiter waiter; /* first: what is called back finds the stream by it */
	struct stream_set *set;
	struct stream *next; /* of those that fill, or of those that are closing */
	struct reeve_loop_source *source;
	struct target *file;
	struct target *copy; /* the supervisor's own log in the foreground */
	struct syslog_line line;
	reeve_nsec carried; /* when the last chunk was */
	uint64_t left;	    /* of one that is closing: bytes to be carried before it is gone */
	uint32_t number;
	uint32_t pipe_size;
	int fd;
	uint8_t in_a_row;
	uint8_t full_in_a_row;
	uint8_t taps; /* TAP_... */
	bool strips : 1, to_syslog : 1, waits : 1, waits_for_feed : 1, fills : 1, closing : 1;
	char name[];
};

/* carry.c */

/* Carry up to `size` of the bytes that are there. Returns how many it were: fewer, where a target is full. */
size_t carry(struct stream *stream, size_t size);

/* Bytes that have come out of the pipe, and of stripping: where they go to. */
void carry_deliver(struct stream *stream, const char *data, size_t size);

/* It is tapped, and the feed has no room for what may come of it. */
bool carry_waits_for_feed(const struct stream *stream);

/* The one that has no room; NULL: all have. */
struct target *carry_full_target(const struct stream *stream);

/* pace.c */

/* The loop's: the stream's pipe has bytes, or has ended; the pipes that fill have had their time. */
void pace_readable(struct reeve_loop_source *source, int fd, unsigned events, void *stream);
void pace_fill_time_over(struct reeve_loop_source *source, uint64_t expirations, void *set);

/* A target is full: what comes next stays in the pipe until it calls pace_resume(). */
void pace_wait_for_room(struct stream *stream, struct target *full);
void pace_resume(struct target_waiter *waiter);

/* The same, until pace_feed_has_room(). */
void pace_wait_for_feed(struct stream *stream);
void pace_feed_has_room(struct stream *stream);

/* The pipe is not left to fill any more; the stream does not listen either. */
void pace_stop_filling(struct stream *stream);

/* stream.c */

/* `done` bytes were carried. One that is closing, and of which all is carried, goes. Returns whether it has. */
bool stream_is_over(struct stream *stream, size_t done);

/* Nothing will come any more: let go of what is held back, and release it. */
void stream_end(struct stream *stream);

#endif
