/* What start, stop, signal and clear have in common: something is done to processes by name, to groups (`g:*`) or to `all`, and how
 * that went is told for each. */
#ifndef CTL_ACTION_H
#define CTL_ACTION_H

#include "ctl/command.h"

struct fault_words {
	int fault;
	const char *words; /* NULL: those of the fault itself, as the line */
};

struct action {
	const struct command *command;
	const char *done;		  /* "started" */
	const char *doing;		  /* "starting", for who watches; NULL: it takes no time */
	const char *one, *group, *every; /* methods; `group` NULL: each of the group by `one` */
	const struct fault_words *faults; /* up to one without a fault */
	int harmless;			  /* a fault that does not make the exit status bad; 0: none */
	int unnamed_status, no_group_status;
};

/* Do it to `names`; none is an error. `extra` is one parameter more for each method; NULL: there is none. Returns 0 or -1. */
int action_run(struct session *session, const struct action *action, const struct words *names, const char *extra);

/* The same for a command whose arguments are all names; it checks the server first. */
int action_run_line(struct session *session, const struct action *action, struct span arguments);

/* Tell how a command is called that misses its names. */
int action_unnamed(struct session *session, const struct action *action);

#endif
