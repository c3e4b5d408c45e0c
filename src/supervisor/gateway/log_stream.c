#include "gateway/log_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/xmlrpc_write.h"

#define BLOCK ((size_t)16 << 10)

struct log_stream {
	int fd;
	int64_t at, to;	      /* what of the file is still to come */
	bool is_whole;	      /* its end was written */
	struct buffer text;   /* what is to be sent next */
	size_t sent;	      /* of it */
	char block[BLOCK];
};

/* The next block; what was held back of one, an unfinished character, is read again with what follows it. */
static void read_block(struct log_stream *stream)
{
	size_t room = stream->to - stream->at > (int64_t)BLOCK ? BLOCK : (size_t)(stream->to - stream->at);
	ssize_t count, taken = 0;

	do
		count = pread(stream->fd, stream->block, room, stream->at);
	while (count < 0 && errno == EINTR);
	if (count <= 0) { /* truncated meanwhile, or not to be read: what was sent is all there is */
		stream->to = stream->at;
		return;
	}
	if (stream->at + count < stream->to)
		taken = (ssize_t)xmlrpc_escape_some(&stream->text, stream->block, (size_t)count);
	if (taken == 0) { /* the end, or the file was cut within a character meanwhile */
		xmlrpc_escape(&stream->text, stream->block, (size_t)count);
		taken = count;
	}
	stream->at += taken;
}

static void refill(struct log_stream *stream)
{
	buffer_clear(&stream->text);
	stream->sent = 0;
	while (stream->text.length == 0 && !stream->text.error && stream->at < stream->to)
		read_block(stream);
	if (stream->at >= stream->to && !stream->is_whole) {
		stream->is_whole = true;
		buffer_add_text(&stream->text, "</string></value>\n");
		xmlrpc_answer_end(&stream->text);
	}
}

static ssize_t read_stream(void *data, char *bytes, size_t room)
{
	struct log_stream *stream = data;
	size_t length;

	if (stream->sent == stream->text.length)
		refill(stream);
	length = stream->text.length - stream->sent;
	if (length == 0 || stream->text.error)
		return EXCHANGE_END;
	if (length > room)
		length = room;
	memcpy(bytes, stream->text.data + stream->sent, length);
	stream->sent += length;
	return (ssize_t)length;
}

struct log_stream *log_stream_answer(struct exchange *exchange, int fd, int64_t from, int64_t to)
{
	struct log_stream *stream = calloc(1, sizeof *stream);

	if (!stream) {
		exchange_answer_status(exchange, 503);
		return NULL;
	}
	stream->fd = fd;
	stream->at = from;
	stream->to = to;
	stream->text = (struct buffer)BUFFER(BLOCK * 8);
	xmlrpc_answer_begin(&stream->text);
	buffer_add_text(&stream->text, "<value><string>");
	exchange_answer_stream(exchange, 200, "text/xml", read_stream, stream);
	return stream;
}

struct log_stream *log_stream_free(struct log_stream *stream)
{
	if (stream)
		buffer_deinit(&stream->text);
	free(stream);
	return NULL;
}
