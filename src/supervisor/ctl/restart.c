#include <errno.h>

#include "ctl/start.h"

static const struct action action_restart = {
	.command = &command_restart,
	.unnamed_status = STATUS_GENERIC,
};

static int run(struct session *session, struct span arguments)
{
	CLEANUP_WORDS struct words names = { 0 };
	int r = rpc_check_server(session);

	if (r <= 0)
		return r;
	if (words_split(arguments, &names) < 0)
		return session_fail_errno(session, -ENOMEM);
	if (names.count == 0)
		return action_unnamed(session, &action_restart);
	r = action_run(session, &action_stop, &names, NULL);
	return r < 0 ? r : action_run(session, &action_start, &names, NULL);
}

const struct command command_restart = {
	.name = "restart",
	.summary = "stop processes, then start them",
	.help = "restart NAME...\t\tstop these processes, then start them\n"
		"restart GROUP:*...\tthose of a group\n"
		"restart all\t\tall of them\n"
		"The configuration is not read again: see reread and update.",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
