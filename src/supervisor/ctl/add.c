#include <errno.h>

#include "board/faults.h"
#include "ctl/command.h"

static int add(struct session *session, const char *group)
{
	const struct xmlrpc_value *answer;
	int r = RPC_WAITING(session, &answer, "supervisor.addProcessGroup", RPC_TEXT(group));

	if (r < 0)
		return r;
	if (r == 0) {
		report_done(session, (struct namespec){ span_of(group), { NULL, NULL } }, "added process group");
		return 0;
	}
	if (session->fault == FAULT_ALREADY_ADDED) {
		complain(session, "ERROR: process group already active");
		return 0;
	}
	session->exit_status = STATUS_GENERIC;
	if (session->fault == FAULT_SHUTDOWN_STATE)
		complain(session, "ERROR: shutting down");
	else if (session->fault == FAULT_BAD_NAME)
		complain(session, "ERROR: no such process/group: %s", group);
	else
		return session_fail_fault(session);
	return 0;
}

static int run(struct session *session, struct span arguments)
{
	CLEANUP_WORDS struct words groups = { 0 };
	int r = 0;

	if (words_split(arguments, &groups) < 0)
		return session_fail_errno(session, -ENOMEM);
	for (size_t i = 0; i < groups.count && r == 0; i++)
		r = add(session, groups.list[i]);
	return r;
}

const struct command command_add = {
	.name = "add",
	.summary = "take up groups that reread has found",
	.help = "add GROUP...\ttake up these groups, new in the configuration since reread, and start them",
	.completes = COMPLETE_GROUPS,
	.run = run,
};
