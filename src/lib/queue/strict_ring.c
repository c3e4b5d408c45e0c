/* The order of messages of one level: see strict.h. */
#include <errno.h>

#include "lib/queue/strict.h"

/* Move a hint on, unless another did. Who is late sets it back, which costs others some steps and
 * no more; a compare-and-swap would cost each call more than that. */
static void move(_Atomic uint64_t *hint, uint64_t from, uint64_t to)
{
	if (atomic_load_explicit(hint, memory_order_relaxed) == from)
		atomic_store_explicit(hint, to & POSITION_MASK, memory_order_release);
}

int ring_tail(const struct strict *strict, unsigned level, uint64_t *ret, uint64_t *ret_slot)
{
	_Atomic uint64_t *tail = &strict->rings[level].tail;
	uint64_t hint = atomic_load_explicit(tail, memory_order_acquire), at = hint & POSITION_MASK;

	for (unsigned i = 0; i < strict_tries(strict); i++) {
		uint64_t slot = atomic_load(strict_slot(strict, level, at));
		int64_t ahead = position_distance(slot_position(slot), at);

		bool is_closed = ahead == 0 && slot_cell(slot) == SLOT_CLOSED;

		if (ahead == -(int64_t)strict->ring_size || is_closed) {
			if (at != hint)
				move(tail, hint, at);
			*ret = at;
			*ret_slot = slot;
			return is_closed ? -ESHUTDOWN : 0;
		}
		if (ahead < 0)
			return -EUCLEAN;
		at = slot_position(slot);
		if (slot_cell(slot) != SLOT_CLOSED)
			at = (at + 1) & POSITION_MASK;
	}
	return -EUCLEAN;
}

int ring_commit(const struct strict *strict, unsigned level, uint32_t cell, unsigned self)
{
	for (unsigned i = 0; i < strict_tries(strict); i++) {
		uint64_t at, slot;
		int r = ring_tail(strict, level, &at, &slot);

		if (r < 0)
			return r;
		atomic_store_explicit(&strict_cell(strict, cell)->word,
			cell_word(at, level, CELL_OFFERED, self), memory_order_release);
		if (atomic_compare_exchange_strong(
			    strict_slot(strict, level, at), &slot, slot_of(at, cell + 1))) {
			move(&strict->rings[level].tail, at, at + 1);
			return 0;
		}
	}
	return -EUCLEAN;
}

void ring_taken(const struct strict *strict, unsigned level, uint64_t position)
{
	move(&strict->rings[level].head, position, position + 1);
}

int ring_head(const struct strict *strict, unsigned level, uint32_t *ret_cell, uint64_t *ret_word)
{
	_Atomic uint64_t *head = &strict->rings[level].head;
	uint64_t at = atomic_load_explicit(head, memory_order_acquire) & POSITION_MASK;

	for (unsigned i = 0; i < strict_tries(strict); i++) {
		uint64_t slot = atomic_load(strict_slot(strict, level, at)), word, next;
		int64_t ahead = position_distance(slot_position(slot), at);
		uint32_t cell = slot_cell(slot);

		if (ahead == -(int64_t)strict->ring_size)
			return -EAGAIN;
		if (ahead < 0 || cell == 0 || (cell > strict->count && cell != SLOT_CLOSED))
			return -EUCLEAN;
		if (ahead == 0) {
			if (cell == SLOT_CLOSED)
				return -ESHUTDOWN;
			strict_fetch(strict_cell(strict, cell - 1));
			word = atomic_load(&strict_cell(strict, cell - 1)->word);
			if (cell_state(word) == CELL_OFFERED && cell_position(word) == at &&
				cell_level(word) == level) {
				*ret_cell = cell - 1;
				*ret_word = word;
				return 0;
			}
			next = at + 1;
		} else {
			next = slot_position(slot) - strict->ring_size + 1;
		}
		move(head, at, next);
		at = next & POSITION_MASK;
	}
	return -EUCLEAN;
}

int ring_is_committed(const struct strict *strict, uint32_t cell, uint64_t word)
{
	uint64_t slot;

	if (cell_level(word) >= strict->levels)
		return -EUCLEAN;
	slot = atomic_load(strict_slot(strict, cell_level(word), cell_position(word)));
	if (slot == slot_of(cell_position(word), cell + 1))
		return 1;
	return atomic_load(&strict_cell(strict, cell)->word) == word ? 0 : -EAGAIN;
}

static int close_level(const struct strict *strict, unsigned level)
{
	for (unsigned i = 0; i < strict_tries(strict); i++) {
		uint64_t at, slot;
		int r = ring_tail(strict, level, &at, &slot);

		if (r < 0)
			return r == -ESHUTDOWN ? 0 : r;
		if (atomic_compare_exchange_strong(
			    strict_slot(strict, level, at), &slot, slot_of(at, SLOT_CLOSED)))
			return 0;
	}
	return -EUCLEAN;
}

int ring_close(const struct strict *strict)
{
	for (unsigned level = 0; level < strict->levels; level++) {
		int r = close_level(strict, level);

		if (r < 0)
			return r;
	}
	return 0;
}

int ring_is_closed(const struct strict *strict)
{
	for (unsigned level = 0; level < strict->levels; level++) {
		uint64_t at, slot;
		int r = ring_tail(strict, level, &at, &slot);

		if (r < 0)
			return r == -ESHUTDOWN ? 1 : r;
	}
	return 0;
}
