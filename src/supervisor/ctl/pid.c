#include <errno.h>
#include <inttypes.h>

#include "board/faults.h"
#include "ctl/command.h"

static int pid_of_supervisor(struct session *session)
{
	const struct xmlrpc_value *answer;
	int r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.getPID");

	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	say(session, "%" PRId64, answer->integer);
	tell_take(session, "pid", json_integer(answer->integer));
	return 0;
}

static void tell_pid(struct session *session, json_t *pids, const struct xmlrpc_value *process)
{
	int64_t pid = rpc_number(process, "pid");
	CLEANUP_BUFFER struct buffer name = BUFFER(SIZE_MAX / 2);

	say(session, "%" PRId64, pid);
	add_name(&name, (struct namespec){
		span_of(rpc_text(process, "group")), span_of(rpc_text(process, "name")) });
	json_object_set_new(pids, buffer_text(&name), json_integer(pid));
}

static int pids_of_all(struct session *session, json_t *pids)
{
	const struct xmlrpc_value *answer;
	int r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.getAllProcessInfo");

	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	for (const struct xmlrpc_value *process = answer->first; process; process = process->next)
		tell_pid(session, pids, process);
	return 0;
}

static int pid_of_one(struct session *session, json_t *pids, const char *name)
{
	const struct xmlrpc_value *answer;
	int r = RPC(session, &answer, "supervisor.getProcessInfo", RPC_TEXT(name));

	if (r == RPC_FAULT && session->fault == FAULT_BAD_NAME) {
		complain(session, "No such process %s", name);
		session->exit_status = STATUS_GENERIC;
		return 0;
	}
	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	tell_pid(session, pids, answer);
	if (rpc_number(answer, "pid") == 0)
		session->exit_status = STATUS_NOT_RUNNING;
	return 0;
}

static int run(struct session *session, struct span arguments)
{
	CLEANUP_WORDS struct words names = { 0 };
	json_t *pids;
	int r = rpc_check_server(session);

	if (r <= 0)
		return r;
	if (words_split(arguments, &names) < 0)
		return session_fail_errno(session, -ENOMEM);
	if (names.count == 0)
		return pid_of_supervisor(session);
	pids = json_object();
	r = 0;
	if (words_have(&names, "all"))
		r = pids_of_all(session, pids);
	else
		for (size_t i = 0; i < names.count && r == 0; i++)
			r = pid_of_one(session, pids, names.list[i]);
	tell_take(session, "pids", pids);
	return r;
}

const struct command command_pid = {
	.name = "pid",
	.summary = "process ids",
	.help = "pid\t\tthat of the supervisor\n"
		"pid NAME...\tthose of these processes; 0: it has none\n"
		"pid all\t\tthose of all, one a line",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
