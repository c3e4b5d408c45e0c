#include "gateway/words.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "text/unicode.h"

json_t *words_json_sized(const char *bytes, size_t length)
{
	struct buffer clean = BUFFER(SIZE_MAX / 2);
	const char *end = bytes + length;
	json_t *json;

	json = json_stringn(bytes, length);
	if (json)
		return json;
	while (bytes < end) {
		uint32_t character;
		size_t taken = utf8_decode(bytes, end, &character);

		buffer_add(&clean, taken ? bytes : "\xef\xbf\xbd", taken ? taken : 3);
		bytes += taken ? taken : 1;
	}
	json = clean.error ? NULL : json_stringn(buffer_text(&clean), clean.length);
	buffer_deinit(&clean);
	return json;
}

json_t *words_json(const char *text)
{
	return words_json_sized(text, strlen(text));
}

void words_set(json_t *object, const char *key, json_t *value)
{
	json_t *clean;

	if (json_object_set(object, key, value) < 0) {
		/* No UTF-8, or no memory. */
		clean = words_json(key);
		if (clean)
			json_object_set(object, json_string_value(clean), value);
		json_decref(clean);
	}
	json_decref(value);
}

void words_html(struct buffer *buffer, const char *text)
{
	const char *end = text + strlen(text);
	uint32_t character;

	while (text < end) {
		size_t plain = strcspn(text, "&<>\"'");

		for (const char *stop = text + plain; text < stop;) {
			size_t taken = utf8_decode(text, stop, &character);

			buffer_add(buffer, taken ? text : "\xef\xbf\xbd", taken ? taken : 3);
			text += taken ? taken : 1;
		}
		if (text < end)
			buffer_print(buffer, "&#%d;", *text++);
	}
}

void words_url(struct buffer *buffer, const char *text)
{
	for (; *text; text++)
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			buffer_add_char(buffer, *text);
		else
			buffer_print(buffer, "%%%02X", (unsigned char)*text);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int words_decode(const char *text, size_t length, int is_query, char *ret)
{
	size_t used = 0;

	if (length > INT_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '+' && is_query) {
			c = ' ';
		} else if (c == '%' && length - i > 2 && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
			c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
			i += 2;
		}
		if (c == '\0')
			return -EBADMSG;
		ret[used++] = c;
	}
	ret[used] = '\0';
	return (int)used;
}
