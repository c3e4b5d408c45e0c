#include "ctl/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/faults.h"
#include "board/states.h"

const char *colour(const struct session *session, enum colour colour)
{
	static const char *const codes[] = {
		[COLOUR_NONE] = "\033[m",
		[COLOUR_GOOD] = "\033[32m",
		[COLOUR_BAD] = "\033[31m",
		[COLOUR_BUSY] = "\033[33m",
		[COLOUR_FAINT] = "\033[2m",
	};

	return session->colours ? codes[colour] : "";
}

enum colour state_colour(int64_t state)
{
	switch (state) {
	case STATE_RUNNING: return COLOUR_GOOD;
	case STATE_STARTING:
	case STATE_STOPPING: return COLOUR_BUSY;
	case STATE_BACKOFF:
	case STATE_FATAL:
	case STATE_UNKNOWN: return COLOUR_BAD;
	default: return COLOUR_FAINT;
	}
}

void say(struct session *session, const char *format, ...)
{
	va_list arguments;

	if (session->json)
		return;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

/* What was typed need not be UTF-8, and then is not told. */
static json_t *json_text(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("what was typed is no UTF-8");
}

static void append_new(struct session *session, const char *list, json_t *element)
{
	json_array_append_new(json_object_get(session->document, list), element);
}

void complain(struct session *session, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (r < 0)
		return;
	if (session->document)
		append_new(session, "errors", json_text(text));
	else
		printf("%s%s%s\n", colour(session, COLOUR_BAD), text, colour(session, COLOUR_NONE));
	free(text);
}

/* ---- results ---- */

void add_name(struct buffer *buffer, struct namespec name)
{
	size_t group = span_length(name.group), process = name.process.start ? span_length(name.process) : 0;
	bool same = name.process.start && group == process && memcmp(name.group.start, name.process.start, group) == 0;

	buffer_add(buffer, name.group.start, group);
	if (!same && name.process.start) {
		buffer_add_char(buffer, ':');
		buffer_add(buffer, name.process.start, process);
	}
}

static json_t *json_span(struct span span)
{
	return span.start ? json_stringn(span.start, span_length(span)) : json_null();
}

static void append_result(struct session *session, struct namespec name, bool ok, int fault, const char *words)
{
	json_t *result = json_object();

	json_object_set_new(result, "group", json_span(name.group));
	json_object_set_new(result, "name", json_span(name.process));
	json_object_set_new(result, "ok", json_boolean(ok));
	json_object_set_new(result, "fault", fault ? json_integer(fault) : json_null());
	json_object_set_new(result, "text", json_string(words));
	append_new(session, "results", result);
}

void report_done(struct session *session, struct namespec name, const char *words)
{
	CLEANUP_BUFFER struct buffer text = BUFFER(SIZE_MAX / 2);

	if (session->document) {
		append_result(session, name, true, 0, words);
		return;
	}
	add_name(&text, name);
	printf("%s: %s%s%s\n", buffer_text(&text), colour(session, COLOUR_GOOD), words, colour(session, COLOUR_NONE));
}

void report_error(struct session *session, struct namespec name, int fault, const char *words)
{
	CLEANUP_BUFFER struct buffer text = BUFFER(SIZE_MAX / 2);

	if (session->document) {
		append_result(session, name, false, fault, words);
		return;
	}
	add_name(&text, name);
	printf("%s: %sERROR (%s)%s\n", buffer_text(&text), colour(session, COLOUR_BAD), words,
		colour(session, COLOUR_NONE));
}

/* ---- the document ---- */

void tell_take(struct session *session, const char *key, json_t *value)
{
	if (session->document)
		json_object_set_new(session->document, key, value);
	else
		json_decref(value);
}

void document_begin(struct session *session, struct span command)
{
	if (!session->json)
		return;
	json_decref(session->document);
	session->document = json_object();
	tell_take(session, "command", json_stringn(command.start, span_length(command)));
	tell_take(session, "results", json_array());
	tell_take(session, "errors", json_array());
}

void document_end(struct session *session)
{
	if (!session->document)
		return;
	tell_take(session, "exit_status", json_integer(session->exit_status));
	json_dumpf(session->document, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(session->document);
	session->document = NULL;
}
