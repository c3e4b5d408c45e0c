/* What a signal may be aimed at. */
#ifndef LIB_PROCESS_TARGET_H
#define LIB_PROCESS_TARGET_H

#include "reeve/process.h"

/* Wait until no process is left in a cgroup and below: 0, -ETIMEDOUT, -EINTR, or as opening its
 * files fails. */
int cgroup_wait_empty(int cgroup_fd, reeve_nsec deadline);

#endif
