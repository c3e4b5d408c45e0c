/* XML-RPC answers, in supervisor's form to the byte: an element a line, strings in UTF-8. What no XML may hold
 * (control characters, bytes that are no UTF-8) becomes U+FFFD, and a carriage return `&#13;`, so that every answer can
 * be read.
 *
 *	xmlrpc_answer_begin(&buffer);
 *	xmlrpc_struct_begin(&buffer);
 *	xmlrpc_member_begin(&buffer, "pid");
 *	xmlrpc_add_int(&buffer, 4711);
 *	xmlrpc_member_end(&buffer);
 *	xmlrpc_struct_end(&buffer);
 *	xmlrpc_answer_end(&buffer);
 *
 * Failures stick to the buffer: check it once, at the end. */
#ifndef TEXT_XMLRPC_WRITE_H
#define TEXT_XMLRPC_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "text/buffer.h"

void xmlrpc_answer_begin(struct buffer *buffer);
void xmlrpc_answer_end(struct buffer *buffer);

/* A whole answer that is a fault. */
void xmlrpc_answer_fault(struct buffer *buffer, int code, const char *text);

/* Values. */
void xmlrpc_add_int(struct buffer *buffer, int64_t value);
void xmlrpc_add_boolean(struct buffer *buffer, bool value);
void xmlrpc_add_string(struct buffer *buffer, const char *text);
void xmlrpc_add_bytes(struct buffer *buffer, const char *bytes, size_t length);
void xmlrpc_add_fault(struct buffer *buffer, int code, const char *text); /* a struct */

void xmlrpc_array_begin(struct buffer *buffer);
void xmlrpc_array_end(struct buffer *buffer);

/* A member is its name, then one value. */
void xmlrpc_struct_begin(struct buffer *buffer);
void xmlrpc_member_begin(struct buffer *buffer, const char *name);
void xmlrpc_member_end(struct buffer *buffer);
void xmlrpc_struct_end(struct buffer *buffer);
void xmlrpc_add_member(struct buffer *buffer, const char *name, const char *text); /* whose value is a string */

/* ---- pieces, for who puts answers together himself ---- */

/* Text between tags. */
void xmlrpc_escape(struct buffer *buffer, const char *bytes, size_t length);

/* The same for text that comes in blocks: an unfinished character at the end is left for the next call. Returns
 * how many bytes were taken, at least `length` - 3. */
size_t xmlrpc_escape_some(struct buffer *buffer, const char *bytes, size_t length);

/* The same into memory that has room: XMLRPC_ESCAPED_MAX for each byte; XMLRPC_DIGITS_MAX. They return the end. */
#define XMLRPC_ESCAPED_MAX 5
#define XMLRPC_DIGITS_MAX 20
char *xmlrpc_put_escaped(char *at, const char *bytes, size_t length);
char *xmlrpc_put_digits(char *at, int64_t value);

#endif
