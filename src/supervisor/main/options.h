/* The command line of reeved: that of supervisord 4.2, and the words reeve adds.
 *
 * Options of supervisord may be abbreviated to what is unique among them, as ever; those of reeve are new
 * words and must be written out, so that no abbreviation changes its meaning. */
#ifndef MAIN_OPTIONS_H
#define MAIN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum options_job {
	JOB_SUPERVISE,
	JOB_HELP,
	JOB_VERSION,
	JOB_CHECK,
	JOB_STATUS,
};

#define OPTIONS_OVERRIDES_MAX 24

struct options {
	enum options_job job;
	const char *configuration; /* NULL: to be looked for */
	bool json, assume;
	struct config_override overrides[OPTIONS_OVERRIDES_MAX]; /* values borrowed from argv */
	size_t override_count;
};

/* Read the command line. Returns 0, or -EINVAL with what is wrong with it (constant length, cut) in
 * `error`. */
int options_parse(int argc, char **argv, struct options *ret, char *error, size_t error_size);

/* The text of --help; `program` is argv[0]. */
void options_print_help(const char *program);

#endif
