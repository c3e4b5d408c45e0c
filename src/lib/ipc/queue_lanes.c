/* The throughput form (queue_lanes.h): putting and getting. */
#include "lib/ipc/queue_lanes.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* How many messages a getter takes from one lane before it looks at the others. */
#define IN_A_ROW 32

/* How far ahead a getter has fetched what is there already: no load gets past an atomic operation,
 * of which each message has one. */
#define FETCHED_AHEAD 4

static void notify_room(const struct lanes *lanes)
{
	eventcount_notify(&lanes->object.header->not_full, INT_MAX);
}

/* --- Putting ---------------------------------------------------------------------------------- */

/* The position of the next message: 0; -EAGAIN where there is no room, -ESHUTDOWN, -EUCLEAN. */
static int next_position(const struct lanes *lanes, struct lane *lane, uint64_t *ret)
{
	uint64_t position = atomic_load_explicit(&lane->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&lane->seen_head, memory_order_relaxed);

	if (lanes_are_closing(lanes))
		return -ESHUTDOWN;
	if (position - head >= lanes->capacity) {
		head = atomic_load_explicit(&lane->head, memory_order_acquire);
		if (position - head > lanes->capacity)
			return -EUCLEAN;
		if (position - head == lanes->capacity)
			return -EAGAIN;
		atomic_store_explicit(&lane->seen_head, head, memory_order_relaxed);
	}
	*ret = position;
	return 0;
}

/* A message was put while the queue was closing: or was it? */
static int settle(struct lane *lane, uint64_t position)
{
	uint64_t seal = 0;

	if (atomic_compare_exchange_strong(&lane->seal, &seal, seal_at(position + 1)) ||
		seal >= seal_at(position + 1))
		return 0;
	atomic_store(&lane->tail, position);
	return -ESHUTDOWN;
}

static int commit_at(const struct lanes *lanes, struct lane *lane, uint64_t position)
{
	atomic_store_explicit(&lane->tail, position + 1, memory_order_release);
	lanes_order(lanes);
	return lanes_are_closing(lanes) ? settle(lane, position) : 0;
}

static void fill_cell(struct lane_cell *cell, const void *data, size_t size)
{
	cell->size = (uint32_t)size;
	cell->redelivered = 0;
	if (size)
		memcpy(cell->data, data, size);
}

/* What nobody else puts into now. */
static int put_into(const struct lanes *lanes, struct lane *lane, const void *data, size_t size)
{
	uint64_t position;
	int r = next_position(lanes, lane, &position);

	if (r < 0)
		return r;
	fill_cell(lane_cell(lanes, lane, position), data, size);
	return commit_at(lanes, lane, position);
}

/* Become the lane's writer, unless there is another. */
static bool enter(struct lane *lane, uint64_t word)
{
	uint64_t nobody = 0;

	return atomic_compare_exchange_strong(&lane->writer, &nobody, word);
}

/* No longer the lane's writer. Those that share it may be waiting for that, too. */
static void leave(const struct lanes *lanes, struct lane *lane)
{
	atomic_store(&lane->writer, 0);
	lanes_claim_ended(lanes, lane);
	notify_room(lanes);
}

/* -EBUSY where a lane is held by what this thread has reserved: it would wait for itself. */
static int why_held(const struct lane *lane, const struct lanes_thread *thread)
{
	uint64_t writer = atomic_load(&lane->writer);

	return writer && writer == thread->reserved ? -EBUSY : -EAGAIN;
}

/* Looks whether it is full before it enters: who leaves wakes others, who would do the same. */
static int put_shared(const struct lanes *lanes, struct lane *lane,
	const struct lanes_thread *thread, const void *data, size_t size)
{
	int r;

	if (lane_is_full(lanes, lane))
		return -EAGAIN;
	if (!enter(lane, hold_word(0, 0, HOLD_MOVING, thread->self)))
		return why_held(lane, thread);
	r = put_into(lanes, lane, data, size);
	leave(lanes, lane);
	return r;
}

static int lanes_put(void *state, unsigned self, const void *data, size_t size, unsigned priority)
{
	const struct lanes *lanes = state;
	struct lanes_thread *thread = lanes_thread(lanes, self);
	struct lane *lane = lanes_put_lane(lanes, thread);

	if (lane == &lanes->lanes[SHARED_LANE])
		return put_shared(lanes, lane, thread, data, size);
	if (atomic_load_explicit(&lane->writer, memory_order_acquire))
		return why_held(lane, thread);
	return put_into(lanes, lane, data, size);
}

/* --- Slots ------------------------------------------------------------------------------------ */

enum slot_kind { SLOT_RESERVED = 1, SLOT_PEEKED };

/* `held` is what its owner or writer is to be. */
static void fill_slot(const struct lanes *lanes, const struct lane *lane, enum slot_kind kind,
	uint64_t position, size_t size, uint64_t held, struct reeve_queue_slot *ret)
{
	struct lane_cell *cell = lane_cell(lanes, lane, position);

	*ret = (struct reeve_queue_slot){
		.data = cell->data,
		.size = size,
		.redelivered = kind == SLOT_PEEKED && cell->redelivered,
		.reserved = { (uint64_t)size << 32 | (uint64_t)(lane - lanes->lanes) << 8 | kind,
			position, held },
	};
}

static size_t slot_size(const struct reeve_queue_slot *slot)
{
	return slot->reserved[0] >> 32;
}

/* The lane of a slot, or NULL. */
static struct lane *slot_lane(
	const struct lanes *lanes, const struct reeve_queue_slot *slot, enum slot_kind kind)
{
	uint64_t index = (uint32_t)slot->reserved[0] >> 8;

	if ((slot->reserved[0] & 0xff) != kind || index >= lanes->count ||
		slot->data != lane_cell(lanes, &lanes->lanes[index], slot->reserved[1])->data)
		return NULL;
	return &lanes->lanes[index];
}

/* Be the one that ends what `self` keeps, which is the message that `next` counts: 0; -EINVAL where
 * it keeps no such thing. */
static int begin_end(_Atomic uint64_t *word, const _Atomic uint64_t *next,
	const struct reeve_queue_slot *slot, unsigned self)
{
	uint64_t position = slot->reserved[1], held = slot->reserved[2];

	if (hold_of(held) != HOLD_KEPT || hold_participant(held) != self ||
		!hold_is_at(held, position) || atomic_load(next) != position)
		return -EINVAL;
	return atomic_compare_exchange_strong(
		       word, &held, hold_word(0, position, HOLD_ENDING, self))
		       ? 0
		       : -EINVAL;
}

/* The next turn, of those who keep something of a lane one after the other. */
static uint64_t next_hold(_Atomic uint8_t *turns, uint64_t position, unsigned self)
{
	uint8_t turn = (uint8_t)(atomic_load_explicit(turns, memory_order_relaxed) + 1);

	atomic_store_explicit(turns, turn, memory_order_relaxed);
	return hold_word(turn, position, HOLD_KEPT, self);
}

/* As put_shared(). */
static int reserve_shared(const struct lanes *lanes, struct lane *lane,
	const struct lanes_thread *thread, uint64_t *ret)
{
	int r;

	if (lane_is_full(lanes, lane))
		return -EAGAIN;
	if (!enter(lane, hold_word(0, 0, HOLD_MOVING, thread->self)))
		return why_held(lane, thread);
	r = next_position(lanes, lane, ret);
	if (r < 0)
		leave(lanes, lane);
	return r;
}

static int lanes_reserve(void *state, unsigned self, size_t size, unsigned priority,
	struct reeve_queue_slot *ret)
{
	const struct lanes *lanes = state;
	struct lanes_thread *thread = lanes_thread(lanes, self);
	struct lane *lane = lanes_put_lane(lanes, thread);
	uint64_t position;
	int r;

	if (lane == &lanes->lanes[SHARED_LANE])
		r = reserve_shared(lanes, lane, thread, &position);
	else if (atomic_load_explicit(&lane->writer, memory_order_acquire))
		r = why_held(lane, thread);
	else
		r = next_position(lanes, lane, &position);
	if (r < 0)
		return r;
	thread->reserved = next_hold(&lane->reserves, position, self);
	fill_slot(lanes, lane, SLOT_RESERVED, position, size, thread->reserved, ret);
	atomic_store_explicit(&lane->writer, thread->reserved, memory_order_release);
	return 0;
}

static int lanes_commit(
	void *state, unsigned self, const struct reeve_queue_slot *slot, size_t used)
{
	const struct lanes *lanes = state;
	struct lane *lane = slot_lane(lanes, slot, SLOT_RESERVED);
	struct lane_cell *cell;
	int r;

	if (!lane)
		return -EINVAL;
	if (used > slot_size(slot) || used > lanes->message_max)
		return -EMSGSIZE;
	r = begin_end(&lane->writer, &lane->tail, slot, self);
	if (r < 0)
		return r;
	cell = lane_cell(lanes, lane, slot->reserved[1]);
	cell->size = (uint32_t)used;
	cell->redelivered = 0;
	r = commit_at(lanes, lane, slot->reserved[1]);
	leave(lanes, lane);
	return r;
}

static int lanes_cancel(void *state, unsigned self, const struct reeve_queue_slot *slot)
{
	const struct lanes *lanes = state;
	struct lane *lane = slot_lane(lanes, slot, SLOT_RESERVED);
	int r = lane ? begin_end(&lane->writer, &lane->tail, slot, self) : -EINVAL;

	if (r == 0)
		leave(lanes, lane);
	return r;
}

/* --- Getting ---------------------------------------------------------------------------------- */

/* Have a message's lines on their way. To be inlined: gcc takes a function that does no more for one
 * that does nothing. */
static inline __attribute__((always_inline)) void fetch(
	const struct lanes *lanes, const struct lane *lane, uint64_t position)
{
	const char *cell = (const char *)lane_cell(lanes, lane, position);

	__builtin_prefetch(cell);
	__builtin_prefetch(cell + 64);
}

/* A message that seems to be there. What an owner saw says so before the writer's line does.
 *
 * Of one that has just come only who has waited for it fetches the lines at once. Who is on the
 * writer's heels all the time would take from it the lines that it is writing to, for each message;
 * a little slower, and it finds several together. */
static bool seems_to_have_message(const struct lanes *lanes, struct lane *lane, bool waited)
{
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_acquire);
	uint64_t seen = atomic_load_explicit(&lane->seen_tail, memory_order_relaxed);

	if ((int64_t)(seen - head) > FETCHED_AHEAD)
		fetch(lanes, lane, head + FETCHED_AHEAD);
	else if ((int64_t)(seen - head) <= 0 &&
		 atomic_load_explicit(&lane->tail, memory_order_acquire) == head)
		return false;
	else if (waited)
		fetch(lanes, lane, head);
	return true;
}

/* Behind the last store to a lane that was owned, whose head was at `position`. Who waits for room
 * waits for this lane's only if it was full; who found it owned waits for the next message. */
static void left(const struct lanes *lanes, struct lane *lane, uint64_t position)
{
	struct queue_header *header = lanes->object.header;

	lanes_order(lanes);
	if (atomic_load_explicit(&header->not_full.word, memory_order_relaxed) &
			EVENTCOUNT_SLEEPERS &&
		atomic_load(&lane->tail) - position >= lanes->capacity)
		eventcount_wake(&header->not_full, INT_MAX);
	if (atomic_load_explicit(&header->not_empty.word, memory_order_relaxed) &
			EVENTCOUNT_SLEEPERS &&
		lane_has_message(lane))
		eventcount_wake(&header->not_empty, 1);
}

static void let_go(const struct lanes *lanes, struct lane *lane, uint64_t position)
{
	atomic_store_explicit(&lane->owner, 0, memory_order_release);
	left(lanes, lane, position);
}

/* The message at `position` is off the queue. */
static void take_off(const struct lanes *lanes, struct lane *lane, uint64_t position)
{
	atomic_store_explicit(&lane->head, position + 1, memory_order_release);
	let_go(lanes, lane, position);
}

/* What an owner finds: 0; -EAGAIN: nothing. */
static int first_message(const struct lanes *lanes, struct lane *lane, uint64_t position)
{
	uint64_t tail = atomic_load_explicit(&lane->seen_tail, memory_order_relaxed);

	if (tail - position - 1 < lanes->capacity)
		return 0;
	tail = lane_tail(lanes, lane);
	if (tail - position > lanes->capacity)
		return -EUCLEAN;
	atomic_store_explicit(&lane->seen_tail, tail, memory_order_relaxed);
	return tail == position ? -EAGAIN : 0;
}

/* A message that is the caller's for now. */
struct found {
	struct lane *lane;
	uint64_t position;
	size_t size;
};

/* Own a lane that has a message: 0; -EAGAIN, -EUCLEAN. */
static int own(const struct lanes *lanes, struct lane *lane, const struct lanes_thread *thread,
	struct found *ret)
{
	uint64_t nobody = 0;
	int r;

	if (!seems_to_have_message(lanes, lane, thread->waited) ||
		atomic_load_explicit(&lane->owner, memory_order_relaxed) ||
		!atomic_compare_exchange_strong_explicit(&lane->owner, &nobody,
			hold_word(0, 0, HOLD_MOVING, thread->self), memory_order_acquire,
			memory_order_relaxed))
		return -EAGAIN;
	*ret = (struct found){
		.lane = lane,
		.position = atomic_load_explicit(&lane->head, memory_order_relaxed),
	};
	r = first_message(lanes, lane, ret->position);
	if (r == 0) {
		/* Once: it may be another the next time. */
		ret->size = *(volatile uint32_t *)&lane_cell(lanes, lane, ret->position)->size;
		if (ret->size > lanes->message_max)
			r = -EUCLEAN;
	}
	if (r < 0)
		let_go(lanes, lane, ret->position);
	return r;
}

/* The lane that a getter looks at first: the same as the last time, so many times. */
static unsigned turn(struct lanes_thread *thread, unsigned used)
{
	if (++thread->in_a_row > IN_A_ROW) {
		thread->in_a_row = 0;
		thread->get_lane++;
	}
	if (thread->get_lane >= used)
		thread->get_lane = 0;
	return thread->get_lane;
}

/* Where there was nothing: -EAGAIN, or -ESHUTDOWN if nothing can come. */
static int nothing(struct lanes *lanes, unsigned self)
{
	int r;

	if (!lanes_are_closing(lanes))
		return -EAGAIN;
	r = lanes_seal(lanes);
	if (r < 0)
		return r;
	atomic_store(&lanes->object.header->closed, 1);
	return lanes_is_over(lanes, self) ? -ESHUTDOWN : -EAGAIN;
}

/* Own a lane that has a message, each in its turn: 0; -EAGAIN, -ESHUTDOWN, -EUCLEAN. */
static int own_any(struct lanes *lanes, unsigned self, struct found *ret)
{
	struct lanes_thread *thread = lanes_thread(lanes, self);
	unsigned used = lanes_used(lanes), first = turn(thread, used), index = first;

	do {
		int r = own(lanes, &lanes->lanes[index], thread, ret);

		if (r != -EAGAIN) {
			thread->waited = false;
			if (index != first) {
				thread->get_lane = index;
				thread->in_a_row = 0;
			}
			return r;
		}
		if (++index == used)
			index = 0;
	} while (index != first);
	thread->waited = true;
	return nothing(lanes, self);
}

static int lanes_get(void *state, unsigned self, void *data, size_t size, size_t *ret_size)
{
	const struct lanes *lanes = state;
	struct found found;
	int r = own_any(state, self, &found);

	if (r < 0)
		return r;
	*ret_size = found.size;
	if (found.size > size) {
		let_go(lanes, found.lane, found.position);
		return -EMSGSIZE;
	}
	if (found.size)
		memcpy(data, lane_cell(lanes, found.lane, found.position)->data, found.size);
	take_off(lanes, found.lane, found.position);
	return 0;
}

static int lanes_peek(void *state, unsigned self, struct reeve_queue_slot *ret)
{
	const struct lanes *lanes = state;
	struct found found;
	uint64_t held;
	int r = own_any(state, self, &found);

	if (r < 0)
		return r;
	held = next_hold(&found.lane->peeks, found.position, self);
	fill_slot(lanes, found.lane, SLOT_PEEKED, found.position, found.size, held, ret);
	atomic_store_explicit(&found.lane->owner, held, memory_order_release);
	return 0;
}

static int lanes_release(void *state, unsigned self, const struct reeve_queue_slot *slot)
{
	const struct lanes *lanes = state;
	struct lane *lane = slot_lane(lanes, slot, SLOT_PEEKED);
	int r = lane ? begin_end(&lane->owner, &lane->head, slot, self) : -EINVAL;

	if (r == 0)
		take_off(lanes, lane, slot->reserved[1]);
	return r;
}

static int lanes_give_back(void *state, unsigned self, const struct reeve_queue_slot *slot)
{
	const struct lanes *lanes = state;
	struct lane *lane = slot_lane(lanes, slot, SLOT_PEEKED);
	int r = lane ? begin_end(&lane->owner, &lane->head, slot, self) : -EINVAL;

	if (r < 0)
		return r;
	lane_cell(lanes, lane, slot->reserved[1])->redelivered = 1;
	atomic_fetch_add(&lanes->object.header->redelivered, 1);
	let_go(lanes, lane, slot->reserved[1]);
	return 0;
}

/* --- The form --------------------------------------------------------------------------------- */

static int lanes_check(const struct reeve_queue_spec *spec)
{
	return spec->joinable || spec->priorities > 1 ? -ENOTSUP : 0;
}

const struct queue_form queue_lanes = {
	.check = lanes_check,
	.bytes = lanes_bytes,
	.init = lanes_init,
	.open = lanes_open,
	.free = lanes_free,
	.put = lanes_put,
	.get = lanes_get,
	.reserve = lanes_reserve,
	.commit = lanes_commit,
	.cancel = lanes_cancel,
	.peek = lanes_peek,
	.release = lanes_release,
	.give_back = lanes_give_back,
	.size = lanes_size,
	.is_full = lanes_is_full,
	.statistics = lanes_statistics,
	.close = lanes_close,
	.is_closed = lanes_is_closed,
	.is_over = lanes_is_over,
	.recover = lanes_recover,
	.wakes_for_room = true,
	.before_sleep = lanes_before_sleep,
};
