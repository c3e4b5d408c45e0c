/* The feed: what the scribe has for the core of what programs write, on its way to be events. A ring in memory that
 * all roles share, one writer, one reader: what is in it is there whoever of the two is killed.
 *
 * The writer puts any number of items behind the end and makes them known, all at once, by one store. The reader
 * takes one after the other, and says by one store how far it has come. Neither waits for the other: a writer that
 * finds no room leaves what it has in the program's pipe, and asks to be told when there is some. */
#ifndef BOARD_FEED_H
#define BOARD_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FEED_SIZE ((size_t)1 << 20)

/* The most data of one item. */
#define FEED_ITEM_MAX 32768

enum feed_kind {
	FEED_LOG = 1,	   /* a piece of output, as it is logged */
	FEED_CAPTURE,	   /* a piece of what is between the marks of a capture */
	FEED_CAPTURE_ENDS,    /* ... which is complete */
	FEED_CAPTURE_DROPPED, /* ... which never will be: its process has ended */
	FEED_KINDS,
};

struct feed_item {
	uint32_t kind;	 /* enum feed_kind */
	uint32_t stream; /* board/messages.h, STREAM_OF() */
	uint32_t size;	 /* of the data that follows */
	uint32_t unused;
};

struct feed;

/* To be made once, before the first role is forked. 0 or -ENOMEM. */
int feed_new(struct feed **ret);
struct feed *feed_free(struct feed *feed);

/* Begin anew, with nothing in it: nobody uses it now. */
void feed_clear(struct feed *feed);

/* ---- the writer's side. Positions count bytes since the beginning ---- */

/* Where the end is. */
uint64_t feed_end(const struct feed *feed);

/* How much room it takes to put `size` bytes in as `items` items. */
size_t feed_cost(size_t size, size_t items);

/* Is there so much room? If not, feed_taken() will be true of the reader. */
bool feed_has_room(struct feed *feed, size_t cost);

/* Put an item behind `position`, for which there is room; returns where it ends. Nobody sees it yet. `size` is at most
 * FEED_ITEM_MAX. */
uint64_t feed_put(struct feed *feed, uint64_t position, enum feed_kind kind, uint32_t stream, const char *data,
	size_t size);

/* All up to there is in. Returns whether the reader may be asleep and is to be told. */
bool feed_commit(struct feed *feed, uint64_t end);

/* ---- the reader's side ---- */

/* The next item from *position on, with its data copied to `data`, which has room for FEED_ITEM_MAX; *position is
 * moved behind it. False: there is none. What makes no sense is skipped, with all that there is. */
bool feed_get(const struct feed *feed, uint64_t *position, struct feed_item *ret, char *data);

/* How far the reader had come. */
uint64_t feed_begin(const struct feed *feed);

/* All up to there is done with. Returns whether the writer waits for room and is to be told. */
bool feed_taken(struct feed *feed, uint64_t position);

#endif
