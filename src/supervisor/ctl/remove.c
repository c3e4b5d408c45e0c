#include <errno.h>

#include "board/faults.h"
#include "ctl/command.h"

static int remove_group(struct session *session, const char *group)
{
	const struct xmlrpc_value *answer;
	int r = RPC_WAITING(session, &answer, "supervisor.removeProcessGroup", RPC_TEXT(group));

	if (r < 0)
		return r;
	if (r == 0) {
		report_done(session, (struct namespec){ span_of(group), { NULL, NULL } }, "removed process group");
		return 0;
	}
	session->exit_status = STATUS_GENERIC;
	if (session->fault == FAULT_STILL_RUNNING)
		complain(session, "ERROR: process/group still running: %s", group);
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
		r = remove_group(session, groups.list[i]);
	return r;
}

const struct command command_remove = {
	.name = "remove",
	.summary = "give up groups that are stopped",
	.help = "remove GROUP...\tgive up these groups, until they are added again; they must be stopped",
	.completes = COMPLETE_GROUPS,
	.run = run,
};
