/* reeve/thread.h - threads with a name, a deadline on join, and no part in the program's signals.
 *
 * Every function may be called from any thread. Between threads a handle needs no lock, but for
 * reeve_thread_free(), after which nobody else may use it. In a forked child there is but one thread: handles of
 * others say that they are not alive there, and can be freed. See pthreads(7), reeve_thread(3). */
#ifndef REEVE_THREAD_H
#define REEVE_THREAD_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_thread;

/* What the thread runs; what it returns is its result. */
typedef void *reeve_thread_function(void *data);

/* The longest name that is kept, in bytes without the NUL. The kernel shows the first 15 (ps, top, gdb). */
#define REEVE_THREAD_NAME_MAX 63

/* All zero is a good description. Borrowed for the call only. */
struct reeve_thread_spec {
	/* Name; NULL: "thread-N", N counted from 1. */
	const char *name;

	/* Bytes of stack, rounded up to whole pages; 0: the system's default (ulimit -s). */
	size_t stack_size;

	/* false: exit(3), and so a return from main(), first waits until the thread has ended (as Python's
	 * threads do). true: the thread does not keep the process alive. _exit(2) never waits. */
	bool background;

	/* false: all signals are blocked in the thread but those that a fault of its own raises (SIGSEGV, SIGBUS,
	 * SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT). true: it starts with the mask of its creator. */
	bool receives_signals;
};

/* Start a thread that runs function(data).
 *
 *   spec   NULL: as one that is all zero
 *   ret    a handle, to be released with reeve_thread_free(); NULL: none is wanted
 *
 * Returns 0, or -EINVAL for a missing function or a stack too small (less than PTHREAD_STACK_MIN),
 * -ENAMETOOLONG, -ENOMEM, -EAGAIN at a limit on threads. The caller's signal mask is as before. */
REEVE_API int reeve_thread_start(const struct reeve_thread_spec *spec, reeve_thread_function *function,
	void *data, struct reeve_thread **ret);

/* Wait until the thread has ended. May be called several times and by several threads.
 *
 *   ret_result   what its function returned (or gave to pthread_exit(3); PTHREAD_CANCELED where it was
 *                cancelled); NULL: not wanted
 *
 * Returns 0, or -ETIMEDOUT, -EDEADLK where a thread waits for itself, -EINVAL for an invalid timeout, -ESRCH in a
 * forked child, -EINTR where an interrupting signal was handled. */
REEVE_API int reeve_thread_join(struct reeve_thread *thread, reeve_nsec timeout, void **ret_result);

/* Whether the thread has not ended yet. A thread that is not alive is joined without waiting. */
REEVE_API bool reeve_thread_is_alive(const struct reeve_thread *thread);

/* Its name, in full; valid as long as the handle. */
REEVE_API const char *reeve_thread_name(const struct reeve_thread *thread);

/* The kernel's number of the thread (gettid(2)), for tgkill(2), /proc/self/task and the scheduler; it may
 * be another thread's once this one has ended. */
REEVE_API pid_t reeve_thread_id(struct reeve_thread *thread);

/* The handle of the calling thread; NULL in main() and in threads that the library did not start. It is
 * borrowed: never free it. */
REEVE_API struct reeve_thread *reeve_thread_self(void);

/* Wait until every thread that is not a background thread has ended, the calling one left out: what exit(3)
 * does without a limit. Returns 0, or -ETIMEDOUT, -EINVAL, -EINTR. */
REEVE_API int reeve_thread_join_all(reeve_nsec timeout);

/* Release the handle. A thread that is still running goes on, on its own, and is cleaned up when it ends.
 * Takes NULL; returns NULL. */
REEVE_API struct reeve_thread *reeve_thread_free(struct reeve_thread *thread);

#ifdef __cplusplus
}
#endif

#endif
