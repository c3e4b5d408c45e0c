/* Values of the dialect's types. Each function reads one whole text. All return 0, -EINVAL (it is
 * none) or -ERANGE (it is one, but too large to be kept). */
#ifndef TEXT_UNITS_H
#define TEXT_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/unicode.h"

/* Python's int(): blanks around, a sign, single underscores between digits. ASCII digits only. */
int parse_integer(const char *text, int64_t *ret);

/* Python's int(text, 8): "022", "0o22". */
int parse_octal(const char *text, int64_t *ret);

/* yes true on 1, no false off 0, in any case. */
int parse_boolean(const char *text, bool *ret);

/* An integer, or one followed by KB, MB or GB (1024, 1024 squared, cubed) in any case. */
int parse_byte_size(const char *text, int64_t *ret);

/* A signal that Python's signal module knows, by number or by name in any case with or without SIG;
 * 0 is one. */
int parse_signal(const char *text, int *ret);

/* "0,2": at most `capacity` numbers from 0 to 255. The empty text is the empty list. */
int parse_exit_codes(const char *text, uint8_t *codes, size_t capacity, size_t *ret_count);

/* The port of "host:port", ":port", "*:port" or "port", and where the host is in the text: empty
 * for every address. */
int parse_inet_address(const char *text, struct span *ret_host, uint16_t *ret_port);

/* A port: 1 to 65535. */
int parse_port(const char *text, uint16_t *ret);

/* A comma-separated list: begin with list_begin(), which an empty text has no element for. Each
 * list_next() gives one element without the blanks around it. False: there is none any more. */
static inline const char *list_begin(const char *text)
{
	return *text ? text : NULL;
}
bool list_next(const char **next, struct span *ret);

/* The name of a process or group without blanks around: false if a blank, colon or slash is left in
 * it; which one is then in `ret_bad`. */
bool parse_name(const char *text, struct span *ret, char *ret_bad);

/* Whether two texts are equal but for the case of ASCII letters. */
bool equal_ignoring_case(const char *a, const char *b);

/* How many single changes (a letter less, more, other, or two swapped) lead from one text to the
 * other; gives up beyond `most` and returns `most + 1`. */
size_t edit_distance(const char *a, const char *b, size_t most);

#endif
