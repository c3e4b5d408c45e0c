/* The one place where zombies go: hooks first, while the pid is still theirs, then the status. */
#ifndef LIB_PROCESS_REAP_H
#define LIB_PROCESS_REAP_H

#include "reeve/process.h"

/* Take the status of a child that waitid(2) finds with `type`, `id` and `options`, after the hooks
 * of reeve_process_before_reap(); never blocks. 0, -EAGAIN: nothing to take, -ECHILD: no such
 * child. */
int reap_one(int type, id_t id, int options, struct reeve_process_outcome *ret);

/* Around fork(2): the hooks are not in the middle of a change. */
void reap_hooks_lock(void);
void reap_hooks_unlock(void);

#endif
