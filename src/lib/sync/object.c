#include "lib/sync/object.h"

#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/fork.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"

static int make_handle(struct reeve_arena *arena, const struct sync_kind *kind, struct sync **ret)
{
	int r = fork_watch(); /* for thread_id() */

	if (r < 0)
		return r;
	*ret = sys_calloc(1, kind->handle_size);
	if (!*ret)
		return -ENOMEM;
	(*ret)->arena = arena;
	return 0;
}

/* The object has been found or made: believe it. */
static int fill_handle(
	struct sync *handle, const struct sync_kind *kind, const struct arena_object *object)
{
	handle->memory = object->memory;
	handle->size = object->size;
	if (object->size < kind->least)
		return -EUCLEAN;
	return kind->check ? kind->check(handle) : 0;
}

int sync_new(struct reeve_arena *arena, const char *name, const struct sync_kind *kind,
	uint64_t size, arena_init *init, void *data, reeve_nsec timeout, struct sync **ret)
{
	CLEANUP_FREE struct sync *handle = NULL;
	struct arena_object object;
	reeve_nsec deadline;
	int r;

	if (!arena)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	if (r == 0)
		r = make_handle(arena, kind, &handle);
	if (r == 0)
		r = arena_object_new(arena, kind->type, name, size, init, data, deadline, &object);
	if (r == 0)
		r = fill_handle(handle, kind, &object);
	if (r == 0)
		*ret = TAKE_PTR(handle);
	return r;
}

int sync_open(struct reeve_arena *arena, const char *name, const struct sync_kind *kind,
	struct sync **ret)
{
	CLEANUP_FREE struct sync *handle = NULL;
	struct arena_object object;
	int r;

	if (!arena)
		return -EFAULT;
	r = arena_object_find(arena, kind->type, name, &object);
	if (r == 0)
		r = make_handle(arena, kind, &handle);
	if (r == 0)
		r = fill_handle(handle, kind, &object);
	if (r == 0)
		*ret = TAKE_PTR(handle);
	return r;
}

int sync_remove(struct reeve_arena *arena, const char *name, const struct sync_kind *kind,
	reeve_nsec timeout)
{
	reeve_nsec deadline;
	int r;

	if (!arena)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	return r < 0 ? r : arena_object_remove(arena, kind->type, name, deadline);
}

reeve_nsec sync_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * REEVE_SEC + now.tv_nsec;
}

int sync_holder(struct reeve_arena *arena, unsigned participant, pid_t tid, reeve_nsec since,
	struct reeve_sync_holder *ret)
{
	struct reeve_arena_participant who;
	int r = reeve_arena_participant(arena, participant, &who);

	if (r < 0)
		return r == -ERANGE ? -EUCLEAN : r;
	*ret = (struct reeve_sync_holder){
		.participant = participant, .pid = who.pid, .tid = tid, .since = since
	};
	memcpy(ret->name, who.name, sizeof ret->name);
	return 0;
}
