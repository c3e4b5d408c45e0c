/* SIGHUP: everything is stopped, and begins again with the configuration as it is now. One that cannot be read
 * changes nothing. */
#ifndef CORE_RELOAD_H
#define CORE_RELOAD_H

#include "core/state.h"

/* 0, or a negative errno and why: nothing is changed then. */
int reload(struct core *core, char *why, size_t size);

/* The first thing that makes a configuration unreadable, with its place. */
void reload_explain(const struct report *report, char *why, size_t size);

#endif
