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

char *xmlrpc_put_digits(char *at, int64_t value)
{
	char digits[XMLRPC_DIGITS_MAX], *first = digits + sizeof digits;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do
		*--first = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--first = '-';
	return mempcpy(at, first, (size_t)(digits + sizeof digits - first));
}

void xmlrpc_add_int(struct buffer *buffer, int64_t value)
{
	char digits[XMLRPC_DIGITS_MAX];

	ADD(buffer, "<value><int>");
	buffer_add(buffer, digits, (size_t)(xmlrpc_put_digits(digits, value) - digits));
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

/* ---- text ---- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is a byte of these eight 0? What lies above the first one is not to be relied on, and is not. */
static uint64_t has_zero(uint64_t word)
{
	return (word - EACH(0x01)) & ~word & EACH(0x80);
}

/* May one of these eight bytes not stand for itself? Those of ASCII do, but for control characters, `&`, `<` and `>`. */
static bool has_special(uint64_t word)
{
	uint64_t beyond_ascii = word & EACH(0x80), control = (word - EACH(0x20)) & ~word & EACH(0x80);

	return (beyond_ascii | control | has_zero(word ^ EACH('&')) | has_zero((word | EACH(0x02)) ^ EACH('>'))) != 0;
}

static bool is_plain(unsigned char c)
{
	return (c >= ' ' && c < 0x80 && c != '&' && c != '<' && c != '>') || c == '\n' || c == '\t';
}

/* A literal, without its NUL. */
#define PUT(at, text) mempcpy(at, text, sizeof(text) - 1)

/* What stands for the character at `text`; its length, or 0: it is not whole. */
static size_t put_one(char **at, const char *text, const char *end, bool is_last)
{
	uint32_t character;
	size_t length;

	switch (*text) {
	case '&': *at = PUT(*at, "&amp;"); return 1;
	case '<': *at = PUT(*at, "&lt;"); return 1;
	case '>': *at = PUT(*at, "&gt;"); return 1;
	case '\r': *at = PUT(*at, "&#13;"); return 1;
	default: break;
	}
	length = utf8_decode(text, end, &character);
	if (length == 0 && !is_last && end - text < 4 && (unsigned char)*text >= 0xc2)
		return 0;
	if (length <= 1 || character == 0xfffe || character == 0xffff) {
		*at = PUT(*at, REPLACEMENT);
		return length ? length : 1;
	}
	*at = mempcpy(*at, text, length);
	return length;
}

/* Returns how much was taken. */
static size_t put(char **ret_at, const char *bytes, size_t length, bool is_last)
{
	const char *end = bytes + length, *text = bytes;
	char *at = *ret_at;

	while (text < end) {
		uint64_t word;
		size_t step;

		while (end - text >= 8 && (memcpy(&word, text, 8), !has_special(word))) {
			memcpy(at, &word, 8);
			at += 8;
			text += 8;
		}
		while (text < end && is_plain((unsigned char)*text))
			*at++ = *text++;
		if (text == end)
			break;
		step = put_one(&at, text, end, is_last);
		if (step == 0)
			break;
		text += step;
	}
	*ret_at = at;
	return (size_t)(text - bytes);
}

char *xmlrpc_put_escaped(char *at, const char *bytes, size_t length)
{
	put(&at, bytes, length, true);
	return at;
}

/* So many bytes at a time: room for the worst case of all of a long text would be too much to ask for. */
#define BLOCK ((size_t)4096)

static size_t escape(struct buffer *buffer, const char *bytes, size_t length, bool is_last)
{
	size_t done = 0;

	while (done < length) {
		size_t size = length - done < BLOCK ? length - done : BLOCK, taken;
		char *at = buffer_open(buffer, size * XMLRPC_ESCAPED_MAX);

		if (!at)
			break;
		taken = put(&at, bytes + done, size, is_last && done + size == length);
		buffer_close(buffer, at);
		if (taken == 0)
			break;
		done += taken;
	}
	return done;
}

void xmlrpc_escape(struct buffer *buffer, const char *bytes, size_t length)
{
	escape(buffer, bytes, length, true);
}

size_t xmlrpc_escape_some(struct buffer *buffer, const char *bytes, size_t length)
{
	return escape(buffer, bytes, length, false);
}
