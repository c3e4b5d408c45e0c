/* The master's side: strength, replacement, resizing, draining, and what it tells. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "lib/arena/arena.h"
#include "unit/pool_fixture.h"

/* --- What is asked for ------------------------------------------------------------------------ */

static void serve_nobody(struct reeve_pool_worker *which, int connection, void *data)
{
}

static int handle_nothing(
	struct reeve_pool_worker *which, const void *message, size_t size, void *data)
{
	return 0;
}

static void no_result(struct reeve_pool *which, const void *result, size_t size, void *data)
{
}

START_TEST(bad_requests_have_each_their_error)
{
	char long_name[REEVE_POOL_NAME_MAX + 2];
	int ends[2], no_socket = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct reeve_arena_spec small = { .size = 4096, .participants = 2 };
	struct reeve_arena *arena;
	struct reeve_pool *none = NULL;
	struct reeve_pool_spec good = idle(2);
	struct {
		struct reeve_pool_spec spec;
		int error;
	} bad[64];
	unsigned n = 0;

	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(reeve_arena_new(&small, &arena), 0);
	ck_assert_int_eq(reeve_loop_new(&loop), 0);
#define BAD(result, ...)                                                                           \
	do {                                                                                       \
		struct reeve_pool_spec spec = good;                                                \
		__VA_ARGS__;                                                                       \
		bad[n].spec = spec;                                                                \
		bad[n++].error = (result);                                                         \
	} while (0)
	BAD(-EINVAL, spec.run = NULL);
	BAD(-EINVAL, spec.serve = serve_nobody);
	BAD(-EINVAL, spec.run = NULL, spec.handle = handle_nothing);
	BAD(-EINVAL, spec.workers = 0);
	BAD(-EINVAL, spec.workers_max = 1);
	BAD(-EINVAL, spec.workers_min = 3);
	BAD(-EINVAL, spec.spare_min = 2, spec.spare_max = 1);
	BAD(-EINVAL, spec.grace = -2);
	BAD(-EINVAL, spec.kill_after = -2);
	BAD(-EINVAL, spec.young = -2);
	BAD(-EINVAL, spec.stuck_after = -1);
	BAD(-EINVAL, spec.recycle_time = -1);
	BAD(-EINVAL, spec.recycle_time = INT64_MAX);
	BAD(-EINVAL, spec.spare_every = -1);
	BAD(-EINVAL, spec.backoff = -1);
	BAD(-EINVAL, spec.backoff = 2, spec.backoff_max = 1);
	BAD(-EINVAL, spec.orphan_signal = -1);
	BAD(-EINVAL, spec.orphan_signal = 65);
	BAD(-EINVAL, spec.result = no_result);
	BAD(-EOVERFLOW, spec.workers = REEVE_POOL_WORKERS_MAX + 1);
	BAD(-EOVERFLOW, spec.workers_max = REEVE_POOL_WORKERS_MAX + 1);
	BAD(-EINVAL, spec.name = "");
	BAD(-ENAMETOOLONG, spec.name = long_name);
	BAD(-EBADF, spec.run = NULL, spec.serve = serve_nobody, spec.listen_fd = -1);
	BAD(-ENOTSOCK, spec.run = NULL, spec.serve = serve_nobody, spec.listen_fd = no_socket);
	BAD(-EINVAL, spec.run = NULL, spec.serve = serve_nobody, spec.listen_fd = ends[0]);
	BAD(-EUSERS, spec.arena = arena);
	for (unsigned i = 0; i < n; i++)
		ck_assert_msg(
			reeve_pool_new(loop, &bad[i].spec, &none) == bad[i].error, "row %u", i);
	ck_assert_int_eq(reeve_pool_new(NULL, &good, &none), -EFAULT);
	ck_assert_int_eq(reeve_pool_new(loop, NULL, &none), -EFAULT);
	ck_assert_int_eq(reeve_pool_new(loop, &good, NULL), -EFAULT);
	ck_assert_ptr_null(none);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 0); /* none of them left anything there */
	ck_assert(!(fcntl(ends[0], F_GETFL) & O_NONBLOCK));

	ck_assert_int_eq(reeve_pool_resize(NULL, 1), -EFAULT);
	ck_assert_int_eq(reeve_pool_recycle(NULL), -EFAULT);
	ck_assert_int_eq(reeve_pool_stop(NULL), -EFAULT);
	ck_assert_int_eq(reeve_pool_status(NULL, NULL), -EFAULT);
	ck_assert_int_eq(reeve_pool_worker_get(NULL, 0, NULL), -EFAULT);
	ck_assert_int_eq(reeve_pool_open(NULL, "pool", &none), -EFAULT);
	ck_assert_int_eq(reeve_pool_open(arena, "pool", &none), -ENOENT);
	ck_assert_int_eq(reeve_pool_remove(NULL, "pool", 0), -EFAULT);
	ck_assert_int_eq(reeve_pool_remove(arena, "pool", -2), -EINVAL);
	ck_assert_int_eq(reeve_pool_remove(arena, "pool", 0), -ENOENT);
	ck_assert_ptr_null(reeve_pool_arena(NULL));
	ck_assert_ptr_null(reeve_pool_free(NULL));
	ck_assert_str_eq(reeve_pool_state_name(REEVE_POOL_BUSY), "busy");
	ck_assert_str_eq(reeve_pool_state_name((enum reeve_pool_state)99), "unknown");
	ck_assert_str_eq(reeve_pool_reason_name(REEVE_POOL_RECYCLED), "recycled");
	ck_assert_str_eq(reeve_pool_reason_name((enum reeve_pool_reason)99), "unknown");
	reeve_arena_free(arena);
	loop = reeve_loop_free(loop);
	close(ends[0]);
	close(ends[1]);
	close(no_socket);
}
END_TEST

/* --- Strength --------------------------------------------------------------------------------- */

START_TEST(nothing_is_forked_before_the_loop_runs)
{
	start_pool(idle(3));
	ck_assert(!has_child());
	ck_assert_uint_eq(status().wanted, 3);
	ck_assert_uint_eq(status().workers, 0);
	ck_assert_int_eq(worker(0).state, REEVE_POOL_BACKOFF);
	RUN_UNTIL(all_idle(3));
	ck_assert_int_eq(status().master, getpid());
	ck_assert_uint_eq(told(REEVE_POOL_STARTED, -1), 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(worker(i).pid, notices[i].pid);
		ck_assert_uint_eq(notices[i].place, i);
	}
	ck_assert_int_eq(
		reeve_pool_worker_get(pool, 3, &(struct reeve_pool_worker_status){ 0 }), -ERANGE);
	stop_pool();
	ck_assert_uint_eq(told(REEVE_POOL_ENDED, REEVE_POOL_DISMISSED), 3);
	ck_assert_uint_eq(signalled, 0);
}
END_TEST

START_TEST(who_is_killed_is_replaced_at_once_if_it_was_not_young)
{
	struct reeve_pool_spec spec = idle(2);
	pid_t victim;

	spec.young = 1;
	start_pool(spec);
	RUN_UNTIL(all_idle(2));
	victim = worker(1).pid;
	ck_assert_int_eq(kill(victim, SIGKILL), 0);
	RUN_UNTIL(told(REEVE_POOL_ENDED, -1) == 1);
	ck_assert_int_eq(last_told(REEVE_POOL_ENDED)->reason, REEVE_POOL_DIED);
	ck_assert_int_eq(last_told(REEVE_POOL_ENDED)->pid, victim);
	ck_assert_int_eq(last_told(REEVE_POOL_ENDED)->outcome.status, SIGKILL);
	ck_assert_int_eq(last_told(REEVE_POOL_ENDED)->delay, 0);
	ck_assert(!last_told(REEVE_POOL_ENDED)->in_request);
	RUN_UNTIL(all_idle(2));
	ck_assert_int_ne(worker(1).pid, victim);
	ck_assert_uint_eq(status().died, 1);
	ck_assert_uint_eq(status().started, 3);
	stop_pool();
}
END_TEST

static int fail_at_once(struct reeve_pool_worker *which, void *data)
{
	return 7;
}

/* Delays double up to the most, and a good start forgets them. */
START_TEST(who_dies_young_is_followed_after_a_delay_that_doubles)
{
	static const reeve_nsec delays[] = { 1, 2, 4, 5, 5 };
	struct reeve_pool_spec spec = {
		.workers = 1, .run = idle_until_told, .enter = fail_at_once, .young = REEVE_FOREVER
	};
	unsigned ended = 0;

	spec.backoff = REEVE_MSEC;
	spec.backoff_max = 5 * REEVE_MSEC;
	start_pool(spec);
	RUN_UNTIL(told(REEVE_POOL_ENDED, REEVE_POOL_DIED) >= 5);
	for (unsigned i = 0; ended < 5; i++) {
		if (notices[i].event != REEVE_POOL_ENDED)
			continue;
		ck_assert_int_eq(notices[i].outcome.status, 7);
		ck_assert_int_eq(notices[i].delay, delays[ended] * REEVE_MSEC);
		ck_assert_uint_eq(notices[i].failures, ++ended);
	}
	ck_assert_uint_ge(worker(0).failures, 5);
	stop_pool();
}
END_TEST

START_TEST(a_pool_is_resized_while_it_runs)
{
	struct reeve_pool_spec spec = idle(2);

	spec.workers_max = 6;
	start_pool(spec);
	RUN_UNTIL(all_idle(2));
	ck_assert_int_eq(reeve_pool_resize(pool, 7), -ERANGE);
	ck_assert_int_eq(reeve_pool_resize(pool, 6), 0);
	RUN_UNTIL(all_idle(6));
	ck_assert_int_eq(reeve_pool_resize(pool, 1), 0);
	ck_assert_int_eq(reeve_pool_resize(pool, 3), 0); /* some are on their way out */
	RUN_UNTIL(all_idle(3));
	ck_assert_int_eq(reeve_pool_resize(pool, 0), 0);
	RUN_UNTIL(status().workers == 0);
	ck_assert_uint_eq(told(REEVE_POOL_STOPPED, -1), 0);
	ck_assert_int_eq(reeve_pool_resize(pool, 1), 0);
	RUN_UNTIL(all_idle(1));
	stop_pool();
	ck_assert_uint_eq(told(REEVE_POOL_ENDED, REEVE_POOL_DIED), 0);
}
END_TEST

START_TEST(all_are_replaced_one_after_the_other)
{
	pid_t before[4];
	unsigned least = 4;

	start_pool(idle(4));
	RUN_UNTIL(all_idle(4));
	for (unsigned i = 0; i < 4; i++)
		before[i] = worker(i).pid;
	ck_assert_int_eq(reeve_pool_recycle(pool), 0);
	while (told(REEVE_POOL_STARTED, -1) < 8) {
		unsigned working = status().workers - status().leaving;

		least = working < least ? working : least;
		ck_assert_int_ge(reeve_loop_run_once(loop, LONG_ENOUGH), 1);
	}
	ck_assert_uint_ge(least, 3);
	RUN_UNTIL(all_idle(4));
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_ne(worker(i).pid, before[i]);
	ck_assert_uint_eq(told(REEVE_POOL_ENDED, REEVE_POOL_RECYCLED), 4);
	ck_assert_uint_eq(status().recycled, 4);
	stop_pool();
	ck_assert_uint_eq(told(REEVE_POOL_STARTED, -1), 8);
}
END_TEST

START_TEST(a_life_has_its_time)
{
	struct reeve_pool_spec spec = idle(2);
	reeve_nsec begun = reeve_now();

	spec.recycle_time = 20 * REEVE_MSEC;
	start_pool(spec);
	RUN_UNTIL(told(REEVE_POOL_ENDED, REEVE_POOL_RECYCLED) >= 4);
	ck_assert_int_ge(reeve_now() - begun, 2 * spec.recycle_time);
	stop_pool();
}
END_TEST

/* Busy while the test says so. */
static int *load;

static int busy_by_number(struct reeve_pool_worker *which, void *data)
{
	while (!reeve_pool_worker_is_leaving(which)) {
		bool busy = (int)reeve_pool_worker_place(which) <
			    __atomic_load_n(load, __ATOMIC_SEQ_CST);

		if (busy)
			reeve_pool_worker_begin(which);
		poll(NULL, 0, 1);
		if (busy)
			reeve_pool_worker_end(which);
	}
	return 0;
}

START_TEST(strength_follows_demand)
{
	struct reeve_arena_spec arena_spec = { .size = 8192, .participants = 9 };
	struct reeve_pool_spec spec = { .workers = 1, .workers_max = 8, .run = busy_by_number };
	void *block;

	ck_assert_int_eq(reeve_arena_new(&arena_spec, &spec.arena), 0);
	ck_assert_int_eq(reeve_arena_block_new(spec.arena, "load", 64, 0, &block), 0);
	load = block;
	spec.workers_min = 2;
	spec.spare_min = 1;
	spec.spare_max = 2;
	spec.spare_every = 10 * REEVE_MSEC;
	start_pool(spec);
	__atomic_store_n(load, 8, __ATOMIC_SEQ_CST);
	RUN_UNTIL(status().workers == 8);
	__atomic_store_n(load, 0, __ATOMIC_SEQ_CST);
	RUN_UNTIL(status().workers == 2);
	ck_assert_uint_eq(status().wanted, 2);
	stop_pool();
	reeve_arena_free(spec.arena);
}
END_TEST

/* --- In other processes ----------------------------------------------------------------------- */

START_TEST(a_forked_child_has_no_pool)
{
	int child;
	pid_t pid;

	start_pool(idle(1));
	RUN_UNTIL(all_idle(1));
	pid = fork();
	if (pid == 0)
		_exit(reeve_pool_resize(pool, 1) == -ECHILD && reeve_pool_stop(pool) == -ECHILD &&
					reeve_pool_recycle(pool) == -ECHILD &&
					status().workers == 1 && !reeve_pool_free(pool)
				? 0
				: 1);
	ck_assert_int_eq(waitpid(pid, &child, 0), pid);
	ck_assert_int_eq(child, 0);
	ck_assert(all_idle(1));
	stop_pool();
}
END_TEST

static void ignore(struct reeve_pool *which, const struct reeve_pool_notice *notice, void *data)
{
}

START_TEST(others_can_look_at_it)
{
	struct reeve_arena *theirs;
	struct reeve_pool *seen, *ours;
	struct reeve_pool_spec spec = idle(2);

	spec.name = "looked at";
	start_pool(spec);
	RUN_UNTIL(all_idle(2));
	ck_assert_int_eq(reeve_arena_open(reeve_arena_fd(reeve_pool_arena(pool)), &theirs), 0);
	ck_assert_int_eq(reeve_pool_open(theirs, "another", &seen), -ENOENT);
	ck_assert_int_eq(reeve_pool_open(theirs, "looked at", &seen), 0);
	ck_assert_int_eq(reeve_pool_remove(theirs, "looked at", 0), -EBUSY);
	ours = pool;
	pool = seen;
	ck_assert(all_idle(2));
	ck_assert_int_eq(status().master, getpid());
	ck_assert_int_gt(worker(1).pid, 0);
	ck_assert_int_eq(reeve_pool_resize(pool, 1), -EPERM);
	ck_assert_int_eq(reeve_pool_recycle(pool), -EPERM);
	ck_assert_int_eq(reeve_pool_stop(pool), -EPERM);
	pool = ours;
	stop_pool();
	reeve_pool_free(seen);
	reeve_arena_free(theirs);
}
END_TEST

/* Whatever is written over what the pool shows, the master goes on, and lets all go in the end. */
START_TEST(a_scribbled_table_misleads_nobody)
{
	struct reeve_pool_spec spec = idle(3);
	struct arena_object table;
	unsigned seed = 1;

	spec.stuck_after = 10 * REEVE_MSEC;
	spec.recycle_time = 5 * REEVE_MSEC;
	spec.backoff = spec.young = REEVE_MSEC;
	spec.spare_max = 2;
	spec.spare_every = REEVE_MSEC;
	spec.told = ignore;
	start_pool(spec);
	ck_assert_int_eq(
		arena_object_find(reeve_pool_arena(pool), ARENA_TYPE_POOL, "pool", &table), 0);
	for (int i = 0; i < 300; i++) {
		for (uint64_t at = 0; at < table.size; at++)
			if (rand_r(&seed) % 4 == 0)
				((volatile unsigned char *)table.memory)[at] =
					(unsigned char)rand_r(&seed);
		(void)status();
		for (unsigned place = 0; place < 3; place++)
			(void)reeve_pool_state_name(worker(place).state);
		ck_assert_int_ge(reeve_loop_run_once(loop, 100 * REEVE_USEC), 0);
	}
	ck_assert_int_eq(reeve_pool_stop(pool), 0);
	memset(table.memory, 0xff, table.size);
	while (has_child())
		ck_assert_int_ge(reeve_loop_run_once(loop, LONG_ENOUGH), 0);
	free_pool();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *asking = leakproof_case("asking");
	TCase *strength = leakproof_case("strength");
	TCase *others = leakproof_case("others");

	tcase_add_test(asking, bad_requests_have_each_their_error);
	suite_add_tcase(suite, asking);

	tcase_add_test(strength, nothing_is_forked_before_the_loop_runs);
	tcase_add_test(strength, who_is_killed_is_replaced_at_once_if_it_was_not_young);
	tcase_add_test(strength, who_dies_young_is_followed_after_a_delay_that_doubles);
	tcase_add_test(strength, a_pool_is_resized_while_it_runs);
	tcase_add_test(strength, all_are_replaced_one_after_the_other);
	tcase_add_test(strength, a_life_has_its_time);
	tcase_add_test(strength, strength_follows_demand);
	suite_add_tcase(suite, strength);

	tcase_add_test(others, a_forked_child_has_no_pool);
	tcase_add_test(others, others_can_look_at_it);
	tcase_add_test(others, a_scribbled_table_misleads_nobody);
	suite_add_tcase(suite, others);
	return run_suite(suite);
}
