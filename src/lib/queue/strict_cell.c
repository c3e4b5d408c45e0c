/* Cells: to find a free one, and those that are to be delivered again. */
#include <errno.h>

#include "lib/queue/strict.h"

/* Where a free cell is likely: in a queue of one level cells are used in turn, and the next
 * position's has been free the longest. */
static uint32_t likely_free(const struct strict *strict)
{
	if (strict->levels == 1)
		return (uint32_t)atomic_load_explicit(
			       &strict->rings[0].tail, memory_order_relaxed) %
		       strict->count;
	return atomic_load_explicit(&strict->next_free, memory_order_relaxed) % strict->count;
}

/* Large cells are not used in turn: of two or three that go to and fro each side finds more in its cache than of as
 * many as there are. Whether one of these is free is seen at once. */
#define LARGE 65536
#define FEW 4

static bool claim(const struct strict *strict, uint32_t index, unsigned self, uint64_t *ret_word)
{
	struct cell *cell = strict_cell(strict, index);
	uint64_t word = atomic_load_explicit(&cell->word, memory_order_relaxed);

	if (cell_state(word) != CELL_FREE)
		return false;
	*ret_word = cell_become(word, CELL_WRITING, self);
	return atomic_compare_exchange_strong(&cell->word, &word, *ret_word);
}

/* Whether messages that wait fill all cells, which is told without a look at each. The head is
 * the true one when it was found; so there were as many from it to the earlier tail then. */
static bool is_packed(const struct strict *strict)
{
	uint64_t tail = atomic_load(&strict->rings[0].tail), word;
	uint32_t cell;

	return strict->levels == 1 && ring_head(strict, 0, &cell, &word) == 0 &&
	       position_distance(tail, cell_position(word)) >= (int64_t)strict->count;
}

int cell_claim(struct strict *strict, unsigned self, uint32_t *ret, uint64_t *ret_word)
{
	uint32_t first = likely_free(strict), at = first;

	for (uint32_t i = 0; strict->stride >= LARGE && i < FEW && i < strict->count; i++)
		if (claim(strict, i, self, ret_word)) {
			*ret = i;
			return 0;
		}
	do {
		uint32_t index = at;

		at = at + 1 == strict->count ? 0 : at + 1;
		if (claim(strict, index, self, ret_word)) {
			if (strict->levels > 1)
				atomic_store_explicit(
					&strict->next_free, at, memory_order_relaxed);
			*ret = index;
			return 0;
		}
		if (index == first && is_packed(strict))
			return -EAGAIN;
	} while (at != first);
	return -EAGAIN;
}

/* Say that there is one to deliver again. */
static void set_again(const struct strict *strict)
{
	uint64_t now = atomic_load(strict->again);

	while (!atomic_compare_exchange_weak(strict->again, &now, (now + 2) | 1))
		;
}

/* GIVING comes first, so that a getter that looks through all cells before `again` is set, and
 * would clear it after, sees that there is one. */
int cell_put_back(const struct strict *strict, uint32_t index, uint64_t word)
{
	struct cell *cell = strict_cell(strict, index);
	uint64_t giving = cell_become(word, CELL_GIVING, cell_owner(word));

	if (word != giving) {
		if (!atomic_compare_exchange_strong(&cell->word, &word, giving))
			return 0;
		atomic_fetch_add(&strict->object.header->redelivered, 1);
	}
	set_again(strict);
	return atomic_compare_exchange_strong(
		&cell->word, &giving, cell_become(giving, CELL_REDELIVER, 0));
}

/* Whether a is to be delivered before b. */
static bool is_before(uint64_t a, uint64_t b)
{
	if (cell_level(a) != cell_level(b))
		return cell_level(a) > cell_level(b);
	return position_distance(cell_position(a), cell_position(b)) < 0;
}

int cell_again(const struct strict *strict, uint32_t *ret, uint64_t *ret_word)
{
	uint64_t hint = atomic_load(strict->again), best = 0;
	bool on_its_way = false;

	if (!(hint & 1))
		return -EAGAIN;
	for (uint32_t i = 0; i < strict->count; i++) {
		uint64_t word = atomic_load(&strict_cell(strict, i)->word);

		if (cell_state(word) == CELL_GIVING)
			on_its_way = true;
		if (cell_state(word) != CELL_REDELIVER || (best && !is_before(word, best)))
			continue;
		if (cell_level(word) >= strict->levels)
			return -EUCLEAN;
		best = word;
		*ret = i;
	}
	*ret_word = best;
	if (best)
		return 0;
	if (!on_its_way)
		atomic_compare_exchange_strong(strict->again, &hint, hint & ~UINT64_C(1));
	return -EAGAIN;
}

int cell_may_come_back(const struct strict *strict, unsigned self)
{
	bool redeliver = strict->object.spec.on_death == REEVE_QUEUE_REDELIVER;

	for (uint32_t i = 0; i < strict->count; i++) {
		uint64_t word = atomic_load(&strict_cell(strict, i)->word);

		switch (cell_state(word)) {
		case CELL_GIVING:
		case CELL_REDELIVER: return 1;
		case CELL_COPYING:
		case CELL_READING: /* may be given back */
			if (cell_owner(word) != self)
				return 1;
			break;
		case CELL_TAKEN:
			if (redeliver && cell_owner(word) != self)
				return 1;
			break;
		default: break;
		}
	}
	return 0;
}
