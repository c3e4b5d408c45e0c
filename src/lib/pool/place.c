#include "lib/pool/place.h"

#include <stdbool.h>

/* What is not here leaves the state as it is. */
static const struct {
	bool defined;
	struct place_step step;
} table[PLACE_N_STATES][PLACE_N_EVENTS] = {
	[PLACE_VACANT] = {
		[PLACE_HIRE] = { true, { PLACE_WAITING, PLACE_NOTHING } },
	},
	[PLACE_WAITING] = {
		[PLACE_OVERDUE] = { true, { PLACE_WAITING, PLACE_START } },
		[PLACE_STARTED] = { true, { PLACE_WORKING, PLACE_NOTHING } },
		[PLACE_DISMISS] = { true, { PLACE_VACANT, PLACE_NOTHING } },
	},
	[PLACE_WORKING] = {
		[PLACE_OVERDUE] = { true, { PLACE_LEAVING, PLACE_ASK } },
		[PLACE_DISMISS] = { true, { PLACE_LEAVING, PLACE_ASK } },
		[PLACE_STUCK] = { true, { PLACE_TERMINATING, PLACE_TERMINATE } },
		[PLACE_ENDED] = { true, { PLACE_VACANT, PLACE_NOTHING } },
	},
	[PLACE_LEAVING] = {
		[PLACE_OVERDUE] = { true, { PLACE_TERMINATING, PLACE_TERMINATE } },
		[PLACE_STUCK] = { true, { PLACE_TERMINATING, PLACE_TERMINATE } },
		[PLACE_ENDED] = { true, { PLACE_VACANT, PLACE_NOTHING } },
	},
	[PLACE_TERMINATING] = {
		[PLACE_OVERDUE] = { true, { PLACE_KILLING, PLACE_KILL } },
		[PLACE_ENDED] = { true, { PLACE_VACANT, PLACE_NOTHING } },
	},
	[PLACE_KILLING] = {
		[PLACE_ENDED] = { true, { PLACE_VACANT, PLACE_NOTHING } },
	},
};

struct place_step place_step(enum place_state state, enum place_event event)
{
	if (!table[state][event].defined)
		return (struct place_step){ state, PLACE_NOTHING };
	return table[state][event].step;
}
