/* Memory that is released all at once, in which equal strings can be kept once. */
#ifndef TEXT_ARENA_H
#define TEXT_ARENA_H

#include <stddef.h>

struct arena;

/* NULL: out of memory. */
struct arena *arena_new(void);

/* Takes NULL, returns NULL. */
struct arena *arena_free(struct arena *arena);

/* Zeroed memory, aligned for any scalar; NULL: out of memory. A size of 0 gives a pointer too. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of a string of this length, with a NUL after it. */
char *arena_copy(struct arena *arena, const char *text, size_t length);

/* The one copy of these bytes, with a NUL after it: equal bytes give equal pointers, as long as the
 * arena is not sealed. Aligned for any scalar if `length` is a multiple of 8. */
const void *arena_intern(struct arena *arena, const void *bytes, size_t length);
const char *arena_intern_text(struct arena *arena, const char *text);

/* Forget which bytes are already there: what was kept stays, nothing more is shared. */
void arena_seal(struct arena *arena);

/* Bytes taken from the system. */
size_t arena_size(const struct arena *arena);

#endif
