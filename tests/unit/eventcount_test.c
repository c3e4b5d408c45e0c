/* No sleeper is forgotten, whoever is woken, whoever is killed. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/arena/eventcount.h"
#include "unit/arena_fixture.h"

#define TAKERS 4
#define ITEMS 20000u

/* A heap of items that are taken one by one: enough of a queue to sleep on. */
struct heap {
	struct eventcount event;
	_Atomic uint32_t items;
};

static struct reeve_arena *arena;
static struct heap *heap;

static void set_up(void)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = 8 };

	ck_assert_int_eq(reeve_arena_new(&spec, &arena), 0);
	ck_assert_int_eq(
		reeve_arena_block_new(arena, "heap", sizeof *heap, 0, (void **)&heap), 0);
}

static void tear_down(void)
{
	arena = reeve_arena_free(arena);
}

static bool try_take(void)
{
	uint32_t items = atomic_load(&heap->items);

	while (items)
		if (atomic_compare_exchange_weak(&heap->items, &items, items - 1))
			return true;
	return false;
}

static int take(reeve_nsec deadline)
{
	for (;;) {
		uint32_t key;
		int r;

		if (try_take())
			return 0;
		key = eventcount_prepare(&heap->event);
		if (try_take())
			return 0;
		r = eventcount_wait(arena, &heap->event, key, deadline);
		if (r < 0)
			return r;
	}
}

static void give(void)
{
	atomic_fetch_add(&heap->items, 1);
	eventcount_notify(&heap->event, 1);
}

static void *take_some(void *data)
{
	for (unsigned i = 0; i < ITEMS; i++)
		ck_assert_int_eq(take(REEVE_FOREVER), 0);
	return NULL;
}

/* One notification for each item, and each taker wants as many: a forgotten one would sleep on. */
START_TEST(nobody_is_forgotten)
{
	pthread_t threads[TAKERS];

	sleepers_do_not_look_by_themselves();
	for (int i = 0; i < TAKERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_some, NULL), 0);
	for (unsigned i = 0; i < TAKERS * ITEMS; i++)
		give();
	for (int i = 0; i < TAKERS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(atomic_load(&heap->items), 0);
}
END_TEST

START_TEST(the_bit_is_cleared_when_nobody_sleeps)
{
	uint32_t key = eventcount_prepare(&heap->event), after;

	eventcount_notify(&heap->event, 1);
	after = atomic_load(&heap->event.word);
	ck_assert_uint_eq(after & EVENTCOUNT_SLEEPERS, 0);
	ck_assert_int_eq(eventcount_wait(arena, &heap->event, key, REEVE_FOREVER), 0);
	eventcount_notify(&heap->event, 1);
	ck_assert_uint_eq(atomic_load(&heap->event.word), after);
}
END_TEST

START_TEST(a_deadline_ends_the_wait)
{
	ck_assert_int_eq(take(reeve_now() + REEVE_MSEC), -ETIMEDOUT);
	give();
	ck_assert_int_eq(take(reeve_now()), 0);
}
END_TEST

/* Sleepers that were killed cost those that live nothing. */
START_TEST(killed_sleepers_do_not_matter)
{
	pid_t children[TAKERS];

	for (int i = 0; i < TAKERS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			take(REEVE_FOREVER);
			_exit(1);
		}
	}
	for (int i = 0; i < TAKERS; i++) {
		ck_assert_int_eq(kill(children[i], SIGKILL), 0);
		ck_assert_int_eq(waitpid(children[i], NULL, 0), children[i]);
	}
	for (unsigned i = 0; i < 100; i++) {
		give();
		ck_assert_int_eq(take(REEVE_FOREVER), 0);
	}
}
END_TEST

static void *take_one(void *data)
{
	*(int *)data = take(REEVE_FOREVER);
	return NULL;
}

/* As a giver leaves it that is killed before it notifies. */
START_TEST(recovery_wakes_all)
{
	pthread_t threads[TAKERS];
	int results[TAKERS];

	sleepers_do_not_look_by_themselves();
	for (int i = 0; i < TAKERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_one, &results[i]), 0);
	atomic_fetch_add(&heap->items, TAKERS);
	eventcount_recover(&heap->event);
	for (int i = 0; i < TAKERS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(results[i], 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("eventcount");
	TCase *tcase = leakproof_case("eventcount");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, nobody_is_forgotten);
	tcase_add_test(tcase, the_bit_is_cleared_when_nobody_sleeps);
	tcase_add_test(tcase, a_deadline_ends_the_wait);
	tcase_add_test(tcase, killed_sleepers_do_not_matter);
	tcase_add_test(tcase, recovery_wakes_all);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
