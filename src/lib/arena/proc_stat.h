/* What /proc tells of a thread. */
#ifndef LIB_ARENA_PROC_STAT_H
#define LIB_ARENA_PROC_STAT_H

#include "reeve/base.h"

struct proc_stat {
	char state;          /* 'R', 'S', 'D', 'T', 't', 'Z', ... */
	uint64_t start_time; /* of the process, in clock ticks since boot */
	reeve_nsec ran;      /* on a processor; -1: the kernel does not tell */
	reeve_nsec waited;   /* for a processor, up to when it last got one */
};

/* pid 0: the caller's process, state and start time alone; else thread `tid` of process `pid`.
 * Returns 0, or -ESRCH, -ENOENT (there is none, or it is not shown), -EBADMSG (nothing that can
 * be understood). */
int proc_stat_read(pid_t pid, pid_t tid, struct proc_stat *ret);

/* The numbers in the text of a stat file; for tests, too. Returns 0 or -EBADMSG. */
int proc_stat_parse(const char *text, char *ret_state, uint64_t *ret_start_time);

#endif
