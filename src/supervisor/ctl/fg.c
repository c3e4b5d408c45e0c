/* One process in the foreground: what it writes is shown, lines that are typed become its input. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/faults.h"
#include "board/states.h"
#include "ctl/command.h"
#include "ctl/follow.h"

#define INPUT_MAX ((size_t)1 << 20) /* of one line */

struct foreground {
	struct session *session;
	const char *name;
	struct buffer input;
};

enum { LEAVE = 2 };

static int killed(struct session *session)
{
	say(session, "Process got killed");
	return LEAVE;
}

static int tell_fault(struct session *session)
{
	session_fail_fault(session);
	complain(session, "ERROR: %s", session->failure.text);
	return LEAVE;
}

/* Returns 0, LEAVE or -1. */
static int check_running(struct session *session, const char *name)
{
	const struct xmlrpc_value *process;
	int r = RPC(session, &process, "supervisor.getProcessInfo", RPC_TEXT(name));

	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	return rpc_number(process, "state") == STATE_RUNNING ? 0 : killed(session);
}

static int send_line(struct foreground *foreground, const char *line)
{
	const struct xmlrpc_value *answer;
	struct session *session = foreground->session;
	int r = RPC(session, &answer, "supervisor.sendProcessStdin", RPC_TEXT(foreground->name), RPC_TEXT(line));

	if (r < 0)
		return r;
	if (r == RPC_FAULT)
		return session->fault == FAULT_NOT_RUNNING ? killed(session) : tell_fault(session);
	return check_running(session, foreground->name);
}

/* Send every whole line that was typed; `all`: also one that has not ended. */
static int send_lines(struct foreground *foreground, bool all)
{
	struct buffer *input = &foreground->input;
	int r = 0;

	while (r == 0 && input->length > 0) {
		char *newline = memchr(input->data, '\n', input->length);
		size_t length = newline ? (size_t)(newline + 1 - input->data) : input->length;
		char *line;

		if (!newline && !all)
			return 0;
		if (asprintf(&line, "%.*s%s", (int)length, input->data, newline ? "" : "\n") < 0)
			return session_fail_errno(foreground->session, -ENOMEM);
		memmove(input->data, input->data + length, input->length - length + 1);
		input->length -= length;
		r = send_line(foreground, line);
		free(line);
	}
	return r;
}

static int on_input(void *data)
{
	struct foreground *foreground = data;
	char bytes[4096];
	ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
	int r;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got <= 0) {
		r = send_lines(foreground, true);
		return r == 0 ? LEAVE : r;
	}
	buffer_add(&foreground->input, bytes, (size_t)got);
	if (foreground->input.error)
		return session_fail_errno(foreground->session, foreground->input.error);
	return send_lines(foreground, false);
}

static int stay(struct session *session, const char *name)
{
	struct foreground foreground = { session, name, BUFFER(INPUT_MAX) };
	struct follow_source sources[] = {
		{ session->json ? strdup(name) : NULL, follow_target(name, "stdout") },
		{ session->json ? strdup(name) : NULL, follow_target(name, "stderr") },
	};
	struct follow follow = { sources, 2, on_input, &foreground };
	int r;

	say(session, "==> Press Ctrl-C to exit <==");
	r = sources[0].target && sources[1].target ? follow_run(session, &follow)
						   : session_fail_errno(session, -ENOMEM);
	for (size_t i = 0; i < 2; i++) {
		free(sources[i].label);
		free(sources[i].target);
	}
	buffer_deinit(&foreground.input);
	if (r < 0)
		return r;
	say(session, "Exiting foreground");
	return 0;
}

static int refuse(struct session *session, const char *why)
{
	complain(session, "ERROR: %s", why);
	session->exit_status = STATUS_GENERIC;
	return 0;
}

static int run_name(struct session *session, const char *name)
{
	const struct xmlrpc_value *process;
	int r = RPC(session, &process, "supervisor.getProcessInfo", RPC_TEXT(name));

	if (r < 0)
		return r;
	if (r == RPC_FAULT && session->fault == FAULT_BAD_NAME)
		return refuse(session, "bad process name supplied");
	if (r == RPC_FAULT) {
		tell_fault(session);
		return 0;
	}
	if (rpc_number(process, "state") != STATE_RUNNING)
		return refuse(session, "process not running");
	return stay(session, name);
}

static int run(struct session *session, struct span arguments)
{
	CLEANUP_WORDS struct words names = { 0 };
	int r = rpc_check_server(session);

	if (r <= 0)
		return r;
	if (words_split(arguments, &names) < 0)
		return session_fail_errno(session, -ENOMEM);
	if (names.count == 0) {
		refuse(session, "no process name supplied");
		command_explain(session, &command_fg);
		return 0;
	}
	if (names.count > 1)
		return refuse(session, "too many process names supplied");
	return run_name(session, names.list[0]);
}

const struct command command_fg = {
	.name = "fg",
	.summary = "be the terminal of a process",
	.help = "fg NAME\t\tshow what a process writes, and send it what is typed, until Ctrl-C",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
