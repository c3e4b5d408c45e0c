/* What the objects of reeve/sync.h have in common: a piece of an arena, and handles of it.
 *
 * A handle begins with struct sync. What a handle knows of the object's geometry it has read and
 * checked once, in `check`: nobody who scribbles in the arena later makes it look elsewhere. */
#ifndef LIB_SYNC_OBJECT_H
#define LIB_SYNC_OBJECT_H

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/arena/arena.h"
#include "reeve/sync.h"

struct sync {
	struct reeve_arena *arena;
	void *memory;
	uint64_t size;
};

struct sync_kind {
	unsigned type;
	size_t handle_size;
	uint64_t least; /* bytes of the smallest there can be */
	/* Take over the geometry; NULL: there is none. Returns 0 or -EUCLEAN. */
	int (*check)(struct sync *handle);
};

/* Make an object of `size` bytes and a handle of it. `init` and `data` as for arena_object_new(). */
int sync_new(struct reeve_arena *arena, const char *name, const struct sync_kind *kind,
	uint64_t size, arena_init *init, void *data, reeve_nsec timeout, struct sync **ret);

int sync_open(struct reeve_arena *arena, const char *name, const struct sync_kind *kind,
	struct sync **ret);

int sync_remove(struct reeve_arena *arena, const char *name, const struct sync_kind *kind,
	reeve_nsec timeout);

/* reeve_NAME_open(), _remove() and _free(), which are the same for all. */
#define SYNC_HANDLE_FUNCTIONS(name_, kind_)                                                        \
	int reeve_##name_##_open(                                                                  \
		struct reeve_arena *arena, const char *name, struct reeve_##name_ **ret)           \
	{                                                                                          \
		struct sync *sync;                                                                 \
		int r = ret ? sync_open(arena, name, kind_, &sync) : -EFAULT;                      \
                                                                                                   \
		if (r == 0)                                                                        \
			*ret = (struct reeve_##name_ *)sync;                                       \
		return r;                                                                          \
	}                                                                                          \
                                                                                                   \
	int reeve_##name_##_remove(                                                                \
		struct reeve_arena *arena, const char *name, reeve_nsec timeout)                   \
	{                                                                                          \
		return sync_remove(arena, name, kind_, timeout);                                   \
	}                                                                                          \
                                                                                                   \
	struct reeve_##name_ *reeve_##name_##_free(struct reeve_##name_ *handle)                   \
	{                                                                                          \
		free(handle);                                                                      \
		return NULL;                                                                       \
	}

static inline bool sync_is_timeout(reeve_nsec timeout)
{
	return timeout >= 0 || timeout == REEVE_FOREVER;
}

/* What a participant holds is given back before its place becomes free. So who sees that something
 * stayed a participant's all the time while its place was free, and nobody took it in between, knows
 * that somebody scribbled:
 *
 *	place = sync_place(arena, participant);
 *	... it is held by `participant` ...
 *	if (sync_is_nobodys(arena, participant, place))
 *		return -EUCLEAN; */
static inline uint64_t sync_place(const struct reeve_arena *arena, unsigned participant)
{
	return atomic_load(&arena_slot(arena, participant)->word);
}

static inline bool sync_is_nobodys(
	const struct reeve_arena *arena, unsigned participant, uint64_t place)
{
	return slot_state(place) == SLOT_FREE && sync_place(arena, participant) == place;
}

/* Coarse: 4 ms are as good as none where a person looks at it, and a quarter of the price. */
reeve_nsec sync_now(void);

/* Tell of a holder; `since` as it was written down. Returns 0; -EUCLEAN: no such participant. */
int sync_holder(struct reeve_arena *arena, unsigned participant, pid_t tid, reeve_nsec since,
	struct reeve_sync_holder *ret);


#endif
