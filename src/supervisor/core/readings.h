/* The readings of the configuration that somebody lives by: the one that the supervisor began with, which is also
 * where its own settings are from, the latest one, which groups are added from, and those of groups that were not
 * updated since. Each has a number, and is kept by the keeper under it: a core that is killed changes nothing of
 * what is effective. */
#ifndef CORE_READINGS_H
#define CORE_READINGS_H

#include "board/messages.h"
#include "config/snapshot.h"
#include "core/name_index.h"

struct core;

struct reading {
	struct config *config; /* NULL: there is no such reading, or it was not needed yet */
	struct name_index groups; /* its config_groups; of those of one name the first */
};

/* Have the one that the supervisor began with: this (NULL: the keeper's copy is read). It is the readings' on
 * success and on failure. */
int readings_begin_consume(struct core *core, struct config *config);
void readings_free(struct core *core);

/* The reading of that number; NULL with a word in the log where it cannot be had. */
const struct reading *reading_get(struct core *core, uint32_t number);

uint32_t reading_latest(const struct core *core);

/* This is the latest one from now on. The configuration is the readings', or released. -ENOSPC: groups live by so many
 * others that there is no room for one more; -ENOMEM, -EMFILE. On failure nothing has changed. */
int reading_add_consume(struct core *core, const struct config_snapshot *snapshot, struct config *config);

/* Forget those that nobody lives by. */
void readings_forget_unused(struct core *core);

#endif
