/* The life of a program as one table: what happens to a state, and what is then to be done.
 *
 * Pure: no clock, no process, no I/O. The rules are those of supervisor 4.2; who feeds in the events and
 * carries out the actions is runner.h. */
#ifndef SUPERVISOR_CORE_LIFECYCLE_H
#define SUPERVISOR_CORE_LIFECYCLE_H

#include "board/states.h"

enum lifecycle_event {
	LIFECYCLE_START,	/* somebody, or autostart or autorestart, wants it started */
	LIFECYCLE_RETRY_DUE,	/* the wait after a failed start is over */
	LIFECYCLE_GIVE_UP,	/* no retries are left, or the supervisor is ending */
	LIFECYCLE_SPAWN_FAILED, /* there is no process */
	LIFECYCLE_STAYED_UP,	/* it has been up for startsecs */
	LIFECYCLE_EXITED_EARLY, /* its process ended before that */
	LIFECYCLE_EXITED,	/* its process ended, in any other state */
	LIFECYCLE_STOP,		/* somebody wants it stopped */
	LIFECYCLE_STOP_OVERDUE, /* it was asked to stop stopwaitsecs ago */
	LIFECYCLE_SIGNAL_FAILED, /* a signal could not be sent, though the process is there */
	LIFECYCLE_EVENTS,
};

enum lifecycle_action {
	LIFECYCLE_NOTHING,
	LIFECYCLE_SPAWN,
	LIFECYCLE_WAIT_TO_RETRY,  /* count the failure; wait as many seconds as there were, or give up */
	LIFECYCLE_FORGET_FAILURES,
	LIFECYCLE_RESTART_IF_DUE, /* start it again if autorestart says so */
	LIFECYCLE_SEND_STOP,	  /* stopsignal, and wait for stopwaitsecs */
	LIFECYCLE_SEND_KILL,	  /* SIGKILL, and wait for stopwaitsecs */
};

struct lifecycle_step {
	enum process_state to;
	enum lifecycle_action action;
};

/* What `event` makes of `state`. Returns false, and leaves *ret alone, where it means nothing there. */
bool lifecycle_step(
	enum process_state state, enum lifecycle_event event, struct lifecycle_step *ret);

#endif
