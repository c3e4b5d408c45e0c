#include <inttypes.h>

#include "board/faults.h"
#include "ctl/command.h"

static void print_row(struct session *session, const struct xmlrpc_value *process)
{
	CLEANUP_BUFFER struct buffer name = BUFFER(SIZE_MAX / 2);
	size_t width;

	add_name(&name, (struct namespec){
		span_of(rpc_text(process, "group")), span_of(rpc_text(process, "name")) });
	width = utf8_count(buffer_text(&name), name.length);
	buffer_fill(&name, ' ', width < 32 ? 32 - width : 0);
	say(session, "%s %-9s %-9s %" PRId64 ":%" PRId64, buffer_text(&name),
		rpc_number(process, "inuse") ? "in use" : "avail",
		rpc_number(process, "autostart") ? "auto" : "manual", rpc_number(process, "group_prio"),
		rpc_number(process, "process_prio"));
}

static int run(struct session *session, struct span arguments)
{
	const struct xmlrpc_value *answer;
	int r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.getAllConfigInfo");

	(void)arguments;
	if (r == RPC_FAULT && session->fault == FAULT_SHUTDOWN_STATE) {
		complain(session, "ERROR: supervisor shutting down");
		session->exit_status = STATUS_GENERIC;
		return 0;
	}
	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	for (const struct xmlrpc_value *process = answer->first; process; process = process->next)
		print_row(session, process);
	tell_take(session, "configured", rpc_json(answer));
	return 0;
}

const struct command command_avail = {
	.name = "avail",
	.summary = "which processes are configured",
	.help = "avail\t\tall configured processes: whether they are in use and start by themselves, and\n"
		"\t\tthe priorities of group and process",
	.no_arguments = true,
	.run = run,
};
