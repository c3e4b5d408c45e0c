/* The steps that a daemon takes in its own process, after the fork. */
#ifndef LIB_DAEMON_STEPS_H
#define LIB_DAEMON_STEPS_H

#include <signal.h>

#include "reeve/daemon.h"

struct daemon_steps {
	const struct reeve_daemon_spec *spec;
	const sigset_t *mask; /* the starter's, for REEVE_DAEMON_KEEP_SIGNALS */
	int report;           /* kept open, too; above 2 */
};

/* Take all steps from the session on. Returns 1 in the process in between that the second fork leaves behind, which
 * has to end at once; 0 in the daemon; or a negative errno with the step that failed in *ret_failed. */
int daemon_take_steps(const struct daemon_steps *steps, enum reeve_daemon_step *ret_failed);

#endif
