/* The command line of reevectl: that of supervisorctl 4.2, and `--json`.
 *
 * Options end at the first word that is none. Long options of supervisorctl may be abbreviated to what is unique
 * among them; reeve's own are written out, so that no abbreviation changes its meaning. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
	const char *configuration; /* this and what follows are borrowed from argv; NULL: not given */
	const char *interactive;   /* not NULL: given */
	const char *serverurl;
	const char *username;
	const char *password;
	const char *history_file;
	bool json;
	bool help, version;
	char **words; /* what is left: NULL-terminated, part of argv */
};

/* Returns 0, or -EINVAL with what is wrong in `error`. */
int options_parse(int argc, char **argv, struct options *ret, char *error, size_t error_size);

/* The text of --help; `program` is argv[0]. */
void options_print_help(const char *program);

#endif
