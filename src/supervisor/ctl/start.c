#include "ctl/start.h"

#include "board/faults.h"

static const struct fault_words faults[] = {
	{ FAULT_BAD_NAME, "no such process" },
	{ FAULT_NO_FILE, "no such file" },
	{ FAULT_NOT_EXECUTABLE, "file is not executable" },
	{ FAULT_ALREADY_STARTED, "already started" },
	{ FAULT_SPAWN_ERROR, "spawn error" },
	{ FAULT_ABNORMAL_TERMINATION, "abnormal termination" },
	{ 0 },
};

const struct action action_start = {
	.command = &command_start,
	.done = "started",
	.doing = "starting",
	.one = "supervisor.startProcess",
	.group = "supervisor.startProcessGroup",
	.every = "supervisor.startAllProcesses",
	.faults = faults,
	.harmless = FAULT_ALREADY_STARTED,
	.unnamed_status = STATUS_INVALID_ARGUMENTS,
	.no_group_status = STATUS_INVALID_ARGUMENTS,
};

static int run(struct session *session, struct span arguments)
{
	return action_run_line(session, &action_start, arguments);
}

const struct command command_start = {
	.name = "start",
	.summary = "start processes",
	.help = "start NAME...\t\twait until each of these processes runs\n"
		"start GROUP:*...\tthose of a group\n"
		"start all\t\tall of them",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
