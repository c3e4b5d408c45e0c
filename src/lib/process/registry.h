/* Which children have a handle. It answers "is this dead child one of ours?", and carries a status
 * that one part of the library took to the handle that another part waits on. */
#ifndef LIB_PROCESS_REGISTRY_H
#define LIB_PROCESS_REGISTRY_H

#include "lib/process/process.h"

/* A child between its clone and its registration, on the stack of who starts it. The kernel, or the
 * child in its first step, writes the pid to one of these places before the child can die. */
struct newborn {
	const pid_t *pid, *other_pid; /* the second may be NULL */
	struct newborn *next;
};

/* Around a clone, so that what dies between its birth and its registration is not taken for a
 * stranger. */
void registry_expect(struct newborn *newborn);
void registry_unexpect(struct newborn *newborn);

/* Notice forks from now on; to be called before a handle is made. 0 or -ENOMEM. */
int registry_watch_forks(void);

/* From now on `process` is told when its child is reaped. */
void registry_add(struct reeve_process *process);

/* Whether it has a handle, or is just getting one. */
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
