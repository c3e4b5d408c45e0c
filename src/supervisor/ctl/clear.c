#include "board/faults.h"
#include "ctl/action.h"

static const struct fault_words faults[] = {
	{ FAULT_BAD_NAME, "no such process" },
	{ FAULT_FAILED, "failed" },
	{ 0 },
};

static const struct action action_clear = {
	.command = &command_clear,
	.done = "cleared",
	.one = "supervisor.clearProcessLogs",
	.every = "supervisor.clearAllProcessLogs",
	.faults = faults,
	.unnamed_status = STATUS_GENERIC,
	.no_group_status = STATUS_GENERIC,
};

static int run(struct session *session, struct span arguments)
{
	return action_run_line(session, &action_clear, arguments);
}

const struct command command_clear = {
	.name = "clear",
	.summary = "empty the log files of processes",
	.help = "clear NAME...\t\tempty the log files of these processes\n"
		"clear GROUP:*...\tof those of a group\n"
		"clear all\t\tof all of them",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
