/* The queue's lanes: what deaths, forks and scribbling leave of them. */
#include "unit/queue_lanes_fixture.h"

/* --- Deaths ----------------------------------------------------------------------------------- */

static struct reeve_queue *of_child(struct reeve_arena *its_arena)
{
	struct reeve_queue *its;

	if (reeve_queue_open(its_arena, "q", &its) < 0)
		_exit(1);
	return its;
}

static void peek(struct reeve_arena *its_arena)
{
	struct reeve_queue_slot slot;

	if (reeve_queue_peek(of_child(its_arena), 0, &slot) < 0)
		_exit(1);
}

static void put_and_reserve(struct reeve_arena *its_arena)
{
	struct reeve_queue *its = of_child(its_arena);
	struct reeve_queue_slot slot;
	unsigned number = 1;

	if (reeve_queue_put(its, &number, sizeof number, 0) < 0 ||
		reeve_queue_reserve(its, 4, 0, 0, &slot) < 0)
		_exit(1);
}

START_TEST(what_a_dead_consumer_peeked_at_is_dropped_or_comes_again)
{
	struct reeve_queue_statistics statistics;
	struct reeve_queue_slot slot;

	tear_down();
	make(CAPACITY, 4, 1, _i ? REEVE_QUEUE_REDELIVER : REEVE_QUEUE_DROP);
	put_number(1);
	put_number(2);
	kill_and_reap(start_participant(arena, peek));
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), -ETIMEDOUT);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	ck_assert_uint_eq(*(unsigned *)slot.data, _i ? 1 : 2);
	ck_assert(slot.redelivered == (_i == 1));
	ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
	ck_assert_int_eq(reeve_queue_statistics(queue, &statistics), 0);
	ck_assert_uint_eq(statistics.put, 2);
	ck_assert_uint_eq(statistics.got, _i ? 1 : 2);
	ck_assert_uint_eq(statistics.dropped, _i ? 0 : 1);
	ck_assert_uint_eq(statistics.redelivered, _i ? 1 : 0);
	ck_assert_int_eq(get_number(), _i ? 2 : -ETIMEDOUT);
}
END_TEST

/* Its lane, too, is somebody else's then: more of them than there are lanes. */
START_TEST(a_dead_producers_message_is_delivered_and_its_reservation_is_not)
{
	for (unsigned i = 0; i < 5; i++) {
		kill_and_reap(start_participant(arena, put_and_reserve));
		ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
		ck_assert_int_eq(get_number(), 1);
		ck_assert_int_eq(get_number(), -ETIMEDOUT);
	}
	for (unsigned i = 0; i < CAPACITY; i++)
		ck_assert_int_eq(put_number(i), 0);
	ck_assert_int_eq(put_number(9), -ETIMEDOUT);
}
END_TEST

static struct reeve_queue_slot inherited;

static int use_inherited(struct reeve_arena *unused)
{
	unsigned number = 5;

	if (reeve_queue_commit(queue, &inherited, 4) != -EINVAL)
		return 1;
	if (reeve_queue_put(queue, &number, sizeof number, 0) < 0)
		return 2;
	return 0;
}

/* Its parent's lane is not the child's, nor are its slots. */
START_TEST(a_forked_child_has_a_lane_of_its_own)
{
	ck_assert_int_eq(put_number(1), 0);
	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &inherited), 0);
	ck_assert_int_eq(in_child(use_inherited, arena), 0);
	*(unsigned *)inherited.data = 2;
	ck_assert_int_eq(reeve_queue_commit(queue, &inherited, 4), 0);
	ck_assert_int_eq(get_number() + get_number() + get_number(), 1 + 2 + 5);
}
END_TEST

START_TEST(detached_and_attached_again)
{
	ck_assert_int_eq(put_number(1), 0);
	ck_assert_int_eq(reeve_arena_detach(arena, 0), 0);
	ck_assert_int_eq(
		in_child(use_inherited, arena), 0); /* takes the place, and maybe the lane */
	ck_assert_int_eq(put_number(2), 0);
	ck_assert_int_eq(get_number() + get_number() + get_number(), 1 + 2 + 5);
}
END_TEST

/* --- Scribbled over --------------------------------------------------------------------------- */

static void use_all(void)
{
	struct reeve_queue_statistics statistics;
	struct reeve_queue_slot slot;
	unsigned char bytes[LONGEST];

	for (unsigned i = 0; i < 2 * CAPACITY; i++)
		(void)reeve_queue_put(queue, bytes, LONGEST, 0);
	if (reeve_queue_reserve(queue, LONGEST, 0, 0, &slot) == 0) {
		memset(slot.data, 0, slot.size);
		(void)reeve_queue_commit(queue, &slot, slot.size);
	}
	if (reeve_queue_peek(queue, 0, &slot) == 0) {
		memset(slot.data, 0, slot.size);
		(void)reeve_queue_release(queue, &slot);
	}
	for (unsigned i = 0; i < 2 * CAPACITY; i++)
		(void)reeve_queue_get(queue, bytes, sizeof bytes, 0, NULL);
	(void)reeve_queue_size(queue);
	(void)reeve_queue_is_full(queue);
	(void)reeve_queue_is_closed(queue);
	(void)reeve_queue_statistics(queue, &statistics);
	(void)reeve_arena_recover(arena, 0);
	(void)reeve_arena_detach(arena, 0);
}

/* Nothing worse than errors; what is read and written stays in the queue (AddressSanitizer and the
 * bytes around it say so). */
START_TEST(garbage_is_an_error)
{
	struct arena_object object;
	uint64_t seed = (uint64_t)_i * 7919 + 1;

	ck_assert_int_eq(arena_object_find(arena, ARENA_TYPE_QUEUE, "q", &object), 0);
	for (unsigned round = 0; round < 200; round++) {
		unsigned char *bytes = object.memory;

		for (unsigned i = 0; i < 1 + round; i++) {
			uint64_t at;

			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			at = sizeof(struct queue_header) +
			     (seed >> 33) % (object.size - sizeof(struct queue_header));
			bytes[at] = (unsigned char)(seed >> 24);
		}
		if (round % 4 == 3)
			memset(bytes + sizeof(struct queue_header), (int)(seed >> 56),
				object.size - sizeof(struct queue_header));
		use_all();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue lanes, deaths");
	TCase *tcase = leakproof_case("queue lanes, deaths");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, what_a_dead_consumer_peeked_at_is_dropped_or_comes_again, 0, 2);
	tcase_add_test(tcase, a_dead_producers_message_is_delivered_and_its_reservation_is_not);
	tcase_add_test(tcase, a_forked_child_has_a_lane_of_its_own);
	tcase_add_test(tcase, detached_and_attached_again);
	tcase_add_loop_test(tcase, garbage_is_an_error, 0, 8);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
