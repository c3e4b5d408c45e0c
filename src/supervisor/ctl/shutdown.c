#include <errno.h>

#include "board/faults.h"
#include "ctl/command.h"
#include "ctl/prompt.h"

static int is_away(struct session *session)
{
	session->exit_status = STATUS_GENERIC;
	if (session->failure.error == ECONNREFUSED)
		complain(session, "ERROR: %s refused connection (already shut down?)", session->serverurl);
	else if (session->failure.error == ENOENT)
		complain(session, "ERROR: %s no such file (already shut down?)", session->serverurl);
	else
		return -1;
	return 0;
}

static int run(struct session *session, struct span arguments)
{
	const struct xmlrpc_value *answer;
	int r;

	(void)arguments;
	if (!prompt_confirm(session, "Really shut the remote supervisord process down y/N? "))
		return 0;
	r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.shutdown");
	if (r < 0)
		return is_away(session);
	if (r == 0) {
		say(session, "Shut down");
		return 0;
	}
	if (session->fault != FAULT_SHUTDOWN_STATE)
		return session_fail_fault(session);
	complain(session, "ERROR: already shutting down");
	return 0;
}

const struct command command_shutdown = {
	.name = "shutdown",
	.summary = "stop all programs and the supervisor",
	.help = "shutdown\tstop all programs, then the supervisor itself",
	.no_arguments = true,
	.run = run,
};
