/* What the kill tests of locks and meeting points share: one child that is stepped (step.h), and
 * besides it processes that sleep, and such as are dead already. */
#ifndef TESTS_KILL_SYNC_STEP_H
#define TESTS_KILL_SYNC_STEP_H

#include <sys/mman.h>

#include "kill/step.h"
#include "unit/sync_fixture.h"

#define SLEEPERS 2
#define BRIEFLY REEVE_MSEC

/* What everyone was answered; not in the arena, whose changes are places to die. */
static struct answers {
	_Atomic int child, tracer, sleeper[SLEEPERS];
	_Atomic bool woken[SLEEPERS], go;
	pid_t pids[SLEEPERS];
} * answers;

static inline void begin_scenario(void)
{
	sleepers_do_not_look_by_themselves(); /* lest one recovers the dead before they are looked at */
	memset(answers, 0, sizeof *answers);
	make_arena();
}

static inline const void *arena_memory(size_t *ret_size)
{
	*ret_size = (size_t)arena->size;
	return arena->base;
}

/* Take the place before it is stepped. */
static inline void attach(void)
{
	ck_assert_int_gt(reeve_arena_attach(arena, "child"), 0);
}

/* What each sleeper sleeps on; NULL: whatever. */
static void *slept_on[SLEEPERS];

/* A process that makes one call, in which it will sleep on an object, when it is let go. */
static inline void start_sleeper_on(int i, int (*call)(void *data), void *handle)
{
	pid_t pid = fork();

	if (pid == 0) {
		while (!atomic_load(&answers->go))
			sched_yield();
		answers->sleeper[i] = call(NULL);
		answers->woken[i] = true;
		for (;;)
			pause();
	}
	answers->pids[i] = pid;
	slept_on[i] = handle;
}

static inline void start_sleeper(int i, int (*call)(void *data))
{
	start_sleeper_on(i, call, NULL);
}

/* Whether it sleeps there (and not, woken, on the lock that it needs to go on). */
static inline bool is_sleeping(int i)
{
	const struct sync *object = slept_on[i];
	uintptr_t at = sleeps_at(answers->pids[i]);

	if (!object || !at)
		return at != 0;
	return at >= (uintptr_t)object->memory && at - (uintptr_t)object->memory < object->size;
}

static inline void let_sleepers_sleep(void)
{
	atomic_store(&answers->go, true);
	for (int i = 0; i < SLEEPERS && answers->pids[i]; i++)
		WAIT_UNTIL(is_sleeping(i));
}

/* It was woken: it is not asleep any more, nor only found by looking again later. */
static inline int join_sleeper(int i)
{
	ck_assert_msg(!is_sleeping(i), "%s: sleeper %d was forgotten", step_where, i);
	WAIT_UNTIL(atomic_load(&answers->woken[i]));
	return answers->sleeper[i];
}

/* Killed in the middle of what it held. */
static inline void leave_dead(int (*call)(void *data))
{
	kill_and_reap(process_through(call, NULL));
}

static inline bool is_recovered(void)
{
	struct reeve_arena_participant who;

	for (unsigned number = 1; number <= reeve_arena_participants(arena); number++)
		if (reeve_arena_participant(arena, number, &who) < 0 ||
			who.state == REEVE_ARENA_DEAD || who.state == REEVE_ARENA_SWEPT)
			return false;
	return true;
}

/* A sleeper that looks again may be at it as well. */
static inline void recover_all(void)
{
	do {
		int r = reeve_arena_recover(arena, 0);

		ck_assert_msg(r >= 0, "%s: recover: %d", step_where, r);
	} while (!is_recovered());
	ck_assert_msg(reeve_arena_recover(arena, 0) == 0, "%s: recovered twice", step_where);
}

static inline void end_scenario(void)
{
	for (int i = 0; i < SLEEPERS; i++)
		if (answers->pids[i])
			kill_and_reap(answers->pids[i]);
	free_arena();
}

/* The stepped child as a sweeper. */
static inline void recover_in_child(void)
{
	answers->child = reeve_arena_recover(arena, REEVE_FOREVER);
}

static inline void recover_meanwhile(void)
{
	int r = reeve_arena_recover(arena, 0);

	ck_assert_msg(r >= 0, "%s: recover meanwhile: %d", step_where, r);
}

static inline void set_up_answers(void)
{
	answers = mmap(
		NULL, sizeof *answers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static inline void tell(
	const char *how, const struct step_scenario *scenario, struct step_tally tally)
{
	printf("# %s: %s at each of %u instructions, %u places\n", scenario->name, how,
		tally.instructions, tally.places);
	fflush(stdout);
	ck_assert_uint_gt(tally.instructions, 0);
	ck_assert_uint_gt(tally.places, 0);
}

/* Preempted at each place; and where the operation is short at each single instruction, since between
 * two reads another's operation makes a difference as well. */
#define SHORT 320u

static inline void preempt(const struct step_scenario *scenario)
{
	struct step_tally tally = step_pause_everywhere(scenario);

	tell("preempted", scenario, tally);
	if (tally.instructions > SHORT)
		return;
	setenv("REEVE_KILL_EACH", "1", 1);
	tell("preempted", scenario, step_pause_everywhere(scenario));
	unsetenv("REEVE_KILL_EACH");
}

/* The tests of a list of scenarios, all of it: each killed at every place, and those with a
 * `meanwhile` preempted as well. */
#define KILL_TEST_MAIN(name)                                                                       \
	START_TEST(killed_at_every_instruction)                                                    \
	{                                                                                          \
		set_up_answers();                                                                  \
		tell("killed", &scenarios[_i], step_kill_everywhere(&scenarios[_i]));              \
	}                                                                                          \
	END_TEST                                                                                   \
                                                                                                   \
	START_TEST(preempted_at_every_instruction)                                                 \
	{                                                                                          \
		if (!scenarios[_i].meanwhile)                                                      \
			return;                                                                    \
		set_up_answers();                                                                  \
		preempt(&scenarios[_i]);                                                           \
	}                                                                                          \
	END_TEST                                                                                   \
                                                                                                   \
	int main(void)                                                                             \
	{                                                                                          \
		const int n = (int)(sizeof scenarios / sizeof *scenarios);                         \
		Suite *suite = suite_create(name);                                                 \
		TCase *tcase = leakproof_case(name);                                               \
                                                                                                   \
		if (!step_allowed()) {                                                             \
			puts("1..0 # SKIP this process may not trace its children (ptrace(2))");   \
			return 0;                                                                  \
		}                                                                                  \
		tcase_add_loop_test(tcase, killed_at_every_instruction, 0, n);                     \
		tcase_add_loop_test(tcase, preempted_at_every_instruction, 0, n);                  \
		suite_add_tcase(suite, tcase);                                                     \
		return run_suite(suite);                                                           \
	}

#endif
