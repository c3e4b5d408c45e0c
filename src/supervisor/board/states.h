/* What a process, and the supervisor itself, can be said to be. Numbers are those of the API. */
#ifndef SUPERVISOR_BOARD_STATES_H
#define SUPERVISOR_BOARD_STATES_H

#include <stdbool.h>

enum process_state {
#define PROCESS_STATE(name, number) STATE_##name = number,
#include "board/states.def"
#undef PROCESS_STATE
};

enum mood {
#define MOOD(name, number) MOOD_##name = number,
#include "board/states.def"
#undef MOOD
};

/* "RUNNING" for STATE_RUNNING; NULL for a number that is no state. */
const char *process_state_name(int state);
const char *mood_name(int mood);

/* Is there, or will there soon be, a process without anybody's doing? STARTING, RUNNING, BACKOFF. */
bool process_state_is_running(enum process_state state);

/* Is there none, and none to come? STOPPED, EXITED, FATAL, UNKNOWN. */
bool process_state_is_stopped(enum process_state state);

/* Is there a process to send a signal to? STARTING, RUNNING, STOPPING. */
bool process_state_is_signallable(enum process_state state);

#endif
