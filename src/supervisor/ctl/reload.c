#include "board/faults.h"
#include "ctl/command.h"
#include "ctl/prompt.h"

static int run(struct session *session, struct span arguments)
{
	const struct xmlrpc_value *answer;
	int r;

	(void)arguments;
	if (!prompt_confirm(session, "Really restart the remote supervisord process y/N? "))
		return 0;
	r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.restart");
	if (r < 0)
		return r;
	if (r == 0) {
		say(session, "Restarted supervisord");
		return 0;
	}
	session->exit_status = STATUS_GENERIC;
	if (session->fault != FAULT_SHUTDOWN_STATE)
		return session_fail_fault(session);
	complain(session, "ERROR: already shutting down");
	return 0;
}

const struct command command_reload = {
	.name = "reload",
	.summary = "restart the supervisor and all programs",
	.help = "reload\t\tstop all programs, read the configuration, and start anew",
	.no_arguments = true,
	.run = run,
};
