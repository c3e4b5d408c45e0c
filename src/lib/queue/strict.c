/* The strict form's functions, as form.h has them. */
#include "lib/queue/strict.h"

#include <errno.h>
#include <string.h>

#include "lib/base/sys.h"

static uint64_t whole_lines(uint64_t size)
{
	return (size + 63) / 64 * 64;
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* Where what is; the limits of the spec keep every product far from overflow. */
struct layout {
	uint32_t ring_size;
	uint64_t again, slots, cells, stride, end;
};

static struct layout lay_out(const struct reeve_queue_spec *spec)
{
	struct layout layout = { .ring_size = 1 };

	while (layout.ring_size <= spec->capacity)
		layout.ring_size *= 2;
	layout.again = spec->priorities * sizeof(struct ring);
	layout.slots = layout.again + 64;
	layout.cells = layout.slots + whole_lines(sizeof(uint64_t) * layout.ring_size *
					      (uint64_t)spec->priorities);
	layout.stride = whole_lines(sizeof(struct cell) + spec->message_max);
	layout.end = layout.cells + layout.stride * spec->capacity;
	return layout;
}

uint64_t strict_bytes(const struct reeve_queue_spec *spec)
{
	return lay_out(spec).end;
}

void strict_view(const struct queue_object *object, struct strict *ret)
{
	struct layout layout = lay_out(&object->spec);
	unsigned char *memory = object->memory;

	*ret = (struct strict){
		.object = *object,
		.rings = (struct ring *)memory,
		.again = (_Atomic uint64_t *)(memory + layout.again),
		.slots = (_Atomic uint64_t *)(memory + layout.slots),
		.cells = memory + layout.cells,
		.stride = layout.stride,
		.count = (uint32_t)object->spec.capacity,
		.ring_size = layout.ring_size,
		.levels = object->spec.priorities,
	};
}

static int check(const struct reeve_queue_spec *spec)
{
	(void)spec;
	return 0;
}

/* Each slot as if it had been used in the round before. */
static void init(const struct queue_object *object)
{
	struct strict strict;

	strict_view(object, &strict);
	for (unsigned level = 0; level < strict.levels; level++)
		for (uint32_t i = 0; i < strict.ring_size; i++)
			atomic_init(strict_slot(&strict, level, i),
				slot_of(i - (uint64_t)strict.ring_size, 0));
}

static int open_state(const struct queue_object *object, void **ret)
{
	struct strict *strict = sys_malloc(sizeof *strict);

	if (!strict)
		return -ENOMEM;
	strict_view(object, strict);
	*ret = strict;
	return 0;
}

static void free_state(void *state)
{
	free(state);
}

/* --- Slots that the caller holds -------------------------------------------------------------- */

enum { SLOT_WORD, SLOT_INDEX, SLOT_QUEUE };

static void fill_slot(const struct strict *strict, uint32_t index, uint64_t word, size_t size,
	bool redelivered, struct reeve_queue_slot *ret)
{
	*ret = (struct reeve_queue_slot){
		.data = strict_cell(strict, index)->data,
		.size = size,
		.priority = cell_level(word),
		.redelivered = redelivered,
		.reserved = { word, index, (uintptr_t)strict->cells },
	};
}

/* The cell of a slot that is the caller's and in that state, else NULL. */
static struct cell *slot_holder(const struct strict *strict, unsigned self,
	const struct reeve_queue_slot *slot, enum cell_state state)
{
	uint64_t word = slot->reserved[SLOT_WORD];
	struct cell *cell;

	if (slot->reserved[SLOT_QUEUE] != (uintptr_t)strict->cells ||
		slot->reserved[SLOT_INDEX] >= strict->count || cell_owner(word) != self ||
		cell_state(word) != state)
		return NULL;
	cell = strict_cell(strict, (uint32_t)slot->reserved[SLOT_INDEX]);
	return atomic_load_explicit(&cell->word, memory_order_relaxed) == word ? cell : NULL;
}

/* From that word to FREE, once. Another position than before tells the next claim from this. */
static int end_slot(struct cell *cell, uint64_t word)
{
	uint64_t end = cell_word((cell_position(word) + 1) & POSITION_MASK, 0, CELL_FREE, 0);

	return atomic_compare_exchange_strong(&cell->word, &word, end) ? 0 : -EINVAL;
}

/* --- Putting ---------------------------------------------------------------------------------- */

/* A free cell, unless the level is closed. */
static int claim(struct strict *strict, unsigned self, unsigned level, uint32_t *ret_index,
	uint64_t *ret_word)
{
	uint64_t at, slot;
	int r = ring_tail(strict, level, &at, &slot);

	return r < 0 ? r : cell_claim(strict, self, ret_index, ret_word);
}

static int commit_cell(struct strict *strict, unsigned self, uint32_t index, size_t size,
	unsigned level)
{
	struct cell *cell = strict_cell(strict, index);
	int r;

	atomic_store_explicit(&cell->size, (uint32_t)size, memory_order_relaxed);
	r = ring_commit(strict, level, index, self);
	if (r < 0)
		atomic_store(&cell->word, cell_word(0, 0, CELL_FREE, 0));
	else
		strict_fetch(strict_cell(strict, index + 1 == strict->count ? 0 : index + 1));
	return r;
}

static int put(void *state, unsigned self, const void *data, size_t size, unsigned priority)
{
	struct strict *strict = state;
	uint32_t index;
	uint64_t word;
	int r = claim(strict, self, priority, &index, &word);

	if (r < 0)
		return r;
	if (size)
		memcpy(strict_cell(strict, index)->data, data, size);
	return commit_cell(strict, self, index, size, priority);
}

static int reserve(void *state, unsigned self, size_t size, unsigned priority,
	struct reeve_queue_slot *ret)
{
	struct strict *strict = state;
	uint32_t index;
	uint64_t word;
	int r = claim(strict, self, priority, &index, &word);

	if (r < 0)
		return r;
	fill_slot(strict, index, word, size, false, ret);
	ret->priority = priority;
	return 0;
}

static int commit(void *state, unsigned self, const struct reeve_queue_slot *slot, size_t used)
{
	struct strict *strict = state;

	if (slot->priority >= strict->levels ||
		!slot_holder(strict, self, slot, CELL_WRITING))
		return -EINVAL;
	if (used > slot->size || used > strict->object.spec.message_max)
		return -EMSGSIZE;
	return commit_cell(
		strict, self, (uint32_t)slot->reserved[SLOT_INDEX], used, slot->priority);
}

static int cancel(void *state, unsigned self, const struct reeve_queue_slot *slot)
{
	struct cell *cell = slot_holder(state, self, slot, CELL_WRITING);

	return cell ? end_slot(cell, slot->reserved[SLOT_WORD]) : -EINVAL;
}

/* --- Getting ---------------------------------------------------------------------------------- */

struct taken {
	uint32_t index;
	uint64_t word;
	size_t size;
	bool redelivered;
};

/* Take the message whose cell had `word`, if it is no longer than `room`. -EAGAIN: it changed. */
static int take_cell(const struct strict *strict, struct taken *at, enum cell_state as,
	unsigned self, size_t room)
{
	struct cell *cell = strict_cell(strict, at->index);
	uint64_t word = at->word;

	at->size = atomic_load_explicit(&cell->size, memory_order_acquire);
	if (at->size > room || at->size > strict->object.spec.message_max) {
		if (atomic_load(&cell->word) != word)
			return -EAGAIN;
		return at->size > strict->object.spec.message_max ? -EUCLEAN : -EMSGSIZE;
	}
	at->word = cell_become(word, as, self);
	return atomic_compare_exchange_strong(&cell->word, &word, at->word) ? 0 : -EAGAIN;
}

static int take_from_ring(const struct strict *strict, unsigned level, struct taken *at,
	enum cell_state as, unsigned self, size_t room)
{
	for (unsigned i = 0; i < strict_tries(strict); i++) {
		int r = ring_head(strict, level, &at->index, &at->word);

		if (r < 0)
			return r;
		r = take_cell(strict, at, as, self, room);
		if (r == 0)
			ring_taken(strict, level, cell_position(at->word));
		if (r != -EAGAIN)
			return r;
	}
	return -EUCLEAN;
}

/* All levels are closed and empty: whether that is the end. Who frees a message looks at
 * header->closed afterwards, and this is set before the message is looked for. */
static int told_closed(const struct strict *strict, unsigned self)
{
	atomic_store(&strict->object.header->closed, 1);
	return cell_may_come_back(strict, self) ? -EAGAIN : -ESHUTDOWN;
}

/* The rings from the highest level down to `last`. */
static int take_from_rings(const struct strict *strict, unsigned last, struct taken *ret,
	enum cell_state as, unsigned self, size_t room)
{
	unsigned closed = 0;

	for (unsigned level = strict->levels; level-- > last;) {
		int r = take_from_ring(strict, level, ret, as, self, room);

		if (r != -EAGAIN && r != -ESHUTDOWN)
			return r;
		closed += r == -ESHUTDOWN;
	}
	if (closed == 0)
		return -EAGAIN;
	if (closed < strict->levels - last) {
		int r = ring_close(strict); /* whoever began it may be dead */

		return r < 0 ? r : -EAGAIN;
	}
	return last == 0 ? told_closed(strict, self) : -EAGAIN;
}

/* The first message there is: the highest level, and of that what is delivered again. */
static int take(const struct strict *strict, struct taken *ret, enum cell_state as, unsigned self,
	size_t room)
{
	for (unsigned i = 0; i < strict_tries(strict); i++) {
		struct taken again = { .redelivered = true };
		int r = cell_again(strict, &again.index, &again.word);

		ret->redelivered = false;
		if (r == -EAGAIN)
			return take_from_rings(strict, 0, ret, as, self, room);
		if (r < 0)
			return r;
		r = take_from_rings(strict, cell_level(again.word) + 1, ret, as, self, room);
		if (r != -EAGAIN)
			return r;
		r = take_cell(strict, &again, as, self, room);
		*ret = again;
		if (r != -EAGAIN)
			return r;
	}
	return -EUCLEAN;
}

static int get(void *state, unsigned self, void *data, size_t size, size_t *ret_size)
{
	struct strict *strict = state;
	struct taken taken;
	struct cell *cell;
	int r = take(strict, &taken, CELL_COPYING, self, size);

	if (r == -EMSGSIZE)
		*ret_size = taken.size;
	if (r < 0)
		return r;
	cell = strict_cell(strict, taken.index);
	if (taken.size)
		memcpy(data, cell->data, taken.size);
	*ret_size = taken.size;
	if (strict->object.spec.joinable) {
		atomic_store_explicit(&cell->thread, thread_mark(), memory_order_relaxed);
		atomic_store(&cell->word, cell_become(taken.word, CELL_TAKEN, self));
	} else {
		atomic_store(&cell->word, cell_become(taken.word, CELL_FREE, 0));
	}
	return 0;
}

static int peek(void *state, unsigned self, struct reeve_queue_slot *ret)
{
	struct strict *strict = state;
	struct taken taken;
	int r = take(strict, &taken, CELL_READING, self, SIZE_MAX);

	if (r == 0)
		fill_slot(strict, taken.index, taken.word, taken.size, taken.redelivered, ret);
	return r;
}

static int release(void *state, unsigned self, const struct reeve_queue_slot *slot)
{
	struct cell *cell = slot_holder(state, self, slot, CELL_READING);

	return cell ? end_slot(cell, slot->reserved[SLOT_WORD]) : -EINVAL;
}

static int give_back(void *state, unsigned self, const struct reeve_queue_slot *slot)
{
	struct strict *strict = state;

	if (!slot_holder(strict, self, slot, CELL_READING))
		return -EINVAL;
	return cell_put_back(strict, (uint32_t)slot->reserved[SLOT_INDEX],
		       slot->reserved[SLOT_WORD])
		       ? 0
		       : -EINVAL;
}

/* --- What is there ---------------------------------------------------------------------------- */

/* The tail first: what it counts beyond the head that is found then was all there at once. */
static ssize_t level_size(const struct strict *strict, unsigned level)
{
	uint64_t tail, slot, word;
	uint32_t cell;
	int64_t count;
	int r = ring_tail(strict, level, &tail, &slot);

	if (r == 0 || r == -ESHUTDOWN)
		r = ring_head(strict, level, &cell, &word);
	if (r < 0)
		return r == -EAGAIN || r == -ESHUTDOWN ? 0 : r;
	count = position_distance(tail, cell_position(word));
	if (count < 0)
		return 0;
	return count > (int64_t)strict->count ? (ssize_t)strict->count : (ssize_t)count;
}

static ssize_t count_again(const struct strict *strict)
{
	ssize_t count = 0;

	if (atomic_load(strict->again) & 1)
		for (uint32_t i = 0; i < strict->count; i++)
			count += cell_state(atomic_load(&strict_cell(strict, i)->word)) ==
				 CELL_REDELIVER;
	return count;
}

static ssize_t size(void *state)
{
	struct strict *strict = state;
	ssize_t count = count_again(strict);

	for (unsigned level = 0; level < strict->levels; level++) {
		ssize_t here = level_size(strict, level);

		if (here < 0)
			return here;
		count += here;
	}
	return count;
}

static int is_full(void *state)
{
	struct strict *strict = state;

	for (uint32_t i = 0; i < strict->count; i++)
		if (cell_state(atomic_load(&strict_cell(strict, i)->word)) == CELL_FREE)
			return 0;
	return 1;
}

static uint64_t stamp(void *state, bool for_room)
{
	const struct strict *strict = state;
	uint64_t stamp = atomic_load(strict->again) >> 1, at = 0, slot;

	for (unsigned level = 0; level < strict->levels; level++)
		if (ring_tail(strict, level, &at, &slot) != -EUCLEAN)
			stamp += at;
	for (uint32_t i = 0; for_room && i < strict->count; i++)
		stamp = 31 * stamp + atomic_load(&strict_cell(strict, i)->word);
	return stamp;
}

static void statistics(void *state, struct reeve_queue_statistics *ret)
{
	struct strict *strict = state;
	struct queue_header *header = strict->object.header;

	*ret = (struct reeve_queue_statistics){
		.redelivered = atomic_load(&header->redelivered),
		.dropped = atomic_load(&header->dropped),
	};
	(void)size(state); /* brings heads and tails up to date */
	for (unsigned level = 0; level < strict->levels; level++) {
		ret->got += atomic_load(&strict->rings[level].head) & POSITION_MASK;
		ret->put += atomic_load(&strict->rings[level].tail) & POSITION_MASK;
	}
}

static int is_closed(void *state)
{
	return ring_is_closed(state);
}

static int close_queue(void *state)
{
	return ring_close(state);
}

static int is_over(void *state, unsigned self)
{
	struct strict *strict = state;

	for (unsigned level = 0; level < strict->levels; level++) {
		uint32_t cell;
		uint64_t word;
		int r = ring_head(strict, level, &cell, &word);

		if (r != -ESHUTDOWN)
			return r == -EUCLEAN ? r : 0;
	}
	return told_closed(strict, self) == -ESHUTDOWN;
}

const struct queue_form queue_strict = {
	.check = check,
	.bytes = strict_bytes,
	.init = init,
	.open = open_state,
	.free = free_state,
	.put = put,
	.get = get,
	.reserve = reserve,
	.commit = commit,
	.cancel = cancel,
	.peek = peek,
	.release = release,
	.give_back = give_back,
	.size = size,
	.is_full = is_full,
	.stamp = stamp,
	.statistics = statistics,
	.close = close_queue,
	.is_closed = is_closed,
	.is_over = is_over,
	.task_done = strict_task_done,
	.is_done = strict_is_done,
	.recover = strict_recover,
};
