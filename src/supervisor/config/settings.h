/* The table of all settings and its types; the rows are in settings.def. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

enum section_kind {
#define SECTION(id, name, draft) SECTION_##id,
#include "config/sections.def"
#undef SECTION
	SECTION_KIND_COUNT,
};

enum setting_type {
#define TYPE(id, c_type, phrase) TYPE_##id,
#include "config/types.def"
#undef TYPE
	SETTING_TYPE_COUNT,
};

struct setting {
	enum section_kind section;
	const char *key;
	enum setting_type type;
	const char *default_text; /* NULL: none */
	int64_t minimum, maximum;
	size_t offset; /* of the member in the section's draft */
	const char *doc;
};

extern const struct setting setting_rows[];
extern const size_t setting_count;

/* `[NAME` or `[NAME:` of each kind. */
extern const char *const section_names[SECTION_KIND_COUNT];

/* "a whole number", of each type. */
extern const char *const setting_type_phrases[SETTING_TYPE_COUNT];

/* The row of a key in a section of this kind; NULL: there is none. */
const struct setting *setting_find(enum section_kind section, const char *key);

#endif
