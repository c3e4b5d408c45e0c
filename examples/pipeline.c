/* What a shell's `ps aux | grep NAME` does, without the shell.
 *
 *	pipeline [NAME]        without a name it looks for itself */
#include <stdio.h>
#include <string.h>

#include "reeve/process.h"

/* Run the programs joined by pipes; 0 if the last one exited with status 0. */
static int run(const struct reeve_process_spec *programs, size_t count)
{
	struct reeve_process *processes[4];
	struct reeve_process_failure failure;
	struct reeve_process_outcome outcome = { 0 };

	if (reeve_process_pipeline(programs, count, &failure, processes) < 0) {
		printf("cannot %s: %s\n", reeve_process_stage_text(failure.stage),
			strerror(-failure.error));
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		reeve_process_wait(processes[i], REEVE_FOREVER, &outcome);
		reeve_process_free(processes[i]);
	}
	return outcome.how == REEVE_PROCESS_EXITED ? outcome.status : -1;
}

int main(int argc, char **argv)
{
	const char *const name = argc > 1 ? argv[1] : "pipeline";
	const char *const ps[] = { "ps", "aux", NULL }, *const ls[] = { "ls", "/proc/self", NULL };
	const char *const grep[] = { "grep", name, NULL }, *const any[] = { "grep", "status",
		NULL };
	const struct reeve_process_spec programs[] = { { .argv = ps }, { .argv = grep } };
	const struct reeve_process_spec plain[] = { { .argv = ls }, { .argv = any } };
	int status = run(programs, 2);

	if (status < 0) { /* a system without ps */
		printf("then `ls /proc/self | grep status`:\n");
		status = run(plain, 2);
	}
	return status == 0 ? 0 : 1;
}
