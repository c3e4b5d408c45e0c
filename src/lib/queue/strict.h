/* The strict form: cells that hold messages, and for each level of priority a ring of positions
 * that holds their order. Truth is in single words, each of which says who did what:
 *
 *	cell   position | level | state | owner
 *	slot   position | cell      (position p is in slot p mod ring_size)
 *
 * A message is committed by the one store that replaces slot (p - ring_size, anything) with (p,
 * cell), and taken by the one that replaces its cell's OFFERED with the state and number of who
 * takes it. Heads, tails and `again` are hints, behind the truth at most, that anybody moves on.
 *
 * Why a slot may be replaced unseen: messages that are committed and not taken are at successive
 * positions, each in a cell of its own, and there are more slots than cells. Who finds position
 * p - ring_size in the slot of the next position p knows that it has been taken. */
#ifndef LIB_QUEUE_STRICT_H
#define LIB_QUEUE_STRICT_H

#include <stdatomic.h>

#include "lib/queue/form.h"

/* --- Words ------------------------------------------------------------------------------------ */

#define POSITION_BITS 44
#define POSITION_MASK ((UINT64_C(1) << POSITION_BITS) - 1)

/* How far a is behind b: positions go round. */
static inline int64_t position_distance(uint64_t a, uint64_t b)
{
	return (int64_t)((a - b) << (64 - POSITION_BITS)) >> (64 - POSITION_BITS);
}

enum cell_state {
	CELL_FREE,
	CELL_WRITING, /* reserved, or being put */
	CELL_OFFERED, /* for `position`: committed if the slot says so */
	CELL_COPYING, /* taken by a get whose caller has not seen it */
	CELL_READING, /* peeked at */
	CELL_TAKEN,   /* got and not done */
	CELL_GIVING,  /* on its way to REDELIVER */
	CELL_REDELIVER
};

static inline uint64_t cell_word(
	uint64_t position, unsigned level, enum cell_state state, unsigned owner)
{
	return position << 20 | (uint64_t)level << 17 | (uint64_t)state << 13 | owner;
}

static inline uint64_t cell_position(uint64_t word)
{
	return word >> 20;
}

static inline unsigned cell_level(uint64_t word)
{
	return word >> 17 & 7;
}

static inline enum cell_state cell_state(uint64_t word)
{
	return word >> 13 & 15;
}

static inline unsigned cell_owner(uint64_t word)
{
	return word & 0x1fff;
}

/* The same message in another state. */
static inline uint64_t cell_become(uint64_t word, enum cell_state state, unsigned owner)
{
	return cell_word(cell_position(word), cell_level(word), state, owner);
}

#define SLOT_CLOSED UINT32_C(0xfffff)

/* `cell` counts from 1; 0: none yet. */
static inline uint64_t slot_of(uint64_t position, uint32_t cell)
{
	return position << 20 | cell;
}

static inline uint64_t slot_position(uint64_t slot)
{
	return slot >> 20;
}

static inline uint32_t slot_cell(uint64_t slot)
{
	return slot & 0xfffff;
}

_Static_assert(REEVE_ARENA_PARTICIPANTS_MAX < 1 << 13, "an owner fits");
_Static_assert(REEVE_QUEUE_PRIORITIES_MAX <= 1 << 3, "a level fits");
_Static_assert(REEVE_QUEUE_CAPACITY_MAX < SLOT_CLOSED, "a cell's number fits");

/* --- Memory ----------------------------------------------------------------------------------- */

struct cell {
	_Atomic uint64_t word;
	_Atomic uint32_t size;
	_Atomic uint32_t thread; /* who got it, within the owner: thread_mark() */
	unsigned char data[];
};

struct ring {
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
};

struct strict {
	struct queue_object object;
	struct ring *rings;      /* one a level */
	_Atomic uint64_t *again; /* count << 1 | whether a cell may be REDELIVER */
	_Atomic uint64_t *slots; /* ring_size for each level */
	unsigned char *cells;
	uint64_t stride;
	uint32_t count, ring_size; /* a power of two, more than count */
	unsigned levels;

	/* This handle's own hints. */
	_Atomic uint32_t next_free, not_done;
};

uint64_t strict_bytes(const struct reeve_queue_spec *spec);
void strict_view(const struct queue_object *object, struct strict *ret);

/* Loops end after so many rounds: neither a hint that was set back nor others that are always faster
 * explain more, so somebody scribbled. */
static inline unsigned strict_tries(const struct strict *strict)
{
	return 4 * strict->ring_size + (1u << 16);
}

static inline struct cell *strict_cell(const struct strict *strict, uint32_t index)
{
	return (struct cell *)(strict->cells + index * strict->stride);
}

static inline _Atomic uint64_t *strict_slot(
	const struct strict *strict, unsigned level, uint64_t position)
{
	return strict->slots + (uint64_t)level * strict->ring_size +
	       (position & (strict->ring_size - 1));
}

/* Have the first two lines of a cell on their way here, to be written: it was somebody else's. */
static inline void strict_fetch(const struct cell *cell)
{
	const char *line = (const char *)cell;

#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0\n\tprefetchw %1" : : "m"(line[0]), "m"(line[64]));
#else
	__builtin_prefetch(line, 1);
	__builtin_prefetch(line + 64, 1);
#endif
}

/* --- The ring (strict_ring.c) ----------------------------------------------------------------- */

/* The position that the next commit gets, or that it would if the level were not closed, and what is
 * in its slot. 0; -ESHUTDOWN, with both results; -EUCLEAN. */
int ring_tail(const struct strict *strict, unsigned level, uint64_t *ret, uint64_t *ret_slot);

/* The first message that is not taken: its cell, and that cell's word. 0, -EAGAIN, -ESHUTDOWN
 * where there is none and never will be, -EUCLEAN. */
int ring_head(const struct strict *strict, unsigned level, uint32_t *ret_cell, uint64_t *ret_word);

/* Commit the message in a cell that is the caller's, WRITING. 0, -ESHUTDOWN, -EUCLEAN. */
int ring_commit(const struct strict *strict, unsigned level, uint32_t cell, unsigned self);

/* Somebody has taken the message at `position`. */
void ring_taken(const struct strict *strict, unsigned level, uint64_t position);

/* Whether a cell that was seen OFFERED is committed, as of now: 1, 0; -EAGAIN: it changed. */
int ring_is_committed(const struct strict *strict, uint32_t cell, uint64_t word);

/* No commit comes after it, on any level. 0, -EUCLEAN. */
int ring_close(const struct strict *strict);

/* 1: on some level. */
int ring_is_closed(const struct strict *strict);

/* --- Cells (strict_cell.c) -------------------------------------------------------------------- */

/* Take a free one: it is WRITING, and *ret_word is its word. 0, -EAGAIN. */
int cell_claim(struct strict *strict, unsigned self, uint32_t *ret, uint64_t *ret_word);

/* Have one delivered again, whose word was `word`: 1; 0 where it has another word. */
int cell_put_back(const struct strict *strict, uint32_t index, uint64_t word);

/* The one to be delivered again first. 0, -EAGAIN, -EUCLEAN. */
int cell_again(const struct strict *strict, uint32_t *ret, uint64_t *ret_word);

/* Whether one is with a consumer other than `self`, and may come back from there: 1, 0. */
int cell_may_come_back(const struct strict *strict, unsigned self);

/* --- Tasks and deaths (strict_done.c, strict_recover.c) --------------------------------------- */

/* Different for each living thread of a process, as good as always. */
uint32_t thread_mark(void);

/* form.h */
int strict_task_done(void *state, unsigned self);
int strict_is_done(void *state);
int strict_recover(const struct queue_object *object, unsigned participant);

#endif
