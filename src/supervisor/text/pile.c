#include "text/pile.h"

#include <stdint.h>
#include <stdlib.h>

#define ALIGNMENT ((size_t)16)
#define FIRST_CHUNK ((size_t)2 << 10)
#define LARGEST_CHUNK ((size_t)64 << 10)

struct pile_chunk {
	struct pile_chunk *next;
	size_t size, used; /* of the bytes that follow */
	_Alignas(16) unsigned char bytes[];
};

static struct pile_chunk *add_chunk(struct pile *pile, size_t needed)
{
	size_t size = pile->chunks ? pile->chunks->size * 2 : FIRST_CHUNK;
	struct pile_chunk *chunk;

	if (size > LARGEST_CHUNK)
		size = LARGEST_CHUNK;
	if (size < needed)
		size = needed;
	chunk = malloc(sizeof *chunk + size);
	if (!chunk)
		return NULL;
	chunk->next = pile->chunks;
	chunk->size = size;
	chunk->used = 0;
	pile->chunks = chunk;
	return chunk;
}

void *pile_take(struct pile *pile, size_t size)
{
	struct pile_chunk *chunk = pile->chunks;
	void *memory;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = add_chunk(pile, size);
	if (!chunk)
		return NULL;
	memory = chunk->bytes + chunk->used;
	chunk->used += size;
	return memory;
}

/* The oldest chunk is the smallest, as a rule: it is what stays. */
void pile_clear(struct pile *pile)
{
	struct pile_chunk *chunk = pile->chunks, *next;

	for (; chunk && (chunk->next || chunk->size > LARGEST_CHUNK); chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	if (chunk)
		chunk->used = 0;
	pile->chunks = chunk;
}

void pile_deinit(struct pile *pile)
{
	for (struct pile_chunk *chunk = pile->chunks, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	pile->chunks = NULL;
}
