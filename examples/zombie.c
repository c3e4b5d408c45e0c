/* zombie - what a dead child is until somebody asks how it ended, and two ways not to have any. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <reeve/process.h>

/* The letter that ps(1) shows: R, S, T, Z...; '-' when there is no such process. */
static char state_of(pid_t pid)
{
	char path[64], text[512] = "";
	const char *after_name;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return '-';
	after_name = fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
	fclose(file);
	return after_name ? after_name[2] : '-';
}

/* Wait until it is dead, without reaping it: its pidfd is readable then. */
static void await_death(struct reeve_process *process)
{
	struct pollfd end = { .fd = reeve_process_fd(process), .events = POLLIN };

	poll(&end, 1, -1);
}

int main(void)
{
	const struct reeve_process_spec spec = { .shell = "exit 3" };
	struct reeve_process_outcome outcome;
	struct reeve_process *process;
	char text[64], dead, waited;
	pid_t pid;

	if (reeve_process_spawn(&spec, NULL, &process) < 0)
		return 1;
	pid = reeve_process_pid(process);
	await_death(process);
	dead = state_of(pid);
	printf("child %d has exited, nobody has asked how: state %c\n", (int)pid, dead);

	/* The first cure: ask. */
	if (reeve_process_wait(process, REEVE_SEC, &outcome) < 0)
		return 1;
	reeve_process_outcome_text(&outcome, text, sizeof text);
	waited = state_of(pid);
	printf("child %d %s; waited for: state %c\n", (int)pid, text, waited);
	reeve_process_free(process);
	if (dead != 'Z' || waited != '-')
		return 1;

	/* The second: do not care, and say so. Whoever is freed unasked is reaped by the
	 * library. */
	if (reeve_process_spawn(&spec, NULL, &process) < 0)
		return 1;
	pid = reeve_process_pid(process);
	await_death(process);
	reeve_process_free(process);
	printf("child %d: nobody cares, freed: state %c\n", (int)pid, state_of(pid));
	return state_of(pid) == '-' ? 0 : 1;
}
