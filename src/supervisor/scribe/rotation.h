/* Shifting a log file and its backups, as supervisord does: PATH.1 becomes PATH.2 and so on, what would be
 * number `backups` + 1 is lost, and PATH becomes PATH.1. Missing ones are skipped. */
#ifndef SCRIBE_ROTATION_H
#define SCRIBE_ROTATION_H

#include <stddef.h>

/* No more than so many are kept, whatever is asked for: each costs a system call at every rotation. */
#define ROTATION_BACKUPS_MAX 10000

/* With no backups nothing is done: the caller truncates in place. Returns 0 also where PATH is gone; or what
 * rename(2) failed with first: then PATH is where it was. */
int rotation_shift(const char *path, int backups);

/* How much of `data`, which holds `size` bytes and comes after a file's first `position`, goes into the file
 * before it is rotated: all, where `max_bytes` is not reached; else up to the end of the line that reaches it,
 * as if the line had come by itself. A line that does not end within ROTATION_OVERSHOOT bytes is cut there:
 * so much a file of supervisord's may be too long, for it looks at the size after each read of a full pipe. */
#define ROTATION_OVERSHOOT 65536
size_t rotation_cut(const char *data, size_t size, long long position, long long max_bytes);

#endif
