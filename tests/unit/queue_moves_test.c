/* What is looked for in one place after the other is found, wherever threads move it meanwhile. */
#include <pthread.h>
#include <stdatomic.h>

#include "unit/queue_fixture.h"

static struct reeve_queue *queue;
static struct reeve_arena *arena;

static int result_of(pthread_t thread)
{
	void *result;

	pthread_join(thread, &result);
	return (int)(intptr_t)result;
}

static void free_all(void)
{
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}

#define MOVERS 3
#define MOVES 20000

static int run_movers(void *(*move)(void *))
{
	pthread_t threads[MOVERS];
	int failed = 0;

	for (int i = 0; i < MOVERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, move, NULL), 0);
	for (int i = 0; i < MOVERS; i++) {
		int r = result_of(threads[i]);

		failed = r ? r : failed;
	}
	return failed;
}

static void *reserve_and_cancel(void *data)
{
	struct reeve_queue_slot slot;
	int r = 0;

	for (int i = 0; i < MOVES && r == 0; i++) {
		r = reeve_queue_reserve(queue, 1, 0, 0, &slot);
		if (r == 0)
			r = reeve_queue_cancel(queue, &slot);
	}
	return (void *)(intptr_t)r;
}

/* As many as want it, all the rest being taken: wherever it is, there is room for each. */
START_TEST(room_is_found_wherever_it_moves)
{
	struct reeve_queue_spec spec = { .capacity = 64, .message_max = 8, .priorities = 2 };
	struct reeve_queue_slot slots[64];

	arena = arena_with_queue(&spec, &queue);
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(reeve_queue_reserve(queue, 1, 0, 0, &slots[i]), 0);
	for (int i = 0; i < MOVERS; i++) /* far from one another */
		ck_assert_int_eq(reeve_queue_cancel(queue, &slots[i * 64 / MOVERS]), 0);
	ck_assert_int_eq(run_movers(reserve_and_cancel), 0);
	free_all();
}
END_TEST

/* Puts one and takes one: each time with another priority. */
static void *put_and_get(void *data)
{
	char byte = 'x';
	int r = 0;

	for (int i = 0; i < MOVES && r == 0; i++) {
		r = reeve_queue_put_priority(queue, &byte, 1, (unsigned)i % 8, 0);
		if (r == 0)
			r = reeve_queue_get(queue, &byte, 1, 0, NULL);
	}
	return (void *)(intptr_t)r;
}

/* Who has put one in finds one, if not his own. */
START_TEST(a_message_is_found_on_whichever_level_it_is)
{
	struct reeve_queue_spec spec = { .capacity = 64, .message_max = 8, .priorities = 8 };

	arena = arena_with_queue(&spec, &queue);
	ck_assert_int_eq(run_movers(put_and_get), 0);
	ck_assert_int_eq(reeve_queue_size(queue), 0);
	free_all();
}
END_TEST

static _Atomic int got;

static void *end_tasks(void *data)
{
	for (int i = 0; i < MOVES; i++) {
		int r;

		while (atomic_fetch_sub(&got, 1) <= 0) {
			atomic_fetch_add(&got, 1);
			sched_yield();
		}
		r = reeve_queue_task_done(queue);
		if (r < 0)
			return (void *)(intptr_t)r;
	}
	return NULL;
}

static void *put_for_all(void *data)
{
	for (int i = 0; i < MOVERS * MOVES; i++)
		put_number(queue, 1);
	return NULL;
}

static void *get_for_all(void *data)
{
	for (int i = 0; i < MOVERS * MOVES; i++) {
		get_number(queue);
		atomic_fetch_add(&got, 1);
	}
	return NULL;
}

/* One thread gets, others say that it is done: each time there is one that is not. */
START_TEST(a_task_is_found_wherever_it_is)
{
	struct reeve_queue_spec spec = { .capacity = 8, .message_max = 8, .joinable = true };
	pthread_t putter, getter;

	arena = arena_with_queue(&spec, &queue);
	ck_assert_int_eq(pthread_create(&putter, NULL, put_for_all, NULL), 0);
	ck_assert_int_eq(pthread_create(&getter, NULL, get_for_all, NULL), 0);
	ck_assert_int_eq(run_movers(end_tasks), 0);
	ck_assert_int_eq(result_of(putter), 0);
	ck_assert_int_eq(result_of(getter), 0);
	ck_assert_int_eq(reeve_queue_task_done(queue), -ENOMSG);
	free_all();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue moves");
	TCase *tcase = leakproof_case("queue moves");

	tcase_add_test(tcase, room_is_found_wherever_it_moves);
	tcase_add_test(tcase, a_message_is_found_on_whichever_level_it_is);
	tcase_add_test(tcase, a_task_is_found_wherever_it_is);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
