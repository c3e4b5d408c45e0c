/* A place of a pool, as a table: what state it is in, what happens, what follows from it. No
 * process is touched here. */
#ifndef LIB_POOL_PLACE_H
#define LIB_POOL_PLACE_H

enum place_state {
	PLACE_VACANT,
	PLACE_WAITING,     /* for the time at which a worker is to be started */
	PLACE_WORKING,     /* from here on there is a process */
	PLACE_LEAVING,     /* it was asked to go, and may end its request */
	PLACE_TERMINATING, /* it got SIGTERM */
	PLACE_KILLING,     /* it got SIGKILL */
	PLACE_N_STATES
};

enum place_event {
	PLACE_HIRE,    /* a worker is wanted here */
	PLACE_DISMISS, /* none is any more, or another one */
	PLACE_STARTED, /* it was forked */
	PLACE_OVERDUE, /* the time that the state had is over */
	PLACE_STUCK,
	PLACE_ENDED,
	PLACE_N_EVENTS
};

enum place_action { PLACE_NOTHING, PLACE_START, PLACE_ASK, PLACE_TERMINATE, PLACE_KILL };

struct place_step {
	enum place_state to;
	enum place_action action;
};

/* What follows. An event that means nothing in a state changes nothing. */
struct place_step place_step(enum place_state state, enum place_event event);

#endif
