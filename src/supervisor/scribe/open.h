/* Opening what a log's path names. Nothing here waits, whatever it turns out to be. */
#ifndef SCRIBE_OPEN_H
#define SCRIBE_OPEN_H

#include <sys/stat.h>

#include "scribe/target.h"

struct opened {
	int fd;
	enum target_kind kind;
	struct stat status;
};

/* `/dev/stdout`, `/dev/stderr` and `/dev/fd/0` to 2 are the supervisor's own descriptors, which the scribe has
 * inherited, as is a path that leads to the same; they are opened anew where that can be, so that how they
 * work for others does not change. A file is created with `mode`; where `is_new` it must not be somebody else's.
 *
 * Returns 0, or -EBADF (a descriptor that the supervisor does not have), -ENXIO (a FIFO without a reader, a
 * socket), -EEXIST, or as open(2) fails. */
int open_target(const char *path, mode_t mode, bool is_new, struct opened *ret);

#endif
