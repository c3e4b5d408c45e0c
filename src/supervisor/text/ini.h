/* The file format: what Python's RawConfigParser makes of a text with `;` and `#` as inline
 * comments and duplicates allowed. Values stay as written: no expansion, no types. Several texts
 * can be read into one `struct ini`; later ones add to the sections of earlier ones. */
#ifndef TEXT_INI_H
#define TEXT_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "text/arena.h"

struct ini_value {
	const char *key;  /* in lower case */
	const char *text; /* may have newlines and empty lines */
	const char *file;
	unsigned line; /* of the key, from 1 */
};

struct ini_section {
	const char *name;
	const char *file; /* where it was first seen */
	unsigned line;
	struct ini_value
		*values; /* in order of first appearance; a later value replaces an earlier one */
	size_t count, capacity;
};

enum ini_note_kind {
	INI_NOT_UTF8,        /* refused: detail is empty */
	INI_BYTE_ORDER_MARK, /* refused: it hides the first section's bracket */
	INI_NUL,             /* refused: a NUL byte in a section's name, a key or a value */
	INI_NO_SECTION,      /* refused: text before the first section; detail is the line */
	INI_NO_DELIMITER,  /* refused: neither `=` nor `:`, or nothing before it; detail is the line
			    */
	INI_DUPLICATE_KEY, /* in the same text; detail is the key */
	INI_DUPLICATE_SECTION, /* in the same text; detail is the section's name */
	INI_TEXT_AFTER_HEADER, /* detail is that text */
	INI_COMMENT_CUT, /* an inline comment ends the value of `key`; detail is what was cut */
	INI_SWALLOWED,   /* an indented line was added to the value of `key`; detail is the line */
};

struct ini_note {
	enum ini_note_kind kind;
	const char *file;
	unsigned line;
	const char *section, *key; /* where the reader was; "" if in none */
	const char *detail;
	bool quoted; /* INI_COMMENT_CUT: inside an open quote */
	bool clear;  /* INI_COMMENT_CUT: it stands apart from the value, as a comment does */
};

struct ini {
	struct arena *arena; /* of all texts; equal names are one pointer */
	struct ini_section *sections;
	size_t count, capacity;
	struct ini_section defaults; /* [DEFAULT]: seen in every section */
	struct ini_note *notes;
	size_t note_count, note_capacity;
};

/* -ENOMEM. */
int ini_init(struct ini *ini);

/* Legal after a failed ini_init() too. */
void ini_deinit(struct ini *ini);

/* Read one text more. -EINVAL: refused, the notes say why (all reasons, not only the first);
 * -ENOMEM. */
int ini_parse(struct ini *ini, const char *file, const char *bytes, size_t length);

/* NULL: there is none of that name. The pointer is good until the next text is read. */
struct ini_section *ini_find(const struct ini *ini, const char *name);

/* The value of a key in a section or else in [DEFAULT]; NULL: in neither. `key` is in lower case.
 */
const struct ini_value *ini_get(
	const struct ini *ini, const struct ini_section *section, const char *key);

/* The same without [DEFAULT]. */
struct ini_value *ini_section_get(const struct ini_section *section, const char *key);

/* Replace literal `%(here)s` by a directory, in the values of all sections and in what they have
 * from [DEFAULT], as supervisord does after each file it includes. -ENOMEM. */
int ini_expand_here(struct ini *ini, const char *here);

/* For the parser: one more section or note, to be filled in (NULL: out of memory), and a value in place of the one that
 * the section has for its key (-ENOMEM). */
struct ini_section *ini_add_section(struct ini *ini, const char *name);
struct ini_note *ini_add_note(struct ini *ini);
int ini_set(struct ini_section *section, const struct ini_value *value);

/* Whether a note of this kind means that the text is refused. */
bool ini_note_refuses(enum ini_note_kind kind);

#endif
