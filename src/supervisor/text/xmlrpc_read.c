/* The tree is built while expat reads: a frame for each open element. What may stand where is one table. */
#include <errno.h>
#include <expat.h>
#include <nettle/base64.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "text/buffer.h"
#include "text/pile.h"
#include "text/xmlrpc.h"
#include "text/xmlrpc_scalar.h"

#define IN(element) (1u << ELEMENT_##element)

/* Element, its tag, within what it may stand. */
#define ELEMENTS(ROW)                                                                              \
	ROW(CALL, "methodCall", IN(NONE))                                                          \
	ROW(ANSWER, "methodResponse", IN(NONE))                                                    \
	ROW(FAULT, "fault", IN(ANSWER))                                                            \
	ROW(METHOD_NAME, "methodName", IN(CALL))                                                   \
	ROW(PARAMS, "params", IN(CALL) | IN(ANSWER))                                               \
	ROW(PARAM, "param", IN(PARAMS))                                                            \
	ROW(VALUE, "value", IN(PARAM) | IN(DATA) | IN(MEMBER) | IN(FAULT))                         \
	ROW(ARRAY, "array", IN(VALUE))                                                             \
	ROW(DATA, "data", IN(ARRAY))                                                               \
	ROW(STRUCT, "struct", IN(VALUE))                                                           \
	ROW(MEMBER, "member", IN(STRUCT))                                                          \
	ROW(NAME, "name", IN(MEMBER))                                                              \
	ROW(STRING, "string", IN(VALUE))                                                           \
	ROW(INT, "int", IN(VALUE))                                                                 \
	ROW(I4, "i4", IN(VALUE))                                                                   \
	ROW(BOOLEAN, "boolean", IN(VALUE))                                                         \
	ROW(DOUBLE, "double", IN(VALUE))                                                           \
	ROW(DATETIME, "dateTime.iso8601", IN(VALUE))                                               \
	ROW(BASE64, "base64", IN(VALUE))                                                           \
	ROW(I8, "i8", IN(VALUE))                                                                   \
	ROW(NIL, "nil", IN(VALUE))

enum element {
	ELEMENT_NONE, /* outside of the document */
#define ROW(name, tag, within) ELEMENT_##name,
	ELEMENTS(ROW)
#undef ROW
	ELEMENT_COUNT,
};

static const struct {
	const char *tag;
	unsigned within;
} elements[ELEMENT_COUNT] = {
#define ROW(name, tag_, within_) [ELEMENT_##name] = { .tag = tag_, .within = within_ },
	ELEMENTS(ROW)
#undef ROW
};

/* Where values within an element go, one behind the other. */
struct list {
	const struct xmlrpc_value **end;
	size_t *count;
};

struct frame {
	enum element element;
	unsigned children;
	struct xmlrpc_value *value; /* the innermost one that is open */
	struct list *list;	    /* of what holds values: the document, an array, a struct */
	struct list own;	    /* where this is such an element */
	const char *name;	    /* of a MEMBER */
	size_t name_length;
};

struct xmlrpc_reader {
	XML_Parser parser;
	unsigned long salt; /* of its hash tables: drawn once, not for each document */
	struct pile pile;   /* what was read */
	struct buffer text; /* of the innermost element, so far */
	struct frame frames[XMLRPC_DEPTH_MAX + 1];
	size_t depth; /* of the innermost element; frames[0] is the document */
	size_t value_count;
	int error;

	bool is_answer;
	struct xmlrpc_document document;
};

static void fail(struct xmlrpc_reader *reader, int error)
{
	if (reader->error == 0)
		reader->error = error;
	XML_StopParser(reader->parser, XML_FALSE);
}

static enum element element_of(const char *tag)
{
	for (enum element i = ELEMENT_NONE + 1; i < ELEMENT_COUNT; i++)
		if (strcmp(elements[i].tag, tag) == 0)
			return i;
	return ELEMENT_NONE;
}

/* A new value, at the end of the list that it stands in. */
static struct xmlrpc_value *add_value(struct xmlrpc_reader *reader, struct frame *parent)
{
	struct xmlrpc_value *value;

	if (++reader->value_count > (reader->is_answer ? XMLRPC_ANSWER_VALUES_MAX : XMLRPC_VALUES_MAX)) {
		fail(reader, -E2BIG);
		return NULL;
	}
	value = pile_take(&reader->pile, sizeof *value);
	if (!value) {
		fail(reader, -ENOMEM);
		return NULL;
	}
	*value = (struct xmlrpc_value){
		.kind = XMLRPC_STRING, .name = parent->name, .name_length = parent->name_length
	};
	*parent->list->end = value;
	parent->list->end = &value->next;
	++*parent->list->count;
	return value;
}

/* May there be one more of `element` in `parent`? */
static bool has_place(const struct frame *parent, enum element element)
{
	switch (parent->element) {
	case ELEMENT_NONE:
	case ELEMENT_ANSWER:
	case ELEMENT_FAULT:
	case ELEMENT_PARAM:
	case ELEMENT_VALUE:
	case ELEMENT_ARRAY: return parent->children == 0;
	case ELEMENT_CALL: return parent->children == (element == ELEMENT_PARAMS);
	case ELEMENT_MEMBER: return parent->children == (element == ELEMENT_VALUE);
	default: return true;
	}
}

static void on_start(void *data, const XML_Char *tag, const XML_Char **attributes)
{
	struct xmlrpc_reader *reader = data;
	struct frame *parent = &reader->frames[reader->depth], *frame = parent + 1;
	enum element element = element_of(tag);

	(void)attributes;
	if (reader->error)
		return;
	if (reader->depth == XMLRPC_DEPTH_MAX) {
		fail(reader, -E2BIG);
		return;
	}
	if (!(elements[element].within & 1u << parent->element) || !has_place(parent, element) ||
		((element == ELEMENT_I8 || element == ELEMENT_NIL) && !reader->is_answer)) {
		fail(reader, -EBADMSG);
		return;
	}
	parent->children++;
	*frame = (struct frame){ .element = element, .value = parent->value, .list = parent->list };
	reader->depth++;
	buffer_clear(&reader->text);
	if (element == ELEMENT_ANSWER)
		reader->is_answer = true;
	if (element == ELEMENT_VALUE)
		frame->value = add_value(reader, parent);
	if (element == ELEMENT_ARRAY || element == ELEMENT_STRUCT) {
		frame->value->kind = element == ELEMENT_ARRAY ? XMLRPC_ARRAY : XMLRPC_STRUCT;
		frame->own = (struct list){ &frame->value->first, &frame->value->count };
		frame->list = &frame->own;
	}
}

static const char *copy_text(struct xmlrpc_reader *reader)
{
	size_t length = reader->text.length;
	char *copy = pile_take(&reader->pile, length + 1);

	if (!copy) {
		fail(reader, -ENOMEM);
		return NULL;
	}
	memcpy(copy, buffer_text(&reader->text), length + 1);
	return copy;
}

static int decode_base64(struct xmlrpc_reader *reader, struct xmlrpc_value *value)
{
	struct base64_decode_ctx context;
	size_t length = reader->text.length, room = BASE64_DECODE_LENGTH(length) + 1;
	char *bytes = pile_take(&reader->pile, room);

	if (!bytes)
		return -ENOMEM;
	base64_decode_init(&context);
	if (!base64_decode_update(&context, &room, (uint8_t *)bytes, length,
		    buffer_text(&reader->text)) ||
		!base64_decode_final(&context))
		return -EBADMSG;
	bytes[room] = '\0';
	value->text = bytes;
	value->length = room;
	return 0;
}

static int end_scalar(struct xmlrpc_reader *reader, enum element element, struct xmlrpc_value *value)
{
	const char *text = buffer_text(&reader->text);
	size_t length = reader->text.length;

	switch (element) {
	case ELEMENT_INT:
	case ELEMENT_I4:
	case ELEMENT_I8:
		value->kind = XMLRPC_INT;
		return xmlrpc_scan_int(text, length, &value->integer);
	case ELEMENT_BOOLEAN:
		value->kind = XMLRPC_BOOLEAN;
		value->integer = length == 1 && *text == '1';
		return 0;
	case ELEMENT_DOUBLE:
		value->kind = XMLRPC_DOUBLE;
		return xmlrpc_scan_double(text, length, &value->real);
	case ELEMENT_BASE64: return decode_base64(reader, value);
	case ELEMENT_NIL: value->kind = XMLRPC_NIL; return 0;
	case ELEMENT_DATETIME:
		value->kind = XMLRPC_DATETIME;
		if (!xmlrpc_is_datetime(text, length))
			return -EBADMSG;
		break;
	default: break;
	}
	value->text = copy_text(reader);
	value->length = length;
	return value->text ? 0 : -ENOMEM;
}

/* Elements that must have had what makes them whole. */
static bool is_whole(const struct frame *frame)
{
	switch (frame->element) {
	case ELEMENT_CALL:
	case ELEMENT_ANSWER:
	case ELEMENT_FAULT:
	case ELEMENT_PARAM:
	case ELEMENT_ARRAY: return frame->children >= 1;
	case ELEMENT_MEMBER: return frame->children == 2;
	default: return true;
	}
}

static void on_end(void *data, const XML_Char *tag)
{
	struct xmlrpc_reader *reader = data;
	struct frame *frame = &reader->frames[reader->depth], *parent = frame - 1;
	int r = 0;

	(void)tag;
	if (reader->error)
		return;
	if (!is_whole(frame))
		r = -EBADMSG;
	else if (frame->element == ELEMENT_METHOD_NAME)
		reader->document.method = copy_text(reader);
	else if (frame->element == ELEMENT_NAME) {
		parent->name = copy_text(reader);
		parent->name_length = reader->text.length;
	} else if (frame->element == ELEMENT_FAULT)
		reader->document.kind = XMLRPC_FAULT;
	else if (frame->element >= ELEMENT_STRING)
		r = end_scalar(reader, frame->element, frame->value);
	else if (frame->element == ELEMENT_VALUE && frame->children == 0)
		r = end_scalar(reader, ELEMENT_STRING, frame->value);
	if (r < 0)
		fail(reader, r);
	reader->depth--;
	buffer_clear(&reader->text);
}

static void on_text(void *data, const XML_Char *text, int length)
{
	struct xmlrpc_reader *reader = data;

	if (reader->error || length <= 0)
		return;
	buffer_add(&reader->text, text, (size_t)length);
	if (reader->text.error)
		fail(reader, reader->text.error);
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
	int has_internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal;
	fail(data, -EBADMSG);
}

struct xmlrpc_reader *xmlrpc_reader_new(void)
{
	struct xmlrpc_reader *reader = calloc(1, sizeof *reader);

	if (!reader)
		return NULL;
	reader->text = (struct buffer)BUFFER(SIZE_MAX / 2);
	reader->parser = XML_ParserCreate("UTF-8");
	if (getrandom(&reader->salt, sizeof reader->salt, GRND_NONBLOCK) < 0 || reader->salt == 0)
		reader->salt = (unsigned long)(uintptr_t)reader;
	return reader->parser ? reader : xmlrpc_reader_free(reader);
}

struct xmlrpc_reader *xmlrpc_reader_free(struct xmlrpc_reader *reader)
{
	if (!reader)
		return NULL;
	if (reader->parser)
		XML_ParserFree(reader->parser);
	buffer_deinit(&reader->text);
	pile_deinit(&reader->pile);
	free(reader);
	return NULL;
}

static void begin(struct xmlrpc_reader *reader)
{
	XML_ParserReset(reader->parser, "UTF-8"); /* whatever its declaration says: as supervisor */
	XML_SetHashSalt(reader->parser, reader->salt);
	XML_SetUserData(reader->parser, reader);
	XML_SetElementHandler(reader->parser, on_start, on_end);
	XML_SetCharacterDataHandler(reader->parser, on_text);
	XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
	pile_clear(&reader->pile);
	buffer_clear(&reader->text);
	reader->depth = 0;
	reader->value_count = 0;
	reader->error = 0;
	reader->is_answer = false;
	reader->document = (struct xmlrpc_document){ .kind = XMLRPC_CALL, .method = "" };
	reader->frames[0] = (struct frame){ .element = ELEMENT_NONE,
		.own = { &reader->document.values, &reader->document.count },
		.list = &reader->frames[0].own };
}

int xmlrpc_read(
	struct xmlrpc_reader *reader, const char *bytes, size_t length, struct xmlrpc_document *ret)
{
	if (length > INT32_MAX)
		return -E2BIG;
	begin(reader);
	if (XML_Parse(reader->parser, bytes, (int)length, XML_TRUE) != XML_STATUS_OK) {
		if (reader->error)
			return reader->error;
		return XML_GetErrorCode(reader->parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG;
	}
	if (reader->error)
		return reader->error;
	if (reader->is_answer && reader->document.kind == XMLRPC_CALL)
		reader->document.kind = XMLRPC_ANSWER;
	if (reader->is_answer && reader->document.count != 1)
		return -EBADMSG;
	*ret = reader->document;
	return 0;
}

const struct xmlrpc_value *xmlrpc_member(const struct xmlrpc_value *value, const char *name)
{
	const struct xmlrpc_value *found = NULL;
	size_t length = strlen(name);

	if (value->kind != XMLRPC_STRUCT)
		return NULL;
	for (const struct xmlrpc_value *member = value->first; member; member = member->next)
		if (member->name_length == length && memcmp(member->name, name, length) == 0)
			found = member;
	return found;
}
