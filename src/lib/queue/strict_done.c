/* Messages that were got and are not done yet keep their cells: see task_done and join in queue.h. */
#include <errno.h>

#include "lib/queue/strict.h"

uint32_t thread_mark(void)
{
	static _Thread_local char mark;

	return (uint32_t)((uintptr_t)&mark >> 4);
}

struct oldest {
	bool found, own; /* own: the calling thread's */
	uint32_t index;
	uint64_t word;
};

static bool is_better(const struct oldest *best, bool own, uint64_t word)
{
	if (!best->found || own != best->own)
		return !best->found || own;
	return position_distance(cell_position(word), cell_position(best->word)) < 0;
}

/* `ret_stamp` is another one when a cell has changed. */
static struct oldest find_oldest(const struct strict *strict, unsigned self, uint64_t *ret_stamp)
{
	struct oldest best = { .found = false };
	uint64_t stamp = 0;

	for (uint32_t i = 0; i < strict->count; i++) {
		struct cell *cell = strict_cell(strict, i);
		uint64_t word = atomic_load(&cell->word);
		bool own;

		stamp = 31 * stamp + word;
		if (cell_state(word) != CELL_TAKEN || cell_owner(word) != self)
			continue;
		own = atomic_load_explicit(&cell->thread, memory_order_relaxed) == thread_mark();
		if (is_better(&best, own, word))
			best = (struct oldest){ true, own, i, word };
	}
	*ret_stamp = stamp;
	return best;
}

static bool free_cell(const struct strict *strict, struct oldest *taken)
{
	return atomic_compare_exchange_strong(&strict_cell(strict, taken->index)->word,
		&taken->word, cell_become(taken->word, CELL_FREE, 0));
}

int strict_task_done(void *state, unsigned self)
{
	struct strict *strict = state;
	uint64_t before, now = 0;

	for (unsigned i = 0; i < strict_tries(strict); i++) {
		struct oldest oldest;

		before = now;
		oldest = find_oldest(strict, self, &now);
		/* Cells are looked at one by one: another may have been got where it had looked. */
		if (!oldest.found && i > 0 && now == before)
			return -ENOMSG;
		if (oldest.found && free_cell(strict, &oldest))
			return 0;
	}
	return -EUCLEAN;
}

/* Whether there is a message in the cell that is committed and not done: 1, 0. */
static int is_pending(const struct strict *strict, uint32_t index)
{
	for (unsigned i = 0; i < strict_tries(strict); i++) {
		uint64_t word = atomic_load(&strict_cell(strict, index)->word);
		int r;

		switch (cell_state(word)) {
		case CELL_FREE:
		case CELL_WRITING: return 0;
		case CELL_OFFERED:
			r = ring_is_committed(strict, index, word);
			if (r != -EAGAIN)
				return r;
			break;
		default: return 1;
		}
	}
	return -EUCLEAN;
}

/* The number of commits so far. */
static int count_commits(const struct strict *strict, uint64_t *ret)
{
	uint64_t count = 0, at, slot;

	for (unsigned level = 0; level < strict->levels; level++) {
		int r = ring_tail(strict, level, &at, &slot);

		if (r < 0 && r != -ESHUTDOWN)
			return r;
		count += at;
	}
	*ret = count;
	return 0;
}

/* Looks at the cells one by one, first at that where the last look ended: each is waited for
 * once. If none was pending when it was looked at, and nothing was committed meanwhile, then
 * none was in the end. */
int strict_is_done(void *state)
{
	struct strict *strict = state;
	uint64_t before, after = 0;
	int r;

	do {
		uint32_t first = atomic_load_explicit(&strict->not_done, memory_order_relaxed);

		r = count_commits(strict, &before);
		for (uint32_t i = 0; r == 0 && i < strict->count; i++) {
			uint32_t index = (first + i) % strict->count;

			r = is_pending(strict, index);
			if (r == 1) {
				atomic_store_explicit(
					&strict->not_done, index, memory_order_relaxed);
				return 0;
			}
		}
		if (r == 0)
			r = count_commits(strict, &after);
		if (r < 0)
			return r;
	} while (before != after);
	return 1;
}
