/* pidproxy: stands for a daemon that its supervisor cannot start itself, but through a command that starts it and
 * writes its pid to a file.
 *
 *	pidproxy PIDFILE COMMAND [ARGUMENT...]
 *
 * Signals that it gets go to the process that the file names at that moment, or, as long as there is none, to the command.
 * A process is held by its pidfd from then on, so that nothing reaches a stranger. Asked to end, it stays until that process has ended:
 * who then starts it again finds its port free. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reeve/loop.h"
#include "reeve/process.h"
#include "reeve/signal.h"

#define PROGRAM "pidproxy"

#define EXIT_USAGE 1
#define EXIT_NO_COMMAND 127
/* A command that a signal ends: this and the signal's number, as shells have it. */
#define EXIT_BY_SIGNAL 128

/* The longest text that a pid file can begin with and still be one: blanks, a number, a newline. */
#define PID_TEXT_SIZE 64

struct proxy {
	const char *pid_file;
	struct reeve_loop *loop;
	struct reeve_process *command; /* NULL when it has ended */
	struct reeve_process *asked;   /* whom the file named when it was to end; NULL before */
	bool ending;                   /* somebody wants all to end: that it does is no failure */
};

static const int forwarded[] = { SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGQUIT };
#define FORWARDED (sizeof forwarded / sizeof forwarded[0])

static bool asks_to_end(int signo)
{
	return signo == SIGTERM || signo == SIGINT || signo == SIGQUIT;
}

/* ---- the pid file ---- */

/* The pid that the text is, or -EINVAL: also for what kill(2) takes for something else than one process, and for
 * ourselves. */
static pid_t parse_pid(const char *text)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || end[strspn(end, " \t\r\n")] != '\0')
		return -EINVAL;
	return number > 0 && number <= INT_MAX && number != getpid() ? (pid_t)number : -EINVAL;
}

static pid_t read_pid_file(const char *path)
{
	/* not to wait for a writer, should it be a FIFO */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[PID_TEXT_SIZE];
	ssize_t size;

	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof text - 1);
	if (size < 0)
		size = -errno;
	close(fd);
	if (size < 0)
		return (pid_t)size;
	text[size] = '\0';
	return strlen(text) == (size_t)size ? parse_pid(text) : -EINVAL;
}

/* The process that the file names; NULL after telling why there is none. To be freed. */
static struct reeve_process *find_process(const char *path)
{
	struct reeve_process *process = NULL;
	const pid_t pid = read_pid_file(path);
	const int r = pid < 0 ? pid : reeve_process_adopt(pid, &process);

	if (r == -EINVAL)
		fprintf(stderr, PROGRAM ": there is no process id in %s\n", path);
	else if (r < 0)
		fprintf(stderr, PROGRAM ": no process by %s: %s\n", path, strerror(-r));
	return process;
}

/* ---- what happens ---- */

static int status_of(const struct reeve_process_outcome *outcome)
{
	switch (outcome->how) {
	case REEVE_PROCESS_EXITED:
		return outcome->status;
	case REEVE_PROCESS_SIGNALLED:
		return EXIT_BY_SIGNAL + outcome->status;
	default:
		return 0;
	}
}

static void on_command_end(
	struct reeve_process *process, const struct reeve_process_outcome *outcome, void *data)
{
	struct proxy *proxy = data;

	proxy->command = reeve_process_free(process);
	if (!proxy->asked)
		reeve_loop_stop(proxy->loop, proxy->ending ? 0 : status_of(outcome));
}

static void on_asked_end(
	struct reeve_process *process, const struct reeve_process_outcome *outcome, void *data)
{
	struct proxy *proxy = data;

	reeve_loop_stop(proxy->loop, 0);
}

static void pass_on(struct reeve_process *process, int signo)
{
	const int r = reeve_process_signal(process, signo);

	if (r < 0 && r != -ESRCH)
		fprintf(stderr, PROGRAM ": process %d cannot be sent %s: %s\n",
			(int)reeve_process_pid(process), reeve_signal_name(signo), strerror(-r));
}

/* Stay until it has ended; if that can't be, leave at once. */
static void await_take(struct proxy *proxy, struct reeve_process *process)
{
	proxy->asked = process;
	if (reeve_process_watch(process, proxy->loop, on_asked_end, proxy) < 0)
		reeve_loop_stop(proxy->loop, 0);
}

static void on_signal(
	struct reeve_loop_source *source, const struct reeve_signal_event *event, void *data)
{
	struct proxy *proxy = data;
	struct reeve_process *found = proxy->asked ? NULL : find_process(proxy->pid_file);
	struct reeve_process *target = proxy->asked ? proxy->asked : found ? found : proxy->command;

	if (asks_to_end(event->signo))
		proxy->ending = true;
	if (target)
		pass_on(target, event->signo);
	if (found && asks_to_end(event->signo))
		await_take(proxy, found);
	else
		reeve_process_free(found);
}

/* ---- the start ---- */

/* A name without a slash is a file of the working directory, as it always was, or else of the PATH. */
static int start(struct proxy *proxy, char **argv)
{
	const struct reeve_process_spec spec = {
		.argv = (const char *const *)argv,
		.flags = REEVE_PROCESS_KEEP_IGNORED |
			(access(argv[0], X_OK) == 0 ? REEVE_PROCESS_NO_SEARCH : 0),
	};
	const int r = reeve_process_spawn(&spec, NULL, &proxy->command);

	if (r < 0)
		fprintf(stderr, PROGRAM ": %s cannot be started: %s\n", argv[0], strerror(-r));
	return r;
}

/* Signals are heard before there is a command that they could be meant for. */
static int run(struct proxy *proxy, char **argv)
{
	int r = reeve_loop_new(&proxy->loop);

	for (size_t i = 0; r == 0 && i < FORWARDED; i++)
		r = reeve_loop_add_signal(proxy->loop, forwarded[i], on_signal, proxy, NULL);
	if (r < 0) {
		fprintf(stderr, PROGRAM ": %s\n", strerror(-r));
		return EXIT_NO_COMMAND;
	}
	if (start(proxy, argv) < 0)
		return EXIT_NO_COMMAND;
	r = reeve_process_watch(proxy->command, proxy->loop, on_command_end, proxy);
	return r < 0 ? r : reeve_loop_run(proxy->loop);
}

int main(int argc, char **argv)
{
	struct proxy proxy = { 0 };
	int status;

	if (argc < 3) {
		printf("usage: " PROGRAM " PIDFILE COMMAND [ARGUMENT...]\n\n"
		       "Runs COMMAND, and passes the signals TERM HUP INT USR1 USR2 QUIT on to the process\n"
		       "whose id is in PIDFILE. See pidproxy(1).\n");
		return EXIT_USAGE;
	}
	proxy.pid_file = argv[1];
	status = run(&proxy, argv + 2);
	reeve_process_free(proxy.asked);
	reeve_process_free(proxy.command);
	reeve_loop_free(proxy.loop);
	return status < 0 ? EXIT_FAILURE : status;
}
