#include "text/buffer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_deinit(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer)BUFFER(buffer->limit);
}

void buffer_clear(struct buffer *buffer)
{
	buffer->length = 0;
	buffer->error = 0;
	if (buffer->data)
		buffer->data[0] = '\0';
}

static bool reserve(struct buffer *buffer, size_t more)
{
	size_t needed, capacity;
	char *data;

	if (buffer->error)
		return false;
	if (more > buffer->limit || buffer->length > buffer->limit - more) {
		buffer->error = -E2BIG;
		return false;
	}
	if (__builtin_add_overflow(buffer->length + 1, more, &needed)) {
		buffer->error = -ENOMEM;
		return false;
	}
	if (needed <= buffer->capacity)
		return true;
	capacity = needed < 64 ? 64 : needed + needed / 2;
	data = realloc(buffer->data, capacity);
	if (!data) {
		buffer->error = -ENOMEM;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void buffer_add(struct buffer *buffer, const char *bytes, size_t length)
{
	if (!reserve(buffer, length))
		return;
	if (length)
		memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_add_char(struct buffer *buffer, char c)
{
	buffer_add(buffer, &c, 1);
}

void buffer_fill(struct buffer *buffer, char c, size_t count)
{
	if (!reserve(buffer, count))
		return;
	memset(buffer->data + buffer->length, c, count);
	buffer->length += count;
	buffer->data[buffer->length] = '\0';
}

void buffer_vprint(struct buffer *buffer, const char *format, va_list arguments)
{
	va_list again;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0) {
		buffer->error = buffer->error ? buffer->error : -ENOMEM;
		return;
	}
	if (!reserve(buffer, (size_t)length))
		return;
	vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
	buffer->length += (size_t)length;
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	buffer_vprint(buffer, format, arguments);
	va_end(arguments);
}

void buffer_reserve(struct buffer *buffer, size_t more)
{
	reserve(buffer, more);
}

char *buffer_open(struct buffer *buffer, size_t most)
{
	return reserve(buffer, most) ? buffer->data + buffer->length : NULL;
}

void buffer_close(struct buffer *buffer, const char *end)
{
	buffer->length = (size_t)(end - buffer->data);
	buffer->data[buffer->length] = '\0';
}

void buffer_cut(struct buffer *buffer, size_t length)
{
	if (length >= buffer->length)
		return;
	buffer->length = length;
	buffer->data[length] = '\0';
}

const char *buffer_text(const struct buffer *buffer)
{
	return buffer->data ? buffer->data : "";
}

char *buffer_take(struct buffer *buffer)
{
	char *text;

	if (buffer->error || !reserve(buffer, 0))
		return NULL;
	buffer->data[buffer->length] = '\0';
	text = buffer->data;
	*buffer = (struct buffer)BUFFER(buffer->limit);
	return text;
}
