/* The queue's throughput form in use by many threads: order, lanes that change hands, the close. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/queue/queue.h"
#include "lib/queue/lanes.h"
#include "unit/queue_fixture.h"

#define MOST 8u

static struct reeve_arena *arena;
static struct reeve_queue *queue;

static void make(size_t capacity, unsigned producers)
{
	struct reeve_queue_spec spec = {
		.capacity = capacity,
		.message_max = 16,
		.order = REEVE_QUEUE_LANES,
		.producers = producers,
	};

	arena = arena_with_queue(&spec, &queue);
}

static void tear_down(void)
{
	queue = reeve_queue_free(queue);
	arena = reeve_arena_free(arena);
}

static void *in_thread(void *(*run)(void *), void *data)
{
	pthread_t thread;
	void *result;

	ck_assert_int_eq(pthread_create(&thread, NULL, run, data), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	return result;
}

static uint64_t claim(unsigned lane)
{
	const struct lanes *lanes = queue->state;

	return atomic_load(&lanes->shared->claims[lane]);
}

/* --- Each thread's order ---------------------------------------------------------------------- */

struct message {
	unsigned producer, number;
};

static struct crowd {
	unsigned messages, ended;
	_Atomic unsigned got, disorder;
	unsigned last[MOST][MOST]; /* of a producer, as each consumer saw it */
} crowd;

static void *produce(void *data)
{
	struct message message = { .producer = (unsigned)(uintptr_t)data };

	for (message.number = 1; message.number <= crowd.messages; message.number++)
		ck_assert_int_eq(
			reeve_queue_put(queue, &message, sizeof message, REEVE_FOREVER), 0);
	return NULL;
}

static void *consume(void *data)
{
	unsigned *last = crowd.last[(uintptr_t)data];
	struct message message;
	size_t size;
	int r;

	while ((r = reeve_queue_get(queue, &message, sizeof message, REEVE_FOREVER, &size)) == 0) {
		ck_assert_uint_eq(size, sizeof message);
		ck_assert_uint_lt(message.producer, MOST);
		if (message.number <= last[message.producer])
			atomic_fetch_add(&crowd.disorder, 1);
		last[message.producer] = message.number;
		atomic_fetch_add(&crowd.got, 1);
	}
	ck_assert_int_eq(r, -ESHUTDOWN);
	return NULL;
}

static const struct {
	unsigned capacity, lanes, producers, consumers, messages;
} crowds[] = {
	{ 64, 1, 1, 1, 20000 }, /* one to one */
	{ 1, 1, 1, 1, 2000 },   /* hand to hand */
	{ 16, 4, 4, 4, 3000 },  /* a lane each */
	{ 2, 2, 6, 2, 1000 },   /* most share */
	{ 5, 8, 8, 1, 1000 },
	{ 5, 1, 1, 8, 4000 },
};

START_TEST(nothing_is_lost_and_each_producer_keeps_its_order)
{
	pthread_t producers[MOST], consumers[MOST];

	crowd.messages = crowds[_i].messages;
	make(crowds[_i].capacity, crowds[_i].lanes);
	for (uintptr_t i = 0; i < crowds[_i].consumers; i++)
		ck_assert_int_eq(pthread_create(&consumers[i], NULL, consume, (void *)i), 0);
	for (uintptr_t i = 0; i < crowds[_i].producers; i++)
		ck_assert_int_eq(pthread_create(&producers[i], NULL, produce, (void *)i), 0);
	for (unsigned i = 0; i < crowds[_i].producers; i++)
		ck_assert_int_eq(pthread_join(producers[i], NULL), 0);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	for (unsigned i = 0; i < crowds[_i].consumers; i++)
		ck_assert_int_eq(pthread_join(consumers[i], NULL), 0);
	ck_assert_uint_eq(crowd.got, crowds[_i].producers * crowds[_i].messages);
	ck_assert_uint_eq(crowd.disorder, 0);
	for (unsigned lane = 1; lane <= crowds[_i].lanes; lane++)
		ck_assert_uint_eq(claim(lane), 0);
	tear_down();
}
END_TEST

/* --- Lanes change hands ----------------------------------------------------------------------- */

static void *put_one(void *data)
{
	unsigned number = 1;

	return (void *)(intptr_t)reeve_queue_put(queue, &number, sizeof number, 0);
}

static void *put_until_full(void *data)
{
	int r, count = 0;

	while ((r = (int)(intptr_t)put_one(NULL)) == 0)
		count++;
	ck_assert_int_eq(r, -ETIMEDOUT);
	return (void *)(intptr_t)count;
}

/* As many as one likes, one after the other: each has the lane, and what the last one left. */
START_TEST(a_thread_that_ends_leaves_its_lane)
{
	make(3, 1);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_ptr_null(in_thread(put_one, NULL));
		ck_assert_uint_eq(claim(1), 0);
		ck_assert_uint_eq(get_number(queue), 1);
	}
	ck_assert_int_eq((intptr_t)in_thread(put_until_full, NULL), 3);
	ck_assert_int_eq((intptr_t)in_thread(put_until_full, NULL), 0);
	tear_down();
}
END_TEST

/* The shared lane has room of its own; who used it keeps to it until it is empty. */
START_TEST(who_has_no_lane_shares_one)
{
	make(3, 1);
	ck_assert_ptr_null(put_one(NULL)); /* the only lane is this thread's */
	ck_assert_int_eq((intptr_t)in_thread(put_until_full, NULL), 3);
	ck_assert_int_eq((intptr_t)in_thread(put_until_full, NULL), 0);
	ck_assert_int_eq((intptr_t)put_until_full(NULL), 2);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(get_number(queue), 1);
	tear_down();
}
END_TEST

static pthread_barrier_t stage;

static void *put_one_and_wait(void *data)
{
	put_one(NULL);
	pthread_barrier_wait(&stage);
	pthread_barrier_wait(&stage);
	return NULL;
}

/* A lane that gets free is taken by who shared one; but only when what it put there has been got,
 * which it would overtake. */
START_TEST(nobody_overtakes_itself_on_its_way_to_a_lane)
{
	pthread_t thread;
	unsigned number = 2;

	make(3, 1);
	pthread_barrier_init(&stage, NULL, 2);
	ck_assert_int_eq(pthread_create(&thread, NULL, put_one_and_wait, NULL), 0);
	pthread_barrier_wait(&stage);
	ck_assert_uint_eq(get_number(queue), 1);
	put_number(queue, 2);
	pthread_barrier_wait(&stage);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	put_number(queue, 3);
	ck_assert_uint_eq(claim(1), 0);
	while (number <= 3)
		ck_assert_uint_eq(get_number(queue), number++);
	put_number(queue, 4);
	ck_assert(claim(1) != 0);
	ck_assert_uint_eq(get_number(queue), 4);
	pthread_barrier_destroy(&stage);
	tear_down();
}
END_TEST

struct two {
	struct reeve_queue_slot slot;
	int r, after;
};

static void *reserve_and_end(void *data)
{
	struct two *two = data;

	two->r = reeve_queue_reserve(queue, 4, 0, 0, &two->slot);
	two->after = (int)(intptr_t)put_one(NULL);
	return NULL;
}

/* A slot outlives the thread that reserved it; the lane is free when it has ended. In the lane that
 * is shared it is the same, but for the claim. */
START_TEST(what_a_thread_reserved_may_be_put_by_another)
{
	struct two two;

	make(3, 1);
	if (_i)
		put_one(NULL);
	for (unsigned i = 0; i < 5; i++) {
		in_thread(reserve_and_end, &two);
		ck_assert_int_eq(two.r, 0);
		ck_assert_int_eq(two.after, -EBUSY);
		ck_assert(claim(1) != 0);
		memcpy(two.slot.data, &i, sizeof i);
		if (i % 2)
			ck_assert_int_eq(reeve_queue_commit(queue, &two.slot, sizeof i), 0);
		else
			ck_assert_int_eq(reeve_queue_cancel(queue, &two.slot), 0);
		ck_assert((claim(1) != 0) == (_i == 1));
	}
	ck_assert_int_eq(reeve_queue_size(queue), 2 + _i);
	tear_down();
}
END_TEST

/* Released with the handle, too, though the thread lives on. */
START_TEST(a_handle_leaves_its_lanes)
{
	struct reeve_queue *second;

	make(3, 1);
	for (unsigned i = 0; i < 5; i++) {
		unsigned number = i;

		ck_assert_int_eq(reeve_queue_open(arena, "q", &second), 0);
		ck_assert_int_eq(reeve_queue_put(second, &number, sizeof number, 0), 0);
		ck_assert(claim(1) != 0);
		ck_assert_ptr_null(reeve_queue_free(second));
		ck_assert_uint_eq(claim(1), 0);
		ck_assert_uint_eq(get_number(queue), i);
	}
	tear_down();
}
END_TEST

/* --- Waiting ---------------------------------------------------------------------------------- */

static void *wait_for_room(void *data)
{
	unsigned number = 1;

	for (unsigned i = 0; i < crowd.messages; i++)
		ck_assert_int_eq(reeve_queue_put(queue, &number, sizeof number, REEVE_FOREVER), 0);
	return NULL;
}

/* Of those that wait, each for room of its own, none is left waiting for what another was told. */
START_TEST(each_is_told_of_its_own_room)
{
	pthread_t threads[MOST];

	sleepers_do_not_look_by_themselves();
	make(2, MOST / 2);
	crowd.messages = 500;
	for (unsigned i = 0; i < MOST; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_for_room, NULL), 0);
	for (unsigned i = 0; i < MOST * crowd.messages; i++)
		get_number(queue);
	for (unsigned i = 0; i < MOST; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	tear_down();
}
END_TEST

/* --- Closing ---------------------------------------------------------------------------------- */

static _Atomic unsigned put_count;

static void *put_until_closed(void *data)
{
	unsigned number = 1;
	int r;

	while ((r = reeve_queue_put(queue, &number, sizeof number, REEVE_FOREVER)) == 0)
		atomic_fetch_add(&put_count, 1);
	ck_assert_int_eq(r, -ESHUTDOWN);
	return NULL;
}

static void *close_it(void *data)
{
	while (atomic_load(&put_count) < (uintptr_t)data)
		sched_yield();
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	return NULL;
}

/* What was put before it was closed is got before anybody is told so, and nothing else. */
START_TEST(closing_loses_nothing_and_lets_nothing_by)
{
	pthread_t producers[5], closers[2];

	for (unsigned round = 0; round < 100; round++) {
		memset(&crowd, 0, sizeof crowd);
		atomic_store(&put_count, 0);
		make(4, 2);
		for (unsigned i = 0; i < 2; i++)
			ck_assert_int_eq(pthread_create(&closers[i], NULL, close_it,
						 (void *)(uintptr_t)(round % 40)),
				0);
		for (unsigned i = 0; i < 5; i++)
			ck_assert_int_eq(
				pthread_create(&producers[i], NULL, put_until_closed, NULL), 0);
		for (;;) {
			unsigned number;
			int r = reeve_queue_get(queue, &number, sizeof number, REEVE_FOREVER, NULL);

			if (r == -ESHUTDOWN)
				break;
			ck_assert_int_eq(r, 0);
			atomic_fetch_add(&crowd.got, 1);
		}
		for (unsigned i = 0; i < 2; i++)
			ck_assert_int_eq(pthread_join(closers[i], NULL), 0);
		for (unsigned i = 0; i < 5; i++)
			ck_assert_int_eq(pthread_join(producers[i], NULL), 0);
		ck_assert_uint_eq(crowd.got, put_count);
		tear_down();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue lanes, threads");
	TCase *tcase = leakproof_case("queue lanes, threads");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, nothing_is_lost_and_each_producer_keeps_its_order, 0,
		(int)(sizeof crowds / sizeof *crowds));
	tcase_add_test(tcase, a_thread_that_ends_leaves_its_lane);
	tcase_add_test(tcase, who_has_no_lane_shares_one);
	tcase_add_test(tcase, nobody_overtakes_itself_on_its_way_to_a_lane);
	tcase_add_loop_test(tcase, what_a_thread_reserved_may_be_put_by_another, 0, 2);
	tcase_add_test(tcase, a_handle_leaves_its_lanes);
	tcase_add_test(tcase, each_is_told_of_its_own_room);
	tcase_add_test(tcase, closing_loses_nothing_and_lets_nothing_by);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
