/* Which types of objects there are. All are known to every process that has the library, so that
 * anybody can recover anything: also those of the layers above, by their names alone. */
#include <errno.h>

#include "lib/arena/arena.h"

const struct arena_type block_type = { .number = ARENA_TYPE_BLOCK };

static _Atomic(const struct arena_type *) types[ARENA_TYPES_MAX] = {
#define ROW(number, type) [ARENA_TYPE_##number] = &(type),
	ARENA_TYPES(ROW)
#undef ROW
};

const struct arena_type *arena_type(unsigned number)
{
	return number < ARENA_TYPES_MAX ? atomic_load(&types[number]) : NULL;
}

int arena_type_add(const struct arena_type *type)
{
	const struct arena_type *none = NULL;

	if (type->number == ARENA_TYPE_NONE || type->number >= ARENA_TYPES_MAX)
		return -EINVAL;
	return atomic_compare_exchange_strong(&types[type->number], &none, type) ? 0 : -EEXIST;
}
