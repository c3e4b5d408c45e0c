#include "lib/daemon/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/sys.h"

/* Every step: 0, or a negative errno; the second fork also 1. */
typedef int step_function(const struct daemon_steps *steps);

static int take_session(const struct daemon_steps *steps)
{
	return sys_setsid() < 0 ? -errno : 0;
}

static int take_second_fork(const struct daemon_steps *steps)
{
	pid_t pid = sys_fork();

	if (pid < 0)
		return -errno;
	return pid > 0;
}

/* The mask comes last: a signal that is let in before its disposition is reset would still be handled. */
static int take_signals(const struct daemon_steps *steps)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		if (signo == SIGKILL || signo == SIGSTOP)
			continue;
		/* The C library refuses those that it keeps for itself. */
		if (sys_sigaction(signo, &normal, NULL) < 0 && errno != EINVAL)
			return -errno;
	}
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	return 0;
}

static int keep_signals(const struct daemon_steps *steps)
{
	pthread_sigmask(SIG_SETMASK, steps->mask, NULL);
	return 0;
}

static int take_umask(const struct daemon_steps *steps)
{
	umask(steps->spec->umask);
	return 0;
}

static int take_directory(const struct daemon_steps *steps)
{
	const char *directory = steps->spec->directory;

	return sys_chdir(directory ? directory : "/") < 0 ? -errno : 0;
}

static bool is_kept(const struct reeve_daemon_spec *spec, int fd)
{
	for (size_t i = 0; i < spec->keep_count; i++)
		if (spec->keep[i] == fd)
			return true;
	return false;
}

/* Not close-on-exec: where 0 is free, what open(2) returns stays in its place. */
static int take_stdio(const struct daemon_steps *steps)
{
	int null = sys_open("/dev/null", O_RDWR | O_NOCTTY, 0);
	int r = 0;

	if (null < 0)
		return -errno;
	for (int fd = 0; fd <= 2 && r == 0; fd++)
		if (fd != null && !is_kept(steps->spec, fd) && sys_dup2(null, fd) < 0)
			r = -errno;
	if (null > 2)
		close(null);
	return r;
}

static int compare_descriptors(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return (left > right) - (left < right);
}

/* One call for each gap between two that are kept. */
static int take_descriptors(const struct daemon_steps *steps)
{
	int keep[REEVE_DAEMON_KEEP_MAX + 1];
	size_t count = 0;
	unsigned from = 3;

	keep[count++] = steps->report;
	for (size_t i = 0; i < steps->spec->keep_count; i++)
		if (steps->spec->keep[i] > 2)
			keep[count++] = steps->spec->keep[i];
	qsort(keep, count, sizeof *keep, compare_descriptors);
	for (size_t i = 0; i < count; i++) {
		unsigned kept = (unsigned)keep[i];

		if (kept > from && sys_close_range(from, kept - 1, 0) < 0)
			return -errno;
		if (kept >= from)
			from = kept + 1;
	}
	return sys_close_range(from, ~0u, 0) < 0 ? -errno : 0;
}

static const struct {
	enum reeve_daemon_step step;
	unsigned unless; /* the flag that leaves the step out */
	step_function *take;
	step_function *instead; /* what is done where it is left out */
} sequence[] = {
	{ REEVE_DAEMON_STEP_SESSION, 0, take_session, NULL },
	{ REEVE_DAEMON_STEP_SECOND_FORK, REEVE_DAEMON_ONE_FORK, take_second_fork, NULL },
	{ REEVE_DAEMON_STEP_SIGNALS, REEVE_DAEMON_KEEP_SIGNALS, take_signals, keep_signals },
	{ REEVE_DAEMON_STEP_UMASK, REEVE_DAEMON_KEEP_UMASK, take_umask, NULL },
	{ REEVE_DAEMON_STEP_DIRECTORY, REEVE_DAEMON_KEEP_DIRECTORY, take_directory, NULL },
	{ REEVE_DAEMON_STEP_STDIO, REEVE_DAEMON_KEEP_STDIO, take_stdio, NULL },
	{ REEVE_DAEMON_STEP_DESCRIPTORS, REEVE_DAEMON_KEEP_DESCRIPTORS, take_descriptors, NULL },
};

int daemon_take_steps(const struct daemon_steps *steps, enum reeve_daemon_step *ret_failed)
{
	for (size_t i = 0; i < sizeof sequence / sizeof *sequence; i++) {
		bool left_out = steps->spec->flags & sequence[i].unless;
		step_function *function = left_out ? sequence[i].instead : sequence[i].take;
		int r = function ? function(steps) : 0;

		if (r < 0)
			*ret_failed = sequence[i].step;
		if (r != 0)
			return r;
	}
	return 0;
}

const char *reeve_daemon_step_name(enum reeve_daemon_step step)
{
	switch (step) {
	case REEVE_DAEMON_STEP_NONE: return "none";
	case REEVE_DAEMON_STEP_FORK: return "fork";
	case REEVE_DAEMON_STEP_SESSION: return "session";
	case REEVE_DAEMON_STEP_SECOND_FORK: return "second fork";
	case REEVE_DAEMON_STEP_SIGNALS: return "signals";
	case REEVE_DAEMON_STEP_UMASK: return "umask";
	case REEVE_DAEMON_STEP_DIRECTORY: return "directory";
	case REEVE_DAEMON_STEP_STDIO: return "stdio";
	case REEVE_DAEMON_STEP_DESCRIPTORS: return "descriptors";
	}
	return "unknown";
}
