/* Finding things by name, where a list may have tens of thousands. Names and things are borrowed; made once, for
 * as many as there are. */
#ifndef CORE_NAME_INDEX_H
#define CORE_NAME_INDEX_H

#include <stdbool.h>
#include <stddef.h>

struct name_index {
	size_t mask; /* the number of slots, a power of two, less 1 */
	struct name_slot {
		const char *name; /* NULL: none */
		void *thing;
	} *slots;
};

/* Room for `count` things. -ENOMEM. */
int name_index_init(struct name_index *index, size_t count);
void name_index_deinit(struct name_index *index);

/* False where there is one of this name already, which stays. No more than there is room for. */
bool name_index_add(struct name_index *index, const char *name, void *thing);

/* No-op where there is none. */
void name_index_remove(struct name_index *index, const char *name);

/* NULL: there is none; also in an index of zeroes. */
void *name_index_find(const struct name_index *index, const char *name);

#endif
