/* Processes that are killed or stopped while they use a queue. For each instruction see tests/kill. */
#include <stdio.h>

#include "lib/arena/arena.h"
#include "unit/queue_fixture.h"

static struct reeve_queue *queue;
static struct reeve_arena *arena;

static void make(const struct reeve_queue_spec *spec)
{
	arena = arena_with_queue(spec, &queue);
}

static void end(void)
{
	queue = reeve_queue_free(queue);
	arena = reeve_arena_free(arena);
}

static void peek_one(struct reeve_arena *in)
{
	struct reeve_queue_slot slot;

	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
}

static void get_one(struct reeve_arena *in)
{
	get_number(queue);
}

static void reserve_one(struct reeve_arena *in)
{
	struct reeve_queue_slot slot;

	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &slot), 0);
}

static void put_one(struct reeve_arena *in)
{
	put_number(queue, 9);
}

static struct reeve_queue_statistics statistics(void)
{
	struct reeve_queue_statistics counts;

	ck_assert_int_eq(reeve_queue_statistics(queue, &counts), 0);
	return counts;
}

START_TEST(what_a_dead_consumer_held_is_dropped_or_comes_first)
{
	bool redeliver = _i & 1, task = _i & 2;
	struct reeve_queue_spec spec = {
		.capacity = 4,
		.message_max = 8,
		.joinable = task,
		.on_death = redeliver ? REEVE_QUEUE_REDELIVER : REEVE_QUEUE_DROP,
	};
	struct reeve_queue_slot slot;
	pid_t victim;

	make(&spec);
	put_number(queue, 1);
	put_number(queue, 2);
	victim = start_participant(arena, task ? get_one : peek_one);
	put_number(queue, 3);
	kill_and_reap(victim);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
	ck_assert_int_eq(reeve_queue_size(queue), redeliver ? 3 : 2);
	ck_assert_uint_eq(statistics().dropped, !redeliver);
	ck_assert_uint_eq(statistics().redelivered, redeliver);
	for (unsigned id = redeliver ? 1 : 2; id <= 3; id++) {
		ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
		ck_assert_uint_eq(*(unsigned *)slot.data, id);
		ck_assert_int_eq(slot.redelivered, id == 1);
		ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
	}
	if (task)
		ck_assert_int_eq(reeve_queue_join(queue, 0), 0);
	end();
}
END_TEST

START_TEST(what_a_dead_producer_reserved_is_free_and_what_it_put_is_there)
{
	struct reeve_queue_spec spec = { .capacity = 2, .message_max = 8 };

	make(&spec);
	kill_and_reap(start_participant(arena, reserve_one));
	kill_and_reap(start_participant(arena, put_one));
	ck_assert_int_eq(reeve_queue_put(queue, "x", 1, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 2);
	ck_assert_int_eq(reeve_queue_size(queue), 1);
	put_number(queue, 10);
	ck_assert_uint_eq(get_number(queue), 9);
	ck_assert_uint_eq(get_number(queue), 10);
	end();
}
END_TEST

/* Nobody supervises: who waits recovers by itself. */
START_TEST(who_waits_for_the_dead_goes_on)
{
	struct reeve_queue_spec spec = {
		.capacity = 1, .message_max = 8, .on_death = REEVE_QUEUE_REDELIVER
	};

	make(&spec);
	put_number(queue, 1);
	kill_and_reap(start_participant(arena, peek_one));
	ck_assert_uint_eq(get_number(queue), 1);
	kill_and_reap(start_participant(arena, reserve_one));
	put_number(queue, 2);
	ck_assert_uint_eq(get_number(queue), 2);
	end();
}
END_TEST

/* Whatever becomes of it at its consumer's death: alive, that may give it back. */
START_TEST(the_end_of_a_closed_queue_waits_for_what_may_come_back)
{
	struct reeve_queue_spec spec = {
		.capacity = 1, .message_max = 8, .on_death = (unsigned)_i
	};
	unsigned number = 0;
	pid_t victim;

	make(&spec);
	put_number(queue, 1);
	victim = start_participant(arena, peek_one);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	ck_assert_int_eq(
		reeve_queue_get(queue, &number, sizeof number, REEVE_MSEC, NULL), -ETIMEDOUT);
	kill_and_reap(victim);
	if (_i == REEVE_QUEUE_REDELIVER)
		ck_assert_uint_eq(get_number(queue), 1);
	ck_assert_int_eq(
		reeve_queue_get(queue, &number, sizeof number, REEVE_FOREVER, NULL), -ESHUTDOWN);
	end();
}
END_TEST

START_TEST(who_is_stopped_with_a_slot_keeps_nobody_from_going_on)
{
	struct reeve_queue_spec spec = { .capacity = 4, .message_max = 8 };
	pid_t producer, consumer;

	make(&spec);
	put_number(queue, 0);
	producer = start_participant(arena, reserve_one);
	consumer = start_participant(arena, peek_one);
	ck_assert_int_eq(kill(producer, SIGSTOP), 0);
	ck_assert_int_eq(kill(consumer, SIGSTOP), 0);
	for (unsigned i = 1; i < 100; i++) {
		put_number(queue, i);
		ck_assert_uint_eq(get_number(queue), i);
	}
	kill_and_reap(producer);
	kill_and_reap(consumer);
	end();
}
END_TEST

START_TEST(without_a_place_in_the_arena_there_is_no_queue)
{
	struct reeve_queue_spec spec = { .capacity = 2, .message_max = 8 };
	struct reeve_arena_spec arena_spec = { .size = 4096, .participants = 1 };
	struct reeve_queue_slot slot;
	pid_t victim;

	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "q", &spec, 0, &queue), 0);
	victim = start_participant(arena, NULL);
	ck_assert_int_eq(reeve_queue_put(queue, "x", 1, 0), -EUSERS);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), -EUSERS);
	ck_assert_int_eq(reeve_queue_close(queue), -EUSERS);
	ck_assert_int_eq(reeve_queue_fd(queue), -EUSERS);
	kill_and_reap(victim);
	ck_assert_int_eq(reeve_queue_put(queue, "x", 1, 0), 0);
	end();
}
END_TEST

/* --- Killed at random, and replaced ----------------------------------------------------------- */

#define VICTIMS 60
#define AT_ONCE 4

struct mark {
	unsigned victim, number;
};

static void produce_for_ever(unsigned victim)
{
	for (struct mark mark = { victim, 1 };; mark.number++)
		if (reeve_queue_put(queue, &mark, sizeof mark, REEVE_FOREVER) < 0)
			_exit(1);
}

static void consume_for_ever(struct reeve_queue *results)
{
	struct reeve_queue_slot slot;

	while (reeve_queue_peek(queue, REEVE_FOREVER, &slot) == 0)
		if (reeve_queue_put(results, slot.data, slot.size, REEVE_FOREVER) < 0 ||
			reeve_queue_release(queue, &slot) < 0)
			_exit(1);
	_exit(1);
}

/* Each result is the next of its producer, or one that came before: what was redelivered. */
static unsigned take_results(struct reeve_queue *results, unsigned last[VICTIMS], bool strictly)
{
	struct mark mark;
	unsigned count = 0;

	while (reeve_queue_get(results, &mark, sizeof mark, 0, NULL) == 0) {
		ck_assert_uint_lt(mark.victim, VICTIMS);
		if (strictly)
			ck_assert_uint_gt(mark.number, last[mark.victim]);
		if (mark.number > last[mark.victim])
			last[mark.victim] = mark.number;
		count++;
	}
	return count;
}

START_TEST(nothing_is_lost_when_processes_are_killed_at_random)
{
	struct reeve_queue_spec spec = {
		.capacity = 16, .message_max = sizeof(struct mark), .on_death = (unsigned)_i
	};
	struct reeve_arena_spec arena_spec = { .size = 1 << 16, .participants = AT_ONCE + 2 };
	unsigned last[VICTIMS] = { 0 }, count = 0;
	struct reeve_queue *results;
	pid_t pids[AT_ONCE] = { 0 };

	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "q", &spec, 0, &queue), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "results", &spec, 0, &results), 0);
	for (unsigned victim = 0; victim < VICTIMS; victim++) {
		pid_t *pid = &pids[victim % AT_ONCE];

		if (*pid)
			kill_and_reap(*pid);
		*pid = fork();
		if (*pid == 0 && victim % 2)
			produce_for_ever(victim);
		if (*pid == 0)
			consume_for_ever(results);
		for (reeve_nsec until = reeve_now() + rand() % 5 * REEVE_MSEC; reeve_now() < until;)
			count += take_results(results, last, false);
		ck_assert_int_ge(reeve_arena_recover(arena, 0), 0);
	}
	for (unsigned i = 0; i < AT_ONCE; i++)
		kill_and_reap(pids[i]);
	ck_assert_int_ge(reeve_arena_recover(arena, 0), 0);
	count += take_results(results, last, false);
	ck_assert_uint_gt(count, 0);
	for (ssize_t left = reeve_queue_size(queue); left > 0; left--)
		ck_assert_int_eq(reeve_queue_get(queue, last, sizeof *last * 2, 0, NULL), 0);
	for (unsigned i = 0; i < spec.capacity; i++)
		ck_assert_int_eq(reeve_queue_put(queue, "x", 1, 0), 0);
	ck_assert_int_eq(reeve_queue_put(queue, "x", 1, 0), -ETIMEDOUT);
	printf("# %u messages, %llu dropped, %llu redelivered\n", count,
		(unsigned long long)statistics().dropped,
		(unsigned long long)statistics().redelivered);
	reeve_queue_free(results);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue death");
	TCase *tcase = leakproof_case("queue death");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, what_a_dead_consumer_held_is_dropped_or_comes_first, 0, 4);
	tcase_add_test(tcase, what_a_dead_producer_reserved_is_free_and_what_it_put_is_there);
	tcase_add_test(tcase, who_waits_for_the_dead_goes_on);
	tcase_add_loop_test(tcase, the_end_of_a_closed_queue_waits_for_what_may_come_back,
		REEVE_QUEUE_DROP, REEVE_QUEUE_REDELIVER + 1);
	tcase_add_test(tcase, who_is_stopped_with_a_slot_keeps_nobody_from_going_on);
	tcase_add_test(tcase, without_a_place_in_the_arena_there_is_no_queue);
	tcase_add_loop_test(tcase, nothing_is_lost_when_processes_are_killed_at_random, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
