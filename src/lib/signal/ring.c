#include "lib/signal/ring.h"

static uint64_t lap(uint64_t position)
{
	return position / RING_SIZE;
}

bool ring_push(struct ring *ring, const struct reeve_signal_event *event)
{
	uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	struct ring_slot *slot;

	for (;;) {
		uint64_t turn;

		slot = &ring->slots[position % RING_SIZE];
		turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
		if (turn == 2 * lap(position)) {
			if (atomic_compare_exchange_weak_explicit(&ring->tail, &position,
				    position + 1, memory_order_relaxed, memory_order_relaxed))
				break;
		} else if (turn < 2 * lap(position)) {
			return false; /* the lap before is still in it */
		} else {
			position = atomic_load_explicit(&ring->tail, memory_order_relaxed);
		}
	}
	slot->event = *event;
	atomic_exchange(&slot->turn, 2 * lap(position) + 1);
	return true;
}

bool ring_pop(struct ring *ring, struct reeve_signal_event *ret)
{
	uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);
	struct ring_slot *slot = &ring->slots[position % RING_SIZE];

	if (atomic_load_explicit(&slot->turn, memory_order_acquire) != 2 * lap(position) + 1)
		return false;
	*ret = slot->event;
	atomic_store_explicit(&slot->turn, 2 * lap(position) + 2, memory_order_release);
	atomic_store_explicit(&ring->head, position + 1, memory_order_relaxed);
	return true;
}

bool ring_is_empty(struct ring *ring)
{
	uint64_t position = atomic_load(&ring->head);

	return atomic_load(&ring->slots[position % RING_SIZE].turn) != 2 * lap(position) + 1;
}

uint64_t ring_length(const struct ring *ring)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	return tail > head ? tail - head : 0;
}

void ring_reset(struct ring *ring)
{
	uint64_t head = atomic_load(&ring->head), tail = atomic_load(&ring->tail);

	for (uint64_t position = head; position < tail; position++)
		atomic_store(&ring->slots[position % RING_SIZE].turn, 2 * lap(position) + 2);
	atomic_store(&ring->head, tail);
}
