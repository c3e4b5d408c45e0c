/* Words from outside, names and paths and what programs wrote, as JSON, HTML and back from addresses. What is no UTF-8 becomes
 * U+FFFD: no client gets an answer that it can't read. */
#ifndef GATEWAY_WORDS_H
#define GATEWAY_WORDS_H

#include <jansson.h>
#include <stddef.h>

#include "text/buffer.h"

/* A JSON string; NULL: out of memory. */
json_t *words_json(const char *text);
json_t *words_json_sized(const char *bytes, size_t length);

/* object[key] = value, which is taken. */
void words_set(json_t *object, const char *key, json_t *value);

/* Add it so that in HTML, attributes in quotes too, it stands for itself. */
void words_html(struct buffer *buffer, const char *text);

/* Add it so that it is one part of a URL's path or query. */
void words_url(struct buffer *buffer, const char *text);

/* What `length` bytes of an address mean: %XX decoded, and in a query or form '+' is a blank. Returns the length written to
 * `ret` (of at least length + 1 bytes, may be `text`), NUL-terminated; -EBADMSG: it has a NUL in it. */
int words_decode(const char *text, size_t length, int is_query, char *ret);

#endif
