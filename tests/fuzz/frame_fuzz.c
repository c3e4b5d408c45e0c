/* The way back from bytes to messages (lib/fd/frame_parser.h), fed with anything.
 *
 * Two promises are checked. No message is larger than the parser was told to accept, and all of
 * each is memory that can be read. And it makes no difference in which pieces the bytes arrive:
 * what comes out must be what comes out of them uncut. The first byte of the input says how they
 * are cut, and whether headers are put right first. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/fd/frame_parser.h"

#define LARGEST 10000

/* What came out: a sum over results, sizes and bytes, in order. */
static uint64_t note(uint64_t sum, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ ((const unsigned char *)data)[i]) * 1099511628211u;
	return sum;
}

static uint64_t take_all(struct frame_parser *parser, uint64_t sum)
{
	const void *message;
	size_t size;
	int r;

	while ((r = frame_parser_next(parser, &message, &size)) != 0) {
		if (r != 1 && r != -EMSGSIZE && r != -EBADMSG)
			abort();
		sum = note(sum, &r, sizeof r);
		if (r != 1)
			continue;
		if (size > LARGEST)
			abort();
		sum = note(sum, &size, sizeof size);
		sum = note(sum, message, size);
	}
	return sum;
}

static uint64_t parse(const uint8_t *data, size_t size, size_t piece)
{
	struct frame_parser parser;
	uint64_t sum = 14695981039346656037u;
	int r;

	frame_parser_init(&parser, LARGEST);
	while (size > 0) {
		size_t n = size < piece ? size : piece;
		char *room;

		if (frame_parser_reserve(&parser, n, &room) < 0)
			abort();
		memcpy(room, data, n);
		frame_parser_added(&parser, n);
		sum = take_all(&parser, sum);
		data += n;
		size -= n;
	}
	r = frame_parser_end(&parser);
	sum = note(sum, &r, sizeof r);
	frame_parser_deinit(&parser);
	return sum;
}

/* Put right what a mutation rarely hits upon: the check of each header. */
static void seal_all(uint8_t *data, size_t size)
{
	struct frame_header header = { 0 };
	uint32_t magic;

	frame_seal(&header);
	magic = header.magic;
	for (size_t i = 0; i + sizeof header <= size; i++)
		if (memcmp(data + i, &magic, sizeof magic) == 0) {
			memcpy(&header, data + i, sizeof header);
			frame_seal(&header);
			memcpy(data + i, &header, sizeof header);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < 2)
		return 0;
	copy = malloc(size - 1);
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 0x80)
		seal_all(copy, size - 1);
	if (parse(copy, size - 1, 1 + (data[0] & 0x7f)) != parse(copy, size - 1, SIZE_MAX))
		abort();
	free(copy);
	return 0;
}
