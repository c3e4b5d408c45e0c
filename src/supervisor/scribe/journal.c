#include "scribe/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/board.h"
#include "scribe/scribe.h"

/* The supervisor's own log is the last. */
#define STREAMS (2 * BOARD_ROWS_MAX + 1)

enum phase {
	PHASE_EMPTY,
	PHASE_READING, /* `read_size` bytes at read_place(), if they are there: see untouched[] */
	PHASE_HELD,    /* `size` bytes at `start`, of which the first `written` are in the file */
};

struct scribe_journal {
	_Atomic uint32_t phase;
	uint32_t read_size, start, size, written;
	uint32_t stream, has_file, strips, mode;
	uint32_t state; /* of the stream, before these bytes */
	uint32_t taps, tap_state;
	uint64_t feed_end; /* ... and the feed's */
	int64_t base; /* where in the file the first of them is, or would be: one store says it all */
	uint64_t device, inode;
	char path[PATH_MAX];
	char data[JOURNAL_CHUNK] __attribute__((aligned(4096)));
	uint8_t states[STREAMS]; /* of all streams: pages that no stream has are no memory */
	tap_state tap_states[STREAMS];
};

/* Stands where bytes are about to be read, so that it can be seen whether they were: no text has these. */
static const char untouched[] = { '\xff', '\xfe', '\xfd', '\xfc', '\xfb', '\xfa', '\xf9', '\xf8' };

/* The base of bytes of which none is written. */
#define NOWHERE INT64_MIN

/* Where bytes that are to be stripped or tapped are read to; what is left of them goes to the beginning. Those that are
 * both are stripped to a place in between. */
#define STRIP_START (JOURNAL_CHUNK / 2)
#define BETWEEN_START (JOURNAL_CHUNK / 4)
_Static_assert(TAP_OUT_MAX <= BETWEEN_START && TAP_CHUNK < JOURNAL_CHUNK / 4, "each has its place");

int scribe_journal_new(struct scribe_journal **ret)
{
	void *memory = mmap(NULL, sizeof(struct scribe_journal), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*ret = memory;
	return 0;
}

struct scribe_journal *scribe_journal_free(struct scribe_journal *journal)
{
	if (journal)
		munmap(journal, sizeof *journal);
	return NULL;
}

/* A killed process leaves all that it stored before a store that it did. */
static void enter(struct scribe_journal *journal, enum phase phase)
{
	atomic_store_explicit(&journal->phase, phase, memory_order_release);
}

static void note_file(struct scribe_journal *journal, const struct journal_file *file)
{
	journal->has_file = file != NULL;
	if (!file)
		return;
	journal->mode = file->mode;
	journal->device = file->device;
	journal->inode = file->inode;
	if (strcmp(journal->path, file->path) != 0)
		memcpy(journal->path, file->path, strlen(file->path) + 1);
}

size_t journal_room(bool strips, unsigned taps)
{
	if (taps)
		return TAP_CHUNK - 1; /* an ESC that was held back may come first */
	return strips ? STRIP_START - 1 : JOURNAL_CHUNK;
}

static uint32_t index_of(uint32_t stream)
{
	return stream < STREAMS ? stream : STREAMS - 1;
}

enum ansi_state journal_state(const struct scribe_journal *journal, uint32_t stream)
{
	uint8_t state = journal->states[index_of(stream)];

	return state <= ANSI_SEQUENCE ? state : ANSI_TEXT;
}

void journal_set_state(struct scribe_journal *journal, uint32_t stream, enum ansi_state state)
{
	if (journal_state(journal, stream) != state)
		journal->states[index_of(stream)] = state;
}

tap_state journal_tap_state(const struct scribe_journal *journal, uint32_t stream)
{
	return tap_sound(journal->tap_states[index_of(stream)]);
}

void journal_set_tap_state(struct scribe_journal *journal, uint32_t stream, tap_state state)
{
	if (journal_tap_state(journal, stream) != state)
		journal->tap_states[index_of(stream)] = state;
}

/* What is read stays as it was, until what is left of it is to be written. */
static char *read_place(struct scribe_journal *journal)
{
	return journal->data + (journal->strips || journal->taps ? STRIP_START : 0);
}

char *journal_reading(struct scribe_journal *journal, uint32_t stream, size_t size,
	const struct journal_file *file, bool strips, unsigned taps, struct feed *feed)
{
	char *place;

	note_file(journal, file);
	journal->read_size = (uint32_t)size;
	journal->written = 0;
	journal->base = NOWHERE;
	journal->strips = strips;
	journal->stream = stream;
	journal->state = journal_state(journal, stream);
	journal->taps = taps;
	journal->tap_state = journal_tap_state(journal, stream);
	journal->feed_end = feed ? feed_end(feed) : 0;
	place = read_place(journal);
	memcpy(place, untouched, size < sizeof untouched ? size : sizeof untouched);
	enter(journal, PHASE_READING);
	return place;
}

static void hold(struct scribe_journal *journal, const char *data, size_t size)
{
	journal->start = (uint32_t)(data - journal->data);
	journal->size = (uint32_t)size;
	enter(journal, PHASE_HELD);
}

static size_t strip(struct scribe_journal *journal, const char **data, size_t size)
{
	enum ansi_state state = journal->state;
	char *to = journal->data + (journal->taps ? BETWEEN_START : 0);

	size = ansi_strip(&state, *data, size, to);
	*data = to;
	journal_set_state(journal, journal->stream, state);
	return size;
}

/* A scribe that was killed may have told the feed already: then its end is not where it was. */
static size_t tap(struct scribe_journal *journal, const char **data, size_t size, struct feed *feed, bool *ret_tell)
{
	tap_state state = tap_sound((tap_state)journal->tap_state);
	uint64_t end;

	size = tap_run(&state, journal->taps, journal->stream, *data, size, journal->data, feed, &end);
	*data = journal->data;
	if (feed && feed_end(feed) == journal->feed_end)
		*ret_tell = feed_commit(feed, end);
	journal_set_tap_state(journal, journal->stream, state);
	return size;
}

/* The states are set to what follows from those before these bytes, so that it may be done again. */
size_t journal_pass(struct scribe_journal *journal, size_t size, struct feed *feed, const char **ret, bool *ret_tell)
{
	const char *data = read_place(journal);

	*ret_tell = false;
	if (journal->strips)
		size = strip(journal, &data, size);
	if (journal->taps)
		size = tap(journal, &data, size, feed, ret_tell);
	hold(journal, data, size);
	*ret = data;
	return size;
}

void journal_place(struct scribe_journal *journal, const struct journal_file *file, int64_t position)
{
	note_file(journal, file);
	journal->base = position - journal->written;
	atomic_signal_fence(memory_order_release);
}

void journal_written(struct scribe_journal *journal, size_t size)
{
	journal->written += (uint32_t)size;
	atomic_signal_fence(memory_order_release);
}

void journal_empty(struct scribe_journal *journal)
{
	enter(journal, PHASE_EMPTY);
}

/* ---- after a scribe was killed ---- */

/* As much of a file's end is looked at, where others may have appended as well. */
#define LOOK_BACK (2 * JOURNAL_CHUNK)

/* So many equal bytes are no accident. */
#define ENOUGH 64

static size_t common_length(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t size = a_size < b_size ? a_size : b_size, i = 0;

	while (i < size && a[i] == b[i])
		i++;
	return i;
}

/* `tail` is what came into the file since it was noted down. How much of `data` is at its beginning, or,
 * where somebody else was faster, further on? */
static size_t find_written(const char *tail, size_t tail_size, const char *data, size_t size)
{
	for (size_t at = 0; at < tail_size; at++) {
		const char *first = memchr(tail + at, data[0], tail_size - at);
		size_t left, length;

		if (!first)
			return 0;
		at = (size_t)(first - tail);
		left = tail_size - at;
		length = common_length(first, left, data, size);
		if (length == size || length == left || length >= ENOUGH)
			return length;
	}
	return 0;
}

/* How many of the bytes are in the file that `fd` is? */
static size_t count_written(const struct scribe_journal *journal, int fd)
{
	static char tail[LOOK_BACK];
	int64_t from = journal->base == NOWHERE ? -1 : journal->base + journal->written;
	const char *data = journal->data + journal->start + journal->written;
	struct stat status;
	ssize_t n;

	if (fstat(fd, &status) < 0 || status.st_dev != journal->device ||
		status.st_ino != journal->inode || from < 0)
		return journal->written;
	n = pread(fd, tail, sizeof tail, from);
	if (n <= 0)
		return journal->written;
	return journal->written +
	       find_written(tail, (size_t)n, data, journal->size - journal->written);
}

/* Were the bytes read? If so, make them what is to be written. */
static bool finish_reading(struct scribe_journal *journal, struct feed *feed)
{
	size_t size = journal->read_size;
	const char *data;
	bool tell; /* there is a new scribe, so the core will look */

	if (memcmp(read_place(journal), untouched, size < sizeof untouched ? size : sizeof untouched) == 0)
		return false;
	journal_pass(journal, size, feed, &data, &tell);
	return true;
}

/* The rest will be appended to `fd`. Who does this may be killed in turn, between any two of these stores: where it is
 * comes last, and while that is nowhere nothing was written there. */
static int place_rest(struct scribe_journal *journal, int fd, size_t written)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	journal->written = (uint32_t)written;
	atomic_signal_fence(memory_order_release);
	journal->base = NOWHERE;
	atomic_signal_fence(memory_order_release);
	journal->device = status.st_dev;
	journal->inode = status.st_ino;
	atomic_signal_fence(memory_order_release);
	journal->base = status.st_size - journal->written;
	atomic_signal_fence(memory_order_release);
	return 0;
}

static ssize_t write_rest(struct scribe_journal *journal)
{
	int fd = open(journal->path,
		O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		(mode_t)journal->mode);
	size_t from, size = journal->size;
	ssize_t r = 0;

	if (fd < 0)
		return -errno;
	from = count_written(journal, fd);
	if (from < size)
		r = place_rest(journal, fd, from);
	if (from < size && r == 0) {
		r = write(fd, journal->data + journal->start + from, size - from);
		if (r < 0)
			r = -errno;
	}
	close(fd);
	return r;
}

/* Whatever is in this memory, a process that died wrote it. */
static bool is_sound(const struct scribe_journal *journal)
{
	bool has_path = journal->path[0] == '/' && memchr(journal->path, '\0', sizeof journal->path);

	return (has_path || !journal->has_file) && journal->state <= ANSI_SEQUENCE;
}

static bool read_is_sound(const struct scribe_journal *journal)
{
	return journal->read_size > 0 && journal->read_size <= journal_room(journal->strips, journal->taps);
}

static bool held_is_sound(const struct scribe_journal *journal)
{
	return journal->start < JOURNAL_CHUNK && journal->size > 0 &&
	       journal->size <= JOURNAL_CHUNK - journal->start && journal->written <= journal->size;
}

ssize_t journal_recover(struct scribe_journal *journal, struct feed *feed)
{
	uint32_t phase = atomic_load_explicit(&journal->phase, memory_order_acquire);
	ssize_t r = 0;

	if (phase != PHASE_EMPTY && (journal->has_file || journal->taps) && is_sound(journal)) {
		if (phase == PHASE_READING && read_is_sound(journal) && finish_reading(journal, feed))
			phase = PHASE_HELD;
		if (phase == PHASE_HELD && journal->has_file && held_is_sound(journal))
			r = write_rest(journal);
	}
	journal_empty(journal);
	return r;
}
