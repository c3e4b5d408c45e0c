#include "scribe/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/board.h"
#include "board/log.h"
#include "reeve/error.h"
#include "reeve/pipe.h"
#include "scribe/journal.h"

/* A chunk of less than this is few bytes; so many in a row, each within STREAM_FILL of the one before, and the
 * pipe is left to fill. So many times in a row nothing came, and it is read at once again. */
#define FEW_BYTES 16384
#define FEW_IN_A_ROW 32
#define NOTHING_IN_A_ROW 4

/* So many chunks in a row that were more than half of the pipe, and it is made larger. */
#define FULL_IN_A_ROW 4

/* More streams than that no board has. */
#define STREAMS_MAX (2 * BOARD_ROWS_MAX)

/* One that has not carried anything for so long does not need a large pipe. */
#define IDLE REEVE_SEC

struct stream {
	struct target_waiter waiter; /* first: see resume() */
	struct stream_set *set;
	struct stream *next; /* of those that fill, or of those that are closing */
	struct reeve_loop_source *source;
	struct target *file;
	struct target *copy; /* the supervisor's own log in the foreground */
	struct syslog_line line;
	reeve_nsec carried; /* when the last chunk was */
	uint64_t left;	    /* of one that is closing: bytes to be carried before it is gone */
	uint32_t number;
	uint32_t pipe_size;
	int fd;
	uint8_t in_a_row;
	uint8_t full_in_a_row;
	bool strips : 1, to_syslog : 1, waits : 1, fills : 1, closing : 1;
	char name[];
};

static void stream_free(struct stream *stream);

/* ---- carrying a chunk ---- */

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

static void deliver(struct stream *stream, const char *data, size_t size)
{
	if (stream->file)
		target_write(stream->file, data, size);
	journal_empty(stream->set->journal);
	if (stream->copy)
		target_write(stream->copy, data, size);
	if (stream->to_syslog)
		syslog_write(stream->set->syslog, &stream->line, stream->name, data, size);
	if (is_told(stream))
		tell(stream, data, size);
}

/* Through our hands. Returns how many bytes, 0 where there were none. */
static size_t copy(struct stream *stream, size_t size)
{
	struct scribe_journal *journal = stream->set->journal;
	struct journal_file file;
	size_t room = journal_room(stream->strips);
	char *data;
	ssize_t n;

	if (size > room)
		size = room;
	data = journal_reading(journal, stream->number, size,
		stream->file ? target_file(stream->file, &file) : NULL, stream->strips);
	n = read(stream->fd, data, size);
	if (n <= 0) {
		journal_empty(journal);
		return 0;
	}
	size = (size_t)n;
	if (stream->strips) {
		enum ansi_state state = journal_state(journal, stream->number);

		size = ansi_strip(&state, data, size, journal_stripped(journal));
		data = journal_stripped(journal);
		journal_set_state(journal, stream->number, state);
	}
	journal_hold(journal, data, size);
	deliver(stream, data, size);
	return (size_t)n;
}

/* Do the bytes need no look, and is there one place to go to that takes them as they are? */
static bool splices(const struct stream *stream)
{
	return stream->file && target_splices(stream->file) && !stream->copy && !stream->to_syslog &&
	       !stream->strips && !is_told(stream);
}

static struct target *full_target(const struct stream *stream)
{
	if (stream->file && target_is_full(stream->file))
		return stream->file;
	if (stream->copy && target_is_full(stream->copy))
		return stream->copy;
	return NULL;
}

/* Carry up to `size` of the bytes that are there. Returns how many it were: fewer, where a target is full. */
static size_t carry(struct stream *stream, size_t size)
{
	size_t done = 0;

	while (done < size && !full_target(stream)) {
		size_t n = splices(stream) ? target_splice(stream->file, stream->fd, size - done) : 0;

		if (n == 0 && !full_target(stream))
			n = copy(stream, size - done);
		if (n == 0)
			break;
		done += n;
	}
	return done;
}

/* ---- waiting: for bytes, for room, for the pipe to fill ---- */

static void listen_to(struct stream *stream, bool listens)
{
	int r = reeve_loop_fd_set_events(stream->source, listens ? REEVE_LOOP_READABLE : 0);

	if (r < 0)
		log_line(LOG_ERROR, "scribe: cannot watch '%s': %s", stream->name, reeve_error_text(r));
}

static void stop_filling(struct stream *stream)
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

static void resume(struct target_waiter *waiter)
{
	struct stream *stream = (struct stream *)waiter;

	stream->waits = false;
	listen_to(stream, true);
}

/* A target is full: what comes next stays in the pipe. */
static void wait_for_room(struct stream *stream, struct target *full)
{
	stop_filling(stream);
	listen_to(stream, false);
	stream->waits = true;
	target_wait(full, &stream->waiter);
}

/* ---- the pipe's size ---- */

/* Take large pipes from those that have not needed them of late. */
static void reclaim_large_pipes(struct stream_set *set);

static void set_pipe_size(struct stream *stream, uint32_t size)
{
	struct stream_set *set = stream->set;
	bool was_large = stream->pipe_size > STREAM_PIPE_USUAL;
	ssize_t r;

	if (size > STREAM_PIPE_USUAL && !was_large && set->large_pipes >= STREAM_LARGE_PIPES) {
		reclaim_large_pipes(set);
		return;
	}
	r = reeve_pipe_set_size(stream->fd, size);
	if (r < 0)
		return;
	stream->pipe_size = (uint32_t)r;
	if (stream->pipe_size > STREAM_PIPE_USUAL && !was_large)
		set->large_pipes++;
	if (stream->pipe_size <= STREAM_PIPE_USUAL && was_large)
		set->large_pipes--;
}

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

/* It was found more than half full: make it larger, if that happens more often. */
static void consider_size(struct stream *stream, size_t found, uint32_t largest)
{
	if (found <= stream->pipe_size / 2 || stream->pipe_size >= largest) {
		stream->full_in_a_row = 0;
		return;
	}
	if (++stream->full_in_a_row >= FULL_IN_A_ROW) {
		stream->full_in_a_row = 0;
		set_pipe_size(stream, stream->pipe_size * 2);
	}
}

/* ---- the loop's calls ---- */

/* Is it written to in small pieces, faster than is worth a wake-up each? */
static void consider_filling(struct stream *stream, size_t found)
{
	reeve_nsec now = reeve_loop_now(stream->set->loop);
	bool is_quick = now - stream->carried < STREAM_FILL;

	stream->carried = now;
	if (!is_quick || found >= FEW_BYTES) {
		stream->in_a_row = 0;
		return;
	}
	if (++stream->in_a_row >= FEW_IN_A_ROW)
		start_filling(stream);
}

/* One that is closing, or whose pipe has ended, and of which all is carried, goes. Returns whether it has. */
static bool is_over(struct stream *stream, size_t done)
{
	if (!stream->closing)
		return false;
	stream->left -= done < stream->left ? done : stream->left;
	if (stream->left > 0)
		return false;
	stream_free(stream);
	return true;
}

/* Carry what was `found` in it, as far as is fair to the others. Returns whether the stream is still there. */
static bool serve(struct stream *stream, size_t found)
{
	size_t turn = found < JOURNAL_CHUNK ? found : JOURNAL_CHUNK;
	struct target *full;

	if (is_over(stream, carry(stream, turn)))
		return false;
	full = full_target(stream);
	if (full)
		wait_for_room(stream, full);
	return true;
}

static void on_readable(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct stream *stream = data;
	ssize_t found = reeve_pipe_available(fd);

	if (found <= 0) {
		if (found < 0 || events & REEVE_LOOP_HANGUP)
			stream_free(stream);
		return;
	}
	if (!serve(stream, (size_t)found) || stream->waits)
		return;
	consider_size(stream, (size_t)found, STREAM_PIPE_BUSY);
	consider_filling(stream, (size_t)found);
}

/* Nothing came for a while: its bytes are waited for again, and its pipe is as small as others'. */
static void settle(struct stream *stream)
{
	stop_filling(stream);
	set_pipe_size(stream, STREAM_PIPE_USUAL);
	listen_to(stream, true);
}

static void serve_filling(struct stream *stream)
{
	ssize_t found = reeve_pipe_available(stream->fd);
	size_t done = 0;

	if (found <= 0) {
		if (++stream->in_a_row >= NOTHING_IN_A_ROW)
			settle(stream);
		return;
	}
	stream->in_a_row = 0;
	consider_size(stream, (size_t)found, STREAM_PIPE_FILLING);
	while (done < (size_t)found) {
		size_t left = (size_t)found - done;

		if (!serve(stream, left) || stream->waits)
			return;
		done += left < JOURNAL_CHUNK ? left : JOURNAL_CHUNK;
	}
}

static void fill_time_over(struct reeve_loop_source *source, uint64_t expirations, void *data)
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

/* ---- opening and closing ---- */

int stream_set_init(struct stream_set *set)
{
	return reeve_loop_add_timer(set->loop, fill_time_over, set, &set->fill_timer);
}

void stream_set_deinit(struct stream_set *set)
{
	set->ends = false; /* nobody is to be told */
	for (size_t i = 0; i < set->size; i++)
		if (set->table[i])
			stream_free(set->table[i]);
	while (set->closing)
		stream_free(set->closing);
	if (set->self)
		stream_free(set->self);
	free(set->table);
	set->table = NULL;
	set->size = 0;
	set->fill_timer = reeve_loop_source_free(set->fill_timer);
}

struct stream *stream_find(const struct stream_set *set, uint32_t number)
{
	if (number == STREAM_SELF)
		return set->self;
	return number < set->size ? set->table[number] : NULL;
}

static void enter(struct stream_set *set, uint32_t number, struct stream *stream)
{
	if (number == STREAM_SELF)
		set->self = stream;
	else
		set->table[number] = stream;
}

static int make_place(struct stream_set *set, uint32_t number)
{
	size_t size = set->size ? set->size : 16;
	struct stream **table;

	if (number == STREAM_SELF || number < set->size)
		return 0;
	if (number >= STREAMS_MAX)
		return -EINVAL;
	while (size <= number)
		size *= 2;
	table = realloc(set->table, size * sizeof *table);
	if (!table)
		return -ENOMEM;
	memset(table + set->size, 0, (size - set->size) * sizeof *table);
	set->table = table;
	set->size = size;
	return 0;
}

/* From now on the number is free. */
static void detach(struct stream *stream)
{
	struct stream_set *set = stream->set;
	struct stream **at = &set->closing;

	if (!stream->closing) {
		enter(set, stream->number, NULL);
		return;
	}
	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
}

/* What it still holds back goes where the rest went. */
static void let_go(struct stream *stream)
{
	struct scribe_journal *journal = stream->set->journal;
	enum ansi_state state = journal_state(journal, stream->number);
	char held[1];

	if (stream->strips && ansi_finish(&state, held) > 0)
		deliver(stream, held, sizeof held);
	journal_set_state(journal, stream->number, ANSI_TEXT);
	syslog_finish(stream->set->syslog, &stream->line, stream->name);
}

static void tell_finished(struct stream_set *set)
{
	if (!set->ends)
		return;
	if (set->count == 0)
		set->finished(set->data);
	else if (set->count == 1 && set->self)
		stream_close(set->self);
}

static void stream_free(struct stream *stream)
{
	struct stream_set *set = stream->set;
	struct target *full = full_target(stream);

	stop_filling(stream);
	detach(stream);
	let_go(stream);
	if (stream->waits && full)
		target_stop_waiting(full, &stream->waiter);
	if (stream->pipe_size > STREAM_PIPE_USUAL)
		set->large_pipes--;
	reeve_loop_source_free(stream->source);
	close(stream->fd);
	target_release(stream->file);
	target_release(stream->copy);
	free(stream);
	set->count--;
	tell_finished(set);
}

void stream_close(struct stream *stream)
{
	struct stream_set *set = stream->set;
	struct target *full;
	ssize_t left = reeve_pipe_available(stream->fd);

	stop_filling(stream);
	detach(stream);
	stream->closing = true;
	stream->next = set->closing;
	set->closing = stream;
	stream->left = left > 0 ? (uint64_t)left : 0;
	if (is_over(stream, carry(stream, stream->left)) || stream->waits)
		return;
	full = full_target(stream);
	if (full)
		wait_for_room(stream, full);
	else
		stream_free(stream); /* what is left could not be read */
}

void stream_set_close(struct stream_set *set)
{
	for (size_t i = 0; i < set->size; i++)
		if (set->table[i])
			stream_close(set->table[i]);
	set->ends = true;
	tell_finished(set);
}

/* Is this, other than what the stream has, an end of another pipe? */
static int check_pipe(const struct stream *stream, int fd, bool *ret_same)
{
	struct stat given, own;

	if (fstat(fd, &given) < 0)
		return -errno;
	if (!S_ISFIFO(given.st_mode))
		return -EINVAL;
	*ret_same = stream && fstat(stream->fd, &own) == 0 && own.st_dev == given.st_dev &&
		    own.st_ino == given.st_ino;
	return 0;
}

static int acquire(struct stream_set *set, const char *path, const struct message_log_open *open,
	struct target **ret)
{
	struct target_settings settings = {
		.path = path,
		.max_bytes = open->max_bytes,
		.backups = open->backups,
		.mode = open->mode & 0777,
		.is_new = open->is_new,
	};

	*ret = NULL;
	return *path ? target_acquire(set->targets, &settings, ret) : 0;
}

/* From now on with these settings. On failure it is as it was. */
static int configure(struct stream *stream, const struct message_log_open *open)
{
	struct target *full = full_target(stream), *file, *copy;
	bool copies = open->to_stdout && stream->number == STREAM_SELF;
	int r;

	r = acquire(stream->set, open->path, open, &file);
	if (r < 0)
		return r;
	r = acquire(stream->set, copies ? "/dev/stdout" : "", open, &copy);
	if (r < 0) {
		target_release(file);
		return r;
	}
	if (stream->waits && full != file && full != copy) {
		target_stop_waiting(full, &stream->waiter);
		resume(&stream->waiter);
	}
	target_release(stream->file);
	target_release(stream->copy);
	stream->file = file;
	stream->copy = copy;
	stream->strips = open->strip_ansi;
	if (!open->to_syslog)
		syslog_finish(stream->set->syslog, &stream->line, stream->name);
	stream->to_syslog = open->to_syslog;
	return 0;
}

static int make(struct stream_set *set, const struct message_log_open *open, int fd)
{
	size_t name_size = strlen(open->name) + 1;
	struct stream *stream = calloc(1, sizeof *stream + name_size);
	ssize_t pipe_size = reeve_pipe_size(fd);
	int r;

	if (!stream)
		return -ENOMEM;
	stream->set = set;
	stream->waiter.resume = resume;
	stream->number = open->stream;
	stream->fd = fd;
	stream->pipe_size = pipe_size > 0 ? (uint32_t)pipe_size : STREAM_PIPE_USUAL;
	memcpy(stream->name, open->name, name_size);
	r = reeve_loop_add_fd(set->loop, fd, REEVE_LOOP_READABLE, on_readable, stream, &stream->source);
	if (r == 0)
		r = configure(stream, open);
	if (r < 0) {
		reeve_loop_source_free(stream->source);
		free(stream);
		return r;
	}
	if (stream->pipe_size > STREAM_PIPE_USUAL)
		set->large_pipes++;
	enter(set, open->stream, stream);
	set->count++;
	return 0;
}

/* A pipe that is new, in place of one that there may be. */
static int open_new(struct stream_set *set, const struct message_log_open *open, int fd)
{
	struct stream *before;
	int flags = fcntl(fd, F_GETFL), r;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	r = make_place(set, open->stream);
	if (r < 0)
		return r;
	before = stream_find(set, open->stream);
	if (before)
		stream_close(before);
	return make(set, open, fd);
}

int stream_open(struct stream_set *set, const struct message_log_open *open, int fd_consume)
{
	struct stream *stream = stream_find(set, open->stream);
	bool is_same = true;
	int r;

	if (fd_consume < 0)
		return stream ? configure(stream, open) : -ENOENT;
	r = check_pipe(stream, fd_consume, &is_same);
	if (r == 0 && !is_same)
		r = open_new(set, open, fd_consume);
	else if (r == 0)
		r = configure(stream, open);
	if (r < 0 || is_same)
		close(fd_consume);
	return r;
}

void stream_clear(struct stream *stream)
{
	if (stream->file)
		target_clear(stream->file);
}
