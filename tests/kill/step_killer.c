/* Lets a process run for so many system calls, and kills it there: before a call, or just after one.
 *
 *	step-killer REPORT COUNT attach PID
 *	step-killer REPORT COUNT birth PID		the next process that PID forks, from its birth
 *	step-killer REPORT COUNT run PROGRAM ARG...	the first one that the program forks, from its birth
 *
 * COUNT is that of stops: each call has two, one before and one after it. What happened is one line in the file
 * REPORT: "ready" when the process is held by us, then "killed COUNT CALL" or "ended COUNT". `run` becomes the
 * program, watched by a process that is no relative of it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE)

static int report;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vdprintf(report, format, arguments);
	va_end(arguments);
}

__attribute__((noreturn)) static void die(const char *what)
{
	say("failed %s: %s\n", what, strerror(errno));
	exit(1);
}

static void trace(enum __ptrace_request request, pid_t pid, long data)
{
	if (ptrace(request, pid, NULL, data) < 0 && errno != ESRCH)
		die("ptrace");
}

/* Wait for a stop; -1 where it has ended. */
static int wait_stop(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			die("waitpid");
	return WIFSTOPPED(status) ? status : -1;
}

/* What a stop that is none of ours is to be gone on from with: the signal that is to be delivered. */
static int signal_of(int status)
{
	return status >> 16 == 0 && WSTOPSIG(status) != SIGTRAP ? WSTOPSIG(status) : 0;
}

/* The first process that `parent`, seized, forks; the parent is let go then. */
static pid_t wait_birth(pid_t parent)
{
	unsigned long born;
	int status;

	for (;;) {
		status = wait_stop(parent);
		if (status < 0)
			die("it ended without a child");
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8))
			break;
		trace(PTRACE_CONT, parent, signal_of(status));
	}
	if (ptrace(PTRACE_GETEVENTMSG, parent, NULL, &born) < 0)
		die("PTRACE_GETEVENTMSG");
	trace(PTRACE_DETACH, parent, 0);
	if (wait_stop((pid_t)born) < 0)
		die("the child ended at birth");
	trace(PTRACE_SETOPTIONS, (pid_t)born, PTRACE_O_TRACESYSGOOD); /* its own children are no concern of ours */
	return (pid_t)born;
}

static void run_and_kill(pid_t pid, long count)
{
	struct __ptrace_syscall_info info;
	sigset_t terminate;
	long stops = 0;
	int number = -1, status, signo = 0;

	say("ready\n");
	while (stops < count) {
		trace(PTRACE_SYSCALL, pid, signo);
		status = wait_stop(pid);
		if (status < 0) {
			say("ended %ld\n", stops);
			return;
		}
		signo = 0;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			signo = signal_of(status);
			continue;
		}
		stops++;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 &&
			info.op == PTRACE_SYSCALL_INFO_ENTRY)
			number = (int)info.entry.nr;
	}
	/* SIGTERM ends us before this or after it has been told, not between. */
	sigemptyset(&terminate);
	sigaddset(&terminate, SIGTERM);
	sigprocmask(SIG_BLOCK, &terminate, NULL);
	kill(pid, SIGKILL);
	while (wait_stop(pid) >= 0)
		trace(PTRACE_CONT, pid, 0);
	say("killed %ld %d\n", count, number);
}

static void seize(pid_t pid, long options)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, options) < 0)
		die("PTRACE_SEIZE");
}

static void become(char **argv, long count)
{
	pid_t self = getpid();
	int gate[2];
	char byte;

	if (pipe(gate) < 0)
		die("pipe");
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	if (fork() == 0) {
		if (fork() != 0)
			_exit(0);
		seize(self, OPTIONS);
		close(gate[0]);
		close(gate[1]);
		/* Nothing of it may be held open by us. */
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		run_and_kill(wait_birth(self), count);
		_exit(0);
	}
	wait(NULL);
	close(gate[1]);
	if (read(gate[0], &byte, 1) != 0)
		die("read");
	close(gate[0]);
	close(report);
	execv(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	long count;
	pid_t pid;

	if (argc < 5)
		return 2;
	report = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	count = strtol(argv[2], NULL, 10);
	if (strcmp(argv[3], "run") == 0) {
		become(&argv[4], count);
		return 1;
	}
	pid = (pid_t)strtol(argv[4], NULL, 10);
	if (strcmp(argv[3], "birth") == 0) {
		seize(pid, OPTIONS);
		say("waiting\n");
		pid = wait_birth(pid);
	} else {
		seize(pid, PTRACE_O_TRACESYSGOOD);
		if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || wait_stop(pid) < 0)
			die("PTRACE_INTERRUPT");
	}
	run_and_kill(pid, count);
	return 0;
}
