/* Clients that wait for a process to have been started, or stopped. They wait in the core's memory: a core that is
 * killed takes nobody along, for the gateway asks its successor again. */
#ifndef CORE_WAITERS_H
#define CORE_WAITERS_H

#include <stdint.h>

#include "reeve/loop.h"

struct core;
struct process;
struct waiter;

/* So many wait at the most: one for each process that there may be, and then some. */
#define WAITERS_MAX 131072

enum wait_for { WAIT_STARTED, WAIT_STOPPED };

/* What a client that waits is to be told now: an enum fault, or 0: it has to wait on. */
int wait_verdict(const struct process *process, enum wait_for what);

/* Tell it when there is a verdict. -ENOMEM, -ENOBUFS where too many wait. */
int waiters_add(struct process *process, enum wait_for what, uint64_t number);

/* The process has entered a state. */
void waiters_look(struct process *process);

/* They wait no more: those of one process, or all. */
void waiters_drop(struct process *process);
void waiters_drop_all(struct core *core);

/* The timer: say in the log who is waited for. */
void waiters_report(struct reeve_loop_source *source, uint64_t expirations, void *data);

#endif
