/* A scribe is killed, and the next one goes on: at every system call that the first one makes, at instructions
 * between them, and at random moments while much is written. Every byte is then in the files, once, in order. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/log.h"
#include "reeve/channel.h"
#include "reeve/pipe.h"
#include "support/harness.h"
#include "support/scribe_rig.h"

#define LINE 20

/* What stays while scribes come and go: what keeper and core have. */
struct world {
	struct scribe_rig files; /* for its directory */
	struct scribe_journal *journal;
	struct message_log_open open[3];
	int pipes[3][2];
	unsigned streams;
	int core, keeper; /* our ends of its channels */
	pid_t pid;
};

static void make_world(
	struct world *world, unsigned streams, long long max_bytes, int backups, bool strips)
{
	*world = (struct world){ .streams = streams };
	snprintf(world->files.directory, sizeof world->files.directory, "/tmp/scribe-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(world->files.directory));
	ck_assert_int_eq(scribe_journal_new(&world->journal), 0);
	for (unsigned i = 0; i < streams; i++) {
		char name[8];

		snprintf(name, sizeof name, "log%u", i);
		ck_assert_int_eq(reeve_pipe_open(REEVE_PIPE_NONBLOCKING_READ, world->pipes[i]), 0);
		world->open[i] = log_open_message(i, rig_path(&world->files, name));
		world->open[i].max_bytes = max_bytes;
		world->open[i].backups = backups;
		world->open[i].strip_ansi = strips;
	}
}

static void forget_world(struct world *world)
{
	for (unsigned i = 0; i < world->streams; i++) {
		for (int k = 0; k <= world->open[i].backups; k++) {
			char path[PATH_MAX + 8];

			snprintf(path, sizeof path, k > 0 ? "%s.%d" : "%s", world->open[i].path, k);
			unlink(path);
		}
		close(world->pipes[i][0]);
		close(world->pipes[i][1]);
	}
	ck_assert_int_eq(rmdir(world->files.directory), 0);
	scribe_journal_free(world->journal);
}

static void be_scribe(struct world *world, int core, int keeper, bool traced)
{
	close(world->core);
	close(world->keeper);
	for (unsigned i = 0; i < world->streams; i++)
		close(world->pipes[i][1]);
	if (traced) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
	}
	_exit(scribe_run(&(struct scribe_setup){
		.core_channel = core,
		.gateway_channel = -1,
		.keeper_channel = keeper,
		.log_read = -1,
		.log_fd = -1,
		.log_level = LOG_INFO,
		.journal = world->journal,
	}));
}

static void send_plain(struct world *world, uint32_t type)
{
	struct message_plain message = { .type = type };

	ck_assert_int_eq(reeve_channel_send(world->core, &message, sizeof message, NULL, 0, 0), 0);
}

/* Start a scribe and tell it all, as a core does that has heard of a new one. */
static void start_scribe(struct world *world, bool traced)
{
	int core[2], keeper[2];

	ck_assert_int_eq(reeve_channel_pair(core), 0);
	ck_assert_int_eq(reeve_channel_pair(keeper), 0);
	world->core = core[0];
	world->keeper = keeper[0];
	for (unsigned i = 0; i < world->streams; i++)
		ck_assert_int_eq(reeve_channel_send(world->core, &world->open[i],
					 message_size((union message *)&world->open[i]),
					 &world->pipes[i][0], 1, 0),
			0);
	world->pid = fork();
	ck_assert_int_ge(world->pid, 0);
	if (world->pid == 0)
		be_scribe(world, core[1], keeper[1], traced);
	close(core[1]);
	close(keeper[1]);
}

static void kill_scribe(struct world *world)
{
	kill(world->pid, SIGKILL);
	waitpid(world->pid, NULL, __WALL);
	close(world->core);
	close(world->keeper);
}

/* Let it finish, and see that it says so and ends well. */
static void finish_scribe(struct world *world)
{
	struct message_plain answer;
	int status;

	send_plain(world, MESSAGE_LOG_FINISH);
	ck_assert_int_eq(reeve_channel_receive(world->core, &answer, sizeof answer, NULL, 0, NULL,
				 20 * REEVE_SEC),
		sizeof answer);
	ck_assert_uint_eq(answer.type, MESSAGE_LOG_FINISHED);
	ck_assert_int_eq(waitpid(world->pid, &status, 0), world->pid);
	ck_assert_int_eq(status, 0);
	close(world->core);
	close(world->keeper);
}

/* The next line: its number, and in front of it, where it is to be stripped, an escape sequence. */
static size_t write_line(char *text, size_t size, unsigned number, bool escapes)
{
	return (size_t)snprintf(text, size, "%s%0*u\n", escapes ? "\033[3;1m" : "", LINE - 1, number);
}

/* All lines from 0 to `lines` are there, oldest file first. */
static void check_files(struct world *world, unsigned stream, unsigned lines)
{
	unsigned next = 0;

	for (int k = world->open[stream].backups; k >= 0; k--) {
		char path[PATH_MAX + 8];
		const char *text;

		snprintf(path, sizeof path, k > 0 ? "%s.%d" : "%s", world->open[stream].path, k);
		if (file_size(path) < 0)
			continue;
		for (text = file_text(path); *text; text += LINE, next++) {
			ck_assert_msg(strtoul(text, NULL, 10) == next && text[LINE - 1] == '\n',
				"%s: %.40s... where line %u should be", path, text, next);
		}
	}
	ck_assert_uint_eq(next, lines);
}

/* ---- at each step ---- */

/* Run it to its n-th stop at a system call, entry or exit, and `instructions` further. Returns whether it
 * was still there. */
static bool run_to(pid_t pid, unsigned n, unsigned instructions)
{
	int status;

	waitpid(pid, &status, __WALL);
	ck_assert(WIFSTOPPED(status));
	for (unsigned i = 0; i < n + instructions; i++) {
		if (ptrace(i < n ? PTRACE_SYSCALL : PTRACE_SINGLESTEP, pid, NULL, NULL) < 0)
			return false;
		if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
			return false;
	}
	return true;
}

/* Fill a pipe, start one scribe that is killed at a point, and another that finishes. */
static bool die_at(unsigned n, unsigned instructions, unsigned lines, bool strips)
{
	struct world world;
	bool was_there;

	make_world(&world, 1, 130 * LINE, 5, strips);
	for (unsigned i = 0; i < lines; i++) {
		char line[64];
		size_t size = write_line(line, sizeof line, i, strips);

		ck_assert_int_eq(write(world.pipes[0][1], line, size), (ssize_t)size);
	}
	start_scribe(&world, true);
	send_plain(&world, MESSAGE_LOG_FINISH);
	was_there = run_to(world.pid, n, instructions);
	kill_scribe(&world);
	start_scribe(&world, false);
	finish_scribe(&world);
	check_files(&world, 0, lines);
	forget_world(&world);
	return was_there;
}

START_TEST(killed_at_each_system_call)
{
	unsigned n = 0;

	while (die_at(n, 0, 600, _i == 1))
		n++;
	ck_assert_uint_gt(n, 100); /* it was not over before it began */
}
END_TEST

/* The few instructions after a system call are those that write down what it did. With few lines they reach
 * through the stripping, too. */
START_TEST(killed_between_system_calls)
{
	unsigned n = 0, seed = (unsigned)_i, lines = _i < 2 ? 600 : 3;

	while (die_at(n, 1 + (unsigned)rand_r(&seed) % 400, lines, _i % 2 == 1))
		n += 1 + (unsigned)rand_r(&seed) % (_i < 2 ? 4 : 1);
	ck_assert_uint_gt(n, 50);
}
END_TEST

/* ---- at any time ---- */

#define LINES_A_TURN 2000

/* Write some lines, as far as there is room for them. */
static void feed(int pipe, unsigned *next, unsigned lines, bool escapes)
{
	for (unsigned most = *next + LINES_A_TURN; *next < lines && *next < most;) {
		char line[64];
		size_t size = write_line(line, sizeof line, *next, escapes);

		if (reeve_pipe_write(pipe, line, size, 0) != (ssize_t)size)
			return;
		(*next)++;
	}
}

static void wait_a_little(unsigned microseconds)
{
	struct timespec time = { 0, (long)microseconds * 1000 };

	ppoll(NULL, 0, &time, NULL);
}

START_TEST(killed_at_random)
{
	enum { LINES = 150000 };
	struct world world;
	unsigned next[3] = { 0 }, kills = 0, seed = (unsigned)_i;
	bool strips = _i == 1;

	make_world(&world, 3, 900 * 1024, 10, strips);
	start_scribe(&world, false);
	while (next[0] < LINES || next[1] < LINES || next[2] < LINES) {
		for (unsigned i = 0; i < 3; i++)
			feed(world.pipes[i][1], &next[i], LINES, strips);
		wait_a_little((unsigned)rand_r(&seed) % 200);
		if (rand_r(&seed) % 2 == 0) {
			kill_scribe(&world);
			start_scribe(&world, false);
			kills++;
		}
	}
	finish_scribe(&world);
	ck_assert_uint_gt(kills, 10);
	for (unsigned i = 0; i < 3; i++)
		check_files(&world, i, LINES);
	forget_world(&world);
}
END_TEST

/* ---- without a core, without a keeper ---- */

static void await_size(const char *path, long long size)
{
	reeve_nsec end = reeve_now() + 20 * REEVE_SEC;

	while (file_size(path) != size) {
		ck_assert_msg(reeve_now() < end, "%s has %lld bytes, not %lld", path, file_size(path), size);
		wait_a_little(500);
	}
}

START_TEST(a_core_that_dies_does_not_concern_it)
{
	struct message_peer changed = { .type = MESSAGE_PEER_CHANGED, .role = ROLE_CORE };
	struct world world;
	int core[2];

	make_world(&world, 1, 0, 0, false);
	start_scribe(&world, false);
	close(world.core);
	ck_assert_int_eq(write(world.pipes[0][1], "1\n", 2), 2);
	await_size(world.open[0].path, 2);
	ck_assert_int_eq(reeve_channel_pair(core), 0);
	ck_assert_int_eq(
		reeve_channel_send(world.keeper, &changed, sizeof changed, &core[1], 1, 0), 0);
	close(core[1]);
	world.core = core[0];
	ck_assert_int_eq(write(world.pipes[0][1], "2\n", 2), 2);
	finish_scribe(&world);
	ck_assert_str_eq(file_text(world.open[0].path), "1\n2\n");
	forget_world(&world);
}
END_TEST

START_TEST(without_a_keeper_it_finishes)
{
	struct world world;
	int status;

	make_world(&world, 1, 0, 0, false);
	ck_assert_int_eq(write(world.pipes[0][1], "1\n", 2), 2);
	start_scribe(&world, false);
	close(world.keeper);
	ck_assert_int_eq(waitpid(world.pid, &status, 0), world.pid);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(file_text(world.open[0].path), "1\n");
	close(world.core);
	forget_world(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scribe_kill");
	TCase *kill = leakproof_case("kill"), *alone = leakproof_case("alone");

	tcase_set_timeout(kill, 100);
	tcase_add_loop_test(kill, killed_at_each_system_call, 0, 2);
	tcase_add_loop_test(kill, killed_between_system_calls, 0, 4);
	tcase_add_loop_test(kill, killed_at_random, 0, 2);
	suite_add_tcase(suite, kill);
	tcase_add_test(alone, a_core_that_dies_does_not_concern_it);
	tcase_add_test(alone, without_a_keeper_it_finishes);
	suite_add_tcase(suite, alone);
	return run_suite(suite);
}
