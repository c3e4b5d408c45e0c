#include "config/settings.h"

#include <string.h>

#include "config/drafts.h"

#define SECTION(id, name, draft) typedef struct draft draft_of_##id;
#include "config/sections.def"
#undef SECTION

#define TYPE(id, c_type, phrase) typedef c_type type_of_##id;
#include "config/types.def"
#undef TYPE

/* The member's C type must be that of the row's type. */
#define SETTING(section, key, type, default_text, limits, member, doc)                             \
	_Static_assert(                                                                            \
		_Generic(((draft_of_##section *)NULL)->member, type_of_##type : 1, default : 0),   \
		"[" #section "] " key " is no " #type);
#include "config/settings.def"
#undef SETTING

#define ANY .minimum = INT64_MIN, .maximum = INT64_MAX
#define LIMITS(least, most) .minimum = (least), .maximum = (most)

const struct setting setting_rows[] = {
#define SETTING(section_id, key_text, type_id, default_value, limits, member, doc_text)            \
	{                                                                                          \
		.section = SECTION_##section_id,                                                   \
		.key = key_text,                                                                   \
		.type = TYPE_##type_id,                                                            \
		.default_text = default_value,                                                     \
		limits,                                                                            \
		.offset = offsetof(draft_of_##section_id, member),                                 \
		.doc = doc_text,                                                                   \
	},
#include "config/settings.def"
#undef SETTING
};

const size_t setting_count = sizeof setting_rows / sizeof *setting_rows;

const char *const section_names[SECTION_KIND_COUNT] = {
#define SECTION(id, name, draft) [SECTION_##id] = name,
#include "config/sections.def"
#undef SECTION
};

const char *const setting_type_phrases[SETTING_TYPE_COUNT] = {
#define TYPE(id, c_type, phrase) [TYPE_##id] = phrase,
#include "config/types.def"
#undef TYPE
};

const struct setting *setting_find(enum section_kind section, const char *key)
{
	for (size_t i = 0; i < setting_count; i++)
		if (setting_rows[i].section == section && strcmp(setting_rows[i].key, key) == 0)
			return &setting_rows[i];
	return NULL;
}
