#include "board/faults.h"
#include "ctl/start.h"

static const struct fault_words faults[] = {
	{ FAULT_BAD_NAME, "no such process" },
	{ FAULT_BAD_SIGNAL, "bad signal name" },
	{ FAULT_NOT_RUNNING, "not running" },
	{ FAULT_FAILED, NULL },
	{ 0 },
};

const struct action action_stop = {
	.command = &command_stop,
	.done = "stopped",
	.doing = "stopping",
	.one = "supervisor.stopProcess",
	.group = "supervisor.stopProcessGroup",
	.every = "supervisor.stopAllProcesses",
	.faults = faults,
	.harmless = FAULT_NOT_RUNNING,
	.unnamed_status = STATUS_GENERIC,
	.no_group_status = STATUS_GENERIC,
};

static int run(struct session *session, struct span arguments)
{
	return action_run_line(session, &action_stop, arguments);
}

const struct command command_stop = {
	.name = "stop",
	.summary = "stop processes",
	.help = "stop NAME...\t\twait until each of these processes has ended\n"
		"stop GROUP:*...\t\tthose of a group\n"
		"stop all\t\tall of them",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
