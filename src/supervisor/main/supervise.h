/* reeved's main job: read the configuration, become a daemon if that is wanted, and be the keeper. */
#ifndef MAIN_SUPERVISE_H
#define MAIN_SUPERVISE_H

#include "main/options.h"

/* Returns the exit status: 0 after an orderly end, 2 for every reason not to start, which has been told. */
int supervise(const struct options *options, const char *configuration);

#endif
