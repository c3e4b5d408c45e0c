/* Bytes on their way from a stream's pipe to where they go. */
#include <unistd.h>

#include "board/log.h"
#include "scribe/journal.h"
#include "scribe/stream_state.h"

/* Does the log want to see it as well? As supervisord has it at that level. */
static bool is_told(const struct stream *stream)
{
	return log_level() <= LOG_DEBUG && stream->number != STREAM_SELF;
}

static void tell(const struct stream *stream, const char *data, size_t size)
{
	const char *channel = stream->number & 1 ? "stderr" : "stdout";
	int piece = LOG_RECORD_MAX - 512; /* room for the name */

	for (; size > 0; data += piece, size -= (size_t)piece) {
		if (size < (size_t)piece)
			piece = (int)size;
		log_line(LOG_DEBUG, "'%s' %s output:\n%.*s", stream->name, channel, piece, data);
	}
}

void carry_deliver(struct stream *stream, const char *data, size_t size)
{
	if (stream->file && size > 0)
		target_write(stream->file, data, size);
	journal_empty(stream->set->journal);
	if (size == 0)
		return;
	if (stream->copy)
		target_write(stream->copy, data, size);
	if (stream->to_syslog)
		syslog_write(stream->set->syslog, &stream->line, stream->name, data, size);
	if (is_told(stream))
		tell(stream, data, size);
}

bool carry_waits_for_feed(const struct stream *stream)
{
	return stream->taps && tap_room(stream->set->feed, stream->taps) == 0;
}

/* Through our hands. Returns how many bytes, 0 where there were none, or there is no room for them. */
static size_t copy(struct stream *stream, size_t size)
{
	struct scribe_journal *journal = stream->set->journal;
	struct feed *feed = stream->set->feed;
	struct journal_file file;
	size_t room = journal_room(stream->strips, stream->taps);
	const char *data;
	char *place;
	bool tell = false;
	ssize_t n;

	if (carry_waits_for_feed(stream))
		return 0;
	if (size > room)
		size = room;
	place = journal_reading(journal, stream->number, size,
		stream->file ? target_file(stream->file, &file) : NULL, stream->strips, stream->taps, feed);
	n = read(stream->fd, place, size);
	if (n <= 0) {
		journal_empty(journal);
		return 0;
	}
	size = journal_pass(journal, (size_t)n, feed, &data, &tell);
	carry_deliver(stream, data, size);
	if (tell)
		stream->set->fed(stream->set->data);
	return (size_t)n;
}

/* Do the bytes need no look, and is there one place to go to that takes them as they are? */
static bool splices(const struct stream *stream)
{
	return stream->file && target_splices(stream->file) && !stream->copy && !stream->to_syslog &&
	       !stream->strips && !stream->taps && !is_told(stream);
}

struct target *carry_full_target(const struct stream *stream)
{
	if (stream->file && target_is_full(stream->file))
		return stream->file;
	if (stream->copy && target_is_full(stream->copy))
		return stream->copy;
	return NULL;
}

size_t carry(struct stream *stream, size_t size)
{
	size_t done = 0;

	while (done < size && !carry_full_target(stream)) {
		size_t n = splices(stream) ? target_splice(stream->file, stream->fd, size - done) : 0;

		if (n == 0 && !carry_full_target(stream))
			n = copy(stream, size - done);
		if (n == 0)
			break;
		done += n;
	}
	return done;
}
