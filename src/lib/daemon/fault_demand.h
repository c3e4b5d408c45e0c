/* What the two halves of reeve/fault.h share: fatal signals (fault.c) and reports on demand (fault_demand.c). */
#ifndef LIB_DAEMON_FAULT_DEMAND_H
#define LIB_DAEMON_FAULT_DEMAND_H

#include <stdbool.h>

/* Whether it is one of those that reeve_fault_enable() takes. */
bool fault_is_fatal(int signo);

/* What a handler needs before it is installed. Returns 0 or a negative errno. */
int fault_prepare(int fd);

#endif
