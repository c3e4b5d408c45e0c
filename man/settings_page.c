/* Prints the part of reeved.conf(5) that lists every key, from the one list there is. A test holds the page against
 * it; after a change of settings.def: `build/man/settings-page --insert man/reeved.conf.5`. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct setting {
	const char *section, *key, *type, *fallback, *doc;
} settings[] = {
#define ANY
#define LIMITS(least, most)
#define SETTING(section, key, type, fallback, limits, member, doc)                                 \
	{ #section, key, #type, fallback, doc },
#include "config/settings.def"
#undef SETTING
};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

static const struct section {
	const char *id, *name;
} sections[] = {
#define SECTION(id, name, draft) { #id, name },
#include "config/sections.def"
#undef SECTION
};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

static const struct type {
	const char *id, *word;
} types[] = {
#define TYPE(id, c_type, word) { #id, word },
#include "config/types.def"
#undef TYPE
};

static const char *word_of(const char *type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(types[i].id, type) == 0)
			return types[i].word;
	return type;
}

/* Text of mdoc: quotes and backslashes have escapes of their own. */
static void print_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '"')
			fputs("\\(dq", out);
		else
			fputc(*text, out);
	}
}

static void print_setting(FILE *out, const struct setting *setting)
{
	fprintf(out, ".It Ic %s\n", setting->key);
	print_text(out, setting->doc);
	fprintf(out, ".\nIt is %s", word_of(setting->type));
	if (setting->fallback && *setting->fallback) {
		fputs("; ", out);
		print_text(out, setting->fallback);
		fputs(" if not set", out);
	}
	fputs(".\n", out);
}

static size_t print_settings(FILE *out, const char *section)
{
	size_t count = 0;

	for (size_t i = 0; i < SETTINGS; i++) {
		if (strcmp(settings[i].section, section) != 0)
			continue;
		print_setting(out, &settings[i]);
		count++;
	}
	return count;
}

static void print_section(FILE *out, const struct section *section)
{
	size_t length = strlen(section->name);

	if (strcmp(section->id, "INSTANCE") == 0 || strcmp(section->id, "CTLPLUGIN") == 0)
		return; /* listed with PROGRAM; of plug-ins there are none */
	fprintf(out, ".Ss [%s%s]\n", section->name, section->name[length - 1] == ':' ? "NAME" : "");
	if (strcmp(section->id, "EVENTLISTENER") == 0 || strcmp(section->id, "FCGI_PROGRAM") == 0)
		fputs("All keys of\n.Ic [program:NAME] ,\nand these:\n", out);
	fputs(".Bl -tag -width Ds\n", out);
	print_settings(out, section->id);
	if (strcmp(section->id, "PROGRAM") == 0)
		print_settings(out, "INSTANCE");
	fputs(".El\n", out);
}

static const char begin[] = ".\\\" keys: begin\n", end[] = ".\\\" keys: end\n";

static void print_all(FILE *out)
{
	for (size_t i = 0; i < SECTIONS; i++)
		print_section(out, &sections[i]);
}

/* Put the list between the two marks of a page, in place of what is there. */
static int insert(const char *path)
{
	FILE *page = fopen(path, "r");
	char line[1024], *text = NULL;
	size_t size;
	FILE *copy = open_memstream(&text, &size);
	int inside = 0;

	if (!page || !copy) {
		perror(path);
		return 1;
	}
	while (fgets(line, sizeof line, page)) {
		if (strcmp(line, end) == 0)
			inside = 0;
		if (!inside)
			fputs(line, copy);
		if (strcmp(line, begin) == 0) {
			inside = 1;
			print_all(copy);
		}
	}
	fclose(page);
	fclose(copy);
	page = fopen(path, "w");
	if (!page || fwrite(text, 1, size, page) != size || fclose(page) != 0) {
		perror(path);
		return 1;
	}
	free(text);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--insert") == 0)
		return insert(argv[2]);
	print_all(stdout);
	return 0;
}
