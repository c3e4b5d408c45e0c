/* Starting and stopping what signals come in by, in the mode that was chosen, and starting over
 * in a forked child. */
#ifndef LIB_SIGNAL_ENGINE_H
#define LIB_SIGNAL_ENGINE_H

#include "lib/signal/mode.h"

const struct signal_mode *engine_mode(void);

/* Start it if it isn't yet. The registry is locked. 0, or negative errno. */
int engine_start(void);

/* After an engine_start() that did start it: forget it again if what it was started for failed,
 * or keep it. */
void engine_stop_if_new(void);
void engine_keep(void);

/* engine_start() that is kept, with the registry locked around it. */
int engine_begin(void);

bool engine_is_started(void);

/* In a forked child, the first time: get what the parent had. At once, if this is no child. 0,
 * or negative errno. */
int engine_refresh(void);

/* In a forked child that goes on in the same program, with all signals blocked: have neither the
 * parent's subscriptions nor its handlers, but for those of faults; what it ignores stays ignored.
 * To be called wherever the parent forked, in a callback too: its stack must not be returned to. */
void engine_start_over(void);

#endif
