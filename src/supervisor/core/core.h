/* The core: reads the configuration, runs the life of each program, decides starts, stops, restarts and their
 * order. It starts programs as the keeper's children, so that they stay when the core goes; it writes the board,
 * which is also where it finds its memory again after it was killed.
 *
 * It never waits for a disk or a client. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "board/roles.h"

/* `config_take`: the configuration, as whoever forks the core has read it, or NULL: it is read from the keeper's
 * snapshot, which gives the same. As a role_main returns. */
int core_run(const struct role_start *start, struct config *config_take);

#endif
