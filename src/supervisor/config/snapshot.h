/* A reading that can be done again: everything that a source answered while a configuration was
 * read, and the request itself. The core keeps it in a memfd; after it was killed it reads the same
 * configuration from there, whatever became of the files, users and directories meanwhile. The
 * bytes are untrusted when they come back. */
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include "config/config.h"

#define CONFIG_SNAPSHOT_MAX ((size_t)64 << 20) /* bytes of a whole snapshot */

struct config_snapshot;

/* Read a configuration as config_read() does and remember all that the source answered. The
 * snapshot is made also when the configuration is refused. */
int config_snapshot_take(const struct config_request *request,
	struct config_snapshot **ret_snapshot, struct config **ret, struct report *report);

/* The same configuration (or the same refusal) again. */
int config_snapshot_read(
	const struct config_snapshot *snapshot, struct config **ret, struct report *report);

/* Write the snapshot to a descriptor from its current position; -EIO, -ENOSPC, ... */
int config_snapshot_save(const struct config_snapshot *snapshot, int fd);

/* Take a snapshot back from a descriptor: from its start to its end, with pread(2). -EBADMSG: not a
 * snapshot, or a damaged one. -EFBIG beyond CONFIG_SNAPSHOT_MAX. */
int config_snapshot_load(int fd, struct config_snapshot **ret);

/* The same from memory; the bytes are copied. */
int config_snapshot_parse(const void *bytes, size_t length, struct config_snapshot **ret);

/* Takes NULL, returns NULL. */
struct config_snapshot *config_snapshot_free(struct config_snapshot *snapshot);

#endif
