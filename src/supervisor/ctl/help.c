#include "ctl/command.h"

static int run(struct session *session, struct span arguments)
{
	const struct command *command;

	if (span_length(arguments) == 0) {
		for (size_t i = 0; i < command_count; i++) {
			say(session, "%-10s %s", commands[i]->name, commands[i]->summary);
			tell_take(session, commands[i]->name, json_string(commands[i]->summary));
		}
		return 0;
	}
	command = command_find(arguments);
	if (!command) {
		complain(session, "*** No help on %.*s", (int)span_length(arguments), arguments.start);
		return 0;
	}
	command_explain(session, command);
	tell_take(session, "help", json_string(command->help));
	return 0;
}

const struct command command_help = {
	.name = "help",
	.summary = "list the commands, or tell how one is called",
	.help = "help\t\tlist the commands\n"
		"help COMMAND\ttell how it is called",
	.completes = COMPLETE_COMMANDS,
	.run = run,
};
