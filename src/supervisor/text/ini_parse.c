/* The reader of the format, line by line. */
#include "text/ini.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "text/buffer.h"
#include "text/unicode.h"

struct parser {
	struct ini *ini;
	const char *file;
	const char *end;
	unsigned line;
	ptrdiff_t section; /* index of the one we are in, or one of the two below */
	const char *key;   /* whose value may go on; NULL: none */
	unsigned key_line;
	size_t indent; /* of the key or header that was read last */
	struct buffer value;
	bool refused;
	int error; /* -ENOMEM sticks */
};

enum { NO_SECTION = -1, DEFAULT_SECTION = -2 };

/* One line: without its end, and what remains of it after comments and blanks went. */
struct line {
	struct span raw;
	struct span content;
	struct span comment; /* empty: there is none */
};

static struct ini_section *current_section(struct parser *parser)
{
	if (parser->section == NO_SECTION)
		return NULL;
	return parser->section == DEFAULT_SECTION ? &parser->ini->defaults
						  : &parser->ini->sections[parser->section];
}

static struct ini_note *note(struct parser *parser, enum ini_note_kind kind, struct span detail)
{
	struct ini *ini = parser->ini;
	const struct ini_section *section = current_section(parser);
	struct ini_note *noted;
	const char *text = arena_copy(ini->arena, detail.start, span_length(detail));

	noted = text ? ini_add_note(ini) : NULL;
	if (!noted) {
		parser->error = -ENOMEM;
		return NULL;
	}
	parser->refused = parser->refused || ini_note_refuses(kind);
	*noted = (struct ini_note){
		.kind = kind,
		.file = parser->file,
		.line = parser->line,
		.section = section ? section->name : "",
		.key = parser->key ? parser->key : "",
		.detail = text,
	};
	return noted;
}

static const char *intern(struct parser *parser, struct span span)
{
	const char *text = arena_intern(parser->ini->arena, span.start, span_length(span));

	if (!text)
		parser->error = -ENOMEM;
	return text;
}

/* `name` is interned. */
static struct ini_section *find_interned(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->count; i++)
		if (ini->sections[i].name == name)
			return &ini->sections[i];
	return NULL;
}

/* Keep the value that was collected for the key we were in. */
static void finish_value(struct parser *parser)
{
	struct buffer *buffer = &parser->value;
	struct ini_value value = {
		.key = parser->key, .file = parser->file, .line = parser->key_line
	};
	struct span text = { buffer_text(buffer), buffer_text(buffer) + buffer->length };
	size_t step;

	if (!parser->key)
		return;
	while ((step = space_before(text.start, text.end)) > 0)
		text.end -= step;
	value.text = intern(parser, text);
	if (buffer->error)
		parser->error = -ENOMEM;
	if (!parser->error && ini_set(current_section(parser), &value) < 0)
		parser->error = -ENOMEM;
	parser->key = NULL;
	buffer_clear(buffer);
}

/* Where the inline comment begins. Both prefixes are tried in rounds, and the first round that
 * finds a comment ends the search: so a `#` comment goes unseen when its line has a `;` comment
 * further right but has had a `#` without a blank before it. This is what Python 3.2 to 3.12 does.
 */
static const char *inline_comment(struct span line)
{
	static const char prefixes[] = ";#";
	const char *next[] = { line.start, line.start };
	const char *found = NULL;

	while (!found && (next[0] || next[1])) {
		for (int i = 0; i < 2; i++) {
			const char *at =
				next[i] ? memchr(next[i], prefixes[i], (size_t)(line.end - next[i]))
					: NULL;

			next[i] = at ? at + 1 : NULL;
			if (at && (at == line.start || space_before(line.start, at)) &&
				(!found || at < found))
				found = at;
		}
	}
	return found;
}

static struct line split_line(struct span raw)
{
	struct line line = { raw, span_strip(raw), { raw.end, raw.end } };
	const char *comment = inline_comment(raw);

	if (line.content.start < line.content.end && strchr("#;", *line.content.start) &&
		*line.content.start) {
		line.comment = line.content;
		line.content.end = line.content.start;
	} else if (comment) {
		line.comment = span_strip((struct span){ comment, raw.end });
		line.content = span_strip((struct span){ raw.start, comment });
	}
	return line;
}

static size_t indent_of(struct span line)
{
	size_t indent = 0, step;

	for (; (step = space_at(line.start, line.end)) > 0; line.start += step)
		indent++;
	return indent;
}

/* Whether a quote is still open at the end of this text. */
static bool ends_in_quotes(struct span text)
{
	char quote = '\0';

	for (const char *p = text.start; p < text.end; p++) {
		if (quote && *p == quote)
			quote = '\0';
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
	}
	return quote != '\0';
}

static void note_comment(struct parser *parser, const struct line *line)
{
	struct ini_note *noted;

	if (line->comment.start == line->comment.end || !parser->key)
		return;
	noted = note(parser, INI_COMMENT_CUT, line->comment);
	if (!noted)
		return;
	noted->quoted = ends_in_quotes(line->content);
	noted->clear =
		span_length(line->comment) > 1 && line->comment.start[1] == ' ' &&
		(line->comment.start - line->content.end > 1 || line->comment.start[-1] == '\t' ||
			strchr("=:", line->content.end[-1]));
}

static void continue_value(struct parser *parser, const struct line *line)
{
	buffer_add_char(&parser->value, '\n');
	buffer_add(&parser->value, line->content.start, span_length(line->content));
	note(parser, INI_SWALLOWED, line->content);
	note_comment(parser, line);
}

/* `[name] anything`: the name ends at the last bracket of the line. */
static bool header_name(struct span content, struct span *ret)
{
	const char *closing = memrchr(content.start, ']', span_length(content));

	if (*content.start != '[' || !closing || closing - content.start < 2)
		return false;
	*ret = (struct span){ content.start + 1, closing };
	return true;
}

static void open_section(struct parser *parser, struct span content, struct span name_span)
{
	struct ini *ini = parser->ini;
	const char *name = intern(parser, name_span);
	struct ini_section *section;

	if (!name)
		return;
	if (strcmp(name, "DEFAULT") == 0) {
		parser->section = DEFAULT_SECTION;
		return;
	}
	section = find_interned(ini, name);
	if (!section) {
		section = ini_add_section(ini, name);
		if (!section) {
			parser->error = -ENOMEM;
			return;
		}
		section->file = parser->file;
		section->line = parser->line;
	} else if (section->file == parser->file) {
		note(parser, INI_DUPLICATE_SECTION, name_span);
	}
	parser->section = section - ini->sections;
	if (name_span.end + 1 < content.end)
		note(parser, INI_TEXT_AFTER_HEADER,
			span_strip((struct span){ name_span.end + 1, content.end }));
}

/* Lower case as far as it can make a known key: ASCII, and the Kelvin sign, whose small letter is a
 * `k`. */
static const char *key_name(struct parser *parser, struct span span)
{
	static const char kelvin[] = "\xe2\x84\xaa";
	struct buffer lower = BUFFER(SIZE_MAX / 2);
	const char *name;

	for (const char *p = span.start; p < span.end; p++) {
		if (span.end - p >= 3 && memcmp(p, kelvin, 3) == 0) {
			buffer_add_char(&lower, 'k');
			p += 2;
		} else {
			buffer_add_char(
				&lower, *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p);
		}
	}
	name = intern(
		parser, (struct span){ buffer_text(&lower), buffer_text(&lower) + lower.length });
	if (lower.error)
		parser->error = -ENOMEM;
	buffer_deinit(&lower);
	return name;
}

static void open_value(struct parser *parser, const struct line *line, const char *delimiter)
{
	struct span value = span_strip((struct span){ delimiter + 1, line->content.end });
	struct span key = span_strip((struct span){ line->content.start, delimiter });
	const char *name = key_name(parser, key);
	const struct ini_value *old;

	if (!name)
		return;
	old = ini_section_get(current_section(parser), name);
	if (old && old->file == parser->file)
		note(parser, INI_DUPLICATE_KEY, key);
	parser->key = name;
	parser->key_line = parser->line;
	buffer_add(&parser->value, value.start, span_length(value));
	note_comment(parser, line);
}

static const char *find_delimiter(struct span content)
{
	for (const char *p = content.start; p < content.end; p++)
		if (*p == '=' || *p == ':')
			return p;
	return NULL;
}

/* A line that begins something. False: the text ends here, for it has no section yet. */
static bool begin(struct parser *parser, const struct line *line)
{
	const char *delimiter = find_delimiter(line->content);
	struct span name;

	if (header_name(line->content, &name)) {
		finish_value(parser);
		open_section(parser, line->content, name);
	} else if (parser->section == NO_SECTION) {
		note(parser, INI_NO_SECTION, line->content);
		return false;
	} else if (!delimiter || delimiter == line->content.start) {
		note(parser, INI_NO_DELIMITER, line->content);
	} else {
		finish_value(parser);
		open_value(parser, line, delimiter);
	}
	return true;
}

static bool parse_line(struct parser *parser, struct span raw)
{
	struct line line = split_line(raw);
	size_t indent;

	if (line.content.start == line.content.end) {
		if (parser->key && line.comment.start == line.comment.end)
			buffer_add_char(&parser->value, '\n');
		return true;
	}
	if (memchr(line.content.start, '\0', span_length(line.content)))
		note(parser, INI_NUL, (struct span){ raw.start, raw.start });
	indent = indent_of(raw);
	if (parser->key && indent > parser->indent) {
		continue_value(parser, &line);
		return true;
	}
	parser->indent = indent;
	return begin(parser, &line);
}

/* The end of the line that starts here; `ret_next` is where the next one starts: after "\n", "\r\n"
 * or "\r". */
static const char *line_end(const char *text, const char *end, const char **ret_next)
{
	const char *p = text;

	while (p < end && *p != '\n' && *p != '\r')
		p++;
	*ret_next = p == end ? end : p + 1 + (*p == '\r' && p + 1 < end && p[1] == '\n');
	return p;
}

static void parse_lines(struct parser *parser, const char *text)
{
	for (const char *next; text < parser->end && !parser->error; text = next) {
		struct span raw = { text, line_end(text, parser->end, &next) };

		parser->line++;
		if (!parse_line(parser, raw))
			break;
	}
	finish_value(parser);
}

static unsigned lines_before(const char *bytes, size_t length)
{
	unsigned lines = 1;

	for (size_t i = 0; i < length; i++)
		lines += bytes[i] == '\n';
	return lines;
}

int ini_parse(struct ini *ini, const char *file, const char *bytes, size_t length)
{
	struct parser parser = {
		.ini = ini,
		.end = bytes + length,
		.section = NO_SECTION,
		.value = BUFFER(SIZE_MAX / 2),
	};
	size_t bad;

	parser.file = arena_copy(ini->arena, file, strlen(file)); /* a new pointer for each text */
	if (!parser.file)
		return -ENOMEM;
	if (!utf8_valid(bytes, length, &bad)) {
		parser.line = lines_before(bytes, bad);
		note(&parser, INI_NOT_UTF8, (struct span){ bytes, bytes });
	} else if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		parser.line = 1;
		note(&parser, INI_BYTE_ORDER_MARK, (struct span){ bytes, bytes });
	} else {
		parse_lines(&parser, bytes);
	}
	buffer_deinit(&parser.value);
	return parser.error ? parser.error : parser.refused ? -EINVAL : 0;
}
