/* wait - what wait, waitpid, wait3 and wait4 do, and what they can't: a deadline. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <reeve/error.h>
#include <reeve/process.h>

static void print(const char *call, pid_t pid, const struct reeve_process_outcome *outcome)
{
	char text[64];

	reeve_process_outcome_text(outcome, text, sizeof text);
	printf("%-28s child %d %s\n", call, (int)pid, text);
}

static pid_t fork_child(int status)
{
	pid_t pid = reeve_process_fork();

	if (pid == 0)
		_exit(status);
	return pid;
}

/* A child that computes for a while. */
static pid_t fork_worker(void)
{
	pid_t pid = reeve_process_fork();

	if (pid == 0) {
		for (volatile long i = 0; i < 30000000; i++)
			;
		_exit(0);
	}
	return pid;
}

int main(void)
{
	const unsigned ended = REEVE_PROCESS_WAIT_ENDED, stopped = REEVE_PROCESS_WAIT_STOPPED;
	const struct reeve_process_spec sleeper = { .shell = "exec sleep 1000" };
	struct reeve_process_outcome outcome;
	struct reeve_process *process;
	pid_t first = fork_child(3), second = fork_child(4), pid;
	int r;

	/* waitpid(second): that child, whoever else has ended */
	pid = reeve_process_wait_pid(second, ended, REEVE_FOREVER, &outcome);
	print("waitpid(pid)", pid, &outcome);
	if (pid != second || outcome.status != 4)
		return 1;

	/* wait(): any child */
	pid = reeve_process_wait_pid(-1, ended, REEVE_FOREVER, &outcome);
	print("wait()", pid, &outcome);
	if (pid != first || outcome.status != 3)
		return 1;

	/* wait3(), wait4(): and what it used */
	pid = reeve_process_wait_pid(fork_worker(), ended, REEVE_FOREVER, &outcome);
	print("wait4(pid, rusage)", pid, &outcome);
	printf("%-28s %ld us of the processor\n", "",
		(long)outcome.usage.ru_utime.tv_sec * 1000000 +
			(long)outcome.usage.ru_utime.tv_usec);

	/* nobody is left */
	printf("%-28s %s\n", "wait() without children",
		reeve_error_name(reeve_process_wait_pid(-1, ended, 0, NULL)));

	if (reeve_process_spawn(&sleeper, NULL, &process) < 0)
		return 1;
	pid = reeve_process_pid(process);
	r = reeve_process_wait(process, 0, &outcome); /* WNOHANG */
	printf("%-28s child %d: %s\n", "poll", (int)pid, r == -ETIMEDOUT ? "still running" : "?");
	r = reeve_process_wait(process, 20 * REEVE_MSEC, &outcome);
	printf("%-28s child %d: %s\n", "wait for 20 ms", (int)pid,
		r == -ETIMEDOUT ? "still running" : "?");

	/* WUNTRACED */
	reeve_process_signal(process, SIGSTOP);
	if (reeve_process_wait_events(process, ended | stopped, REEVE_SEC, &outcome) < 0)
		return 1;
	print("wait for a stop", pid, &outcome);

	reeve_process_signal(process, SIGKILL);
	if (reeve_process_wait(process, REEVE_SEC, &outcome) < 0)
		return 1;
	print("wait", pid, &outcome);
	reeve_process_free(process);
	return outcome.how == REEVE_PROCESS_SIGNALLED && outcome.status == SIGKILL ? 0 : 1;
}
