#include "text/unicode.h"

#include <string.h>

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t utf8_decode(const char *text, const char *end, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)*text;
	size_t length = first < 0x80    ? 1
			: first >= 0xf0 ? 4
			: first >= 0xe0 ? 3
			: first >= 0xc2 ? 2
					: 0;
	uint32_t character = length == 1 ? first : first & (0xffu >> (length + 1));

	if (length == 0 || first > 0xf4 || (size_t)(end - text) < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (!is_continuation(text[i]))
			return 0;
		character = character << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (character < smallest[length] || character > 0x10ffff ||
		(character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret = character;
	return length;
}

size_t utf8_write(uint32_t character, char bytes[4])
{
	if (character < 0x80) {
		bytes[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		bytes[0] = (char)(0xc0 | character >> 6);
		bytes[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		bytes[0] = (char)(0xe0 | character >> 12);
		bytes[1] = (char)(0x80 | (character >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (character & 0x3f));
		return 3;
	}
	bytes[0] = (char)(0xf0 | character >> 18);
	bytes[1] = (char)(0x80 | (character >> 12 & 0x3f));
	bytes[2] = (char)(0x80 | (character >> 6 & 0x3f));
	bytes[3] = (char)(0x80 | (character & 0x3f));
	return 4;
}

bool utf8_valid(const char *text, size_t length, size_t *ret_bad)
{
	const char *end = text + length;
	uint32_t character;

	for (const char *p = text; p < end;) {
		size_t step = utf8_decode(p, end, &character);

		if (step == 0) {
			*ret_bad = (size_t)(p - text);
			return false;
		}
		p += step;
	}
	return true;
}

size_t utf8_count(const char *text, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += !is_continuation(text[i]);
	return count;
}

bool is_python_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

size_t space_at(const char *text, const char *end)
{
	uint32_t character;
	size_t length = text < end ? utf8_decode(text, end, &character) : 0;

	return length && is_python_space(character) ? length : 0;
}

size_t space_before(const char *start, const char *text)
{
	const char *p = text;

	if (p == start)
		return 0;
	do
		p--;
	while (p > start && is_continuation(*p) && text - p < 4);
	return space_at(p, text) == (size_t)(text - p) ? (size_t)(text - p) : 0;
}

struct span span_strip(struct span span)
{
	size_t step;

	while ((step = space_at(span.start, span.end)) > 0)
		span.start += step;
	while ((step = space_before(span.start, span.end)) > 0)
		span.end -= step;
	return span;
}

struct span span_of(const char *text)
{
	return (struct span){ text, text + strlen(text) };
}
