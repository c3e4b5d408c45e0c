/* Making the child process: clone3(2), or clone(2) where that is not to be had, and what is missing
 * then done by the child itself. */
#ifndef LIB_PROCESS_CLONE_H
#define LIB_PROCESS_CLONE_H

#include <stdatomic.h>

#include "lib/process/child.h"

struct clone_request {
	struct child *child;
	bool share_memory; /* CLONE_VM: the child runs on `stack` */
	void *stack;
	size_t stack_size;
	_Atomic uint32_t *running; /* NULL: wait. Else 1 as long as the child uses the memory, and a wake-up
				    * (of a futex that is shared) when it becomes 0 */
};

/* Make a process that runs child_run(), and wait until it has executed a program or ended, unless it
 * is to run beside the caller (where that can't be, it is waited for all the same). All
 * signals are blocked meanwhile in the calling thread, and it can't be cancelled. Returns the pid,
 * or a negative errno; -EBADF, -EACCES, -ENOENT, -EBUSY, -EOPNOTSUPP where it is the cgroup's
 * fault. */
pid_t clone_child(const struct clone_request *request, int *ret_pidfd);

/* Reap a child that has failed, or is just about to; a sibling is left to its parent. Closes the
 * pidfd. */
void clone_bury(const struct reeve_process_spec *spec, int pidfd);

#endif
