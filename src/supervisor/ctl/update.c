#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "board/faults.h"
#include "ctl/changes.h"
#include "ctl/command.h"

/* What is done here is done to groups. */
static void tell_group(struct session *session, const char *group, const char *what)
{
	report_done(session, (struct namespec){ span_of(group), { NULL, NULL } }, what);
}

static int act(struct session *session, const char *method, const char *group, const struct xmlrpc_value **ret)
{
	int r = RPC_WAITING(session, ret, method, RPC_TEXT(group));

	return r == RPC_FAULT ? session_fail_fault(session) : r;
}

static bool failed_to_stop(const struct xmlrpc_value *results)
{
	for (const struct xmlrpc_value *result = results->first; result; result = result->next)
		if (rpc_number(result, "status") == FAULT_FAILED)
			return true;
	return false;
}

static int stop(struct session *session, const char *group, bool *ret_failed)
{
	const struct xmlrpc_value *answer;

	if (act(session, "supervisor.stopProcessGroup", group, &answer) < 0)
		return -1;
	*ret_failed = failed_to_stop(answer);
	tell_group(session, group, "stopped");
	return 0;
}

static int drop(struct session *session, const char *group)
{
	const struct xmlrpc_value *answer;
	bool failed;

	if (stop(session, group, &failed) < 0)
		return -1;
	if (failed) {
		complain(session, "%s: has problems; not removing", group);
		session->exit_status = STATUS_GENERIC;
		return 0;
	}
	if (act(session, "supervisor.removeProcessGroup", group, &answer) < 0)
		return -1;
	tell_group(session, group, "removed process group");
	return 0;
}

static int change(struct session *session, const char *group)
{
	const struct xmlrpc_value *answer;
	bool failed;

	if (stop(session, group, &failed) < 0 || act(session, "supervisor.removeProcessGroup", group, &answer) < 0 ||
		act(session, "supervisor.addProcessGroup", group, &answer) < 0)
		return -1;
	tell_group(session, group, "updated process group");
	return 0;
}

static int add(struct session *session, const char *group)
{
	const struct xmlrpc_value *answer;

	if (act(session, "supervisor.addProcessGroup", group, &answer) < 0)
		return -1;
	tell_group(session, group, "added process group");
	return 0;
}

static bool has_group(const struct xmlrpc_value *processes, const char *group)
{
	for (const struct xmlrpc_value *process = processes->first; process; process = process->next)
		if (strcmp(rpc_text(process, "group"), group) == 0)
			return true;
	return false;
}

static int check_names(struct session *session, const struct words *names, const struct changes *changes)
{
	const struct xmlrpc_value *answer;
	int r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.getAllProcessInfo");

	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	for (size_t i = 0; i < names->count; i++)
		if (!has_group(answer, names->list[i]) && !words_have(&changes->added, names->list[i])) {
			complain(session, "ERROR: no such group: %s", names->list[i]);
			session->exit_status = STATUS_GENERIC;
		}
	return 0;
}

static int each(struct session *session, const struct words *groups, const struct words *names, bool all,
	int (*do_it)(struct session *, const char *))
{
	int r = 0;

	for (size_t i = 0; i < groups->count && r == 0; i++)
		if (all || words_have(names, groups->list[i]))
			r = do_it(session, groups->list[i]);
	return r;
}

static int run(struct session *session, struct span arguments)
{
	CLEANUP_CHANGES struct changes changes = { 0 };
	CLEANUP_WORDS struct words names = { 0 };
	bool all;
	int r = changes_ask(session, &changes);

	if (r == RPC_FAULT && session->fault == FAULT_SHUTDOWN_STATE) {
		complain(session, "ERROR: already shutting down");
		session->exit_status = STATUS_GENERIC;
		return 0;
	}
	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	if (words_split(arguments, &names) < 0)
		return session_fail_errno(session, -ENOMEM);
	all = names.count == 0 || words_have(&names, "all");
	if (!all && check_names(session, &names, &changes) < 0)
		return -1;
	r = each(session, &changes.removed, &names, all, drop);
	if (r == 0)
		r = each(session, &changes.changed, &names, all, change);
	return r < 0 ? r : each(session, &changes.added, &names, all, add);
}

const struct command command_update = {
	.name = "update",
	.summary = "read the configuration, and do what it says",
	.help = "update\t\t\tread the configuration: stop and remove groups that are gone, restart changed\n"
		"\t\t\tones, add new ones\n"
		"update all\t\tthe same\n"
		"update GROUP...\t\tonly these groups",
	.completes = COMPLETE_GROUPS,
	.run = run,
};
