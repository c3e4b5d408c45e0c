/* Names that nothing knows, and lines that the parser did not take for what they look like. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/drafts.h"
#include "config/reader.h"
#include "text/units.h"

void lint_add(struct reader *reader, struct place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_add_key(
		reader->report, REPORT_LINT, place.file, place.line, place.key, format, arguments);
	va_end(arguments);
}

static bool is_server(enum section_kind kind)
{
	return kind == SECTION_UNIX_SERVER || kind == SECTION_INET_SERVER;
}

static bool takes_name(enum section_kind kind)
{
	const char *name = section_names[kind];

	return name[strlen(name) - 1] == ':';
}

bool section_kind(
	const struct ini_section *section, enum section_kind *ret_kind, const char **ret_name)
{
	for (enum section_kind kind = 0; kind < SECTION_KIND_COUNT; kind++) {
		if (!section_is(section, kind, ret_name) ||
			(!takes_name(kind) && !is_server(kind) && **ret_name))
			continue;
		*ret_kind = kind;
		return true;
	}
	return false;
}

static bool is_program(enum section_kind kind)
{
	return kind == SECTION_PROGRAM || kind == SECTION_EVENTLISTENER ||
	       kind == SECTION_FCGI_PROGRAM;
}

/* Whether a row of this kind may stand in a section of that kind. */
static bool row_fits(enum section_kind row, enum section_kind section)
{
	return row == section ||
	       (is_program(section) && (row == SECTION_PROGRAM || row == SECTION_INSTANCE));
}

static bool key_is_known(enum section_kind section, const char *key)
{
	for (size_t i = 0; i < setting_count; i++)
		if (row_fits(setting_rows[i].section, section) &&
			strcmp(setting_rows[i].key, key) == 0)
			return true;
	return false;
}

/* How far a name may be from another one to be meant by it. */
static size_t farthest(const char *name)
{
	size_t third = strlen(name) / 3;

	return third > 3 ? 3 : third;
}

/* The known key that is nearest; NULL: none is near. */
static const char *nearest_key(enum section_kind section, const char *key)
{
	size_t best = farthest(key) + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < setting_count; i++) {
		size_t distance = best;

		if (row_fits(setting_rows[i].section, section))
			distance = edit_distance(key, setting_rows[i].key, best);
		if (distance < best) {
			best = distance;
			nearest = setting_rows[i].key;
		}
	}
	return nearest;
}

/* A key that another kind of section knows. */
static const char *other_section(enum section_kind section, const char *key)
{
	for (size_t i = 0; i < setting_count; i++)
		if (!row_fits(setting_rows[i].section, section) &&
			strcmp(setting_rows[i].key, key) == 0)
			return section_names[setting_rows[i].section];
	return NULL;
}

static void lint_key(struct reader *reader, enum section_kind kind,
	const struct ini_section *section, const struct ini_value *value)
{
	const char *nearest = nearest_key(kind, value->key);
	const char *other = other_section(kind, value->key);

	if (key_is_known(kind, value->key))
		return;
	if (nearest)
		lint_add(reader, value_place(value), "unknown key in [%s], ignored; is %s meant?",
			section->name, nearest);
	else if (other)
		lint_add(reader, value_place(value),
			"this key of [%s%s] has no meaning in [%s] and is ignored", other,
			other[strlen(other) - 1] == ':' ? "x" : "", section->name);
	else
		lint_add(reader, value_place(value), "unknown key in [%s], ignored", section->name);
}

static void lint_keys(
	struct reader *reader, enum section_kind kind, const struct ini_section *section)
{
	if (kind == SECTION_RPCINTERFACE || kind == SECTION_CTLPLUGIN)
		return;
	for (size_t i = 0; i < section->count; i++)
		lint_key(reader, kind, section, &section->values[i]);
}

/* The keys of [DEFAULT] may be for any section. */
static void lint_defaults(struct reader *reader)
{
	const struct ini_section *defaults = &reader->ini.defaults;

	for (size_t i = 0; i < defaults->count; i++) {
		const struct ini_value *value = &defaults->values[i];
		bool known = false;

		for (size_t k = 0; k < setting_count && !known; k++)
			known = strcmp(setting_rows[k].key, value->key) == 0;
		if (!known)
			lint_add(reader, value_place(value),
				"no section knows this key of [DEFAULT]");
	}
}

/* A name up to its colon, in the memory of the reading; NULL: out of memory, which is told. */
static const char *before_colon(struct reader *reader, const char *name)
{
	const char *kept = arena_intern(reader->ini.arena, name, strcspn(name, ":"));

	reader->report->out_of_memory = reader->report->out_of_memory || !kept;
	return kept;
}

static const char *nearest_section(struct reader *reader, const struct ini_section *section)
{
	const char *name = before_colon(reader, section->name);
	size_t best = name ? farthest(name) + 1 : 0;
	const char *nearest = NULL;

	for (enum section_kind kind = 0; name && kind < SECTION_KIND_COUNT; kind++) {
		const char *known = before_colon(reader, section_names[kind]);
		size_t distance = known ? edit_distance(name, known, best) : best;

		if (distance < best) {
			best = distance;
			nearest = section_names[kind];
		}
	}
	return nearest;
}

static void lint_unknown_section(struct reader *reader, const struct ini_section *section)
{
	const char *nearest = nearest_section(reader, section);

	if (nearest)
		lint_add(reader, section_place(section),
			"unknown section [%s], ignored; is [%s%s] meant?", section->name, nearest,
			nearest[strlen(nearest) - 1] == ':' ? "NAME" : "");
	else
		lint_add(reader, section_place(section), "unknown section [%s], ignored",
			section->name);
}

static void lint_section(struct reader *reader, const struct ini_section *section)
{
	enum section_kind kind;
	const char *name;

	if (!section_kind(section, &kind, &name)) {
		lint_unknown_section(reader, section);
		return;
	}
	if (is_server(kind) && *name && *name != ':')
		lint_add(reader, section_place(section),
			"[%s] is taken for an [%s]; is [%s:%s] meant?", section->name,
			section_names[kind], section_names[kind], name);
	lint_keys(reader, kind, section);
	if (kind == SECTION_INCLUDE)
		for (size_t i = 0; i < section->count; i++)
			if (section->values[i].file != reader->main_file)
				lint_add(reader, value_place(&section->values[i]),
					"an [include] in an included file is ignored");
}

/* Whether an indented line that was added to the value above looks like a line of its own: a section's header, or a
 * key of this section. Variables of an environment may be named as keys are, but not in small letters. */
static bool looks_swallowed(struct reader *reader, const struct ini_note *note)
{
	struct ini_section line = { .name = note->section };
	size_t length = strcspn(note->detail, "=:");
	enum section_kind kind;
	const char *name;
	struct span key;
	char *lower;

	if (note->detail[0] == '[' && strchr(note->detail, ']')) {
		line.name = note->detail + 1;
		return section_kind(&line, &kind, &name) ||
		       strncmp(note->detail, "[supervisord]", 13) == 0 ||
		       strncmp(note->detail, "[include]", 9) == 0;
	}
	if (!note->detail[length] || !section_kind(&line, &kind, &name))
		return false;
	key = span_strip((struct span){ note->detail, note->detail + length });
	lower = arena_copy(reader->ini.arena, key.start, span_length(key));
	reader->report->out_of_memory = reader->report->out_of_memory || !lower;
	for (char *p = lower; p && *p && strcmp(note->key, "environment") != 0; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
	return lower && key_is_known(kind, lower);
}

static void lint_comment(struct reader *reader, const struct ini_note *note)
{
	struct place place = { note->file, note->line, note->key };
	bool matters = strcmp(note->key, "command") == 0 || strcmp(note->key, "environment") == 0;

	if (note->quoted)
		lint_add(reader, place,
			"the value is cut inside its quotes: %s is taken for a comment (a %c after "
			"a blank is)",
			quoted_text(reader, note->detail), note->detail[0]);
	else if (matters && !note->clear)
		lint_add(reader, place,
			"%s is taken for a comment and no part of the value (a %c after a blank "
			"begins one)",
			quoted_text(reader, note->detail), note->detail[0]);
}

static void lint_note(struct reader *reader, const struct ini_note *note)
{
	struct place place = { note->file, note->line, NULL };

	switch (note->kind) {
	case INI_DUPLICATE_KEY:
		lint_add(reader, place, "%s is set more than once in [%s]: the last one counts",
			note->detail, note->section);
		break;
	case INI_DUPLICATE_SECTION:
		lint_add(reader, place, "there is more than one [%s]: they are taken together",
			note->detail);
		break;
	case INI_TEXT_AFTER_HEADER:
		lint_add(reader, place, "%s after the section's header is ignored",
			quoted_text(reader, note->detail));
		break;
	case INI_SWALLOWED:
		if (looks_swallowed(reader, note))
			lint_add(reader, place,
				"%s became part of the value of %s above it, for the line is "
				"indented",
				quoted_text(reader, note->detail), note->key);
		break;
	case INI_COMMENT_CUT: lint_comment(reader, note); break;
	default: break;
	}
}

void lint_files(struct reader *reader)
{
	for (size_t i = 0; i < reader->ini.note_count; i++)
		lint_note(reader, &reader->ini.notes[i]);
	for (size_t i = 0; i < reader->ini.count; i++)
		lint_section(reader, &reader->ini.sections[i]);
	lint_defaults(reader);
}
