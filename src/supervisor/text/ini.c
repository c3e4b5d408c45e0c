#include "text/ini.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/buffer.h"

int ini_init(struct ini *ini)
{
	*ini = (struct ini){ .arena = arena_new() };
	if (!ini->arena)
		return -ENOMEM;
	ini->defaults.name = "DEFAULT";
	return 0;
}

void ini_deinit(struct ini *ini)
{
	for (size_t i = 0; i < ini->count; i++)
		free(ini->sections[i].values);
	free(ini->defaults.values);
	free(ini->sections);
	free(ini->notes);
	arena_free(ini->arena);
	*ini = (struct ini){ 0 };
}

/* Make room for one element more in a vector; false: out of memory. */
static bool grow(void *vector, size_t count, size_t *capacity, size_t element)
{
	size_t larger = *capacity ? *capacity * 2 : 8;
	void *memory;

	if (count < *capacity)
		return true;
	memory = reallocarray(*(void **)vector, larger, element);
	if (!memory)
		return false;
	*(void **)vector = memory;
	*capacity = larger;
	return true;
}

bool ini_note_refuses(enum ini_note_kind kind)
{
	return kind <= INI_NO_DELIMITER;
}

struct ini_note *ini_add_note(struct ini *ini)
{
	if (!grow(&ini->notes, ini->note_count, &ini->note_capacity, sizeof *ini->notes))
		return NULL;
	return &ini->notes[ini->note_count++];
}

struct ini_section *ini_add_section(struct ini *ini, const char *name)
{
	if (!grow(&ini->sections, ini->count, &ini->capacity, sizeof *ini->sections))
		return NULL;
	ini->sections[ini->count] = (struct ini_section){ .name = name };
	return &ini->sections[ini->count++];
}

struct ini_value *ini_section_get(const struct ini_section *section, const char *key)
{
	for (size_t i = 0; i < section->count; i++)
		if (section->values[i].key == key || strcmp(section->values[i].key, key) == 0)
			return &section->values[i];
	return NULL;
}

const struct ini_value *ini_get(
	const struct ini *ini, const struct ini_section *section, const char *key)
{
	const struct ini_value *value = ini_section_get(section, key);

	return value ? value : ini_section_get(&ini->defaults, key);
}

struct ini_section *ini_find(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->count; i++)
		if (strcmp(ini->sections[i].name, name) == 0)
			return &ini->sections[i];
	return NULL;
}

int ini_set(struct ini_section *section, const struct ini_value *value)
{
	struct ini_value *old = ini_section_get(section, value->key);

	if (old) {
		*old = *value;
		return 0;
	}
	if (!grow(&section->values, section->count, &section->capacity, sizeof *section->values))
		return -ENOMEM;
	section->values[section->count++] = *value;
	return 0;
}

static const char *replace_here(struct ini *ini, const char *text, const char *here)
{
	static const char mark[] = "%(here)s";
	struct buffer buffer = BUFFER(SIZE_MAX / 2);
	const char *at, *result;

	while ((at = strstr(text, mark))) {
		buffer_add(&buffer, text, (size_t)(at - text));
		buffer_add_text(&buffer, here);
		text = at + sizeof mark - 1;
	}
	buffer_add_text(&buffer, text);
	result = buffer.error ? NULL : arena_intern_text(ini->arena, buffer_text(&buffer));
	buffer_deinit(&buffer);
	return result;
}

static int expand_value(struct ini *ini, struct ini_section *section, const struct ini_value *value,
	const char *here)
{
	struct ini_value replaced = *value;

	if (!strstr(value->text, "%(here)s"))
		return 0;
	replaced.text = replace_here(ini, value->text, here);
	return replaced.text ? ini_set(section, &replaced) : -ENOMEM;
}

int ini_expand_here(struct ini *ini, const char *here)
{
	for (size_t i = 0; i < ini->count; i++) {
		struct ini_section *section = &ini->sections[i];

		for (size_t k = 0; k < ini->defaults.count; k++) {
			const struct ini_value *value = &ini->defaults.values[k];
			int r = ini_section_get(section, value->key)
					? 0
					: expand_value(ini, section, value, here);

			if (r < 0)
				return r;
		}
		for (size_t k = 0; k < section->count; k++) {
			int r = expand_value(ini, section, &section->values[k], here);

			if (r < 0)
				return r;
		}
	}
	return 0;
}
