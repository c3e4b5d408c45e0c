/* What a scribe has in hand, kept where its death does not reach it.
 *
 * Copying means that for a moment bytes are neither in the pipe nor in the file. The buffer for that moment
 * is this: memory shared with the keeper, and so with the next scribe, together with what is needed to finish
 * the job: which file, how long it was, how far it got. journal_recover() does that before anything else.
 *
 *	n = what waits in the pipe
 *	room = journal_reading(journal, n, file, ...);   from here on read(2) may have happened or not
 *	read(fd, room, n);
 *	journal_pass(journal, n, &data);                 from here on these bytes are to be written
 *	journal_place(journal, file, position);          where the next of them will be appended
 *	write(...);
 *	journal_written(journal, n);
 *	journal_empty(journal);
 *
 * Nothing here makes a system call but making, freeing and recovering: each step is a few stores. */
#ifndef SCRIBE_JOURNAL_H
#define SCRIBE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "scribe/ansi.h"
#include "scribe/tap.h"

/* The most that is carried at once. Measured: 64 KiB cost a tenth more, 256 KiB nothing less. */
#define JOURNAL_CHUNK 131072

/* Which file the bytes go to. */
struct journal_file {
	const char *path;
	mode_t mode;
	dev_t device;
	ino_t inode;
};

struct scribe_journal;

/* How many bytes may be read at once: half of it where they are stripped on the way, less where they are tapped. */
size_t journal_room(bool strips, unsigned taps);

/* Where a stream stands that is stripped: a sequence that is cut in two is one also where a scribe died between
 * the halves. It is ANSI_TEXT until set, and is to be set to that when the stream is over. */
enum ansi_state journal_state(const struct scribe_journal *journal, uint32_t stream);
void journal_set_state(struct scribe_journal *journal, uint32_t stream, enum ansi_state state);
tap_state journal_tap_state(const struct scribe_journal *journal, uint32_t stream);
void journal_set_tap_state(struct scribe_journal *journal, uint32_t stream, tap_state state);

/* `size` bytes (1 to journal_room()) of a stream are about to be read into what is returned. They go to `file`
 * (which may be NULL: then a scribe's death loses them), through ansi_strip() where `strips`, and through tap_run()
 * where there are `taps`, into that feed (NULL: none). */
char *journal_reading(struct scribe_journal *journal, uint32_t stream, size_t size,
	const struct journal_file *file, bool strips, unsigned taps, struct feed *feed);

/* `size` bytes are read: pass them through what they go through. What is left of them is to be written: it is in *ret,
 * and how much it is, is returned. *ret_tell: the feed's reader may be asleep. */
size_t journal_pass(struct scribe_journal *journal, size_t size, struct feed *feed, const char **ret, bool *ret_tell);

/* What is not written yet will be appended to this file, whose end is at `position`. */
void journal_place(struct scribe_journal *journal, const struct journal_file *file, int64_t position);

/* `size` more of them are in the file. */
void journal_written(struct scribe_journal *journal, size_t size);

/* There is nothing in hand. */
void journal_empty(struct scribe_journal *journal);

/* Finish what a scribe was killed in; `feed` is the one that it used. Returns how many bytes were still to be written and now are, or a
 * negative errno where they could not be. */
ssize_t journal_recover(struct scribe_journal *journal, struct feed *feed);

#endif
