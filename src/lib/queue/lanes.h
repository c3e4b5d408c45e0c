/* The throughput form: lanes, each of which one thread at a time writes and one at a time reads.
 *
 *	tail    how many messages were put; the commit is the one plain store that counts it on
 *	head    how many were taken off; stored by the owner
 *	owner   who takes one off at the moment, or peeks at it
 *	writer  who has reserved a cell; in the shared lane also who puts
 *
 * Message n of a lane is in its cell n mod cells. A thread claims a lane with its first put and
 * keeps it until it ends; those for which there is none share lane 0, one at a time. So order is
 * that of each thread. A thread changes from the shared lane to one of its own only while the
 * shared lane is empty, that it may not overtake itself.
 *
 * Who is killed leaves tail and head as they were, or a step further; recovery has but to free what
 * carries its number.
 *
 * The order of "store, then look": who has put or taken a message looks whether anybody sleeps, and
 * who has put one whether the queue was closed. A fence in between would cost more than all the
 * rest. So it is the other side, which is in no hurry, that has a fence made in all processes
 * (membarrier(2), lanes_barrier()), between its store and its look.
 *
 * Closing: `closing` is set, the barrier made, then each lane sealed: what lies beyond the seal was
 * never put. Who finds after its store that the queue is closing seals its lane itself, and so
 * knows whether its message was put. Whoever reads a tail while the queue is closing sees to it that
 * the lane is sealed first. */
#ifndef LIB_QUEUE_LANES_H
#define LIB_QUEUE_LANES_H

#include <stdatomic.h>

#include "lib/base/fence.h"
#include "lib/base/list.h"
#include "lib/queue/form.h"

/* --- Words ------------------------------------------------------------------------------------ */

/* owner and writer: turn << 56 | position << 16 | hold << 13 | participant; 0: nobody. The turn tells
 * one hold of a position from the next: slots that were ended are known by it. */
enum lane_hold {
	HOLD_MOVING = 1, /* copying in or out; nobody but the holder has seen what comes of it */
	HOLD_KEPT,       /* reserved, or peeked at */
	HOLD_ENDING      /* was KEPT, and is being ended: by one thread alone */
};

#define HOLD_POSITIONS (UINT64_C(1) << 40) /* they are told apart modulo that */

static inline uint64_t hold_word(
	unsigned turn, uint64_t position, enum lane_hold hold, unsigned participant)
{
	return (uint64_t)turn << 56 | position % HOLD_POSITIONS << 16 | (uint64_t)hold << 13 |
	       participant;
}

static inline enum lane_hold hold_of(uint64_t word)
{
	return word >> 13 & 7;
}

static inline unsigned hold_participant(uint64_t word)
{
	return word & 0x1fff;
}

/* Whether what it says it holds is what is at `position`. */
static inline bool hold_is_at(uint64_t word, uint64_t position)
{
	return (word >> 16) % HOLD_POSITIONS == position % HOLD_POSITIONS;
}

/* Whose lane it is: serial of the handle << 40 | thread << 16 | ORPHAN | participant; 0: nobody's.
 * ORPHAN: the thread has ended, and somebody has yet to end what it had reserved. */
#define CLAIM_ORPHAN (UINT64_C(1) << 15)

static inline unsigned claim_participant(uint64_t word)
{
	return word & 0x1fff;
}

_Static_assert(REEVE_ARENA_PARTICIPANTS_MAX < 1 << 13, "a participant fits");

/* Where a lane is sealed: position << 1 | 1; 0: it is open. */
static inline uint64_t seal_at(uint64_t position)
{
	return position << 1 | 1;
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* Two lines apart, since processors fetch lines in pairs. */
#define APART 128

struct lane {
	_Alignas(APART) _Atomic uint64_t tail;
	_Atomic uint64_t seal;
	_Alignas(APART) _Atomic uint64_t head;
	_Alignas(APART) _Atomic uint64_t owner;
	_Atomic uint64_t seen_tail; /* what an owner last saw: at least head, at most tail */
	_Atomic uint8_t peeks;      /* counted by owners */
	_Alignas(APART) _Atomic uint64_t writer;
	_Atomic uint64_t seen_head; /* what a writer last saw */
	_Atomic uint8_t reserves;   /* counted by writers */
};

struct lane_cell {
	uint32_t size;
	uint32_t redelivered;
	uint64_t reserved;
	unsigned char data[];
};

struct lanes_shared {
	uint32_t fenced; /* whoever made it had no membarrier(2): all do without */
	_Atomic uint32_t closing;
	_Atomic uint32_t sealed; /* all lanes are */
	_Atomic uint32_t used;   /* lanes beyond this were never claimed */
	_Alignas(APART) _Atomic uint64_t claims[];
};

/* --- A handle --------------------------------------------------------------------------------- */

struct lanes {
	struct queue_object object;
	struct lanes_shared *shared;
	struct lane *lanes;
	unsigned char *cells;
	uint64_t capacity, message_max;
	uint64_t stride, per_lane; /* bytes */
	uint64_t mask;             /* cells - 1 where their number is a power of two; 0: capacity */
	unsigned count;            /* of lanes, with the shared one */

	uint64_t serial; /* no other handle of this process has it */
	bool fenced;     /* a copy */
	struct list link;
};

#define SHARED_LANE 0u

static inline struct lane_cell *lane_cell(
	const struct lanes *lanes, const struct lane *lane, uint64_t position)
{
	uint64_t index = lanes->mask ? position & lanes->mask : position % lanes->capacity;

	return (struct lane_cell *)(lanes->cells +
				    (uint64_t)(lane - lanes->lanes) * lanes->per_lane +
				    index * lanes->stride);
}

/* The first of them: a claim raises the number before it is used. */
static inline unsigned lanes_used(const struct lanes *lanes)
{
	unsigned used = atomic_load_explicit(&lanes->shared->used, memory_order_acquire);

	return used < lanes->count ? used + 1 : lanes->count;
}

/* Whether there is a message in it. As good as its last load: if it says no, there was none then. */
static inline bool lane_has_message(const struct lane *lane)
{
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_acquire);

	return atomic_load_explicit(&lane->tail, memory_order_acquire) != head;
}

/* Between a store and a look: see above. */
static inline void lanes_order(const struct lanes *lanes)
{
	if (lanes->fenced)
		full_fence();
	else
		atomic_signal_fence(memory_order_seq_cst);
}

/* --- Threads and their lanes (lanes_thread.c) ------------------------------------------------- */

/* What a thread knows of itself in a handle. */
struct lanes_thread {
	uint64_t serial; /* of the handle; 0: none */
	unsigned self;
	unsigned put_lane;
	uint64_t claim;    /* of put_lane; 0: none */
	uint64_t reserved; /* a lane's `writer` since its last reservation */
	unsigned get_lane, in_a_row;
	bool waited; /* its last try was in vain */
};

/* By serial; what is pushed out can be found again. */
#define LANES_KNOWN 4

extern _Thread_local struct lanes_thread lanes_threads[LANES_KNOWN];

void lanes_thread_begin(const struct lanes *lanes, unsigned self, struct lanes_thread *ret);

static inline struct lanes_thread *lanes_thread(const struct lanes *lanes, unsigned self)
{
	struct lanes_thread *thread = &lanes_threads[lanes->serial % LANES_KNOWN];

	if (thread->serial != lanes->serial || thread->self != self)
		lanes_thread_begin(lanes, self, thread);
	return thread;
}

/* The lane it is to put into: its own if there is one to be had, or the shared one. */
struct lane *lanes_claim(const struct lanes *lanes, struct lanes_thread *thread);

static inline struct lane *lanes_put_lane(const struct lanes *lanes, struct lanes_thread *thread)
{
	if (thread->claim && atomic_load_explicit(&lanes->shared->claims[thread->put_lane],
				     memory_order_relaxed) == thread->claim)
		return &lanes->lanes[thread->put_lane];
	return lanes_claim(lanes, thread);
}

/* The lane that the calling thread would put into next. */
const struct lane *lanes_next_lane(const struct lanes *lanes, unsigned self);

/* Have threads that end give back their lanes: from open to close. 0, -ENOMEM, -EAGAIN. */
int lanes_register(struct lanes *lanes);
void lanes_unregister(struct lanes *lanes);

/* Nothing is reserved in the lane any more: it may have been waiting for that to be free. */
void lanes_claim_ended(const struct lanes *lanes, const struct lane *lane);

/* --- Slots (lanes.c) -------------------------------------------------------------------------- */

enum slot_kind { SLOT_RESERVED = 1, SLOT_PEEKED };

/* `held` is what its owner or writer is to be. */
void lanes_fill_slot(const struct lanes *lanes, const struct lane *lane, enum slot_kind kind,
	uint64_t position, size_t size, uint64_t held, struct reeve_queue_slot *ret);

/* The lane of a slot, or NULL. */
struct lane *lanes_slot_lane(
	const struct lanes *lanes, const struct reeve_queue_slot *slot, enum slot_kind kind);

static inline size_t slot_size(const struct reeve_queue_slot *slot)
{
	return slot->reserved[0] >> 32;
}

/* What a lane's next keeper writes to its owner or writer; `turns` tells it from the one before. */
uint64_t lanes_next_hold(_Atomic uint8_t *turns, uint64_t position, unsigned self);

/* Be the one that ends what `self` keeps, which is the message that `next` counts: 0; -EINVAL where
 * it keeps no such thing. */
int lanes_begin_end(_Atomic uint64_t *word, const _Atomic uint64_t *next,
	const struct reeve_queue_slot *slot, unsigned self);

/* --- What is there, and its end (lanes_life.c) ------------------------------------------------ */

/* The other side of lanes_order(). 0, -EPERM (denied since the queue was opened). */
int lanes_barrier(const struct lanes *lanes);

/* Seal all lanes of a queue that is closing: who began may have been killed. As lanes_barrier(). */
int lanes_seal(const struct lanes *lanes);

static inline bool lanes_are_closing(const struct lanes *lanes)
{
	return atomic_load_explicit(&lanes->shared->closing, memory_order_acquire) != 0;
}

/* The end of the messages that were put, where the queue is closing. */
uint64_t lane_sealed_tail(const struct lanes *lanes, const struct lane *lane, uint64_t tail);

/* The end of the messages that were put. */
static inline uint64_t lane_tail(const struct lanes *lanes, const struct lane *lane)
{
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_acquire);

	return lanes_are_closing(lanes) ? lane_sealed_tail(lanes, lane, tail) : tail;
}

/* As of a moment within the call; or not, if others changed it all the time. */
bool lane_is_full(const struct lanes *lanes, const struct lane *lane);

/* --- form.h (queue_lanes_{put,get,life}.c) ---------------------------------------------------- */

uint64_t lanes_bytes(const struct reeve_queue_spec *spec);
void lanes_init(const struct queue_object *object);
int lanes_open(const struct queue_object *object, void **ret_state);
void lanes_free(void *state);
int lanes_put(void *state, unsigned self, const void *data, size_t size, unsigned priority);
int lanes_get(void *state, unsigned self, void *data, size_t size, size_t *ret_size);
int lanes_reserve(
	void *state, unsigned self, size_t size, unsigned priority, struct reeve_queue_slot *ret);
int lanes_commit(void *state, unsigned self, const struct reeve_queue_slot *slot, size_t used);
int lanes_cancel(void *state, unsigned self, const struct reeve_queue_slot *slot);
int lanes_peek(void *state, unsigned self, struct reeve_queue_slot *ret);
int lanes_release(void *state, unsigned self, const struct reeve_queue_slot *slot);
int lanes_give_back(void *state, unsigned self, const struct reeve_queue_slot *slot);
ssize_t lanes_size(void *state);
int lanes_is_full(void *state);
uint64_t lanes_stamp(void *state, bool for_room);
void lanes_statistics(void *state, struct reeve_queue_statistics *ret);
int lanes_close(void *state);
int lanes_is_closed(void *state);
int lanes_is_over(void *state, unsigned self);
int lanes_recover(const struct queue_object *object, unsigned participant);
void lanes_before_sleep(void *state);

#endif
