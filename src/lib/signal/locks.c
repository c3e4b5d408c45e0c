#include "lib/signal/locks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#else
static const bool __libc_single_threaded = false;
#endif

enum { UNKNOWN, MAIN, OTHER };

_Thread_local struct thread_state this_thread __attribute__((tls_model("initial-exec")));

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct thread_state *) dispatcher;

bool is_main_thread(void)
{
	if (this_thread.rank == UNKNOWN)
		this_thread.rank = gettid() == getpid() ? MAIN : OTHER;
	return this_thread.rank == MAIN;
}

static void begin_turn(void)
{
	this_thread.depth++;
	atomic_store_explicit(&dispatcher, &this_thread, memory_order_relaxed);
}

void take_turn(void)
{
	if (this_thread.depth == 0)
		pthread_mutex_lock(&turn);
	begin_turn();
}

bool try_turn(void)
{
	if (this_thread.depth == 0 && pthread_mutex_trylock(&turn) != 0)
		return false;
	begin_turn();
	return true;
}

void end_turn(void)
{
	if (--this_thread.depth == 0)
		pthread_mutex_unlock(&turn);
}

void registry_lock(void)
{
	pthread_mutex_lock(&registry);
}

void registry_unlock(void)
{
	pthread_mutex_unlock(&registry);
}

bool is_dispatcher(void)
{
	struct thread_state *last = atomic_load_explicit(&dispatcher, memory_order_relaxed);

	return last == &this_thread || (!last && __libc_single_threaded);
}

void locks_forked(void)
{
	this_thread.rank = UNKNOWN;
	atomic_store(&this_thread.held, REEVE_SIGNAL_NONE);
	if (this_thread.depth == 0)
		pthread_mutex_init(&turn, NULL);
}
