/* What tests of the arena share. */
#ifndef TESTS_UNIT_ARENA_FIXTURE_H
#define TESTS_UNIT_ARENA_FIXTURE_H

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/arena/arena.h"
#include "support/harness.h"

static inline struct reeve_arena *small_arena(unsigned participants, unsigned objects)
{
	struct reeve_arena_spec spec = {
		.label = "test", .size = 4096, .participants = participants, .objects = objects
	};
	struct reeve_arena *arena = NULL;

	ck_assert_int_eq(reeve_arena_new(&spec, &arena), 0);
	return arena;
}

/* From now on who sleeps is woken, or sleeps until the test's time is up: for tests that a wake-up
 * is not forgotten. */
static inline void sleepers_do_not_look_by_themselves(void)
{
	arena_recheck = 1000 * REEVE_SEC;
}

static inline enum reeve_arena_state state_of(struct reeve_arena *arena, unsigned number)
{
	struct reeve_arena_participant who;

	ck_assert_int_eq(reeve_arena_participant(arena, number, &who), 0);
	return who.state;
}

static inline bool has_place(struct reeve_arena *arena, pid_t pid)
{
	struct reeve_arena_participant who;

	for (unsigned i = 1; i <= reeve_arena_participants(arena); i++) {
		ck_assert_int_eq(reeve_arena_participant(arena, i, &who), 0);
		if (who.state != REEVE_ARENA_FREE && who.pid == pid)
			return true;
	}
	return false;
}

/* Fork a process that attaches, says so, and then waits to be killed. `first` (may be NULL) runs
 * before it says so. */
static inline pid_t start_participant(
	struct reeve_arena *arena, void (*first)(struct reeve_arena *))
{
	int told[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(told), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (reeve_arena_attach(arena, "victim") < 0)
			_exit(1);
		if (first)
			first(arena);
		if (write(told[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(told[1]);
	ck_assert_int_eq(read(told[0], &byte, 1), 1);
	close(told[0]);
	return pid;
}

static inline void kill_and_reap(pid_t pid)
{
	int status;

	MUST(kill(pid, SIGKILL) == 0);
	MUST(waitpid(pid, &status, 0) == pid);
}

/* Fork, and have the child's answer: its exit status. */
static inline int in_child(int (*run)(struct reeve_arena *), struct reeve_arena *arena)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(run(arena));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#endif
