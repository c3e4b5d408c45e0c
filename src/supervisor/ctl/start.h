/* For restart, which is both. */
#ifndef CTL_START_H
#define CTL_START_H

#include "ctl/action.h"

extern const struct action action_start, action_stop;

#endif
