#include "text/xmlrpc_write.h"

#include <string.h>

#include "text/unicode.h"

/* A literal and its length. */
#define ADD(buffer, text) buffer_add(buffer, text, sizeof(text) - 1)

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void xmlrpc_answer_begin(struct buffer *buffer)
{
	ADD(buffer, "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n");
}

void xmlrpc_answer_end(struct buffer *buffer)
{
	ADD(buffer, "</param>\n</params>\n</methodResponse>\n");
}

void xmlrpc_answer_fault(struct buffer *buffer, int code, const char *text)
{
	ADD(buffer, "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n");
	xmlrpc_add_fault(buffer, code, text);
	ADD(buffer, "</fault>\n</methodResponse>\n");
}

void xmlrpc_add_fault(struct buffer *buffer, int code, const char *text)
{
	xmlrpc_struct_begin(buffer);
	xmlrpc_member_begin(buffer, "faultCode");
	xmlrpc_add_int(buffer, code);
	xmlrpc_member_end(buffer);
	xmlrpc_member_begin(buffer, "faultString");
	xmlrpc_add_string(buffer, text);
	xmlrpc_member_end(buffer);
	xmlrpc_struct_end(buffer);
}

void xmlrpc_add_digits(struct buffer *buffer, int64_t value)
{
	char digits[24], *at = digits + sizeof digits;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--at = '-';
	buffer_add(buffer, at, (size_t)(digits + sizeof digits - at));
}

void xmlrpc_add_int(struct buffer *buffer, int64_t value)
{
	ADD(buffer, "<value><int>");
	xmlrpc_add_digits(buffer, value);
	ADD(buffer, "</int></value>\n");
}

void xmlrpc_add_boolean(struct buffer *buffer, bool value)
{
	if (value)
		ADD(buffer, "<value><boolean>1</boolean></value>\n");
	else
		ADD(buffer, "<value><boolean>0</boolean></value>\n");
}

void xmlrpc_add_string(struct buffer *buffer, const char *text)
{
	xmlrpc_add_bytes(buffer, text, strlen(text));
}

void xmlrpc_add_bytes(struct buffer *buffer, const char *bytes, size_t length)
{
	ADD(buffer, "<value><string>");
	xmlrpc_escape(buffer, bytes, length);
	ADD(buffer, "</string></value>\n");
}

void xmlrpc_array_begin(struct buffer *buffer)
{
	ADD(buffer, "<value><array><data>\n");
}

void xmlrpc_array_end(struct buffer *buffer)
{
	ADD(buffer, "</data></array></value>\n");
}

void xmlrpc_struct_begin(struct buffer *buffer)
{
	ADD(buffer, "<value><struct>\n");
}

void xmlrpc_member_begin(struct buffer *buffer, const char *name)
{
	ADD(buffer, "<member>\n<name>");
	xmlrpc_escape(buffer, name, strlen(name));
	ADD(buffer, "</name>\n");
}

void xmlrpc_member_end(struct buffer *buffer)
{
	ADD(buffer, "</member>\n");
}

void xmlrpc_struct_end(struct buffer *buffer)
{
	ADD(buffer, "</struct></value>\n");
}

void xmlrpc_add_member(struct buffer *buffer, const char *name, const char *text)
{
	xmlrpc_member_begin(buffer, name);
	xmlrpc_add_string(buffer, text);
	xmlrpc_member_end(buffer);
}

/* ASCII that stands for itself: but not `&`, `<`, `>` and control characters other than TAB and LF. */
static bool is_plain(unsigned char c)
{
	return (c >= ' ' && c < 0x80 && c != '&' && c != '<' && c != '>') || c == '\n' || c == '\t';
}

/* The length of the character at `text`, and what stands for it in XML; 0: it is not whole. */
static size_t escape_one(const char *text, const char *end, struct buffer *buffer, bool is_last)
{
	uint32_t character;
	size_t length;

	switch (*text) {
	case '&': ADD(buffer, "&amp;"); return 1;
	case '<': ADD(buffer, "&lt;"); return 1;
	case '>': ADD(buffer, "&gt;"); return 1;
	case '\r': ADD(buffer, "&#13;"); return 1;
	default: break;
	}
	length = utf8_decode(text, end, &character);
	if (length == 0 && !is_last && end - text < 4 && (unsigned char)*text >= 0xc2)
		return 0;
	if (length <= 1 || character == 0xfffe || character == 0xffff) {
		ADD(buffer, REPLACEMENT);
		return length ? length : 1;
	}
	buffer_add(buffer, text, length);
	return length;
}

static size_t escape(struct buffer *buffer, const char *bytes, size_t length, bool is_last)
{
	const char *end = bytes + length, *at = bytes;

	while (at < end) {
		const char *plain = at;
		size_t step;

		while (at < end && is_plain((unsigned char)*at))
			at++;
		if (at > plain)
			buffer_add(buffer, plain, (size_t)(at - plain));
		if (at == end)
			break;
		step = escape_one(at, end, buffer, is_last);
		if (step == 0)
			break;
		at += step;
	}
	return (size_t)(at - bytes);
}

void xmlrpc_escape(struct buffer *buffer, const char *bytes, size_t length)
{
	escape(buffer, bytes, length, true);
}

size_t xmlrpc_escape_some(struct buffer *buffer, const char *bytes, size_t length)
{
	return escape(buffer, bytes, length, false);
}
