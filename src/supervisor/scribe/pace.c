/* When a stream is read: as soon as there is something, or, where little comes often, when its pipe has filled
 * for a while; and how large its pipe is. */
#include "board/log.h"
#include "reeve/error.h"
#include "reeve/pipe.h"
#include "scribe/journal.h"
#include "scribe/stream_state.h"

/* A chunk of less than this is few bytes; so many in a row, each within STREAM_FILL of the one before, and the
 * pipe is left to fill. When nothing came so many times more often than something, it is read at once again. */
#define FEW_BYTES 16384
#define FEW_IN_A_ROW 32
#define NOTHING_TOO_OFTEN 4

/* So many chunks in a row that were more than half of the pipe, and it is made larger. */
#define FULL_IN_A_ROW 4

/* One that has not carried anything for so long does not need a large pipe. */
#define IDLE REEVE_SEC

/* ---- waiting: for bytes, for room, for the pipe to fill ---- */

static void listen_to(struct stream *stream, bool listens)
{
	int r = reeve_loop_fd_set_events(stream->source, listens ? REEVE_LOOP_READABLE : 0);

	if (r < 0)
		log_line(LOG_ERROR, "scribe: cannot watch '%s': %s", stream->name, reeve_error_text(r));
}

void pace_stop_filling(struct stream *stream)
{
	struct stream **at = &stream->set->filling;

	if (!stream->fills)
		return;
	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	stream->fills = false;
	stream->in_a_row = 0;
}

static void start_filling(struct stream *stream)
{
	struct stream_set *set = stream->set;

	if (!set->filling && reeve_loop_timer_start(set->fill_timer, STREAM_FILL, STREAM_FILL) < 0)
		return;
	stream->next = set->filling;
	set->filling = stream;
	stream->fills = true;
	stream->in_a_row = 0;
	listen_to(stream, false);
}

void pace_resume(struct target_waiter *waiter)
{
	struct stream *stream = (struct stream *)waiter;

	stream->waits = false;
	listen_to(stream, true);
}

void pace_wait_for_room(struct stream *stream, struct target *full)
{
	pace_stop_filling(stream);
	listen_to(stream, false);
	stream->waits = true;
	target_wait(full, &stream->waiter);
}

void pace_wait_for_feed(struct stream *stream)
{
	pace_stop_filling(stream);
	listen_to(stream, false);
	stream->waits_for_feed = true;
}

void pace_feed_has_room(struct stream *stream)
{
	if (!stream->waits_for_feed)
		return;
	stream->waits_for_feed = false;
	if (!stream->waits)
		listen_to(stream, true);
}

/* ---- the pipe's size ---- */

/* The supervisor's own log has the size that it was given, whatever happens. */
static bool is_resizable(const struct stream *stream)
{
	return stream->number != STREAM_SELF;
}

static void set_pipe_size(struct stream *stream, uint32_t size)
{
	bool was_large = stream->pipe_size > STREAM_PIPE_USUAL;
	ssize_t r = reeve_pipe_set_size(stream->fd, size);

	if (r < 0)
		return;
	stream->pipe_size = (uint32_t)r;
	stream->set->large_pipes += stream->pipe_size > STREAM_PIPE_USUAL;
	stream->set->large_pipes -= was_large;
}

/* Take large pipes from those that have not needed them of late. */
static void reclaim_large_pipes(struct stream_set *set)
{
	reeve_nsec now = reeve_loop_now(set->loop);

	if (now - set->reclaimed < IDLE)
		return;
	set->reclaimed = now;
	for (size_t i = 0; i < set->size; i++) {
		struct stream *stream = set->table[i];

		if (stream && stream->pipe_size > STREAM_PIPE_USUAL && now - stream->carried > IDLE)
			set_pipe_size(stream, STREAM_PIPE_USUAL);
	}
}

static void enlarge_pipe(struct stream *stream)
{
	struct stream_set *set = stream->set;

	if (stream->pipe_size <= STREAM_PIPE_USUAL && set->large_pipes >= STREAM_LARGE_PIPES)
		reclaim_large_pipes(set);
	if (stream->pipe_size > STREAM_PIPE_USUAL || set->large_pipes < STREAM_LARGE_PIPES)
		set_pipe_size(stream, stream->pipe_size * 2);
}

/* It was found more than half full: make it larger, if that happens more often. */
static void consider_size(struct stream *stream, size_t found, uint32_t largest)
{
	if (found <= stream->pipe_size / 2 || stream->pipe_size >= largest || !is_resizable(stream)) {
		stream->full_in_a_row = 0;
		return;
	}
	if (++stream->full_in_a_row >= FULL_IN_A_ROW) {
		stream->full_in_a_row = 0;
		enlarge_pipe(stream);
	}
}

/* ---- the loop's calls ---- */

/* Is it written to in small pieces, faster than is worth a wake-up each? */
static void consider_filling(struct stream *stream, size_t found)
{
	reeve_nsec now = reeve_loop_now(stream->set->loop);
	bool is_quick = now - stream->carried < STREAM_FILL;

	stream->carried = now;
	if (!is_quick || found >= FEW_BYTES || stream->closing) {
		stream->in_a_row = 0;
		return;
	}
	if (++stream->in_a_row >= FEW_IN_A_ROW)
		start_filling(stream);
}

/* Carry what was `found` in it, as far as is fair to the others. Returns whether the stream is still there. */
static bool serve(struct stream *stream, size_t found)
{
	size_t turn = found < JOURNAL_CHUNK ? found : JOURNAL_CHUNK;
	struct target *full;

	if (stream_is_over(stream, carry(stream, turn)))
		return false;
	full = carry_full_target(stream);
	if (full)
		pace_wait_for_room(stream, full);
	else if (carry_waits_for_feed(stream))
		pace_wait_for_feed(stream);
	return true;
}

void pace_readable(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct stream *stream = data;
	ssize_t found = reeve_pipe_available(fd);

	if (found <= 0) {
		if (found < 0 || events & REEVE_LOOP_HANGUP || stream->closing)
			stream_end(stream);
		return;
	}
	if (!serve(stream, (size_t)found) || stream->waits || stream->waits_for_feed)
		return;
	consider_size(stream, (size_t)found, STREAM_PIPE_BUSY);
	consider_filling(stream, (size_t)found);
}

/* Nothing came for a while: its bytes are waited for again, and its pipe is as small as others'. */
static void settle(struct stream *stream)
{
	pace_stop_filling(stream);
	if (is_resizable(stream) && stream->pipe_size > STREAM_PIPE_USUAL)
		set_pipe_size(stream, STREAM_PIPE_USUAL);
	listen_to(stream, true);
}

static void serve_filling(struct stream *stream)
{
	ssize_t found = reeve_pipe_available(stream->fd);
	size_t done = 0;

	if (found <= 0) {
		if (++stream->in_a_row >= NOTHING_TOO_OFTEN)
			settle(stream);
		return;
	}
	stream->carried = reeve_loop_now(stream->set->loop);
	if (stream->in_a_row > 0)
		stream->in_a_row--;
	consider_size(stream, (size_t)found, STREAM_PIPE_FILLING);
	while (done < (size_t)found) {
		size_t left = (size_t)found - done;

		if (!serve(stream, left) || stream->waits || stream->waits_for_feed)
			return;
		done += left < JOURNAL_CHUNK ? left : JOURNAL_CHUNK;
	}
}

void pace_fill_time_over(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct stream_set *set = data;
	struct stream *stream, *next;

	for (stream = set->filling; stream; stream = next) {
		next = stream->next;
		serve_filling(stream);
	}
	if (!set->filling)
		reeve_loop_timer_stop(set->fill_timer);
}
