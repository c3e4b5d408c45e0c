/* A snapshot in memory that can be handed from process to process. */
#ifndef CONFIG_SNAPSHOT_MEMORY_H
#define CONFIG_SNAPSHOT_MEMORY_H

#include "config/snapshot.h"

/* Save it to a memfd that nobody can change any more. Returns the descriptor, the caller's to close, or -ENOMEM,
 * -EMFILE, -ENFILE, ... */
int config_snapshot_memory(const struct config_snapshot *snapshot);

#endif
