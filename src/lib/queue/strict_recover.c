/* What a dead participant holds in a strict queue.
 *
 * Nobody but its sweeper changes a cell with its number in it, but for those that take a message
 * it had committed. Each step leaves either a cell without the number, or one that the next
 * sweeper finds again. */
#include <errno.h>

#include "lib/queue/strict.h"

static bool free_cell(const struct strict *strict, uint32_t index, uint64_t word)
{
	return atomic_compare_exchange_strong(&strict_cell(strict, index)->word, &word,
		cell_become(word, CELL_FREE, 0));
}

/* Its consumer had it. */
static void end_taken(const struct strict *strict, uint32_t index, uint64_t word)
{
	if (strict->object.spec.on_death == REEVE_QUEUE_REDELIVER)
		cell_put_back(strict, index, word);
	else if (free_cell(strict, index, word))
		atomic_fetch_add(&strict->object.header->dropped, 1);
}

static int recover_cell(const struct strict *strict, uint32_t index, uint64_t word)
{
	int r;

	switch (cell_state(word)) {
	case CELL_WRITING: free_cell(strict, index, word); return 0;
	case CELL_OFFERED:
		/* Where the slot does not say that it is committed, it never was, or it has
		 * been taken, and then the cell has changed. */
		r = ring_is_committed(strict, index, word);
		if (r == 0)
			free_cell(strict, index, word);
		return r == -EUCLEAN ? r : 0;
	case CELL_COPYING:
	case CELL_GIVING: cell_put_back(strict, index, word); return 0;
	case CELL_READING:
	case CELL_TAKEN: end_taken(strict, index, word); return 0;
	default: return 0;
	}
}

/* Half closed is closed: it may have died in it. */
static int finish_closing(const struct strict *strict)
{
	int r = ring_is_closed(strict);

	return r == 1 ? ring_close(strict) : r;
}

int strict_recover(const struct queue_object *object, unsigned participant)
{
	struct strict strict;
	int failed = 0, r;

	strict_view(object, &strict);
	for (uint32_t i = 0; i < strict.count; i++) {
		uint64_t word = atomic_load(&strict_cell(&strict, i)->word);

		if (cell_owner(word) != participant)
			continue;
		r = recover_cell(&strict, i, word);
		if (r < 0)
			failed = r;
	}
	r = finish_closing(&strict);
	return r < 0 ? r : failed;
}
