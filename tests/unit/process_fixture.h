/* What the tests of processes share: starting the probe program, and asking it what it was started
 * with. */
#ifndef TESTS_UNIT_PROCESS_FIXTURE_H
#define TESTS_UNIT_PROCESS_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/process.h"
#include "support/harness.h"

#define LONG_ENOUGH (20 * REEVE_SEC)
/* Where the probe's report goes, out of the way of descriptors under test. */
#define REPORT_FD 900

static char report_text[65536];

#define PROBE(...) ((const char *[]){ "probe", __VA_ARGS__, NULL })

static inline struct reeve_process *spawn(const struct reeve_process_spec *spec)
{
	struct reeve_process_failure failure = { 0 };
	struct reeve_process *process = NULL;
	int r = reeve_process_spawn(spec, &failure, &process);

	ck_assert_msg(
		r == 0, "cannot %s: %s", reeve_process_stage_text(failure.stage), strerror(-r));
	return process;
}

static inline struct reeve_process *spawn_probe(const char *const *argv)
{
	struct reeve_process_spec spec = { .argv = argv, .executable = PROBE_PATH };

	return spawn(&spec);
}

static inline void expect_failure(const struct reeve_process_spec *spec, int error,
	enum reeve_process_stage stage, size_t index)
{
	struct reeve_process_failure failure = { 0 };
	struct reeve_process *process = (void *)&failure;
	int r = reeve_process_spawn(spec, &failure, &process);

	ck_assert_ptr_eq(process, &failure);
	ck_assert_msg(r == error && failure.error == error, "%s, but %s was expected", strerror(-r),
		strerror(-error));
	ck_assert_str_eq(reeve_process_stage_name(failure.stage), reeve_process_stage_name(stage));
	ck_assert_uint_eq(failure.index, index);
}

static inline struct reeve_process_outcome wait_for(struct reeve_process *process)
{
	struct reeve_process_outcome outcome;

	ck_assert_int_eq(reeve_process_wait(process, LONG_ENOUGH, &outcome), 0);
	return outcome;
}

static inline void expect_exit(struct reeve_process *process, int status)
{
	struct reeve_process_outcome outcome = wait_for(process);

	ck_assert_int_eq(outcome.how, REEVE_PROCESS_EXITED);
	ck_assert_int_eq(outcome.status, status);
	reeve_process_free(process);
}

static inline void expect_signalled(struct reeve_process *process, int signal)
{
	struct reeve_process_outcome outcome = wait_for(process);

	ck_assert_int_eq(outcome.how, REEVE_PROCESS_SIGNALLED);
	ck_assert_int_eq(outcome.status, signal);
	reeve_process_free(process);
}

/* Everything until the end of file. */
static inline void read_all(int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t got;

	while ((got = read(fd, text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	ck_assert_int_eq(got, 0);
	text[used] = '\0';
}

/* One line, byte by byte, without its end. */
static inline void read_line(int fd, char *text, size_t size)
{
	size_t used = 0;

	while (used + 1 < size && read(fd, text + used, 1) == 1 && text[used] != '\n')
		used++;
	text[used] = '\0';
}

static inline void make_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
}

/* Start the probe with its standard output in a pipe, whose other end is returned. */
static inline struct reeve_process *spawn_talking(struct reeve_process_spec spec, int *ret_fd)
{
	struct reeve_process_descriptor map[1];
	struct reeve_process *process;
	int fds[2];

	make_pipe(fds);
	map[0] = (struct reeve_process_descriptor){ fds[1], 1 };
	spec.executable = PROBE_PATH;
	spec.descriptors = map;
	spec.descriptor_count = 1;
	process = spawn(&spec);
	close(fds[1]);
	*ret_fd = fds[0];
	return process;
}

/* The same, once it has written its first line, into `line`. */
static inline struct reeve_process *spawn_ready(
	struct reeve_process_spec spec, char *line, size_t size)
{
	struct reeve_process *process;
	int fd;

	process = spawn_talking(spec, &fd);
	read_line(fd, line, size);
	close(fd);
	return process;
}

static inline struct reeve_process *spawn_sleeper(const char *kind, unsigned flags)
{
	struct reeve_process_spec spec = { .argv = PROBE(kind), .flags = flags };
	struct reeve_process *process;
	char line[16];

	process = spawn_ready(spec, line, sizeof line);
	ck_assert_str_eq(line, "ready");
	return process;
}

/* Run the probe as described, and keep its report. Returns its pid. */
static inline pid_t run_report(struct reeve_process_spec spec)
{
	struct reeve_process_descriptor map[REEVE_PROCESS_DESCRIPTORS_MAX];
	struct reeve_process *process;
	char number[16];
	int fds[2];
	pid_t pid;

	make_pipe(fds);
	snprintf(number, sizeof number, "%d", REPORT_FD);
	spec.argv = spec.argv ? spec.argv : PROBE("report", number);
	if (!spec.executable)
		spec.executable = PROBE_PATH;
	if (spec.descriptor_count > 0)
		memcpy(map, spec.descriptors, spec.descriptor_count * sizeof *map);
	map[spec.descriptor_count++] = (struct reeve_process_descriptor){ fds[1], REPORT_FD };
	spec.descriptors = map;
	process = spawn(&spec);
	pid = reeve_process_pid(process);
	close(fds[1]);
	read_all(fds[0], report_text, sizeof report_text);
	close(fds[0]);
	expect_exit(process, 0);
	return pid;
}

/* Whether the report has exactly this line. */
static inline bool reported(const char *line)
{
	size_t length = strlen(line);

	for (const char *at = report_text; (at = strstr(at, line)); at += length)
		if ((at == report_text || at[-1] == '\n') && at[length] == '\n')
			return true;
	return false;
}

#define expect_report(...)                                                                         \
	do {                                                                                       \
		char line_[4200];                                                                  \
		snprintf(line_, sizeof line_, __VA_ARGS__);                                        \
		ck_assert_msg(reported(line_), "no \"%s\" in:\n%s", line_, report_text);           \
	} while (0)

/* How many lines begin so. */
static inline int count_lines(const char *beginning)
{
	size_t length = strlen(beginning);
	int count = 0;

	for (const char *at = report_text; (at = strstr(at, beginning)); at += length)
		count += at == report_text || at[-1] == '\n';
	return count;
}

#endif
