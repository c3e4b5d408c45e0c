/* Which children have a handle. It answers "is this dead child one of ours?", and carries a status
 * that one part of the library took to the handle that another part waits on. */
#ifndef LIB_PROCESS_REGISTRY_H
#define LIB_PROCESS_REGISTRY_H

#include "lib/process/process.h"

/* Around a clone and the registration of its child: what dies between the two is not taken for a
 * stranger. Begin returns 0 or a negative errno (then there is no end). */
int registry_spawn_begin(void);
void registry_spawn_end(void);

/* Wait for the spawns that are between the two at this moment. */
void registry_settle(void);

/* From now on `process` is told when its child is reaped, until it ends or is removed. */
void registry_add(struct reeve_process *process);
void registry_remove(struct reeve_process *process);

bool registry_knows(pid_t pid);

/* Give up a live child without forgetting it: `process` belongs to the registry, which reaps it
 * later and frees it. */
void registry_abandon_consume(struct reeve_process *process);

/* Reap those of the abandoned that are dead; at most `most` are looked at. */
void registry_sweep(size_t most);

/* Take the status of one child, waitid(2)'s `type`, `id` and `options`; never blocks. A handle that
 * it has is told. 0: *ret; -EAGAIN: nothing to take; -ECHILD: no such child. */
int registry_reap(int type, id_t id, int options, struct reeve_process_outcome *ret);

/* What the process ended with, if that is known. */
bool registry_ended(const struct reeve_process *process, struct reeve_process_outcome *ret);

/* Its status was somebody else's: note that unless it is known after all. */
void registry_lost(struct reeve_process *process, struct reeve_process_outcome *ret);

#endif
