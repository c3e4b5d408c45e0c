/* Whatever comes in is read or refused; what was read can be written, and is then read as the same. Any bytes can be
 * written as a string, whole or in two blocks, to the same effect. */
#include <errno.h>
#include <stdint.h>

#include "fuzz/fuzz.h"
#include "text/xmlrpc.h"
#include "text/xmlrpc_write.h"

static void write_value(struct buffer *buffer, const struct xmlrpc_value *value)
{
	switch (value->kind) {
	case XMLRPC_INT: xmlrpc_add_int(buffer, value->integer); break;
	case XMLRPC_BOOLEAN: xmlrpc_add_boolean(buffer, value->integer); break;
	case XMLRPC_ARRAY:
		xmlrpc_array_begin(buffer);
		for (const struct xmlrpc_value *item = value->first; item; item = item->next)
			write_value(buffer, item);
		xmlrpc_array_end(buffer);
		break;
	case XMLRPC_STRUCT:
		xmlrpc_struct_begin(buffer);
		for (const struct xmlrpc_value *item = value->first; item; item = item->next) {
			xmlrpc_member_begin(buffer, item->name);
			write_value(buffer, item);
			xmlrpc_member_end(buffer);
		}
		xmlrpc_struct_end(buffer);
		break;
	case XMLRPC_DATETIME:
	case XMLRPC_STRING: xmlrpc_add_bytes(buffer, value->text, value->length); break;
	case XMLRPC_DOUBLE:
	case XMLRPC_NIL: xmlrpc_add_string(buffer, "stands for it"); break;
	}
}

static void write_answer(struct buffer *buffer, const struct xmlrpc_document *document)
{
	xmlrpc_answer_begin(buffer);
	xmlrpc_array_begin(buffer);
	for (const struct xmlrpc_value *value = document->values; value; value = value->next)
		write_value(buffer, value);
	xmlrpc_array_end(buffer);
	xmlrpc_answer_end(buffer);
}

static void check_written(struct xmlrpc_reader *reader, struct buffer *first)
{
	struct buffer second = BUFFER(SIZE_MAX / 2);
	struct xmlrpc_document document;
	int r = xmlrpc_read(reader, first->data, first->length, &document);

	if (r == -E2BIG) /* the array around it was one too many */
		return;
	if (r < 0 || document.kind != XMLRPC_ANSWER || document.count != 1)
		abort();
	xmlrpc_answer_begin(&second);
	write_value(&second, document.values);
	xmlrpc_answer_end(&second);
	if (second.length != first->length || memcmp(first->data, second.data, second.length) != 0)
		abort();
	buffer_deinit(&second);
}

static void check_bytes(struct xmlrpc_reader *reader, const char *bytes, size_t size)
{
	struct buffer whole = BUFFER(SIZE_MAX / 2), parts = BUFFER(SIZE_MAX / 2);
	size_t half = xmlrpc_escape_some(&parts, bytes, size / 2);

	if (half > size / 2 || half + 3 < size / 2)
		abort();
	xmlrpc_escape(&parts, bytes + half, size - half);
	xmlrpc_answer_begin(&whole);
	xmlrpc_add_bytes(&whole, bytes, size);
	xmlrpc_answer_end(&whole);
	if (parts.length && !memmem(whole.data, whole.length, parts.data, parts.length))
		abort();
	check_written(reader, &whole);
	buffer_deinit(&whole);
	buffer_deinit(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xmlrpc_reader *reader = xmlrpc_reader_new();
	struct buffer answer = BUFFER(SIZE_MAX / 2);
	struct xmlrpc_document document;
	int r;

	if (!reader)
		abort();
	r = xmlrpc_read(reader, (const char *)data, size, &document);
	if (r == 0) {
		write_answer(&answer, &document);
		check_written(reader, &answer);
	} else if (r != -EBADMSG && r != -E2BIG)
		abort();
	check_bytes(reader, (const char *)data, size);
	buffer_deinit(&answer);
	xmlrpc_reader_free(reader);
	return 0;
}
