/* The safe points. */
#ifndef LIB_SIGNAL_DISPATCH_H
#define LIB_SIGNAL_DISPATCH_H

#include <stdbool.h>

#include "lib/base/interrupt.h"

/* What blocking calls, those of the layers below too, run and sleep on. */
int dispatch_interrupted(void);
extern const struct interrupt_watch dispatch_watch;

/* Whether a call sleeps until something arrives. */
bool dispatch_is_awaited(void);

/* In a forked child: the other threads, that may have waited, are gone. */
void dispatch_forked(void);

/* The descriptor is gone. The registry is locked. */
void dispatch_stopped(void);

#endif
