/* The arena from within the library: what queues, locks and pools are built on.
 *
 * An object is a named piece of the arena with a type. Handles keep its offset and size, as
 * arena_object_find() gave them, and reach it through arena_at() once. Offsets that objects
 * themselves store are read from memory that anybody can write: each goes through arena_at(),
 * too.
 *
 * Who holds what is recorded in the object as a participant's number (arena_self(); 0: nobody),
 * in the same atomic store that takes hold. When a participant died, each type's `recover` is
 * called for each object of the type: it gives back what that number holds, and wakes whoever
 * may wait for it. It has to be idempotent, since it may be killed at any instruction and is
 * then called again; other processes use the object meanwhile. */
#ifndef LIB_ARENA_ARENA_H
#define LIB_ARENA_ARENA_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/list.h"
#include "lib/arena/layout.h"
#include "reeve/arena.h"

struct reeve_arena {
	unsigned char *base;
	uint64_t size;
	unsigned participants, objects;
	int fd;

	/* Held by the thread that changes the structure or sweeps: the kernel's locks are the
	 * process's, not a thread's. */
	pthread_mutex_t mutex;

	/* What a forked child has to lose: see lock.c. */
	struct list link;
	int lock_fd;
	_Atomic unsigned self;                  /* this process's number; 0: it has no place */
	_Atomic(struct heartbeat_line *) pulse; /* its line, or `idle` */
	struct heartbeat_line idle;

	bool recovers_before_reap;

	/* Its name, if it has one: see name.c. */
	int name_fd;
	char name[ARENA_NAME_SIZE];
};

static inline struct arena_header *arena_header(const struct reeve_arena *arena)
{
	return (struct arena_header *)arena->base;
}

/* `number` is within 1 .. arena->participants */
static inline struct arena_slot *arena_slot(const struct reeve_arena *arena, unsigned number)
{
	return (struct arena_slot *)(arena->base + layout_slots()) + (number - 1);
}

static inline struct heartbeat_line *arena_line(const struct reeve_arena *arena, unsigned number)
{
	return (struct heartbeat_line *)(arena->base + layout_lines(arena->participants)) +
	       (number - 1);
}

static inline struct object_entry *arena_entry(const struct reeve_arena *arena, unsigned index)
{
	return (struct object_entry *)(arena->base + layout_entries(arena->participants)) + index;
}

/* The caller's number, at the price of a load; attaches if need be. Returns it, or as
 * reeve_arena_attach(). */
static inline int arena_self(struct reeve_arena *arena)
{
	unsigned self = atomic_load_explicit(&arena->self, memory_order_relaxed);

	return self ? (int)self : reeve_arena_self(arena);
}

/* The memory of `size` bytes at `offset`, which came from shared memory. Returns 0; -EUCLEAN
 * where it does not lie wholly among the objects, or `offset` is no multiple of `alignment` (a
 * power of two). */
int arena_at(const struct reeve_arena *arena, uint64_t offset, uint64_t size, uint64_t alignment,
	void **ret);

/* --- Types of objects ------------------------------------------------------------------------- */

#define ARENA_TYPES_MAX 32u

/* Numbers are part of the layout: new ones come last. Each with what the layer that it belongs to
 * defines. */
#define ARENA_TYPES(ROW)                                                                           \
	ROW(BLOCK, block_type)                                                                     \
	ROW(LOCK, sync_lock_type)                                                                  \
	ROW(RECURSIVE_LOCK, sync_recursive_lock_type)                                              \
	ROW(RWLOCK, sync_rwlock_type)                                                              \
	ROW(SEMAPHORE, sync_semaphore_type)                                                        \
	ROW(OWNED_SEMAPHORE, sync_owned_semaphore_type)                                            \
	ROW(EVENT, sync_event_type)                                                                \
	ROW(CONDITION, sync_condition_type)                                                        \
	ROW(BARRIER, sync_barrier_type)                                                            \
	ROW(QUEUE, queue_type)                                                                     \
	ROW(POOL, pool_table_type)

enum arena_type_number {
	ARENA_TYPE_NONE,
#define ROW(number, type) ARENA_TYPE_##number,
	ARENA_TYPES(ROW)
#undef ROW
};

struct arena_type {
	unsigned number; /* below ARENA_TYPES_MAX */
	/* Give back what a dead participant holds; NULL: nothing can be held. Returns 0, or a
	 * negative errno when it cannot be done now: the participant stays dead. Must not call
	 * anything that changes the arena's structure. */
	int (*recover)(
		struct reeve_arena *arena, void *object, uint64_t size, unsigned participant);
};

#define ROW(number, type) extern const struct arena_type type;
ARENA_TYPES(ROW)
#undef ROW

/* The type with this number, or NULL: those that the library has (types.c), and those added. */
const struct arena_type *arena_type(unsigned number);

/* Have one more, for tests. Returns 0, -EINVAL, -EEXIST. */
int arena_type_add(const struct arena_type *type);

/* --- Objects ---------------------------------------------------------------------------------- */

struct arena_object {
	void *memory; /* aligned to ARENA_GRAIN */
	uint64_t offset, size;
};

/* Fill a new object in, which is all zeroes and which nobody else sees yet. */
typedef int arena_init(struct reeve_arena *arena, const struct arena_object *object, void *data);

/* Make an object; there is none unless `init` (may be NULL) returned 0 and it came to the end.
 * -EINVAL, -ENAMETOOLONG, -EEXIST, -ENOSPC, -EDQUOT, -ETIMEDOUT, -EINTR, -EUCLEAN, or what
 * `init` returned. */
int arena_object_new(struct reeve_arena *arena, unsigned type, const char *name, uint64_t size,
	arena_init *init, void *data, reeve_nsec deadline, struct arena_object *ret);

/* Find one by its name. 0, -ENOENT, -EPROTOTYPE, -EUCLEAN, -EINVAL, -ENAMETOOLONG. */
int arena_object_find(
	struct reeve_arena *arena, unsigned type, const char *name, struct arena_object *ret);

int arena_object_remove(
	struct reeve_arena *arena, unsigned type, const char *name, reeve_nsec deadline);

/* Have `call` see each object; stops at a negative result. The structure's lock must be held. */
typedef int arena_visit(
	struct reeve_arena *arena, unsigned type, const struct arena_object *object, void *data);
int arena_objects_each(struct reeve_arena *arena, arena_visit *call, void *data);

/* --- Waiting ---------------------------------------------------------------------------------- */

/* How often a sleeper recovers the arena: a second. Tests that nobody is woken by that make it more. */
extern reeve_nsec arena_recheck;

/* Sleep while *word, in the arena, is `value`, at most until `deadline`; handlers of signals run
 * meanwhile. Every `arena_recheck` it recovers the arena, in case the one waited for is dead. May
 * return early: look again. Returns 0, -ETIMEDOUT, -EINTR. */
int arena_wait(
	struct reeve_arena *arena, _Atomic uint32_t *word, uint32_t value, reeve_nsec deadline);

/* Wake up to `count` of those that sleep on the word. Returns how many there were. */
int arena_wake(_Atomic uint32_t *word, unsigned count);

/* --- The parts of the arena ------------------------------------------------------------------- */

/* 1 to REEVE_ARENA_NAME_MAX bytes: 0, -EFAULT, -EINVAL, -ENAMETOOLONG. */
int arena_check_name(const char *name);

/* Let go of the name that a handle has, if it has one. */
void arena_name_release(struct reeve_arena *arena);

/* How long an attaching process that finds no place waits for one that is just being recovered: a
 * second. Tests make it more. */
extern reeve_nsec arena_patience;

/* As reeve_arena_recover(), with a deadline; the mutex must be held. */
int arena_recover_locked(struct reeve_arena *arena, reeve_nsec deadline);

#endif
