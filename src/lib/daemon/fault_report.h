/* One report: a headline, then the frames of the calling thread. */
#ifndef LIB_DAEMON_FAULT_REPORT_H
#define LIB_DAEMON_FAULT_REPORT_H

#include <signal.h>
#include <stdbool.h>

/* Report the signal that `info` describes, to the end of the handler that was called with `context`. `fatal`: it is
 * one that ends the program. Returns 0 or a negative errno. */
int report_signal(int fd, const siginfo_t *info, const void *context, bool fatal);

/* Report the caller, from `return_address` (of the function that was asked to) on. */
int report_caller(int fd, const void *return_address);

#endif
