/* A crash that explains itself: a backtrace on the way down, and the death that was due. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/fault.h"
#include "reeve/process.h"

static int *volatile nowhere = (int *)8;
static volatile int depth;

/* Each call keeps something to do after it, so that it is a frame of its own. */
__attribute__((noinline)) static void store(void)
{
	*nowhere = 1;
	depth++;
}

__attribute__((noinline)) static void walk(int steps)
{
	if (steps > 0)
		walk(steps - 1);
	else
		store();
	depth++;
}

static void crash(int fd)
{
	signal(SIGSEGV, SIG_DFL); /* as a program begins: sanitizers have handlers of their own */
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	if (reeve_fault_enable(fd) == 0)
		walk(2);
}

int main(void)
{
	struct reeve_process_outcome outcome = { 0 };
	char report[16384];
	size_t size = 0;
	ssize_t more;
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		return 1;
	pid = reeve_process_fork();
	if (pid == 0) {
		crash(fds[1]);
		_exit(1);
	}
	close(fds[1]);
	while ((more = read(fds[0], report + size, sizeof report - 1 - size)) > 0)
		size += (size_t)more;
	report[size] = '\0';
	printf("%s", report);
	if (reeve_process_wait_pid(pid, REEVE_PROCESS_WAIT_ENDED, REEVE_FOREVER, &outcome) < 0)
		return 1;
	printf("and it died of signal %d, as it would have without\n", outcome.status);
	return outcome.how == REEVE_PROCESS_SIGNALLED && outcome.status == SIGSEGV && strstr(report, "store") &&
			strstr(report, "walk") ? 0 : 1;
}
