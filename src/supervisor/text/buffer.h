/* A string that grows. A failure sticks: check once, at the end. */
#ifndef TEXT_BUFFER_H
#define TEXT_BUFFER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
	char *data; /* NULL or a NUL-terminated string */
	size_t length, capacity;
	size_t limit; /* longest length; set by BUFFER() */
	int error;    /* 0, -ENOMEM, -E2BIG (beyond the limit) */
};

#define BUFFER(most)                                                                               \
	{                                                                                          \
		.limit = (most)                                                                    \
	}

void buffer_deinit(struct buffer *buffer);

/* Empty it, and forget a failure; the memory stays. */
void buffer_clear(struct buffer *buffer);

void buffer_add(struct buffer *buffer, const char *bytes, size_t length);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_fill(struct buffer *buffer, char c, size_t count);
__attribute__((format(printf, 2, 3))) void buffer_print(
	struct buffer *buffer, const char *format, ...);
__attribute__((format(printf, 2, 0))) void buffer_vprint(
	struct buffer *buffer, const char *format, va_list arguments);

/* Take memory for so many more bytes at once: worth it before many small ones. */
void buffer_reserve(struct buffer *buffer, size_t more);

/* Room for `most` more bytes, to be written at once without a look at it: NULL where a failure stuck. What was written is
 * added by buffer_close(), with its end. */
char *buffer_open(struct buffer *buffer, size_t most);
void buffer_close(struct buffer *buffer, const char *end);

/* Shorten it to what was its length before; a failure stays. */
void buffer_cut(struct buffer *buffer, size_t length);

/* The text, "" if nothing was added. */
const char *buffer_text(const struct buffer *buffer);

/* The text, to be freed; the buffer is empty afterwards. NULL: a failure stuck, or out of memory.
 */
char *buffer_take(struct buffer *buffer);

static inline void cleanup_buffer(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

#define CLEANUP_BUFFER __attribute__((cleanup(cleanup_buffer)))

#endif
