/* Memory that is taken bit by bit, released all at once, and then used again: for what lives as long as a request.
 * Unlike an arena (text/arena.h) it stays on the heap, and a pile that was cleared asks the system for nothing. */
#ifndef TEXT_PILE_H
#define TEXT_PILE_H

#include <stddef.h>

struct pile_chunk;

/* Begins as zeroes. */
struct pile {
	struct pile_chunk *chunks; /* the one in use first */
};

/* Memory aligned for any scalar, not zeroed; NULL: out of memory. */
void *pile_take(struct pile *pile, size_t size);

/* Everything that was taken is void from here on. A little memory stays, to be used again. */
void pile_clear(struct pile *pile);

void pile_deinit(struct pile *pile);

#endif
