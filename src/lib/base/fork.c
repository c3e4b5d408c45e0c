#include "lib/base/fork.h"

#include <pthread.h>
#include <stdbool.h>

#include "lib/base/sys.h"

/* A child has one thread, so its handler needs no more than this. */
static unsigned generation;

static void count_fork(void)
{
	generation++;
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
