/* The handle, and the steps that waits are made of. */
#ifndef LIB_PROCESS_PROCESS_H
#define LIB_PROCESS_PROCESS_H

#include <signal.h>

#include "reeve/process.h"

struct reeve_loop_source;

struct reeve_process {
	pid_t pid;
	int pidfd;
	bool is_child; /* ours to reap; not after a fork. Under the registry's lock */
	bool ended;    /* `outcome` counts. Under the registry's lock */
	struct reeve_process_outcome outcome;
	struct reeve_process *next; /* registry */

	struct attempt *attempt; /* spawn.c's, of a child that may not have executed its program yet */
	struct reeve_loop_source *watch, *watch_retry;
	reeve_process_callback *callback;
	void *data;
};

/* A handle without a process: pid 0, no pidfd. Freed by reeve_process_free(). */
struct reeve_process *process_new(void);

/* Wait until a child that was begun has no more use for our memory, and release it. */
void spawn_settle(struct reeve_process *process);

/* What waitid(2) told. */
void outcome_from(
	const siginfo_t *info, const struct rusage *usage, struct reeve_process_outcome *ret);
bool outcome_is_end(const struct reeve_process_outcome *outcome);

/* Whether the process has ended: 1, 0, or a negative errno. */
int process_has_ended(const struct reeve_process *process);

/* Reap a process that is known to have ended. 0, or -EAGAIN if it cannot be taken yet (its tracer
 * comes first). `ret` may be NULL. */
int process_collect(struct reeve_process *process, struct reeve_process_outcome *ret);

/* Look, without taking it, at the next status that waitid(2) has for `type`, `id` and `options`: 0,
 * -ECHILD, -ETIMEDOUT, -EINTR, -ENOMEM, -EAGAIN. */
int wait_peek(int type, id_t id, int options, reeve_nsec deadline, siginfo_t *ret);

#endif
