#include <errno.h>
#include <stdlib.h>

#include "lib/loop/timer_heap.h"
#include "unit/loop_fixture.h"

START_TEST(timers_are_called_by_deadline_and_equal_ones_in_start_order)
{
	reeve_nsec start = reeve_now();
	struct reeve_loop_source *timers[5];

	for (int i = 0; i < 5; i++)
		timers[i] = add_timer(LONG_ENOUGH, 0, "abcde"[i]);
	for (int i = 4; i >= 0; i--)
		ck_assert_int_eq(reeve_loop_timer_start_at(timers[i], start + i / 2, 0), 0);
	ck_assert_str_eq(calls_of_round(), "badce");
	ck_assert_str_eq(calls_of_round(), "");
	close_loop();
}
END_TEST

static uint64_t seen_expirations;
static reeve_nsec seen_time;

static void count_expirations(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	seen_expirations = expirations;
	seen_time = reeve_now();
}

START_TEST(a_timer_is_never_early)
{
	struct reeve_loop_source *timer;

	ck_assert_int_eq(reeve_loop_add_timer(loop, count_expirations, NULL, &timer), 0);
	ck_assert_int_eq(reeve_loop_timer_deadline(timer), REEVE_FOREVER);
	for (reeve_nsec after = 1; after < 20 * REEVE_MSEC; after = after * 7 / 2 + 1) {
		reeve_nsec deadline;

		ck_assert_int_eq(reeve_loop_timer_start(timer, after, 0), 0);
		deadline = reeve_loop_timer_deadline(timer);
		ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 1);
		ck_assert_int_ge(seen_time, deadline);
		ck_assert_int_ge(reeve_loop_now(loop), deadline);
		ck_assert_uint_eq(seen_expirations, 1);
		ck_assert_int_eq(reeve_loop_timer_deadline(timer), REEVE_FOREVER);
	}
	close_loop();
}
END_TEST

START_TEST(a_late_repeating_timer_is_called_once_and_stays_on_its_grid)
{
	struct reeve_loop_source *timer;
	reeve_nsec start = reeve_now() - 1000 * REEVE_SEC;

	ck_assert_int_eq(reeve_loop_add_timer(loop, count_expirations, NULL, &timer), 0);
	ck_assert_int_eq(reeve_loop_timer_start_at(timer, start, 10 * REEVE_SEC), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 1);
	ck_assert_uint_eq(seen_expirations, 101);
	ck_assert_int_eq(reeve_loop_timer_deadline(timer), start + 1010 * REEVE_SEC);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 0);
	close_loop();
}
END_TEST

START_TEST(deadlines_past_the_end_of_time_are_clipped)
{
	struct reeve_loop_source *timer;

	ck_assert_int_eq(reeve_loop_add_timer(loop, count_expirations, NULL, &timer), 0);
	ck_assert_int_eq(reeve_loop_timer_start(timer, INT64_MAX, 0), 0);
	ck_assert_int_eq(reeve_loop_timer_deadline(timer), INT64_MAX);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_MSEC), 0);
	ck_assert_int_eq(reeve_loop_timer_start_at(timer, 0, INT64_MAX), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 1);
	ck_assert_int_eq(reeve_loop_timer_deadline(timer), INT64_MAX);
	close_loop();
}
END_TEST

/* Random starts and stops: what is left comes out by deadline, then by start. */
START_TEST(the_heap_is_in_order_whatever_was_done_to_it)
{
	enum { COUNT = 500 };
	static struct timer_node nodes[COUNT];
	struct timer_heap heap = { 0 };
	struct timer_node *node;
	reeve_nsec last_deadline = 0;
	uint64_t last_started = 0;
	size_t running = 0;

	srandom((unsigned)_i);
	ck_assert_int_eq(timer_heap_reserve(&heap, COUNT), 0);
	for (int i = 0; i < 5000; i++) {
		node = &nodes[random() % COUNT];
		timer_heap_remove(&heap, node);
		ck_assert_uint_eq(node->place, 0);
		if (random() % 3)
			timer_heap_add(&heap, node, random() % 50);
	}
	for (int i = 0; i < COUNT; i++)
		running += nodes[i].place != 0;
	ck_assert_uint_eq(heap.count, running);
	while ((node = timer_heap_first(&heap))) {
		ck_assert(node->deadline > last_deadline ||
			(node->deadline == last_deadline && node->started >= last_started));
		last_deadline = node->deadline;
		last_started = node->started;
		timer_heap_remove(&heap, node);
		running--;
	}
	ck_assert_uint_eq(running, 0);
	free(heap.nodes);
}
END_TEST

/* --- deferred calls --- */

static void defer_more(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	note(data);
	ck_assert_int_eq(reeve_loop_defer(loop, on_deferred, LETTER('d'), NULL), 0);
}

START_TEST(deferred_calls_run_after_the_rest_of_their_round)
{
	int fds[2];

	make_readable_pipe(fds);
	ck_assert_int_eq(reeve_loop_add_fd(loop, fds[0], REEVE_LOOP_READABLE, defer_more, LETTER('f'), NULL), 0);
	defer('1');
	defer('2');
	add_timer(0, 0, 't');
	ck_assert_str_eq(calls_of_round(), "ft12d");
	close_loop();
	close_pipe(fds);
}
END_TEST

static void free_floating(struct reeve_loop_source *source, void *data)
{
	note(data);
	reeve_loop_source_free(source);
}

static void schedule_floating_once(struct reeve_loop_source *source, void *data)
{
	if (!strchr(calls, 's'))
		ck_assert_int_eq(reeve_loop_deferred_schedule(source), 0);
	note(data);
}

START_TEST(a_deferred_call_that_nobody_holds_may_free_or_repeat_itself)
{
	ck_assert_int_eq(reeve_loop_defer(loop, free_floating, LETTER('f'), NULL), 0);
	ck_assert_int_eq(reeve_loop_defer(loop, schedule_floating_once, LETTER('s'), NULL), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 2);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 1);
	ck_assert_int_eq(reeve_loop_run_once(loop, 0), 0);
	ck_assert_str_eq(calls, "fss");
	close_loop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop_timer");
	TCase *timers = loop_case("timers");
	TCase *heap = leakproof_case("heap");
	TCase *deferred = loop_case("deferred");

	tcase_add_test(timers, timers_are_called_by_deadline_and_equal_ones_in_start_order);
	tcase_add_test(timers, a_timer_is_never_early);
	tcase_add_test(timers, a_late_repeating_timer_is_called_once_and_stays_on_its_grid);
	tcase_add_test(timers, deadlines_past_the_end_of_time_are_clipped);
	suite_add_tcase(suite, timers);

	tcase_add_loop_test(heap, the_heap_is_in_order_whatever_was_done_to_it, 0, 20);
	suite_add_tcase(suite, heap);

	tcase_add_test(deferred, deferred_calls_run_after_the_rest_of_their_round);
	tcase_add_test(deferred, a_deferred_call_that_nobody_holds_may_free_or_repeat_itself);
	suite_add_tcase(suite, deferred);
	return run_suite(suite);
}
