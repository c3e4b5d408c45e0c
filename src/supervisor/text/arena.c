#include "text/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Chunks are mapped, not taken from the heap: what a reading needs only for itself goes back whole, and does not
 * stay behind as holes between what is kept. */
#define PAGE ((size_t)4096)
#define FIRST_CHUNK ((size_t)4 << 10)
#define LARGEST_CHUNK ((size_t)64 << 10)
#define ALIGNMENT ((size_t)8)

struct chunk {
	struct chunk *next;
	size_t size, used; /* of the bytes that follow */
	_Alignas(8) unsigned char bytes[];
};

struct interned {
	const void *bytes; /* NULL: a free slot */
	size_t length;
	uint64_t hash;
};

struct arena {
	struct chunk *chunks; /* the one in use first */
	size_t next_chunk;
	size_t size;
	struct interned *index; /* open addressing, a power of two of slots, at most half full */
	size_t index_slots, index_count;
};

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof *arena);

	if (arena)
		arena->next_chunk = FIRST_CHUNK;
	return arena;
}

struct arena *arena_free(struct arena *arena)
{
	if (!arena)
		return NULL;
	for (struct chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		munmap(chunk, sizeof *chunk + chunk->size);
	}
	free(arena->index);
	free(arena);
	return NULL;
}

/* A block larger than a chunk gets one of its own, behind the chunk in use, whose rest stays in
 * use. */
static struct chunk *add_chunk(struct arena *arena, size_t needed)
{
	bool alone = needed > arena->next_chunk - sizeof(struct chunk);
	size_t whole = alone ? (needed + sizeof(struct chunk) + PAGE - 1) & ~(PAGE - 1)
			     : arena->next_chunk;
	struct chunk *chunk =
		mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (chunk == MAP_FAILED)
		return NULL;
	chunk->size = whole - sizeof *chunk;
	arena->size += whole;
	if (alone && arena->chunks) {
		chunk->next = arena->chunks->next;
		arena->chunks->next = chunk;
	} else {
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	if (!alone && arena->next_chunk < LARGEST_CHUNK)
		arena->next_chunk *= 2;
	return chunk;
}

static void *take(struct arena *arena, size_t size, size_t alignment)
{
	struct chunk *chunk = arena->chunks;
	size_t start = chunk ? (chunk->used + alignment - 1) & ~(alignment - 1) : 0;

	if (size > SIZE_MAX / 2)
		return NULL;
	if (!chunk || start > chunk->size || chunk->size - start < size) {
		chunk = add_chunk(arena, size);
		if (!chunk)
			return NULL;
		start = 0;
	}
	chunk->used = start + size;
	return chunk->bytes + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	return take(arena, size,
		ALIGNMENT); /* a mapping begins as zeros, and no byte is given out twice */
}

static void *copy(struct arena *arena, const void *bytes, size_t length, size_t alignment)
{
	char *memory = length < SIZE_MAX ? take(arena, length + 1, alignment) : NULL;

	if (!memory)
		return NULL;
	if (length)
		memcpy(memory, bytes, length);
	memory[length] = '\0';
	return memory;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
	return copy(arena, text, length, 1);
}

/* FNV-1a. */
static uint64_t hash_of(const unsigned char *bytes, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	return hash;
}

static struct interned *slot_for(
	struct interned *index, size_t slots, const void *bytes, size_t length, uint64_t hash)
{
	size_t i = hash & (slots - 1);

	while (index[i].bytes && (index[i].hash != hash || index[i].length != length ||
					 memcmp(index[i].bytes, bytes, length) != 0))
		i = (i + 1) & (slots - 1);
	return &index[i];
}

static bool grow_index(struct arena *arena)
{
	size_t slots = arena->index_slots ? arena->index_slots * 2 : 64;
	struct interned *index = calloc(slots, sizeof *index);

	if (!index)
		return false;
	for (size_t i = 0; i < arena->index_slots; i++) {
		const struct interned *old = &arena->index[i];

		if (old->bytes)
			*slot_for(index, slots, old->bytes, old->length, old->hash) = *old;
	}
	free(arena->index);
	arena->index = index;
	arena->index_slots = slots;
	return true;
}

const void *arena_intern(struct arena *arena, const void *bytes, size_t length)
{
	uint64_t hash = hash_of(bytes, length);
	struct interned *slot;

	if (arena->index_count * 2 >= arena->index_slots && !grow_index(arena))
		return NULL;
	slot = slot_for(arena->index, arena->index_slots, bytes, length, hash);
	if (!slot->bytes) {
		const void *kept = copy(arena, bytes, length, length % ALIGNMENT ? 1 : ALIGNMENT);

		if (!kept)
			return NULL;
		*slot = (struct interned){ .bytes = kept, .length = length, .hash = hash };
		arena->index_count++;
	}
	return slot->bytes;
}

const char *arena_intern_text(struct arena *arena, const char *text)
{
	return arena_intern(arena, text, strlen(text));
}

void arena_seal(struct arena *arena)
{
	free(arena->index);
	arena->index = NULL;
	arena->index_slots = arena->index_count = 0;
}

size_t arena_size(const struct arena *arena)
{
	return arena->size;
}
