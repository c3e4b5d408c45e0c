/* One reading from its request to its result: what the parts share is set up here, files are read
 * and included. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/drafts.h"
#include "config/reader.h"
#include "config/request.h"

static const char *keep(struct reader *reader, const char *text)
{
	return arena_intern_text(reader->arena, text);
}

static int name_environment(struct reader *reader)
{
	for (const char *const *variable = reader->request->environment; variable && *variable;
		variable++) {
		const char *equals = strchr(*variable, '=');
		CLEANUP_BUFFER struct buffer name = BUFFER(SIZE_MAX / 2);
		const char *kept;

		if (!equals)
			continue;
		if (strncmp(*variable, "HOME=", 5) == 0)
			reader->home = equals + 1;
		buffer_add_text(&name, "ENV_");
		buffer_add(&name, *variable, (size_t)(equals - *variable));
		kept = name.error ? NULL : arena_intern_text(reader->ini.arena, buffer_text(&name));
		if (!kept || expansion_set_text(&reader->environment, kept, equals + 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int init_reader(struct reader *reader)
{
	struct config *config = calloc(1, sizeof *config);
	int r;

	if (!config)
		return -ENOMEM;
	reader->config = config;
	config->arena = reader->arena = arena_new();
	if (!reader->arena)
		return -ENOMEM;
	r = ini_init(&reader->ini);
	if (r == 0)
		r = name_environment(reader);
	if (r < 0)
		return r;
	config->file = keep(reader, reader->request->path);
	config->here = config->file ? directory_name(reader, config->file) : NULL;
	config->here = config->here ? absolute_path(reader, config->here) : NULL;
	if (!config->here)
		return -ENOMEM;
	reader->here.parent = &reader->environment;
	return expansion_set_text(&reader->here, "here", config->here);
}

static void deinit_reader(struct reader *reader)
{
	expansion_names_deinit(&reader->environment);
	expansion_names_deinit(&reader->here);
	buffer_deinit(&reader->value);
	ini_deinit(&reader->ini);
	config_free(reader->config);
}

static const char *note_text(const struct ini_note *note)
{
	switch (note->kind) {
	case INI_NOT_UTF8: return "this line is no UTF-8 text";
	case INI_BYTE_ORDER_MARK:
		return "the file begins with a byte order mark, which hides its first line: save "
		       "it without";
	case INI_NUL: return "a NUL byte";
	case INI_NO_SECTION:
		return "there is no section header such as [supervisord] before this line";
	default:
		return "this line is neither `key=value` nor a [section], nor indented to continue "
		       "the one above";
	}
}

/* Tell what the parser refused in the notes from `first` on. */
static int refuse_text(struct reader *reader, size_t first)
{
	for (size_t i = first; i < reader->ini.note_count; i++) {
		const struct ini_note *note = &reader->ini.notes[i];
		struct place place = { note->file, note->line, NULL };

		if (!ini_note_refuses(note->kind))
			continue;
		if (*note->detail)
			reader_refuse(reader, place, "%s: %s", note_text(note),
				quoted_text(reader, note->detail));
		else
			reader_refuse(reader, place, "%s", note_text(note));
	}
	return 0;
}

static int parse_text(struct reader *reader, const char *file, const struct config_answer *text)
{
	size_t first = reader->ini.note_count;
	int r = ini_parse(&reader->ini, file, text->bytes, text->length);

	return r == -EINVAL ? refuse_text(reader, first) : r;
}

static int read_main_file(struct reader *reader)
{
	const char *path = reader->request->path;
	struct config_answer text;
	int r = reader->source->read(reader->source->context, path, &text);

	if (r == -ENOMEM)
		return r;
	if (r == -ENOENT || r == -ENOTDIR)
		return reader_refuse(
			reader, (struct place){ 0 }, "could not find config file %s", path);
	if (r < 0)
		return reader_refuse(reader, (struct place){ 0 },
			"could not read config file %s: %s", path, strerror(-r));
	r = parse_text(reader, path, &text);
	free(text.bytes);
	return r;
}

/* supervisord passes over an included file that cannot be read. */
static int read_included_file(struct reader *reader, struct place place, const char *path)
{
	const char *directory = directory_name(reader, path);
	struct config_answer text;
	int r;

	report_add(reader->report, REPORT_INFO, NULL, 0,
		"Included extra file \"%s\" during parsing", path);
	r = reader->source->read(reader->source->context, path, &text);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		report_add(reader->report, REPORT_LINT, place.file, place.line,
			"the included file %s is passed over, for it cannot be read: %s", path,
			strerror(-r));
	} else {
		r = parse_text(reader, path, &text);
		free(text.bytes);
		if (r < 0)
			return r;
	}
	directory = directory ? absolute_path(reader, directory) : NULL;
	return directory ? ini_expand_here(&reader->ini, directory) : -ENOMEM;
}

static int remember_included(struct reader *reader, const char *path)
{
	struct config *config = reader->config;
	size_t count = config->included_count;
	const char **list;

	/* Doubled at each power of two; the old vector stays behind in the arena. */
	if ((count & (count - 1)) == 0) {
		list = arena_alloc(reader->arena, (count ? count * 2 : 1) * sizeof *list);
		if (!list)
			return -ENOMEM;
		if (count)
			memcpy(list, reader->included, count * sizeof *list);
		config->included = reader->included = list;
	}
	reader->included[count] = keep(reader, path);
	if (!reader->included[count])
		return -ENOMEM;
	config->included_count++;
	return 0;
}

static int include_pattern(struct reader *reader, struct place place, const char *pattern)
{
	struct config_answer found;
	int r = reader->source->glob(reader->source->context, pattern, &found);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		reader_refuse(reader, place, "cannot look for %s: %s", pattern, strerror(-r));
		return 0;
	}
	if (found.length == 0)
		report_add(reader->report, REPORT_WARNING, place.file, place.line,
			"No file matches via include \"%s\"", pattern);
	for (size_t at = 0; at < found.length && r == 0; at += strlen(found.bytes + at) + 1) {
		r = remember_included(reader, found.bytes + at);
		if (r == 0)
			r = read_included_file(reader, place, found.bytes + at);
	}
	free(found.bytes);
	return r;
}

static int include_patterns(struct reader *reader, struct place place, const char *text)
{
	const char *base = absolute_path(reader, reader->config->file);
	struct span rest = span_of(text);

	base = base ? directory_name(reader, base) : NULL;
	if (!base)
		return -ENOMEM;
	for (;;) {
		CLEANUP_BUFFER struct buffer pattern = BUFFER(SIZE_MAX / 2);
		const char *start;
		int r;

		rest = span_strip(rest);
		if (rest.start == rest.end)
			return 0;
		start = rest.start;
		while (rest.start < rest.end && !space_at(rest.start, rest.end))
			rest.start++;
		if (*start != '/')
			buffer_print(
				&pattern, "%s%s", base, base[strlen(base) - 1] == '/' ? "" : "/");
		buffer_add(&pattern, start, (size_t)(rest.start - start));
		r = pattern.error ? -ENOMEM : include_pattern(reader, place, buffer_text(&pattern));
		if (r < 0)
			return r;
	}
}

static int include_files(struct reader *reader)
{
	const struct ini_section *section = ini_find(&reader->ini, "include");
	struct expansion_names names = { .parent = &reader->here };
	struct include_draft draft = { 0 };
	struct place place;
	int r;

	if (!section)
		return 0;
	r = ini_expand_here(&reader->ini, reader->config->here);
	if (r < 0)
		return r;
	if (!ini_get(&reader->ini, section, "files"))
		return reader_refuse(reader, section_place(section),
			".ini file has [include] section, but no files setting");
	place = setting_place(reader, section, "files");
	r = expansion_set_text(&names, "host_node_name", reader->host_name);
	if (r == 0)
		r = read_settings(reader, SECTION_INCLUDE, section, &names, &draft);
	expansion_names_deinit(&names);
	return r < 0 ? r : include_patterns(reader, place, draft.files);
}

static int begin_files(struct reader *reader)
{
	int r = read_main_file(reader);

	reader->main_file = reader->ini.count ? reader->ini.sections[0].file : NULL;
	return r;
}

int read_files(struct reader *reader)
{
	int r = begin_files(reader);

	return r < 0 ? r : include_files(reader);
}

static int read_parts(struct reader *reader)
{
	static int (*const parts[])(struct reader *) = {
		finish_supervisord,
		read_rpcinterfaces,
		read_groups,
		read_servers,
		read_supervisorctl,
	};
	const struct ini_section *section = ini_find(&reader->ini, "supervisord");
	int result = 0;

	if (!section)
		return reader_refuse(reader, (struct place){ reader->request->path, 0, NULL },
			".ini file does not include supervisord section");
	result = read_supervisord(reader, section);
	for (size_t i = 0; i < sizeof parts / sizeof *parts && result != -ENOMEM; i++) {
		int r = parts[i](reader);

		result = r < 0 ? r : result;
	}
	return result;
}

static int read_all(struct reader *reader)
{
	int r = init_reader(reader);

	if (r == 0)
		r = read_files(reader);
	if (r == 0 && !reader->refused)
		r = read_parts(reader);
	if (r == -ENOMEM)
		return r;
	if (reader->report->lint)
		lint_files(reader);
	if (reader->report->lint && !reader->refused)
		lint_result(reader);
	if (reader->report->out_of_memory)
		return -ENOMEM;
	return reader->refused ? -EINVAL : r;
}

/* What supervisorctl reads: its own section of the main file, and nothing else. */
static int read_client(struct reader *reader)
{
	int r = init_reader(reader);

	reader->is_client = true;
	if (r == 0)
		r = begin_files(reader);
	if (r == 0 && !reader->refused && !ini_find(&reader->ini, "supervisorctl"))
		r = reader_refuse(reader, (struct place){ 0 },
			".ini file does not include supervisorctl section");
	if (r == 0 && !reader->refused)
		r = read_supervisorctl(reader);
	if (r == -ENOMEM || reader->report->out_of_memory)
		return -ENOMEM;
	return reader->refused ? -EINVAL : r;
}

static int read_with(int (*read)(struct reader *), const struct config_request *request,
	struct config **ret, struct report *report)
{
	struct settled_request settled;
	struct reader reader = { .report = report, .value = BUFFER(CONFIG_VALUE_MAX) };
	int r;

	settle_request(request, &settled);
	reader.request = &settled.request;
	reader.source = settled.request.source;
	reader.working_directory = settled.request.working_directory;
	reader.host_name = settled.request.host_name;
	reader.uid = *settled.request.uid;
	r = read(&reader);
	if (r == 0) {
		arena_seal(reader.arena);
		reader.config->memory = arena_size(reader.arena) + sizeof *reader.config;
		*ret = reader.config;
		reader.config = NULL;
	}
	deinit_reader(&reader);
	return r;
}

int config_read(const struct config_request *request, struct config **ret, struct report *report)
{
	return read_with(read_all, request, ret, report);
}

int config_read_client(
	const struct config_request *request, struct config **ret, struct report *report)
{
	return read_with(read_client, request, ret, report);
}

struct config *config_free(struct config *config)
{
	if (config)
		arena_free(config->arena);
	free(config);
	return NULL;
}
