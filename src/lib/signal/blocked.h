/* What the thread and the signalfd mode share: their signals stay blocked, so that they wait in
 * the kernel's queue. */
#ifndef LIB_SIGNAL_BLOCKED_H
#define LIB_SIGNAL_BLOCKED_H

#include "reeve/signal.h"

/* Block `signo` in this thread, and be ready for threads that have it open: one that gets it
 * puts it back into the process's queue and blocks it. 0, or negative errno. */
int blocked_watch(int signo);

/* Undo that, in this thread. What is pending still is dropped. */
void blocked_unwatch(int signo);

/* The signals that are watched so. */
reeve_signal_set blocked_set(void);

#endif
