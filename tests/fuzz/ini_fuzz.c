/* Any text is read or refused, and a text that was read is good UTF-8 without line ends in its names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "text/ini.h"
#include "text/unicode.h"

static void check_text(const char *text)
{
	size_t bad;

	if (!utf8_valid(text, strlen(text), &bad))
		abort();
}

static void check_section(const struct ini *ini, const struct ini_section *section)
{
	for (size_t i = 0; i < section->count; i++) {
		const struct ini_value *value = &section->values[i];

		check_text(value->key);
		check_text(value->text);
		if (!*value->key || strpbrk(value->key, "\n=:") || !value->line ||
			ini_section_get(section, value->key) != value)
			abort();
	}
	if (strpbrk(section->name, "\r\n"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ini ini;
	int r;

	if (ini_init(&ini) < 0)
		return 0;
	r = ini_parse(&ini, "first", (const char *)data, size / 2);
	if (r == 0)
		r = ini_parse(&ini, "second", (const char *)data + size / 2, size - size / 2);
	if (r == 0 && ini_expand_here(&ini, "/h") < 0)
		abort();
	for (size_t i = 0; r == 0 && i < ini.count; i++)
		check_section(&ini, &ini.sections[i]);
	if (r != 0 && r != -EINVAL)
		abort();
	ini_deinit(&ini);
	return 0;
}
