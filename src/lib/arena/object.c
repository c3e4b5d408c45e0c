/* The objects of an arena: a table of entries, and room that they share.
 *
 * Who makes or removes an object has the structure's lock alone. An object is there once its
 * entry's word says so, and that is stored last: whoever is killed before has done nothing that
 * counts, and nothing has to be repaired. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/arena/arena.h"
#include "lib/arena/lock.h"

static unsigned word_type(uint64_t word)
{
	return (unsigned)(word & 0xffffffff);
}

/* The word of the same entry's next life: who holds on to an old one sees that it is. */
static uint64_t next_word(uint64_t word, unsigned type)
{
	return ((word >> 32) + 1) << 32 | type;
}

static uint64_t room_begin(const struct reeve_arena *arena)
{
	return layout_room(arena->participants, arena->objects);
}

static int resolve(
	const struct reeve_arena *arena, const struct object_entry *entry, struct arena_object *ret)
{
	/* Once: it may be another the next time. */
	struct arena_object object = {
		.offset = __atomic_load_n(&entry->offset, __ATOMIC_RELAXED),
		.size = __atomic_load_n(&entry->size, __ATOMIC_RELAXED),
	};

	if (object.size == 0 || object.size % ARENA_GRAIN)
		return -EUCLEAN;
	*ret = object;
	return arena_at(arena, object.offset, object.size, ARENA_GRAIN, &ret->memory);
}

int arena_objects_each(struct reeve_arena *arena, arena_visit *call, void *data)
{
	int r, failed = 0;

	for (unsigned i = 0; i < arena->objects; i++) {
		struct object_entry *entry = arena_entry(arena, i);
		unsigned type = word_type(atomic_load(&entry->word));
		struct arena_object object;

		if (type == ARENA_TYPE_NONE)
			continue;
		r = resolve(arena, entry, &object);
		if (r == 0)
			r = call(arena, type, &object, data);
		if (r < 0)
			failed = r; /* the others all the same */
	}
	return failed;
}

/* The entry of that name, and what its word was; NULL where there is none. */
static struct object_entry *find_entry(
	const struct reeve_arena *arena, const char *name, uint64_t *ret_word)
{
	for (unsigned i = 0; i < arena->objects; i++) {
		struct object_entry *entry = arena_entry(arena, i);
		uint64_t word = atomic_load(&entry->word);

		if (word_type(word) && strncmp(entry->name, name, ARENA_NAME_SIZE) == 0) {
			*ret_word = word;
			return entry;
		}
	}
	return NULL;
}

static struct object_entry *free_entry(const struct reeve_arena *arena)
{
	for (unsigned i = 0; i < arena->objects; i++)
		if (word_type(atomic_load(&arena_entry(arena, i)->word)) == ARENA_TYPE_NONE)
			return arena_entry(arena, i);
	return NULL;
}

struct gap {
	uint64_t begin, size;
	bool moved;
};

/* Move the gap behind an object that it would overlap. */
static int step_over(
	struct reeve_arena *arena, unsigned type, const struct arena_object *object, void *data)
{
	struct gap *gap = data;

	if (gap->begin < object->offset + object->size && object->offset < gap->begin + gap->size) {
		gap->begin = object->offset + object->size;
		gap->moved = true;
	}
	return 0;
}

/* The first place that has `size` bytes. */
static int find_room(struct reeve_arena *arena, uint64_t size, uint64_t *ret)
{
	struct gap gap = { .begin = room_begin(arena), .size = size };

	do {
		int r;

		if (size > arena->size - gap.begin)
			return -ENOSPC;
		gap.moved = false;
		r = arena_objects_each(arena, step_over, &gap);
		if (r < 0)
			return r;
	} while (gap.moved);
	*ret = gap.begin;
	return 0;
}

/* Have memory behind it, so that touching it cannot fail; zeroes, too. */
static int provide(struct reeve_arena *arena, const struct arena_object *object)
{
	struct arena_header *header = arena_header(arena);
	uint64_t fresh = atomic_load(&header->fresh), end = object->offset + object->size;
	int r;

	do
		r = sys_fallocate(arena->fd, 0, (off_t)object->offset, (off_t)object->size);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	if (fresh < end)
		atomic_store(&header->fresh, end); /* before anything is written there */
	if (fresh > object->offset)
		memset(object->memory, 0, fresh < end ? fresh - object->offset : object->size);
	return 0;
}

static int make_object(struct reeve_arena *arena, unsigned type, const char *name, uint64_t size,
	arena_init *init, void *data, struct arena_object *ret)
{
	struct arena_object object = { .size = (size + ARENA_GRAIN - 1) / ARENA_GRAIN *
					       ARENA_GRAIN };
	struct object_entry *entry;
	uint64_t word;
	int r;

	if (find_entry(arena, name, &word))
		return -EEXIST;
	entry = free_entry(arena);
	if (!entry)
		return -EDQUOT;
	r = find_room(arena, object.size, &object.offset);
	if (r == 0)
		r = arena_at(arena, object.offset, object.size, ARENA_GRAIN, &object.memory);
	if (r == 0)
		r = provide(arena, &object);
	if (r == 0 && init)
		r = init(arena, &object, data);
	if (r < 0)
		return r;
	entry->offset = object.offset;
	entry->size = object.size;
	memset(entry->name, 0, sizeof entry->name);
	memcpy(entry->name, name, strlen(name));
	atomic_store(&entry->word, next_word(atomic_load(&entry->word), type));
	*ret = object;
	return 0;
}

/* Both locks of the structure, and what undoes that. */
static int begin_change(struct reeve_arena *arena, reeve_nsec deadline)
{
	int r;

	pthread_mutex_lock(&arena->mutex);
	r = arena_lock_until(arena, STRUCTURE, F_WRLCK, deadline);
	if (r < 0)
		pthread_mutex_unlock(&arena->mutex);
	return r;
}

static void end_change(struct reeve_arena *arena)
{
	arena_unlock(arena, STRUCTURE);
	pthread_mutex_unlock(&arena->mutex);
}

int arena_object_new(struct reeve_arena *arena, unsigned type, const char *name, uint64_t size,
	arena_init *init, void *data, reeve_nsec deadline, struct arena_object *ret)
{
	int r = arena_check_name(name);

	if (r < 0)
		return r;
	if (size == 0 || type == ARENA_TYPE_NONE || type >= ARENA_TYPES_MAX)
		return -EINVAL;
	if (size > arena->size)
		return -ENOSPC;
	r = begin_change(arena, deadline);
	if (r < 0)
		return r;
	r = make_object(arena, type, name, size, init, data, ret);
	end_change(arena);
	return r;
}

/* Takes no lock: what was found is right if the word has stayed; otherwise somebody has just
 * removed it. */
int arena_object_find(
	struct reeve_arena *arena, unsigned type, const char *name, struct arena_object *ret)
{
	struct arena_object object;
	struct object_entry *entry;
	uint64_t word;
	int r = arena_check_name(name);

	if (r < 0)
		return r;
	entry = find_entry(arena, name, &word);
	if (!entry)
		return -ENOENT;
	r = resolve(arena, entry, &object);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load(&entry->word) != word)
		return -ENOENT;
	if (r < 0)
		return r;
	if (word_type(word) != type)
		return -EPROTOTYPE;
	*ret = object;
	return 0;
}

int arena_object_remove(
	struct reeve_arena *arena, unsigned type, const char *name, reeve_nsec deadline)
{
	struct object_entry *entry;
	uint64_t word;
	int r = arena_check_name(name);

	if (r < 0)
		return r;
	r = begin_change(arena, deadline);
	if (r < 0)
		return r;
	entry = find_entry(arena, name, &word);
	if (!entry)
		r = -ENOENT;
	else if (word_type(word) != type)
		r = -EPROTOTYPE;
	else
		atomic_store(&entry->word, next_word(word, ARENA_TYPE_NONE));
	end_change(arena);
	return r;
}
