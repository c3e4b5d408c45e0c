/* Putting into lanes (lanes.h), by copy or in place. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/queue/lanes.h"

static void notify_room(const struct lanes *lanes)
{
	eventcount_notify(&lanes->object.header->not_full, INT_MAX);
}

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

int lanes_put(void *state, unsigned self, const void *data, size_t size, unsigned priority)
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

/* --- In place --------------------------------------------------------------------------------- */

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

int lanes_reserve(
	void *state, unsigned self, size_t size, unsigned priority, struct reeve_queue_slot *ret)
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
	thread->reserved = lanes_next_hold(&lane->reserves, position, self);
	lanes_fill_slot(lanes, lane, SLOT_RESERVED, position, size, thread->reserved, ret);
	atomic_store_explicit(&lane->writer, thread->reserved, memory_order_release);
	return 0;
}

int lanes_commit(void *state, unsigned self, const struct reeve_queue_slot *slot, size_t used)
{
	const struct lanes *lanes = state;
	struct lane *lane = lanes_slot_lane(lanes, slot, SLOT_RESERVED);
	struct lane_cell *cell;
	int r;

	if (!lane)
		return -EINVAL;
	if (used > slot_size(slot) || used > lanes->message_max)
		return -EMSGSIZE;
	r = lanes_begin_end(&lane->writer, &lane->tail, slot, self);
	if (r < 0)
		return r;
	cell = lane_cell(lanes, lane, slot->reserved[1]);
	cell->size = (uint32_t)used;
	cell->redelivered = 0;
	r = commit_at(lanes, lane, slot->reserved[1]);
	leave(lanes, lane);
	return r;
}

int lanes_cancel(void *state, unsigned self, const struct reeve_queue_slot *slot)
{
	const struct lanes *lanes = state;
	struct lane *lane = lanes_slot_lane(lanes, slot, SLOT_RESERVED);
	int r = lane ? lanes_begin_end(&lane->writer, &lane->tail, slot, self) : -EINVAL;

	if (r == 0)
		leave(lanes, lane);
	return r;
}
