#include "scribe/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/board.h"
#include "reeve/pipe.h"
#include "scribe/journal.h"
#include "scribe/stream_state.h"

/* More streams than that no board has. */
#define STREAMS_MAX (2 * BOARD_ROWS_MAX)

int stream_set_init(struct stream_set *set)
{
	return reeve_loop_add_timer(set->loop, pace_fill_time_over, set, &set->fill_timer);
}

void stream_set_deinit(struct stream_set *set)
{
	set->ends = false; /* nobody is to be told */
	for (size_t i = 0; i < set->size; i++)
		if (set->table[i])
			stream_end(set->table[i]);
	while (set->closing)
		stream_end(set->closing);
	if (set->self)
		stream_end(set->self);
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
	tap_state tap = journal_tap_state(journal, stream->number);
	char held[TAP_HELD_MAX];
	size_t size;

	size = tap_finish(&tap, held);
	carry_deliver(stream, held, size);
	journal_set_tap_state(journal, stream->number, tap);
	size = ansi_finish(&state, held);
	if (stream->strips)
		carry_deliver(stream, held, size);
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

static void stop_waiting(struct stream *stream)
{
	if (stream->file)
		target_stop_waiting(stream->file, &stream->waiter);
	if (stream->copy)
		target_stop_waiting(stream->copy, &stream->waiter);
}

void stream_end(struct stream *stream)
{
	struct stream_set *set = stream->set;

	pace_stop_filling(stream);
	stop_waiting(stream);
	detach(stream);
	let_go(stream);
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

bool stream_is_over(struct stream *stream, size_t done)
{
	if (!stream->closing)
		return false;
	stream->left -= done < stream->left ? done : stream->left;
	if (stream->left > 0)
		return false;
	stream_end(stream);
	return true;
}

void stream_close(struct stream *stream)
{
	struct stream_set *set = stream->set;
	struct target *full;
	ssize_t left = reeve_pipe_available(stream->fd);

	pace_stop_filling(stream);
	detach(stream);
	stream->closing = true;
	stream->next = set->closing;
	set->closing = stream;
	stream->left = left > 0 ? (uint64_t)left : 0;
	if (stream_is_over(stream, carry(stream, stream->left)) || stream->waits)
		return;
	full = carry_full_target(stream);
	if (full)
		pace_wait_for_room(stream, full);
	else if (carry_waits_for_feed(stream))
		pace_wait_for_feed(stream);
	else
		stream_end(stream); /* what is left could not be read */
}

void stream_set_feed_has_room(struct stream_set *set)
{
	for (size_t i = 0; i < set->size; i++)
		if (set->table[i])
			pace_feed_has_room(set->table[i]);
	for (struct stream *stream = set->closing; stream; stream = stream->next)
		pace_feed_has_room(stream);
}

/* Of what comes now there will be no events: the core has gone. */
void stream_set_close(struct stream_set *set)
{
	set->feed = NULL;
	stream_set_feed_has_room(set);
	for (size_t i = 0; i < set->size; i++)
		if (set->table[i])
			stream_close(set->table[i]);
	set->ends = true;
	tell_finished(set);
}

/* Is it a pipe's end, and of the one that the stream has? */
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
	struct target *file, *copy;
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
	if (stream->waits) {
		stop_waiting(stream);
		pace_resume(&stream->waiter); /* if there is no room still, it will see */
	}
	target_release(stream->file);
	target_release(stream->copy);
	stream->file = file;
	stream->copy = copy;
	stream->strips = open->strip_ansi;
	stream->taps = stream->number == STREAM_SELF ? 0 : open->taps;
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
	stream->waiter.resume = pace_resume;
	stream->number = open->stream;
	stream->fd = fd;
	stream->pipe_size =
		pipe_size > 0 && stream->number != STREAM_SELF ? (uint32_t)pipe_size : STREAM_PIPE_USUAL;
	memcpy(stream->name, open->name, name_size);
	r = reeve_loop_add_fd(set->loop, fd, REEVE_LOOP_READABLE, pace_readable, stream, &stream->source);
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

int stream_open_to_read(const struct stream *stream)
{
	return stream->file ? target_open_to_read(stream->file) : -ENOENT;
}

void stream_clear(struct stream *stream)
{
	if (stream->file)
		target_clear(stream->file);
}
