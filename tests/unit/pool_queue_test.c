/* Messages: none is lost, whoever dies; results come back; the queue's end is the pool's. */
#include <stdlib.h>

#include "reeve/queue.h"
#include "unit/pool_fixture.h"

#define WORKERS 3u
#define MESSAGES 400u

static struct reeve_arena *arena;
static struct reeve_queue *jobs, *results;
static unsigned seen[MESSAGES], results_count;

static void make_queues(enum reeve_queue_on_death on_death)
{
	struct reeve_queue_spec spec = {
		.capacity = 2 * MESSAGES, .message_max = sizeof(unsigned), .on_death = on_death
	};
	struct reeve_arena_spec arena_spec = { .participants = WORKERS + 1 };
	size_t bytes;

	ck_assert_int_eq(reeve_queue_bytes(&spec, &bytes), 0);
	arena_spec.size = 2 * bytes + 8192;
	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "jobs", &spec, REEVE_SEC, &jobs), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "results", &spec, REEVE_SEC, &results), 0);
	memset(seen, 0, sizeof seen);
	results_count = 0;
}

static void free_queues(void)
{
	reeve_queue_free(jobs);
	reeve_queue_free(results);
	reeve_arena_free(arena);
}

static void put_messages(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ck_assert_int_eq(reeve_queue_put(jobs, &i, sizeof i, 0), 0);
}

/* The result of a message is itself. */
static int repeat(struct reeve_pool_worker *which, const void *message, size_t size, void *data)
{
	return reeve_queue_put(results, message, size, REEVE_FOREVER);
}

static void note_result(struct reeve_pool *which, const void *result, size_t size, void *data)
{
	unsigned number;

	ck_assert_uint_eq(size, sizeof number);
	memcpy(&number, result, sizeof number);
	ck_assert_uint_lt(number, MESSAGES);
	seen[number]++;
	results_count++;
}

static struct reeve_pool_spec repeating(void)
{
	return (struct reeve_pool_spec){
		.workers = WORKERS,
		.handle = repeat,
		.queue = jobs,
		.arena = arena,
		.results = results,
		.result = note_result,
		.young = 1,
	};
}

static bool all_seen(void)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		if (seen[i] == 0)
			return false;
	return true;
}

START_TEST(each_message_is_handled_once)
{
	make_queues(REEVE_QUEUE_REDELIVER);
	put_messages(MESSAGES);
	start_pool(repeating());
	RUN_UNTIL(results_count >= MESSAGES);
	ck_assert(all_seen());
	RUN_UNTIL(status().requests == MESSAGES);
	ck_assert_uint_eq(results_count, MESSAGES);
	stop_pool();
	free_queues();
}
END_TEST

/* At least once, however many are killed at whatever moment; a worker's death adds one at most. */
START_TEST(no_message_is_lost_when_workers_are_killed)
{
	unsigned kills = 0;

	make_queues(REEVE_QUEUE_REDELIVER);
	start_pool(repeating());
	for (unsigned i = 0; i < MESSAGES; i++) {
		pid_t victim = worker(i % WORKERS).pid;

		ck_assert_int_eq(reeve_queue_put(jobs, &i, sizeof i, 0), 0);
		if (victim && i % 3 == 0)
			kills += kill(victim, SIGKILL) == 0;
		ck_assert_int_ge(reeve_loop_run_once(loop, i % 5 * 100 * REEVE_USEC), 0);
	}
	RUN_UNTIL(all_seen());
	RUN_UNTIL(reeve_queue_size(jobs) == 0 && status().idle == WORKERS);
	ck_assert_uint_ge(kills, 20);
	ck_assert_uint_le(results_count, MESSAGES + kills);
	stop_pool();
	free_queues();
}
END_TEST

/* While they are killed, resized and recycled, all at once. */
START_TEST(no_message_is_lost_whatever_is_done_to_the_pool)
{
	struct reeve_pool_spec spec;

	make_queues(REEVE_QUEUE_REDELIVER);
	spec = repeating();
	spec.recycle_after = 20;
	start_pool(spec);
	for (unsigned i = 0; i < MESSAGES; i++) {
		ck_assert_int_eq(reeve_queue_put(jobs, &i, sizeof i, 0), 0);
		if (i % 7 == 0 && worker(0).pid)
			kill(worker(0).pid, SIGKILL);
		if (i % 11 == 0)
			ck_assert_int_eq(reeve_pool_resize(pool, 1 + i % WORKERS), 0);
		if (i % 40 == 0)
			ck_assert_int_eq(reeve_pool_recycle(pool), 0);
		ck_assert_int_ge(reeve_loop_run_once(loop, 100 * REEVE_USEC), 0);
	}
	RUN_UNTIL(all_seen());
	stop_pool();
	free_queues();
}
END_TEST

/* What was not begun stays in the queue. */
START_TEST(a_pool_that_is_stopped_leaves_what_it_did_not_begin)
{
	unsigned done, left;

	make_queues(REEVE_QUEUE_REDELIVER);
	start_pool(repeating());
	RUN_UNTIL(status().idle == WORKERS);
	put_messages(MESSAGES);
	ck_assert_int_eq(reeve_pool_stop(pool), 0);
	RUN_UNTIL(told(REEVE_POOL_STOPPED, -1) == 1);
	done = (unsigned)status().requests;
	left = (unsigned)reeve_queue_size(jobs);
	ck_assert_uint_eq(done + left, MESSAGES);
	RUN_UNTIL(results_count == done);
	free_pool();
	free_queues();
}
END_TEST

/* Until they have been asleep for a while; how long they take to go. */
static reeve_nsec time_to_go(void)
{
	reeve_nsec begun;

	start_pool(repeating());
	RUN_UNTIL(status().idle == WORKERS);
	for (begun = reeve_now(); reeve_now() - begun < 20 * REEVE_MSEC;)
		ck_assert_int_ge(reeve_loop_run_once(loop, REEVE_MSEC), 0);
	begun = reeve_now();
	stop_pool();
	return reeve_now() - begun;
}

/* They sleep in the queue for a second at most, and a signal wakes them before that; on a machine
 * that has other things to do, not at each try. */
START_TEST(who_waits_for_a_message_goes_when_told)
{
	make_queues(REEVE_QUEUE_REDELIVER);
	for (int tries = 30; time_to_go() > 500 * REEVE_MSEC; tries--)
		ck_assert_int_gt(tries, 0);
	ck_assert_uint_eq(signalled, 0);
	free_queues();
}
END_TEST

START_TEST(when_the_queue_is_closed_the_pool_ends_with_its_last_message)
{
	make_queues(REEVE_QUEUE_REDELIVER);
	put_messages(MESSAGES);
	ck_assert_int_eq(reeve_queue_close(jobs), 0);
	start_pool(repeating());
	RUN_UNTIL(told(REEVE_POOL_STOPPED, -1) == 1);
	ck_assert_uint_eq(told(REEVE_POOL_ENDED, REEVE_POOL_FINISHED), WORKERS);
	ck_assert_int_eq(last_told(REEVE_POOL_ENDED)->delay, REEVE_FOREVER);
	ck_assert_uint_eq(status().requests, MESSAGES);
	RUN_UNTIL(results_count == MESSAGES);
	ck_assert(all_seen());
	free_pool();
	free_queues();
}
END_TEST

/* The one who has the last message is killed: somebody is left, or comes, to handle it. */
START_TEST(a_closed_queue_is_emptied_by_who_follows_the_killed)
{
	make_queues(REEVE_QUEUE_REDELIVER);
	put_messages(MESSAGES);
	ck_assert_int_eq(reeve_queue_close(jobs), 0);
	start_pool(repeating());
	while (told(REEVE_POOL_STOPPED, -1) == 0) {
		for (unsigned i = 0; i < WORKERS; i++)
			if (notice_count < 60 && worker(i).state == REEVE_POOL_BUSY)
				kill(worker(i).pid, SIGKILL);
		ck_assert_int_ge(reeve_loop_run_once(loop, LONG_ENOUGH), 1);
	}
	RUN_UNTIL(all_seen());
	ck_assert_int_eq(reeve_queue_size(jobs), 0);
	free_pool();
	free_queues();
}
END_TEST

static int refuse_at_first(
	struct reeve_pool_worker *which, const void *message, size_t size, void *data)
{
	static unsigned refused;

	return refused++ < 3 ? -1 : repeat(which, message, size, data);
}

START_TEST(a_message_can_be_refused_and_comes_again)
{
	struct reeve_pool_spec spec;

	make_queues(REEVE_QUEUE_REDELIVER);
	put_messages(MESSAGES);
	spec = repeating();
	spec.handle = refuse_at_first;
	start_pool(spec);
	RUN_UNTIL(all_seen());
	ck_assert_uint_eq(results_count, MESSAGES);
	stop_pool();
	free_queues();
}
END_TEST

static int stick_once(struct reeve_pool_worker *which, const void *message, size_t size, void *data)
{
	if (!reeve_queue_is_empty(results))
		return repeat(which, message, size, data);
	(void)repeat(which, message, size, data);
	for (;;)
		;
}

/* A message whose handling comes to no end is another's when its worker has been ended. */
START_TEST(the_message_of_a_stuck_worker_is_redelivered)
{
	struct reeve_pool_spec spec;

	make_queues(REEVE_QUEUE_REDELIVER);
	put_messages(1);
	spec = repeating();
	spec.workers = 1;
	spec.handle = stick_once;
	spec.results = NULL;
	spec.result = NULL;
	spec.stuck_after = 30 * REEVE_MSEC;
	start_pool(spec);
	RUN_UNTIL(reeve_queue_size(results) == 2);
	ck_assert_uint_eq(told(REEVE_POOL_STUCK, -1), 1);
	RUN_UNTIL(status().idle == 1);
	ck_assert_int_eq(reeve_queue_size(jobs), 0);
	stop_pool();
	free_queues();
}
END_TEST

static void free_on_result(struct reeve_pool *which, const void *result, size_t size, void *data)
{
	pool = reeve_pool_free(which);
}

START_TEST(the_pool_may_be_freed_by_a_result)
{
	struct reeve_pool_spec spec;

	make_queues(REEVE_QUEUE_REDELIVER);
	put_messages(MESSAGES);
	spec = repeating();
	spec.result = free_on_result;
	start_pool(spec);
	for (reeve_nsec until = reeve_now() + LONG_ENOUGH; pool && reeve_now() < until;)
		ck_assert_int_ge(reeve_loop_run_once(loop, LONG_ENOUGH), 1);
	ck_assert_ptr_null(pool);
	loop = reeve_loop_free(loop);
	free_queues();
}
END_TEST

/* Results that nobody can put any more. */
START_TEST(a_closed_queue_of_results_is_no_matter)
{
	make_queues(REEVE_QUEUE_REDELIVER);
	start_pool(repeating());
	ck_assert_int_eq(reeve_queue_close(results), 0);
	RUN_UNTIL(status().idle == WORKERS);
	for (int i = 0; i < 20; i++)
		ck_assert_int_ge(reeve_loop_run_once(loop, REEVE_MSEC), 0);
	RUN_UNTIL(reeve_loop_run_once(loop, 0) == 0); /* it does not spin */
	stop_pool();
	free_queues();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool queue");
	TCase *tcase = leakproof_case("pool queue");

	tcase_add_test(tcase, each_message_is_handled_once);
	tcase_add_test(tcase, no_message_is_lost_when_workers_are_killed);
	tcase_add_test(tcase, no_message_is_lost_whatever_is_done_to_the_pool);
	tcase_add_test(tcase, a_pool_that_is_stopped_leaves_what_it_did_not_begin);
	tcase_add_test(tcase, who_waits_for_a_message_goes_when_told);
	tcase_add_test(tcase, when_the_queue_is_closed_the_pool_ends_with_its_last_message);
	tcase_add_test(tcase, a_closed_queue_is_emptied_by_who_follows_the_killed);
	tcase_add_test(tcase, a_message_can_be_refused_and_comes_again);
	tcase_add_test(tcase, the_message_of_a_stuck_worker_is_redelivered);
	tcase_add_test(tcase, the_pool_may_be_freed_by_a_result);
	tcase_add_test(tcase, a_closed_queue_of_results_is_no_matter);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
