/* probe - the program that the tests start: it does one thing, or tells what it was started with. A
 * shell will not do: it changes masks, closes descriptors and exports variables of its own.
 *
 *   probe report [FD]      one "key value" line each for all that a process inherits, to FD (1)
 *   probe exit STATUS      exit
 *   probe raise SIGNAL     send itself a signal; exit 7 if that did not end it
 *   probe stop             stop itself, and exit 5 when continued
 *   probe sleep            write "ready", then wait for a signal
 *   probe stubborn         the same, ignoring SIGTERM
 *   probe polite           the same; SIGTERM makes it exit 9
 *   probe orphan           start a child that sleeps, write its pid, exit 0
 *   probe family           start a child that sleeps, write its pid, then sleep
 *   probe burn             use 30 ms of the processor
 *   probe cat              copy standard input to standard output */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static FILE *out;

static void report_file(const char *path, const char *prefix, const char *key)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			fprintf(out, "%s %s", key,
				line + strlen(prefix) + strspn(line + strlen(prefix), "\t "));
	if (file)
		fclose(file);
}

static void report_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[4096];

	while (directory && (entry = readdir(directory))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		ssize_t size =
			readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);

		if (size < 0 || fd == dirfd(directory))
			continue;
		target[size] = '\0';
		fprintf(out, "fd %d %s\n", fd, target);
	}
	if (directory)
		closedir(directory);
}

static void report_identity(void)
{
	uid_t uid[3];
	gid_t gid[3], groups[65536];
	int count = getgroups(65536, groups);
	mode_t mask = umask(0);

	getresuid(&uid[0], &uid[1], &uid[2]);
	getresgid(&gid[0], &gid[1], &gid[2]);
	fprintf(out, "uid %u %u %u\n", uid[0], uid[1], uid[2]);
	fprintf(out, "gid %u %u %u\n", gid[0], gid[1], gid[2]);
	fprintf(out, "groups");
	for (int i = 0; i < count; i++)
		fprintf(out, " %u", groups[i]);
	fprintf(out, "\numask %03o\n", mask);
}

static void report_limits(void)
{
	static const struct {
		const char *name;
		int resource;
	} limits[] = { { "nofile", RLIMIT_NOFILE }, { "core", RLIMIT_CORE },
		{ "nproc", RLIMIT_NPROC } };

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct rlimit limit;

		getrlimit(limits[i].resource, &limit);
		fprintf(out, "limit %s %lld %lld\n", limits[i].name, (long long)limit.rlim_cur,
			(long long)limit.rlim_max);
	}
}

static int report(char **argv)
{
	char directory[4096];
	int signal = 0, tty = open("/dev/tty", O_RDWR | O_CLOEXEC);

	report_descriptors();
	fprintf(out, "argv0 %s\n", argv[0]);
	for (int i = 1; argv[i]; i++)
		fprintf(out, "arg %s\n", argv[i]);
	for (char **variable = environ; *variable; variable++)
		fprintf(out, "env %s\n", *variable);
	fprintf(out, "pid %d\nppid %d\npgid %d\nsid %d\n", getpid(), getppid(), getpgrp(),
		getsid(0));
	fprintf(out, "tty %s\n", tty >= 0 ? "yes" : "no");
	fprintf(out, "cwd %s\n", getcwd(directory, sizeof directory));
	fprintf(out, "nice %d\n", getpriority(PRIO_PROCESS, 0));
	prctl(PR_GET_PDEATHSIG, &signal);
	fprintf(out, "death %d\n", signal);
	report_identity();
	report_limits();
	report_file("/proc/self/status", "SigBlk:", "mask");
	report_file("/proc/self/status", "SigIgn:", "ignored");
	report_file("/proc/self/status", "SigCgt:", "caught");
	report_file("/proc/self/oom_score_adj", "", "oom");
	report_file("/proc/self/cgroup", "0::", "cgroup");
	return fclose(out) == 0 ? 0 : 1;
}

static void exit_nine(int signal)
{
	_exit(9);
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

static void start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		sleep_for_ever();
	dprintf(1, "%d\n", pid);
}

static void burn(void)
{
	while (clock() < CLOCKS_PER_SEC * 30 / 1000)
		;
}

static void copy(void)
{
	char buffer[4096];
	ssize_t size;

	while ((size = read(0, buffer, sizeof buffer)) > 0)
		if (write(1, buffer, (size_t)size) != size)
			_exit(1);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "report";
	int number = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;

	if (strcmp(what, "report") == 0) {
		out = fdopen(number, "w");
		return out ? report(argv) : 2;
	}
	if (strcmp(what, "exit") == 0)
		return number;
	if (strcmp(what, "raise") == 0) {
		raise(number);
		return 7;
	}
	if (strcmp(what, "stop") == 0) {
		raise(SIGSTOP);
		return 5;
	}
	if (strcmp(what, "orphan") == 0 || strcmp(what, "family") == 0)
		start_sleeper();
	if (strcmp(what, "orphan") == 0)
		return 0;
	if (strcmp(what, "burn") == 0)
		burn();
	if (strcmp(what, "cat") == 0)
		copy();
	if (strcmp(what, "burn") == 0 || strcmp(what, "cat") == 0)
		return 0;
	if (strcmp(what, "stubborn") == 0)
		signal(SIGTERM, SIG_IGN);
	if (strcmp(what, "polite") == 0)
		signal(SIGTERM, exit_nine);
	if (strcmp(what, "family") != 0)
		dprintf(1, "ready\n");
	sleep_for_ever();
}
