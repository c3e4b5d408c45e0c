#include "lib/base/fork.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/base/sys.h"
#include "lib/base/thread_id.h"

/* A child has one thread, so its handler needs no more than this. */
static unsigned generation;

_Thread_local pid_t thread_id_known;

static void count_fork(void)
{
	generation++;
	thread_id_known = 0;
}

/* Without a lock, which a child that another thread forks could find held for ever. Two threads may
 * both come first: then each fork counts as two. */
int fork_watch(void)
{
	static atomic_bool watching;
	int error;

	if (atomic_load(&watching))
		return 0;
	error = sys_pthread_atfork(NULL, NULL, count_fork);
	if (!error)
		atomic_store(&watching, true);
	return -error;
}

unsigned fork_generation(void)
{
	return generation;
}
