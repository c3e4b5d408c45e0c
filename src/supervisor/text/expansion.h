/* `%(name)s`: Python's % operator over a dictionary of strings and numbers, with every conversion,
 * flag, width and precision that it has. One thing is refused that Python allows: a conversion
 * without a name (`%s` alone), which would put the whole dictionary, environment and all, into the
 * value. */
#ifndef TEXT_EXPANSION_H
#define TEXT_EXPANSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/buffer.h"

struct expansion_name {
	const char *name;
	const char *text; /* NULL: a number */
	int64_t number;
};

/* A dictionary; what it does not have is looked up in its parent. Names and texts are borrowed. */
struct expansion_names {
	struct expansion_name *list;
	size_t count, capacity;
	const struct expansion_names *parent;
};

enum expansion_fault {
	EXPANSION_UNKNOWN_NAME, /* `name` is in no dictionary */
	EXPANSION_BAD_FORMAT,   /* for this reason */
};

struct expansion_error {
	enum expansion_fault fault;
	const char *name; /* of EXPANSION_UNKNOWN_NAME: in the format, not terminated */
	size_t name_length;
	const char *reason; /* of EXPANSION_BAD_FORMAT: a constant */
	size_t position;    /* where the conversion begins in the format, in bytes */
};

void expansion_names_deinit(struct expansion_names *names);

/* Set a name, in place of an older value of this dictionary. -ENOMEM. */
int expansion_set_text(struct expansion_names *names, const char *name, const char *text);
int expansion_set_number(struct expansion_names *names, const char *name, int64_t number);

/* Forget the names that the parent has too, so that they are the parent's again. */
void expansion_unshadow(struct expansion_names *names);

/* NULL: there is none. */
const struct expansion_name *expansion_find(
	const struct expansion_names *names, const char *name, size_t length);

/* Add the expanded format to `result`. -EINVAL with `ret_error`, -ENOMEM, -E2BIG (beyond the
 * buffer's limit). */
int expand(const char *format, const struct expansion_names *names, struct buffer *result,
	struct expansion_error *ret_error);

#endif
