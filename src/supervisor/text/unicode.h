/* UTF-8 as far as the dialect needs it: what Python calls white space, and stepping by characters.
 */
#ifndef TEXT_UNICODE_H
#define TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of text inside another one. */
struct span {
	const char *start;
	const char *end;
};

/* The character that starts at `text` (before `end`): its length in bytes, 0 if that is no
 * well-formed UTF-8 (overlong forms, surrogates and what lies above U+10FFFF are none either). */
size_t utf8_decode(const char *text, const char *end, uint32_t *ret);

/* How many bytes a code point takes; written to `bytes`. */
size_t utf8_write(uint32_t character, char bytes[4]);

/* Whether all of it is well-formed; if not, `ret_bad` is where it stops being so. */
bool utf8_valid(const char *text, size_t length, size_t *ret_bad);

/* How many characters there are; the text is well-formed. Stray bytes count one each. */
size_t utf8_count(const char *text, size_t length);

/* Whether Python's str.isspace() holds. */
bool is_python_space(uint32_t character);

/* The length in bytes of the white space character that starts at `text`; 0: there is none. */
size_t space_at(const char *text, const char *end);

/* The same for the character that ends at `text`. */
size_t space_before(const char *start, const char *text);

/* Python's str.strip(). */
struct span span_strip(struct span span);
struct span span_of(const char *text);
static inline size_t span_length(struct span span)
{
	return (size_t)(span.end - span.start);
}

#endif
