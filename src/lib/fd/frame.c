/* Messages over pipes: a frame is one write of at most PIPE_BUF bytes, which a pipe takes whole
 * or not at all; a read of as much as the pipe can hold empties it at a stroke, so that frames
 * come out whole as well. */
#include "reeve/frame.h"

#include <errno.h>
#include <limits.h>
#include <sys/random.h>
#include <sys/uio.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/fd/frame_parser.h"
#include "lib/fd/stream.h"
#include "reeve/pipe.h"

_Static_assert(FRAME_SIZE_MAX <= PIPE_BUF, "a frame is one write");

static int write_frame(
	int fd, struct frame_header *header, const char *message, reeve_nsec deadline)
{
	struct iovec parts[] = {
		{ header, sizeof *header },
		{ (void *)(uintptr_t)(message + header->offset), header->length },
	};
	ssize_t n;

	frame_seal(header);
	n = stream_write(fd, parts, 2, deadline);
	if (n < 0)
		return (int)n;
	return (size_t)n == sizeof *header + header->length ? 0 : -EPROTO;
}

/* Never 0, and never twice: 64 random bits, or what a process and a moment have to themselves. */
static uint64_t make_id(void)
{
	uint64_t id = 0;

	if (sys_getrandom(&id, sizeof id, GRND_NONBLOCK) != sizeof id || id == 0)
		id = (uint64_t)reeve_now() << 24 | (uint64_t)gettid() | 1;
	return id;
}

static int write_frames(int fd, const char *message, size_t size,
	struct reeve_frame_progress *progress, reeve_nsec deadline)
{
	if (progress->id == 0)
		progress->id = make_id();
	while (progress->sent < size) {
		size_t left = size - progress->sent;
		struct frame_header header = {
			.id = progress->id,
			.size = (uint32_t)size,
			.offset = (uint32_t)progress->sent,
			.length = left < FRAME_PAYLOAD_MAX ? (uint32_t)left : FRAME_PAYLOAD_MAX,
		};
		int r = write_frame(fd, &header, message, deadline);

		if (r < 0)
			return r;
		progress->sent += header.length;
	}
	*progress = (struct reeve_frame_progress){ 0 };
	return 0;
}

int reeve_frame_write(int fd, const void *data, size_t size, struct reeve_frame_progress *progress,
	reeve_nsec timeout)
{
	struct frame_header whole = { .size = (uint32_t)size, .length = (uint32_t)size };
	struct reeve_frame_progress own_progress = { 0 };
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	if (r < 0)
		return r;
	if (size > REEVE_FRAME_MAX)
		return -EMSGSIZE;
	if (!progress)
		progress = &own_progress;
	if (progress->sent > size || (progress->id == 0 && progress->sent > 0))
		return -EINVAL;
	if (size <= REEVE_FRAME_SMALL)
		return write_frame(fd, &whole, data, deadline);
	return write_frames(fd, data, size, progress, deadline);
}

struct reeve_frame_reader {
	size_t pipe_size; /* 0: not yet asked for */
	struct frame_parser parser;
};

int reeve_frame_reader_new(size_t largest, struct reeve_frame_reader **ret)
{
	struct reeve_frame_reader *reader;

	if (largest > REEVE_FRAME_MAX)
		return -EINVAL;
	reader = sys_malloc(sizeof *reader);
	if (!reader)
		return -ENOMEM;
	reader->pipe_size = 0;
	frame_parser_init(&reader->parser, largest);
	*ret = reader;
	return 0;
}

struct reeve_frame_reader *reeve_frame_reader_free(struct reeve_frame_reader *reader)
{
	if (reader)
		frame_parser_deinit(&reader->parser);
	free(reader);
	return NULL;
}

/* Read all that is in the pipe. Returns how many bytes, 0 at the end. A pipe can have become
 * larger, which shows in a read that got all it asked for. */
static ssize_t fill(struct reeve_frame_reader *reader, int fd, reeve_nsec deadline)
{
	char *room;
	ssize_t n;
	int r;

	if (reader->pipe_size == 0) {
		ssize_t size = reeve_pipe_size(fd);

		reader->pipe_size = size > 0 ? (size_t)size : FRAME_SIZE_MAX;
	}
	r = frame_parser_reserve(&reader->parser, reader->pipe_size, &room);
	if (r < 0)
		return r;
	n = stream_read(fd, room, reader->pipe_size, deadline);
	if (n > 0)
		frame_parser_added(&reader->parser, (size_t)n);
	if (n == (ssize_t)reader->pipe_size)
		reader->pipe_size = 0;
	return n;
}

int reeve_frame_read(struct reeve_frame_reader *reader, int fd, reeve_nsec timeout,
	const void **ret_data, size_t *ret_size)
{
	reeve_nsec deadline = 0;
	int r = deadline_from(timeout, &deadline);

	while (r == 0) {
		ssize_t n;

		r = frame_parser_next(&reader->parser, ret_data, ret_size);
		if (r != 0)
			return r;
		n = fill(reader, fd, deadline);
		if (n == 0)
			return frame_parser_end(&reader->parser);
		if (n < 0)
			r = (int)n;
	}
	return r;
}
