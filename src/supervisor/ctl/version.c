#include "ctl/command.h"

static int run(struct session *session, struct span arguments)
{
	const struct xmlrpc_value *answer;
	int r = rpc_check_server(session);

	(void)arguments;
	if (r <= 0)
		return r;
	r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.getSupervisorVersion");
	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	say(session, "%s", answer->kind == XMLRPC_STRING ? answer->text : "");
	tell_take(session, "version", rpc_json(answer));
	return 0;
}

const struct command command_version = {
	.name = "version",
	.summary = "the version of the supervisor",
	.help = "version\t\tthe version of the supervisor that answers",
	.no_arguments = true,
	.run = run,
};
