/* `reeved --check [--json] [--assume] FILE`: read a configuration and tell what was found. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"

struct config_check {
	struct config_request request;
	bool json; /* the whole effective configuration, as JSON */
};

/* Print the findings, one a line (`FILE:LINE: error: TEXT`), or with `json` the effective
 * configuration, to `out`. Returns an exit code: 0, 2 if supervisord and reeved would refuse the
 * file. Lint does not count as a failure. */
int config_check(const struct config_check *check, FILE *out);

#endif
