/* Getting from lanes (lanes.h), by copy or in place. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/queue/lanes.h"

/* How many messages a getter takes from one lane before it looks at the others. */
#define IN_A_ROW 32

/* How far ahead a getter has fetched what is there already: no load gets past an atomic operation,
 * of which each message has one. */
#define FETCHED_AHEAD 4

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

int lanes_get(void *state, unsigned self, void *data, size_t size, size_t *ret_size)
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

int lanes_peek(void *state, unsigned self, struct reeve_queue_slot *ret)
{
	const struct lanes *lanes = state;
	struct found found;
	uint64_t held;
	int r = own_any(state, self, &found);

	if (r < 0)
		return r;
	held = lanes_next_hold(&found.lane->peeks, found.position, self);
	lanes_fill_slot(lanes, found.lane, SLOT_PEEKED, found.position, found.size, held, ret);
	atomic_store_explicit(&found.lane->owner, held, memory_order_release);
	return 0;
}

int lanes_release(void *state, unsigned self, const struct reeve_queue_slot *slot)
{
	const struct lanes *lanes = state;
	struct lane *lane = lanes_slot_lane(lanes, slot, SLOT_PEEKED);
	int r = lane ? lanes_begin_end(&lane->owner, &lane->head, slot, self) : -EINVAL;

	if (r == 0)
		take_off(lanes, lane, slot->reserved[1]);
	return r;
}

int lanes_give_back(void *state, unsigned self, const struct reeve_queue_slot *slot)
{
	const struct lanes *lanes = state;
	struct lane *lane = lanes_slot_lane(lanes, slot, SLOT_PEEKED);
	int r = lane ? lanes_begin_end(&lane->owner, &lane->head, slot, self) : -EINVAL;

	if (r < 0)
		return r;
	lane_cell(lanes, lane, slot->reserved[1])->redelivered = 1;
	atomic_fetch_add(&lanes->object.header->redelivered, 1);
	let_go(lanes, lane, slot->reserved[1]);
	return 0;
}
