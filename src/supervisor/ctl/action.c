#include "ctl/action.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/faults.h"
#include "ctl/progress.h"

/* ---- how it went ---- */

static void set_status(struct session *session, int fault, int harmless)
{
	if (fault == harmless || fault == FAULT_SUCCESS)
		return;
	if (fault == FAULT_SPAWN_ERROR || fault == FAULT_ABNORMAL_TERMINATION || fault == FAULT_NOT_RUNNING)
		session->exit_status = STATUS_NOT_RUNNING;
	else
		session->exit_status = STATUS_GENERIC;
}

static int tell_result(struct session *session, const struct action *action, struct namespec name, int fault,
	const char *description)
{
	const struct fault_words *words = action->faults;

	if (fault == FAULT_SUCCESS) {
		report_done(session, name, action->done);
		return 0;
	}
	while (words->fault && words->fault != fault)
		words++;
	if (!words->fault) {
		CLEANUP_BUFFER struct buffer text = BUFFER(SIZE_MAX / 2);

		add_name(&text, name);
		return session_fail(
			session, "ValueError", "Unknown result code %d for %s", fault, buffer_text(&text));
	}
	if (words->words)
		report_error(session, name, fault, words->words);
	else
		complain(session, "%s", description);
	set_status(session, fault, action->harmless);
	return 0;
}

static int tell_results(struct session *session, const struct action *action, const struct xmlrpc_value *answer)
{
	for (const struct xmlrpc_value *result = answer->first; result; result = result->next) {
		struct namespec name = {
			span_of(rpc_text(result, "group")),
			span_of(rpc_text(result, "name")),
		};
		int r = tell_result(session, action, name, (int)rpc_number(result, "status"),
			rpc_text(result, "description"));

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- one process, a group, all ---- */

static int call(struct session *session, const struct action *action, const char *method, const char *name,
	const char *extra, const struct xmlrpc_value **ret)
{
	struct rpc_parameter parameters[2];
	size_t count = 0;

	if (name)
		parameters[count++] = RPC_TEXT(name);
	if (extra)
		parameters[count++] = RPC_TEXT(extra);
	if (action->doing && method != action->one)
		return progress_ask(session, action->doing, name, method, parameters, count, ret);
	return rpc_ask(session, method, parameters, count, action->doing ? REEVE_FOREVER : RPC_PATIENCE, ret);
}

static int act_on_one(struct session *session, const struct action *action, const char *text, const char *extra)
{
	const struct xmlrpc_value *answer;
	int r = call(session, action, action->one, text, extra, &answer);

	if (r < 0)
		return r;
	return tell_result(session, action, namespec_of(text), r == RPC_FAULT ? session->fault : FAULT_SUCCESS,
		r == RPC_FAULT ? session->fault_text : "");
}

static int no_such_group(struct session *session, const struct action *action, struct namespec name)
{
	report_error(session, name, FAULT_BAD_NAME, "no such group");
	session->exit_status = action->no_group_status;
	return 0;
}

/* For what the API has no method that takes a group. */
static int act_on_each(struct session *session, const struct action *action, struct namespec name, const char *extra)
{
	const struct xmlrpc_value *answer;
	char **members = NULL;
	size_t count = 0;
	int r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.getAllProcessInfo");

	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	members = calloc(answer->count + 1, sizeof *members);
	if (!members)
		return session_fail_errno(session, -ENOMEM);
	for (const struct xmlrpc_value *process = answer->first; process; process = process->next) {
		const char *group = rpc_text(process, "group");

		if (strlen(group) == span_length(name.group) &&
			strncmp(group, name.group.start, span_length(name.group)) == 0 &&
			asprintf(&members[count], "%s:%s", group, rpc_text(process, "name")) >= 0)
			count++;
	}
	if (count == 0)
		r = no_such_group(session, action, name);
	for (size_t i = 0; i < count && r == 0; i++)
		r = act_on_one(session, action, members[i], extra);
	for (size_t i = 0; i < count; i++)
		free(members[i]);
	free(members);
	return r;
}

static int act_on_group(struct session *session, const struct action *action, struct namespec name, const char *extra)
{
	const struct xmlrpc_value *answer;
	char *group;
	int r;

	if (!action->group)
		return act_on_each(session, action, name, extra);
	group = strndup(name.group.start, span_length(name.group));
	if (!group)
		return session_fail_errno(session, -ENOMEM);
	r = call(session, action, action->group, group, extra, &answer);
	free(group);
	if (r == RPC_FAULT && session->fault == FAULT_BAD_NAME)
		return no_such_group(session, action, name);
	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	return tell_results(session, action, answer);
}

static int act_on_all(struct session *session, const struct action *action, const char *extra)
{
	const struct xmlrpc_value *answer;
	int r = call(session, action, action->every, NULL, extra, &answer);

	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	return tell_results(session, action, answer);
}

int action_unnamed(struct session *session, const struct action *action)
{
	char text[64];

	snprintf(text, sizeof text, "%s requires a process name", action->command->name);
	return command_misused(session, action->command, action->unnamed_status, text);
}

int action_run(struct session *session, const struct action *action, const struct words *names, const char *extra)
{
	int r = 0;

	if (names->count == 0)
		return action_unnamed(session, action);
	if (words_have(names, "all"))
		return act_on_all(session, action, extra);
	for (size_t i = 0; i < names->count && r == 0; i++) {
		struct namespec name = namespec_of(names->list[i]);

		r = name.process.start ? act_on_one(session, action, names->list[i], extra)
				       : act_on_group(session, action, name, extra);
	}
	return r;
}

int action_run_line(struct session *session, const struct action *action, struct span arguments)
{
	CLEANUP_WORDS struct words names = { 0 };
	int r = rpc_check_server(session);

	if (r <= 0)
		return r;
	if (words_split(arguments, &names) < 0)
		return session_fail_errno(session, -ENOMEM);
	return action_run(session, action, &names, NULL);
}
