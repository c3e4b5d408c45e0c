/* One command, one file, one `const struct command`; commands.def lists them. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/output.h"
#include "ctl/rpc.h"
#include "ctl/session.h"
#include "ctl/words.h"

enum completion { COMPLETE_NOTHING, COMPLETE_COMMANDS, COMPLETE_GROUPS, COMPLETE_PROCESSES };

struct command {
	const char *name;
	const char *summary; /* one line */
	const char *help;    /* how it is called, a line a form */
	enum completion completes;
	bool no_arguments; /* any is an error */

	/* Do it. Returns 0, or -1 where it could not go on (`failure` says why). */
	int (*run)(struct session *session, struct span arguments);
};

#define COMMAND(name) extern const struct command command_##name;
#include "ctl/commands.def"
#undef COMMAND

extern const struct command *const commands[];
extern const size_t command_count;

/* NULL: there is none of that name. */
const struct command *command_find(struct span name);

/* How it is called, on standard output. */
void command_explain(struct session *session, const struct command *command);

/* Tell what is wrong with a command's arguments and how it is called; returns 0. */
int command_misused(struct session *session, const struct command *command, int exit_status, const char *what);

/* Run one line: what it does and whatever goes wrong is told, `exit_status` set. */
void command_run_line(struct session *session, const char *text);

#endif
