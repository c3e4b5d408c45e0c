#include "core/name_index.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a: names are short. */
static size_t hash(const char *name)
{
	uint64_t value = UINT64_C(14695981039346656037);

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (size_t)(value ^ value >> 32);
}

int name_index_init(struct name_index *index, size_t count)
{
	size_t slots = 8;

	while (slots < 2 * count)
		slots *= 2;
	index->slots = calloc(slots, sizeof *index->slots);
	index->mask = slots - 1;
	return index->slots ? 0 : -ENOMEM;
}

void name_index_deinit(struct name_index *index)
{
	free(index->slots);
	*index = (struct name_index){ 0 };
}

/* Where it is, or would be. */
static struct name_slot *slot_of(const struct name_index *index, const char *name)
{
	size_t at = hash(name) & index->mask;

	while (index->slots[at].name && strcmp(index->slots[at].name, name) != 0)
		at = (at + 1) & index->mask;
	return &index->slots[at];
}

bool name_index_add(struct name_index *index, const char *name, void *thing)
{
	struct name_slot *slot = slot_of(index, name);

	if (slot->name)
		return false;
	*slot = (struct name_slot){ name, thing };
	return true;
}

void name_index_remove(struct name_index *index, const char *name)
{
	struct name_slot *slot = slot_of(index, name);
	size_t at = (size_t)(slot - index->slots);

	if (!slot->name)
		return;
	*slot = (struct name_slot){ 0 };
	/* Those behind it may be there only because its place was taken. */
	for (at = (at + 1) & index->mask; index->slots[at].name; at = (at + 1) & index->mask) {
		struct name_slot moved = index->slots[at];

		index->slots[at] = (struct name_slot){ 0 };
		name_index_add(index, moved.name, moved.thing);
	}
}

void *name_index_find(const struct name_index *index, const char *name)
{
	return index->slots ? slot_of(index, name)->thing : NULL;
}
