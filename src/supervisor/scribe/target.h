/* A target: what the bytes of streams are written to. A log file with its rotation, or what one can't rotate:
 * a pipe, a FIFO, a terminal, a socket, /dev/null, one of the supervisor's own descriptors.
 *
 * Streams with the same path share one target, and so one rotation. A write never fails and never waits:
 *
 *   - where the target can't be written (disk full, no permission, no directory), the bytes are dropped and
 *     counted, with a WARN when that begins and a line with the count when it is over. It is tried again with
 *     the first bytes that come a second later: there is no timer;
 *   - where its reader does not keep up, the target takes what it is given and is then full: until it calls its
 *     waiters, streams are to leave their bytes in their pipes. */
#ifndef SCRIBE_TARGET_H
#define SCRIBE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "reeve/base.h"
#include "reeve/loop.h"
#include "scribe/journal.h"

/* How long a target that failed is left alone. */
#define TARGET_RETRY REEVE_SEC

enum target_kind {
	TARGET_FILE,	   /* a regular file that was opened by its path: appended to, rotated, reopened */
	TARGET_DESCRIPTOR, /* a regular file that is the supervisor's own descriptor: its place is shared */
	TARGET_PIPE,	   /* a pipe or FIFO */
	TARGET_STREAM,	   /* a terminal, a socket, another device */
	TARGET_NULL,	   /* /dev/null */
};

struct target;

/* Somebody who is called back, once, when a full target has room. */
struct target_waiter {
	struct target_waiter *next;
	void (*resume)(struct target_waiter *waiter);
};

#define TARGET_BUCKETS 512

/* All targets of one scribe. */
struct target_set {
	struct reeve_loop *loop;	/* borrowed */
	struct scribe_journal *journal; /* borrowed */
	struct target *buckets[TARGET_BUCKETS];
};

/* What one is made of; `path` is absolute and borrowed for the call. */
struct target_settings {
	const char *path;
	int64_t max_bytes; /* as in message_log_open */
	int backups;
	mode_t mode;
	bool is_new;
};

void target_set_init(struct target_set *set, struct reeve_loop *loop, struct scribe_journal *journal);

/* Close and open again every file: somebody moved them away. */
void target_set_reopen(struct target_set *set);

/* The target of that path, made and opened if there is none; the settings are its own from now on, also where
 * another stream brought it others. What can't be opened is a target that fails. To be given back with
 * target_release(). Returns 0 or -ENOMEM. */
int target_acquire(
	struct target_set *set, const struct target_settings *settings, struct target **ret);

/* Takes NULL; returns NULL. The last one closes it. */
struct target *target_release(struct target *target);

/* Write all of it, rotating where it is due. Bytes in the journal are noted there as they get written. */
void target_write(struct target *target, const char *data, size_t size);

/* Move up to `size` bytes from a pipe, where the target allows it (target_splices()). Returns how many: fewer,
 * or 0, where it is full or fails now. */
bool target_splices(const struct target *target);
size_t target_splice(struct target *target, int pipe, size_t size);

/* Is it full? Then wait for room: the waiter is called once. */
bool target_is_full(const struct target *target);
void target_wait(struct target *target, struct target_waiter *waiter);
void target_stop_waiting(struct target *target, struct target_waiter *waiter);

/* Remove the log file and begin it anew; nothing for what is no file. */
void target_clear(struct target *target);

/* A descriptor to read the file with, the caller's. It is the very file that is written to: who may put a link in
 * its place must not have us read what he can't. -ENOENT where that has no name any more, or is no file. */
int target_open_to_read(const struct target *target);

/* What the journal has to know of it; NULL where it is no file. `ret` is filled in. */
const struct journal_file *target_file(const struct target *target, struct journal_file *ret);

#endif
