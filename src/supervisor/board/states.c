#include "board/states.h"

#include <stddef.h>

const char *process_state_name(int state)
{
	switch (state) {
#define PROCESS_STATE(name, number)                                                                \
	case number:                                                                               \
		return #name;
#include "board/states.def"
#undef PROCESS_STATE
	}
	return NULL;
}

const char *mood_name(int mood)
{
	switch (mood) {
#define MOOD(name, number)                                                                         \
	case number:                                                                               \
		return #name;
#include "board/states.def"
#undef MOOD
	}
	return NULL;
}

bool process_state_is_running(enum process_state state)
{
	return state == STATE_STARTING || state == STATE_RUNNING || state == STATE_BACKOFF;
}

bool process_state_is_stopped(enum process_state state)
{
	return state == STATE_STOPPED || state == STATE_EXITED || state == STATE_FATAL ||
	       state == STATE_UNKNOWN;
}

bool process_state_is_signallable(enum process_state state)
{
	return state == STATE_STARTING || state == STATE_RUNNING || state == STATE_STOPPING;
}
