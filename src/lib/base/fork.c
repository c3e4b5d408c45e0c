#include "lib/base/fork.h"

#include <pthread.h>
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

int fork_watch(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool watching;
	int error = 0;

	pthread_mutex_lock(&lock);
	if (!watching)
		error = sys_pthread_atfork(NULL, NULL, count_fork);
	if (!error)
		watching = true;
	pthread_mutex_unlock(&lock);
	return -error;
}

unsigned fork_generation(void)
{
	return generation;
}
