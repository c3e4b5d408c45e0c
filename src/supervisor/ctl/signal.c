#include <errno.h>

#include "board/faults.h"
#include "ctl/action.h"

static const struct fault_words faults[] = {
	{ FAULT_BAD_NAME, "no such process" },
	{ FAULT_BAD_SIGNAL, "bad signal name" },
	{ FAULT_NOT_RUNNING, "not running" },
	{ FAULT_FAILED, NULL },
	{ 0 },
};

static const struct action action_signal = {
	.command = &command_signal,
	.done = "signalled",
	.one = "supervisor.signalProcess",
	.group = "supervisor.signalProcessGroup",
	.every = "supervisor.signalAllProcesses",
	.faults = faults,
	.no_group_status = STATUS_GENERIC,
};

static int run(struct session *session, struct span arguments)
{
	CLEANUP_WORDS struct words words = { 0 };
	struct words names;
	int r = rpc_check_server(session);

	if (r <= 0)
		return r;
	if (words_split(arguments, &words) < 0)
		return session_fail_errno(session, -ENOMEM);
	if (words.count < 2)
		return command_misused(session, &command_signal, STATUS_GENERIC,
			"signal requires a signal name and a process name");
	names = (struct words){ words.list + 1, words.count - 1 };
	return action_run(session, &action_signal, &names, words.list[0]);
}

const struct command command_signal = {
	.name = "signal",
	.summary = "send a signal to processes",
	.help = "signal SIGNAL NAME...\t\tsend a signal, by name or number, to these processes\n"
		"signal SIGNAL GROUP:*...\tthose of a group\n"
		"signal SIGNAL all\t\tall of them",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
