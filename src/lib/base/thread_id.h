/* The calling thread's id, without asking the kernel each time. */
#ifndef LIB_BASE_THREAD_ID_H
#define LIB_BASE_THREAD_ID_H

#include <sys/types.h>
#include <unistd.h>

/* 0: not asked yet. Right in a forked child if fork_watch() (fork.h) was called before. */
extern _Thread_local pid_t thread_id_known;

static inline pid_t thread_id(void)
{
	pid_t tid = thread_id_known;

	if (!tid)
		thread_id_known = tid = gettid();
	return tid;
}

#endif
