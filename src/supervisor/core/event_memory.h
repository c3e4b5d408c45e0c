/* What of events outlives a core: those that were accepted and are not done with, where each listener stands in its
 * protocol, and what was told of each process. Memory that all cores of one supervisor share, one at a time.
 *
 * A core can be killed at any instruction. So whatever is here becomes good by one store: an event by its `kind`,
 * a listener's next state by the number of its copy. An event that several pools get is a copy in each, all with
 * one serial number; its last step is to count that number, so that a new core can tell what was in the making.
 *
 * The memory is reserved, and used as far as there is something in it. */
#ifndef CORE_EVENT_MEMORY_H
#define CORE_EVENT_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/board.h"
#include "core/event_setup.h"
#include "core/listener.h"

#define EVENT_BLOCK 256
#define EVENT_BLOCKS 131072
#define EVENT_SIZE_MAX ((size_t)EVENT_BLOCK * EVENT_BLOCKS / 4) /* of one event's payload */

enum event_kind {
	EVENT_FREE,
	EVENT_QUEUED, /* waits for a listener of its pool, or is with one: `owner` */
	EVENT_PIECE,  /* of a capture that has not ended */
};

/* One event; its payload is in the blocks from the one of the same number on. */
struct event_head {
	_Atomic uint32_t kind;
	_Atomic uint32_t owner; /* the row of the listener that has it, plus 1 */
	uint32_t blocks, size;
	uint32_t pool;	/* the row of the pool's first process; a piece's: its stream */
	uint32_t about; /* the row of the process that it is about, plus 1; 0: none */
	uint16_t type;	/* enum event_type */
	uint16_t state; /* PROCESS_STATE_*: the state that the process has entered */
	uint32_t unused;
	uint64_t serial, pool_serial;
	uint64_t source; /* where in the feed it came from ended; 0: not from there */
};

/* What was last told of a process. */
struct told {
	int32_t state;
	int32_t pid;
};

/* Two copies: the one in use, and the one in the making. */
struct listener_memory {
	_Atomic uint32_t current; /* which of them: 0 or 1 */

	/* While bytes are being read to the end of the input of the copy in the making: twice their number, plus that
	 * copy's number. */
	_Atomic uint32_t reading;

	/* Twice the number of bytes of its event that were put into the pipe that they go through, plus 1 while more
	 * are being put there. */
	_Atomic uint64_t put;
	_Atomic uint64_t pool_serial; /* of a pool's first process: the pool's next one */
	struct listener copies[2];
};

#define TICKS 3

struct event_memory {
	_Atomic uint64_t serial; /* the next */
	_Atomic uint32_t end;	 /* no block is in use from here on */
	int64_t ticks[TICKS];	 /* when each period was last seen to begin */
	_Atomic uint32_t begun;	 /* the first core has told that it runs */
	_Atomic uint32_t stopping; /* it has been told that all of it stops */
	struct told told[BOARD_ROWS_MAX];
	struct listener_memory listeners[BOARD_ROWS_MAX];
	struct event_head heads[EVENT_BLOCKS];
	char data[EVENT_BLOCKS][EVENT_BLOCK] __attribute__((aligned(4096)));
};

/* Which blocks are in use, as one core knows it. */
struct event_blocks {
	struct event_memory *memory;
	uint8_t *used;	    /* by block */
	uint32_t free_from; /* no free one is before it */
};

/* Find what a predecessor left. -ENOMEM. */
int event_blocks_init(struct event_blocks *blocks, struct event_memory *memory);
void event_blocks_deinit(struct event_blocks *blocks);

/* Enter an event, with a head like `like` (its kind, owner, blocks and size are filled in). Returns its number, or -ENOSPC,
 * -E2BIG. */
int64_t event_blocks_put(
	struct event_blocks *blocks, const struct event_head *like, enum event_kind kind, const char *data, size_t size);

/* Forget it. */
void event_blocks_drop(struct event_blocks *blocks, uint32_t number);

/* Walk over all that there are, in no order: begins with -1, ends with a negative number. */
int64_t event_blocks_next(const struct event_blocks *blocks, int64_t number);

/* The listener as it stands; the copy to make its next state in; and that one is it. */
const struct listener *listener_now(const struct listener_memory *memory);
struct listener *listener_next(struct listener_memory *memory);
void listener_turn(struct listener_memory *memory);

#endif
