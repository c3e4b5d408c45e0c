#include "ctl/command.h"

static int run(struct session *session, struct span arguments)
{
	(void)arguments;
	say(session, "%s", "");
	session->leaving = true;
	return 0;
}

const struct command command_quit = {
	.name = "quit",
	.summary = "leave the interactive mode",
	.help = "quit\tleave the interactive mode; so does the end of input (^D)",
	.run = run,
};

/* The same by another name. */
const struct command command_exit = {
	.name = "exit",
	.summary = "the same",
	.help = "exit\tleave the interactive mode; so does the end of input (^D)",
	.run = run,
};
