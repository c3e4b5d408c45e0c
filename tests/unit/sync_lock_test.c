/* What holds of everything that one thread at a time holds. */
#include "unit/sync_fixture.h"

struct lockable {
	const char *name;
	int (*make)(void **ret);
	int (*acquire)(void *lock, reeve_nsec timeout);
	int (*release)(void *lock);
	int (*holder)(void *lock, struct reeve_sync_holder *ret);
	void (*free)(void *lock);
	bool recursive;
};

#define LOCKABLE(x, label)                                                                         \
	static int make_##x(void **ret)                                                            \
	{                                                                                          \
		return reeve_##x##_new(arena, label, 0, (struct reeve_##x **)ret);                 \
	}                                                                                          \
	static void free_##x(void *lock)                                                           \
	{                                                                                          \
		ck_assert_ptr_null(reeve_##x##_free(lock));                                        \
	}

LOCKABLE(lock, "lock")
LOCKABLE(recursive_lock, "recursive")
LOCKABLE(rwlock, "rwlock")

static int acquire_lock(void *lock, reeve_nsec timeout)
{
	return reeve_lock_acquire(lock, timeout);
}

static int release_lock(void *lock)
{
	return reeve_lock_release(lock);
}

static int lock_holder(void *lock, struct reeve_sync_holder *ret)
{
	return reeve_lock_holder(lock, ret);
}

static int acquire_recursive(void *lock, reeve_nsec timeout)
{
	return reeve_recursive_lock_acquire(lock, timeout);
}

static int release_recursive(void *lock)
{
	return reeve_recursive_lock_release(lock);
}

static int recursive_holder(void *lock, struct reeve_sync_holder *ret)
{
	return reeve_recursive_lock_holder(lock, ret);
}

static int acquire_write(void *lock, reeve_nsec timeout)
{
	return reeve_rwlock_acquire_write(lock, timeout);
}

static int release_write(void *lock)
{
	return reeve_rwlock_release(lock);
}

static int writing_holder(void *lock, struct reeve_sync_holder *ret)
{
	struct reeve_sync_holder holder;
	bool writing;
	int r = reeve_rwlock_holders(lock, ret ? &holder : NULL, 1, &writing);

	if (r == 1 && !writing)
		return -EILSEQ;
	if (r == 1)
		*ret = holder;
	return r;
}

static const struct lockable lockables[] = {
	{ "lock", make_lock, acquire_lock, release_lock, lock_holder, free_lock, false },
	{ "recursive lock", make_recursive_lock, acquire_recursive, release_recursive,
		recursive_holder, free_recursive_lock, true },
	{ "reader-writer lock, for writing", make_rwlock, acquire_write, release_write,
		writing_holder, free_rwlock, false },
};

#define N_LOCKABLES ((int)(sizeof lockables / sizeof *lockables))

static const struct lockable *kind;
static void *lock;

static void make(int i)
{
	kind = &lockables[i];
	make_arena();
	ck_assert_int_eq(kind->make(&lock), 0);
}

static void end(void)
{
	kind->free(lock);
	free_arena();
}

static int take(void *data)
{
	return kind->acquire(lock, REEVE_FOREVER);
}

static int try(void *data)
{
	return kind->acquire(lock, 0);
}

static int let_go(void *data)
{
	return kind->release(lock);
}

static int take_and_let_go(void *data)
{
	int r = take(NULL), released = let_go(NULL);

	return released < 0 ? released : r;
}

static int exit_status_of(int (*call)(void *))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(-call(NULL));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

START_TEST(only_the_thread_that_holds_it_can_release_it)
{
	make(_i);
	ck_assert_int_eq(let_go(NULL), -EPERM);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_int_eq(in_thread(let_go, NULL), -EPERM);
	ck_assert_int_eq(exit_status_of(let_go), -EPERM);
	ck_assert_int_eq(in_thread(try, NULL), -ETIMEDOUT);
	ck_assert_int_eq(exit_status_of(try), -ETIMEDOUT);
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(let_go(NULL), -EPERM);
	ck_assert_int_eq(in_thread(take_and_let_go, NULL), 0);
	ck_assert_int_eq(exit_status_of(take_and_let_go), 0);
	end();
}
END_TEST

START_TEST(its_holder_takes_it_again_only_if_it_is_recursive)
{
	make(_i);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_int_eq(take(NULL), kind->recursive ? 0 : -EDEADLK);
	ck_assert_int_eq(try(NULL), kind->recursive ? 0 : -EDEADLK);
	for (int depth = kind->recursive ? 3 : 1; depth > 0; depth--) {
		ck_assert_int_eq(in_thread(try, NULL), -ETIMEDOUT);
		ck_assert_int_eq(let_go(NULL), 0);
	}
	ck_assert_int_eq(in_thread(take_and_let_go, NULL), 0);
	end();
}
END_TEST

START_TEST(a_recursive_lock_knows_how_often_it_is_held)
{
	struct hold *hold;

	make(1);
	hold = memory_of(lock);
	ck_assert_int_eq(reeve_recursive_lock_depth(NULL), -EFAULT);
	ck_assert_int_eq(reeve_recursive_lock_depth(lock), 0);
	for (int depth = 1; depth <= 3; depth++) {
		ck_assert_int_eq(take(NULL), 0);
		ck_assert_int_eq(reeve_recursive_lock_depth(lock), depth);
	}
	atomic_store(&hold->depth, REEVE_RECURSION_MAX);
	ck_assert_int_eq(take(NULL), -EOVERFLOW);
	ck_assert_int_eq(reeve_recursive_lock_depth(lock), REEVE_RECURSION_MAX);
	end();
}
END_TEST

START_TEST(waiting_ends_at_its_time)
{
	pid_t holder;
	reeve_nsec start;

	make(_i);
	holder = process_through(take, NULL);
	start = reeve_now();
	ck_assert_int_eq(kind->acquire(lock, MOMENT), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - start, MOMENT);
	ck_assert_int_eq(kind->acquire(lock, 0), -ETIMEDOUT);
	ck_assert_int_eq(kind->acquire(lock, -2), -EINVAL);
	kill_and_recover(holder);
	ck_assert_int_eq(kind->acquire(lock, -2), -EINVAL);
	ck_assert_int_eq(kind->acquire(lock, 0), -EOWNERDEAD);
	end();
}
END_TEST

START_TEST(the_next_one_is_told_once_that_its_holder_died)
{
	make(_i);
	kill_and_recover(process_through(take, NULL));
	ck_assert_int_eq(take(NULL), -EOWNERDEAD);
	ck_assert_int_eq(in_thread(try, NULL), -ETIMEDOUT);
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_int_eq(let_go(NULL), 0);
	end();
}
END_TEST

/* Nobody has repaired anything then. */
START_TEST(it_is_told_again_if_the_one_who_was_told_dies)
{
	make(_i);
	kill_and_recover(process_through(take, NULL));
	kill_and_recover(process_through(take, NULL));
	ck_assert_int_eq(take(NULL), -EOWNERDEAD);
	ck_assert_int_eq(let_go(NULL), 0);
	kill_and_recover(process_through(take_and_let_go, NULL));
	ck_assert_int_eq(take(NULL), 0);
	end();
}
END_TEST

START_TEST(who_waits_while_its_holder_dies_is_told)
{
	struct caller waiters[2];
	pid_t holder;
	int results[2];

	make(_i);
	holder = process_through(take, NULL);
	for (int i = 0; i < 2; i++)
		caller_sleep(&waiters[i], take_and_let_go, NULL);
	kill_and_recover(holder);
	for (int i = 0; i < 2; i++)
		results[i] = caller_join(&waiters[i]);
	ck_assert_int_eq(results[0] + results[1], -EOWNERDEAD);
	ck_assert_int_eq(results[0] * results[1], 0);
	end();
}
END_TEST

START_TEST(who_waits_finds_out_by_himself_that_its_holder_died)
{
	pid_t holder;

	make(_i);
	holder = process_through(take, NULL);
	kill_and_reap(holder);
	ck_assert_int_eq(take(NULL), -EOWNERDEAD);
	end();
}
END_TEST

START_TEST(giving_up_the_place_gives_it_back)
{
	make(_i);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_int_eq(reeve_arena_detach(arena, 0), 0);
	ck_assert_int_eq(let_go(NULL), -EPERM);
	ck_assert_int_eq(take(NULL), -EOWNERDEAD);
	end();
}
END_TEST

/* Whichever of those that sleep is killed, and whether it was woken before: the others go on. */
START_TEST(killed_waiters_do_not_matter)
{
	make(_i);
	for (int turn = 0; turn < 20; turn++) {
		pid_t waiters[3];
		int r;

		ck_assert_int_eq(take(NULL), 0);
		for (int i = 0; i < 3; i++)
			waiters[i] = process_sleep(take_and_let_go, NULL);
		if (turn % 2)
			kill(waiters[turn % 3], SIGKILL);
		ck_assert_int_eq(let_go(NULL), 0);
		kill_and_recover(waiters[turn % 3]);
		for (int i = 0; i < 3; i++)
			if (i != turn % 3) {
				WAIT_UNTIL(is_pausing(waiters[i]));
				kill_and_recover(waiters[i]);
			}
		r = take(NULL);
		ck_assert_msg(r == 0 || r == -EOWNERDEAD, "%d", r);
		ck_assert_int_eq(let_go(NULL), 0);
	}
	end();
}
END_TEST

START_TEST(one_can_ask_who_holds_it_and_since_when)
{
	struct reeve_sync_holder holder = { 0 };
	reeve_nsec before = reeve_now() - 100 * REEVE_MSEC;
	pid_t pid;

	make(_i);
	ck_assert_int_eq(kind->holder(lock, &holder), 0);
	ck_assert_int_eq(kind->holder(lock, NULL), -EFAULT);
	pid = process_through(take, NULL);
	ck_assert_int_eq(kind->holder(lock, &holder), 1);
	ck_assert_int_eq(holder.pid, pid);
	ck_assert_int_eq(holder.tid, pid);
	ck_assert_int_gt(holder.since, before);
	ck_assert_int_le(holder.since, reeve_now());
	ck_assert_str_eq(holder.name, program_invocation_short_name);
	kill_and_recover(pid);
	ck_assert_int_eq(kind->holder(lock, &holder), 0);
	ck_assert_int_eq(take(NULL), -EOWNERDEAD);
	ck_assert_int_eq(kind->holder(lock, &holder), 1);
	ck_assert_int_eq(holder.pid, getpid());
	ck_assert_int_eq((int)holder.participant, reeve_arena_self(arena));
	end();
}
END_TEST

static const uint64_t awkward[] = {
	1u << 16 | 1,      /* no such flag */
	9,                 /* no such participant */
	HOLD_PARTICIPANT,  /* nor that */
	(uint64_t)1 << 32, /* a thread of nobody */
	(uint64_t)1 << 32 | 1u << 31,
	UINT64_MAX,
};

START_TEST(what_somebody_scribbled_is_an_error)
{
	struct reeve_sync_holder holder;
	struct hold *hold;

	make(_i);
	hold = memory_of(lock);
	for (size_t i = 0; i < sizeof awkward / sizeof *awkward; i++) {
		atomic_store(&hold->word, awkward[i]);
		ck_assert_int_eq(take(NULL), -EUCLEAN);
		ck_assert_int_eq(try(NULL), -EUCLEAN);
		ck_assert_int_eq(let_go(NULL), -EPERM);
		ck_assert_int_eq(kind->holder(lock, &holder), -EUCLEAN);
		ck_assert_int_eq(reeve_arena_recover(arena, 0), 0);
	}
	atomic_store(&hold->word, hold_by(7, 1)); /* a place that nobody has */
	ck_assert_int_eq(take(NULL), -EUCLEAN);
	end();
}
END_TEST

#define PAIRS 20000

/* Under the lock two plain numbers are equal. */
static int count(void *data)
{
	for (int i = 0; i < PAIRS; i++) {
		int r = take(NULL);

		if (r < 0 && r != -EOWNERDEAD)
			return r;
		if (r == -EOWNERDEAD)
			board->y = board->x;
		if (board->x != board->y)
			return -EILSEQ;
		board->x++;
		board->y++;
		r = let_go(NULL);
		if (r < 0)
			return r;
		if (data)
			atomic_fetch_add(&board->counter, 1);
	}
	return 0;
}

START_TEST(one_at_a_time_holds_it)
{
	struct caller threads[3];
	int status;
	pid_t pid;

	make(_i);
	pid = fork();
	if (pid == 0)
		_exit(-count(NULL));
	for (int i = 0; i < 3; i++)
		caller_start(&threads[i], count, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(caller_join(&threads[i]), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(board->x, 4 * PAIRS);
	end();
}
END_TEST

static int count_for_ever(void *data)
{
	int r;

	do
		r = count(board);
	while (r == 0);
	atomic_store(&board->a, -r);
	return r;
}

/* Whoever dies where, one at a time holds it and the others go on. */
START_TEST(the_living_go_on)
{
	pid_t pids[3];

	make(_i);
	for (int i = 0; i < 3; i++)
		pids[i] = process_start(count_for_ever, NULL);
	for (int turn = 0; turn < 60; turn++) {
		uint64_t before = atomic_load(&board->counter);

		kill_and_recover(pids[turn % 3]);
		pids[turn % 3] = process_start(count_for_ever, NULL);
		WAIT_UNTIL(atomic_load(&board->counter) > before + 100);
		ck_assert_int_eq(atomic_load(&board->a), 0);
	}
	for (int i = 0; i < 3; i++)
		kill_and_recover(pids[i]);
	ck_assert_int_ne(take(NULL), -ETIMEDOUT);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync lock");
	TCase *tcase = leakproof_case("sync lock");

	tcase_add_loop_test(tcase, only_the_thread_that_holds_it_can_release_it, 0, N_LOCKABLES);
	tcase_add_loop_test(
		tcase, its_holder_takes_it_again_only_if_it_is_recursive, 0, N_LOCKABLES);
	tcase_add_test(tcase, a_recursive_lock_knows_how_often_it_is_held);
	tcase_add_loop_test(tcase, waiting_ends_at_its_time, 0, N_LOCKABLES);
	tcase_add_loop_test(tcase, the_next_one_is_told_once_that_its_holder_died, 0, N_LOCKABLES);
	tcase_add_loop_test(tcase, it_is_told_again_if_the_one_who_was_told_dies, 0, N_LOCKABLES);
	tcase_add_loop_test(tcase, who_waits_while_its_holder_dies_is_told, 0, N_LOCKABLES);
	tcase_add_loop_test(
		tcase, who_waits_finds_out_by_himself_that_its_holder_died, 0, N_LOCKABLES);
	tcase_add_loop_test(tcase, giving_up_the_place_gives_it_back, 0, N_LOCKABLES);
	tcase_add_loop_test(tcase, killed_waiters_do_not_matter, 0, N_LOCKABLES);
	tcase_add_loop_test(tcase, one_can_ask_who_holds_it_and_since_when, 0, N_LOCKABLES);
	tcase_add_loop_test(tcase, what_somebody_scribbled_is_an_error, 0, N_LOCKABLES);
	tcase_add_loop_test(tcase, one_at_a_time_holds_it, 0, N_LOCKABLES);
	tcase_add_loop_test(tcase, the_living_go_on, 0, N_LOCKABLES);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
