#include "ctl/command.h"

#include <stdio.h>
#include <string.h>

#include "ctl/prompt.h"

const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "ctl/commands.def"
#undef COMMAND
};
const size_t command_count = sizeof commands / sizeof *commands;

const struct command *command_find(struct span name)
{
	if (span_length(name) == 3 && strncmp(name.start, "EOF", 3) == 0)
		return &command_quit; /* as supervisorctl's interactive mode has it */
	for (size_t i = 0; i < command_count; i++)
		if (strlen(commands[i]->name) == span_length(name) &&
			strncmp(commands[i]->name, name.start, span_length(name)) == 0)
			return commands[i];
	return NULL;
}

void command_explain(struct session *session, const struct command *command)
{
	say(session, "%s", command->help);
}

int command_misused(struct session *session, const struct command *command, int exit_status, const char *what)
{
	complain(session, "Error: %s", what);
	session->exit_status = exit_status;
	command_explain(session, command);
	return 0;
}

static int run(struct session *session, const struct command *command, struct span arguments)
{
	char text[64];

	session->has_checked = false;
	if (command->no_arguments && span_length(arguments) > 0) {
		snprintf(text, sizeof text, "%s accepts no arguments", command->name);
		return command_misused(session, command, STATUS_GENERIC, text);
	}
	return command->run(session, arguments);
}

/* The server wants to know who we are. True: the command is to be tried again. */
static bool ask_who(struct session *session)
{
	char *username, *password;
	bool known;

	complain(session, "Server requires authentication");
	if (!session->interactive)
		return false;
	username = prompt_read(session, "Username:", true);
	password = username ? prompt_read(session, "Password:", false) : NULL;
	known = password && session_set_user(session, username, password) == 0;
	prompt_forget(password);
	prompt_forget(username);
	return known;
}

static void run_command(struct session *session, const struct command *command, struct span arguments)
{
	int r = run(session, command, arguments);

	while (r < 0 && session->failure.http_status == 401 && ask_who(session))
		r = run(session, command, arguments);
	if (r < 0) {
		complain(session, "error: <class '%s'>, %s", session->failure.type, session->failure.text);
		session->exit_status = STATUS_GENERIC;
	}
}

static void unknown(struct session *session, const struct line *line)
{
	complain(session, "*** Unknown syntax: %.*s", (int)span_length(line->whole), line->whole.start);
	session->exit_status = STATUS_GENERIC;
}

void command_run_line(struct session *session, const char *text)
{
	const struct command *command;
	struct line line;

	line_parse(text, &line);
	if (line.kind == LINE_EMPTY)
		return;
	if (line.is_question)
		line.command = span_of("help");
	command = line.kind == LINE_COMMAND ? command_find(line.command) : NULL;
	document_begin(session, command ? line.command : line.whole);
	if (command)
		run_command(session, command, line.arguments);
	else
		unknown(session, &line);
	document_end(session);
	fflush(stdout);
}
