#include "lib/fd/frame_parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"

#define MAGIC 0x314d5652u /* "RVM1" */

_Static_assert(
	sizeof(struct frame_header) + FRAME_PAYLOAD_MAX == FRAME_SIZE_MAX, "a frame is one write");

/* FNV-1a, of what comes after the check itself. */
static uint32_t check_of(const struct frame_header *header)
{
	const unsigned char *byte = (const unsigned char *)&header->id;
	const unsigned char *end = (const unsigned char *)(header + 1);
	uint32_t check = 2166136261u;

	for (; byte < end; byte++)
		check = (check ^ *byte) * 16777619u;
	return check;
}

void frame_seal(struct frame_header *header)
{
	header->magic = MAGIC;
	header->check = check_of(header);
}

static bool is_header(const struct frame_header *header)
{
	if (header->magic != MAGIC || header->check != check_of(header) || header->zero != 0)
		return false;
	if (header->size > REEVE_FRAME_MAX || header->length > FRAME_PAYLOAD_MAX ||
		header->offset > header->size || header->length > header->size - header->offset)
		return false;
	return header->id == 0 ? header->length == header->size : header->length > 0;
}

void frame_parser_init(struct frame_parser *parser, size_t largest)
{
	*parser = (struct frame_parser){ .largest = largest };
}

static void forget(struct frame_pending *pending)
{
	free(pending->data);
	*pending = (struct frame_pending){ 0 };
}

static void forget_all(struct frame_parser *parser)
{
	for (size_t i = 0; i < REEVE_FRAME_PENDING_MAX; i++)
		forget(&parser->pending[i]);
}

void frame_parser_deinit(struct frame_parser *parser)
{
	forget_all(parser);
	free(parser->complete);
	free(parser->buffer);
}

int frame_parser_reserve(struct frame_parser *parser, size_t size, char **ret)
{
	size_t kept = parser->end - parser->start;

	if (parser->start > 0) {
		memmove(parser->buffer, parser->buffer + parser->start, kept);
		parser->start = 0;
		parser->end = kept;
	}
	if (parser->room - kept < size) {
		char *buffer = sys_realloc(parser->buffer, kept + size);

		if (!buffer)
			return -ENOMEM;
		parser->buffer = buffer;
		parser->room = kept + size;
	}
	*ret = parser->buffer + kept;
	return 0;
}

void frame_parser_added(struct frame_parser *parser, size_t size)
{
	parser->end += size;
}

/* Whether `size` bytes, perhaps fewer than a header has, can be the beginning of a frame. */
static bool can_begin(const char *bytes, size_t size, struct frame_header *header)
{
	static const uint32_t magic = MAGIC;

	if (size < sizeof *header)
		return memcmp(bytes, &magic, size < sizeof magic ? size : sizeof magic) == 0;
	memcpy(header, bytes, sizeof *header);
	return is_header(header);
}

/* Go to the next byte at which a frame can begin. Returns whether any were skipped. */
static bool skip_garbage(struct frame_parser *parser, struct frame_header *header)
{
	size_t before = parser->start;

	while (parser->start < parser->end &&
		!can_begin(parser->buffer + parser->start, parser->end - parser->start, header))
		parser->start++;
	return parser->start > before;
}

/* The message with this id; for its first frame a new one, in the place of the one silent
 * longest. */
static struct frame_pending *find_pending(
	struct frame_parser *parser, const struct frame_header *header)
{
	struct frame_pending *oldest = &parser->pending[0];

	for (size_t i = 0; i < REEVE_FRAME_PENDING_MAX; i++) {
		struct frame_pending *pending = &parser->pending[i];

		if (pending->id == header->id)
			return pending;
		if (pending->last_fed < oldest->last_fed)
			oldest = pending;
	}
	if (header->offset != 0)
		return NULL;
	forget(oldest);
	oldest->id = header->id;
	oldest->size = header->size;
	return oldest;
}

/* Memory grows with what has come, not with what was announced. */
static int append(struct frame_pending *pending, const char *bytes, size_t length)
{
	if (pending->room - pending->filled < length) {
		size_t room = 2 * pending->room + 4 * FRAME_PAYLOAD_MAX;
		char *data;

		if (room > pending->size)
			room = pending->size;
		data = sys_realloc(pending->data, room);
		if (!data)
			return -ENOMEM;
		pending->data = data;
		pending->room = room;
	}
	memcpy(pending->data + pending->filled, bytes, length);
	pending->filled += length;
	return 0;
}

/* A frame of a message of several: 1 when it is complete, 0, -EMSGSIZE, -ENOMEM. What follows
 * after a lost frame is of no use. */
static int feed(struct frame_parser *parser, const struct frame_header *header, const char *bytes,
	const void **ret_data, size_t *ret_size)
{
	struct frame_pending *pending;
	int r;

	if (header->size > parser->largest)
		return header->offset == 0 ? -EMSGSIZE : 0;
	pending = find_pending(parser, header);
	if (!pending)
		return 0;
	if (header->size != pending->size || header->offset != pending->filled) {
		forget(pending);
		return 0;
	}
	pending->last_fed = ++parser->fed;
	r = append(pending, bytes, header->length);
	if (r < 0) {
		forget(pending);
		return r;
	}
	if (pending->filled < pending->size)
		return 0;
	parser->complete = TAKE_PTR(pending->data);
	*ret_data = parser->complete;
	*ret_size = pending->size;
	forget(pending);
	return 1;
}

static int take_frame(struct frame_parser *parser, const struct frame_header *header,
	const void **ret_data, size_t *ret_size)
{
	const char *bytes = parser->buffer + parser->start + sizeof *header;

	parser->start += sizeof *header + header->length;
	if (header->id != 0)
		return feed(parser, header, bytes, ret_data, ret_size);
	if (header->size > parser->largest)
		return -EMSGSIZE;
	*ret_data = bytes;
	*ret_size = header->length;
	return 1;
}

int frame_parser_next(struct frame_parser *parser, const void **ret_data, size_t *ret_size)
{
	int r = 0;

	free(TAKE_PTR(parser->complete));
	while (r == 0) {
		struct frame_header header;
		size_t available;

		if (skip_garbage(parser, &header) && !parser->lost) {
			parser->lost = true;
			return -EBADMSG;
		}
		available = parser->end - parser->start;
		if (available < sizeof header || available - sizeof header < header.length)
			return 0;
		parser->lost = false;
		r = take_frame(parser, &header, ret_data, ret_size);
	}
	return r;
}

int frame_parser_end(struct frame_parser *parser)
{
	int r = parser->start < parser->end && !parser->lost ? -EBADMSG : 0;

	forget_all(parser);
	parser->start = parser->end = 0;
	parser->lost = false;
	return r;
}
