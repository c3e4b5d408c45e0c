#include <errno.h>

#include "lib/base/interrupt.h"
#include "lib/arena/arena.h"

int reeve_arena_block_new(
	struct reeve_arena *arena, const char *name, size_t size, reeve_nsec timeout, void **ret)
{
	struct arena_object object;
	reeve_nsec deadline;
	int r;

	if (!arena || !ret)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	if (r == 0)
		r = arena_object_new(
			arena, ARENA_TYPE_BLOCK, name, size, NULL, NULL, deadline, &object);
	if (r == 0)
		*ret = object.memory;
	return r;
}

int reeve_arena_block_open(
	struct reeve_arena *arena, const char *name, void **ret, size_t *ret_size)
{
	struct arena_object object;
	int r;

	if (!arena || !ret)
		return -EFAULT;
	r = arena_object_find(arena, ARENA_TYPE_BLOCK, name, &object);
	if (r < 0)
		return r;
	*ret = object.memory;
	if (ret_size)
		*ret_size = (size_t)object.size;
	return 0;
}

int reeve_arena_block_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout)
{
	reeve_nsec deadline;
	int r;

	if (!arena)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	return r < 0 ? r : arena_object_remove(arena, ARENA_TYPE_BLOCK, name, deadline);
}
