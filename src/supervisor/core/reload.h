/* SIGHUP: everything is stopped, and begins again with the configuration as it is now. One that cannot be read
 * changes nothing. */
#ifndef CORE_RELOAD_H
#define CORE_RELOAD_H

#include "core/state.h"

void reload(struct core *core);

#endif
