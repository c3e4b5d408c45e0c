#include "core/lifecycle.h"

#include <stddef.h>

/* The states' own numbers are the API's (0 ... 1000); the table wants them dense. */
enum dense {
#define PROCESS_STATE(name, number) DENSE_##name,
#include "board/states.def"
#undef PROCESS_STATE
	DENSE_STATES,
};

struct cell {
	bool valid;
	struct lifecycle_step step;
};

#define TO(state, action) { true, { STATE_##state, LIFECYCLE_##action } }

static const struct cell table[DENSE_STATES][LIFECYCLE_EVENTS] = {
	[DENSE_STOPPED] = {
		[LIFECYCLE_START] = TO(STARTING, SPAWN),
	},
	[DENSE_STARTING] = {
		[LIFECYCLE_SPAWN_FAILED] = TO(BACKOFF, WAIT_TO_RETRY),
		[LIFECYCLE_EXITED_EARLY] = TO(BACKOFF, WAIT_TO_RETRY),
		[LIFECYCLE_STAYED_UP] = TO(RUNNING, FORGET_FAILURES),
		[LIFECYCLE_STOP] = TO(STOPPING, SEND_STOP),
		[LIFECYCLE_SIGNAL_FAILED] = TO(UNKNOWN, NOTHING),
	},
	[DENSE_RUNNING] = {
		[LIFECYCLE_EXITED] = TO(EXITED, RESTART_IF_DUE),
		[LIFECYCLE_STOP] = TO(STOPPING, SEND_STOP),
		[LIFECYCLE_SIGNAL_FAILED] = TO(UNKNOWN, NOTHING),
	},
	[DENSE_BACKOFF] = {
		[LIFECYCLE_START] = TO(STARTING, SPAWN),
		[LIFECYCLE_RETRY_DUE] = TO(STARTING, SPAWN),
		[LIFECYCLE_GIVE_UP] = TO(FATAL, FORGET_FAILURES),
		[LIFECYCLE_STOP] = TO(STOPPED, NOTHING),
	},
	[DENSE_STOPPING] = {
		[LIFECYCLE_EXITED] = TO(STOPPED, NOTHING),
		[LIFECYCLE_STOP_OVERDUE] = TO(STOPPING, SEND_KILL),
		[LIFECYCLE_SIGNAL_FAILED] = TO(UNKNOWN, NOTHING),
	},
	[DENSE_EXITED] = {
		[LIFECYCLE_START] = TO(STARTING, SPAWN),
	},
	[DENSE_FATAL] = {
		[LIFECYCLE_START] = TO(STARTING, SPAWN),
	},
	[DENSE_UNKNOWN] = {
		/* Nobody knows what it did meanwhile: it is not started again by itself. */
		[LIFECYCLE_EXITED] = TO(EXITED, NOTHING),
	},
};

static enum dense dense_of(enum process_state state)
{
	switch (state) {
#define PROCESS_STATE(name, number)                                                                \
	case STATE_##name:                                                                         \
		return DENSE_##name;
#include "board/states.def"
#undef PROCESS_STATE
	}
	return DENSE_STATES;
}

bool lifecycle_step(
	enum process_state state, enum lifecycle_event event, struct lifecycle_step *ret)
{
	enum dense row = dense_of(state);

	if (row == DENSE_STATES || (unsigned)event >= LIFECYCLE_EVENTS || !table[row][event].valid)
		return false;
	*ret = table[row][event].step;
	return true;
}
