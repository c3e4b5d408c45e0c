/* Whatever one thread at a time holds, killed at every instruction of acquiring, releasing, waiting
 * and recovering, with sleepers and with another process's operation at each place.
 *
 * What has to hold when the dead has been recovered: it is free, or somebody's who lives; the next one
 * is told of a death if and only if the dead held it; who sleeps and could have it was woken. */
#include "kill/sync_step.h"

struct lockable {
	const char *name;
	int (*make)(void **ret);
	int (*acquire)(void *lock, reeve_nsec timeout);
	int (*release)(void *lock);
	void (*free)(void *lock);
};

#define LOCKABLE(x, take, let_go)                                                                  \
	static int make_##x(void **ret)                                                            \
	{                                                                                          \
		return reeve_##x##_new(arena, "lock", 0, (struct reeve_##x **)ret);                \
	}                                                                                          \
	static int acquire_##x(void *lock, reeve_nsec timeout)                                     \
	{                                                                                          \
		return take(lock, timeout);                                                        \
	}                                                                                          \
	static int release_##x(void *lock)                                                         \
	{                                                                                          \
		return let_go(lock);                                                               \
	}                                                                                          \
	static void free_##x(void *lock)                                                           \
	{                                                                                          \
		reeve_##x##_free(lock);                                                            \
	}
#define ROW(x, label)                                                                              \
	{                                                                                          \
		label, make_##x, acquire_##x, release_##x, free_##x                                \
	}

LOCKABLE(lock, reeve_lock_acquire, reeve_lock_release)
LOCKABLE(recursive_lock, reeve_recursive_lock_acquire, reeve_recursive_lock_release)
LOCKABLE(rwlock, reeve_rwlock_acquire_write, reeve_rwlock_release)

static const struct lockable lockables[] = {
	ROW(lock, "lock"),
	ROW(recursive_lock, "recursive lock"),
	ROW(rwlock, "rwlock"),
};

static const struct lockable *kind;
static void *lock;

static int acquire(void *data)
{
	return kind->acquire(lock, REEVE_FOREVER);
}

static int acquire_and_release(void *data)
{
	int r = acquire(NULL);

	return kind->release(lock) < 0 ? -EILSEQ : r;
}

static struct hold *hold(void)
{
	return memory_of(lock);
}

/* --- Before ----------------------------------------------------------------------------------- */

static void prepare(void)
{
	begin_scenario();
	ck_assert_int_eq(kind->make(&lock), 0);
}

static void prepare_held(void)
{
	prepare();
	ck_assert_int_eq(acquire(NULL), 0);
}

static void prepare_held_and_awaited(void)
{
	prepare_held();
	start_sleeper_on(0, acquire_and_release, lock);
	let_sleepers_sleep();
}

static void prepare_sleeper(void)
{
	prepare();
	start_sleeper_on(0, acquire_and_release, lock);
}

static void prepare_dead(void)
{
	prepare();
	leave_dead(acquire);
}

static void prepare_told(void)
{
	prepare_dead();
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
}

static void prepare_dead_and_awaited(void)
{
	prepare_dead();
	start_sleeper_on(0, acquire_and_release, lock);
	let_sleepers_sleep();
}

/* --- In the child ----------------------------------------------------------------------------- */

static void enter_and_hold(void)
{
	attach();
	ck_assert_int_eq(acquire(NULL), 0);
	if (answers->pids[0])
		let_sleepers_sleep();
}

static void operate_acquire(void)
{
	answers->child = acquire(NULL);
}

static void operate_try(void)
{
	answers->child = kind->acquire(lock, 0);
}

static void operate_wait(void)
{
	answers->child = kind->acquire(lock, BRIEFLY);
}

static void operate_release(void)
{
	answers->child = kind->release(lock);
}

/* --- Meanwhile -------------------------------------------------------------------------------- */

static void release_meanwhile(void)
{
	ck_assert_int_eq(kind->release(lock), 0);
}

static void try_meanwhile(void)
{
	answers->tracer = kind->acquire(lock, 0);
}

/* --- After ------------------------------------------------------------------------------------ */

static bool is_living(pid_t tid)
{
	for (int i = 0; i < SLEEPERS; i++)
		if (answers->pids[i] == tid)
			return true;
	return tid == gettid();
}

/* Whether somebody died with it, and nobody was told of it who lives. */
static bool is_to_be_told(void)
{
	uint64_t word = atomic_load(&hold()->word);

	if (word & HOLD_DIED)
		return true;
	return hold_participant(word) && !(word & HOLD_DRAINING) && !is_living((pid_t)(word >> 32));
}

/* From now on it is as new. Returns how many were told of a death. */
static int check_next(void)
{
	int r = kind->acquire(lock, 0);

	ck_assert_msg(r == 0 || r == -EOWNERDEAD, "%s: the next was told %d", step_where, r);
	ck_assert_int_eq(kind->release(lock), 0);
	ck_assert_int_eq(kind->acquire(lock, 0), 0);
	ck_assert_int_eq(kind->release(lock), 0);
	ck_assert_int_eq(kind->release(lock), -EPERM);
	ck_assert_int_eq(atomic_load(&hold()->since), 0);
	return r == -EOWNERDEAD;
}

static void settle(bool finished)
{
	bool mine = hold_is_mine(arena, hold());
	int told = 0, to_be_told = is_to_be_told();

	recover_all();
	ck_assert_msg(!mine || kind->release(lock) == 0, "%s: taken away", step_where);
	if (answers->pids[0])
		told += join_sleeper(0) == -EOWNERDEAD;
	told += check_next();
	ck_assert_msg(told == to_be_told, "%s: %d were told, not %d", step_where, told, to_be_told);
	kind->free(lock);
	end_scenario();
}

/* The sleeper may have been told already, when the child was killed. */
static void settle_told_once(bool finished)
{
	int told;

	recover_all();
	told = (join_sleeper(0) == -EOWNERDEAD) + check_next();
	ck_assert_msg(told == 1, "%s: %d were told", step_where, told);
	kind->free(lock);
	end_scenario();
}

/* Whoever says that it has it is the one. */
static void settle_acquired(bool finished)
{
	uint64_t word = atomic_load(&hold()->word);
	bool childs = hold_participant(word) && !is_living((pid_t)(word >> 32));
	bool says_so = answers->child == 0 || answers->child == -EOWNERDEAD;

	ck_assert_msg(!finished || says_so == childs, "%s: the child was answered %d", step_where,
		answers->child);
	settle(finished);
}

static void settle_vain(bool finished)
{
	ck_assert(!finished || answers->child == -ETIMEDOUT);
	ck_assert_msg(hold_is_mine(arena, hold()), "%s: taken away", step_where);
	settle(finished);
}

static void settle_released(bool finished)
{
	ck_assert_int_eq(answers->child, 0);
	ck_assert_msg(!finished || !is_to_be_told(), "%s: still held", step_where);
	settle(finished);
}

static const struct step_scenario scenarios[] = {
	{ "acquire", prepare, attach, operate_acquire, NULL, settle_acquired, arena_memory },
	{ "acquire, not attached", prepare, NULL, operate_acquire, NULL, settle_acquired,
		arena_memory },
	{ "acquire after a death", prepare_told, attach, operate_acquire, NULL, settle_acquired,
		arena_memory },
	{ "release", prepare, enter_and_hold, operate_release, NULL, settle_released,
		arena_memory },
	{ "release to a sleeper", prepare_sleeper, enter_and_hold, operate_release, NULL,
		settle_released, arena_memory },
	{ "wait in vain", prepare_held, attach, operate_wait, NULL, settle_vain, arena_memory },
	{ "wait in vain beside a sleeper", prepare_held_and_awaited, attach, operate_wait, NULL,
		settle_vain, arena_memory },
	{ "wait, another releases", prepare_held, attach, operate_wait, release_meanwhile,
		settle_acquired, arena_memory },
	{ "wait beside a sleeper, another releases", prepare_held_and_awaited, attach, operate_wait,
		release_meanwhile, settle, arena_memory },
	{ "acquire, another tries", prepare, attach, operate_try, try_meanwhile, settle_acquired,
		arena_memory },
	{ "acquire after a death, another tries", prepare_told, attach, operate_try, try_meanwhile,
		settle_acquired, arena_memory },
	{ "release, another tries", prepare, enter_and_hold, operate_release, try_meanwhile,
		settle_released, arena_memory },
	{ "release to a sleeper, another tries", prepare_sleeper, enter_and_hold, operate_release,
		try_meanwhile, settle_released, arena_memory },
	{ "recover", prepare_dead, attach, recover_in_child, NULL, settle, arena_memory },
	{ "recover, another recovers", prepare_dead, attach, recover_in_child, recover_meanwhile,
		settle, arena_memory },
	{ "recover, another takes it", prepare_dead, attach, recover_in_child, try_meanwhile,
		settle, arena_memory },
	{ "recover for a sleeper", prepare_dead_and_awaited, attach, recover_in_child, NULL,
		settle_told_once, arena_memory },
	{ "recover for a sleeper, another recovers", prepare_dead_and_awaited, attach,
		recover_in_child, recover_meanwhile, settle_told_once, arena_memory },
};

#define N_SCENARIOS ((int)(sizeof scenarios / sizeof *scenarios))
#define N_TESTS (N_SCENARIOS * (int)(sizeof lockables / sizeof *lockables))

static const struct step_scenario *choose(int i)
{
	set_up_answers();
	kind = &lockables[i / N_SCENARIOS];
	return &scenarios[i % N_SCENARIOS];
}

START_TEST(killed_at_every_instruction)
{
	const struct step_scenario *scenario = choose(_i);

	printf("# %s:\n", kind->name);
	tell("killed", scenario, step_kill_everywhere(scenario));
}
END_TEST

START_TEST(preempted_at_every_instruction)
{
	const struct step_scenario *scenario = choose(_i);

	if (!scenario->meanwhile)
		return;
	printf("# %s:\n", kind->name);
	preempt(scenario);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync lock kill");
	TCase *tcase = leakproof_case("sync lock kill");

	if (!step_allowed()) {
		puts("1..0 # SKIP this process may not trace its children (ptrace(2))");
		return 0;
	}
	tcase_add_loop_test(tcase, killed_at_every_instruction, 0, N_TESTS);
	tcase_add_loop_test(tcase, preempted_at_every_instruction, 0, N_TESTS);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
