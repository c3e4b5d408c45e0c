/* The throughput form (lanes.h): what it offers, and slots of both kinds. */
#include "lib/queue/lanes.h"

#include <errno.h>

void lanes_fill_slot(const struct lanes *lanes, const struct lane *lane, enum slot_kind kind,
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

struct lane *lanes_slot_lane(
	const struct lanes *lanes, const struct reeve_queue_slot *slot, enum slot_kind kind)
{
	uint64_t index = (uint32_t)slot->reserved[0] >> 8;

	if ((slot->reserved[0] & 0xff) != kind || index >= lanes->count ||
		slot->data != lane_cell(lanes, &lanes->lanes[index], slot->reserved[1])->data)
		return NULL;
	return &lanes->lanes[index];
}

int lanes_begin_end(_Atomic uint64_t *word, const _Atomic uint64_t *next,
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

uint64_t lanes_next_hold(_Atomic uint8_t *turns, uint64_t position, unsigned self)
{
	uint8_t turn = (uint8_t)(atomic_load_explicit(turns, memory_order_relaxed) + 1);

	atomic_store_explicit(turns, turn, memory_order_relaxed);
	return hold_word(turn, position, HOLD_KEPT, self);
}

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
	.stamp = lanes_stamp,
	.statistics = lanes_statistics,
	.close = lanes_close,
	.is_closed = lanes_is_closed,
	.is_over = lanes_is_over,
	.recover = lanes_recover,
	.wakes_for_room = true,
	.before_sleep = lanes_before_sleep,
};
