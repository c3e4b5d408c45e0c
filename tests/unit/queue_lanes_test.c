/* The queue's lanes: what each promises. */
#include "unit/queue_lanes_fixture.h"

/* --- What is put comes out -------------------------------------------------------------------- */

static void fill(unsigned char *bytes, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(seed * 7 + i);
}

/* Each length, each number of messages at a time, several times around. */
START_TEST(each_length_goes_around)
{
	unsigned char in[LONGEST], out[LONGEST];
	size_t size;

	for (size_t length = 0; length <= LONGEST; length++) {
		unsigned next_in = 0, next_out = 0;

		while (next_out < 4 * CAPACITY) {
			while (next_in - next_out < 1 + length % CAPACITY) {
				fill(in, length, next_in++);
				ck_assert_int_eq(reeve_queue_put(queue, in, length, 0), 0);
			}
			fill(in, length, next_out++);
			memset(out, 0, sizeof out);
			ck_assert_int_eq(reeve_queue_get(queue, out, sizeof out, 0, &size), 0);
			ck_assert_uint_eq(size, length);
			ck_assert_mem_eq(in, out, length);
		}
		while (next_out++ < next_in)
			ck_assert_int_eq(reeve_queue_get(queue, out, sizeof out, 0, &size), 0);
	}
}
END_TEST

/* Whatever a lane's capacity is, powers of two and others. */
START_TEST(a_lane_holds_its_capacity_and_no_more)
{
	tear_down();
	for (unsigned capacity = 1; capacity < 20; capacity++) {
		make(capacity, _i ? 5000 : 8, 1, REEVE_QUEUE_DROP);
		for (unsigned lap = 0; lap < 3; lap++) {
			for (unsigned i = 0; i < capacity; i++) {
				ck_assert_int_eq(reeve_queue_is_full(queue), 0);
				ck_assert_int_eq(reeve_queue_size(queue), i);
				ck_assert_int_eq(put_number(i), 0);
			}
			ck_assert_int_eq(reeve_queue_is_full(queue), 1);
			ck_assert_int_eq(put_number(99), -ETIMEDOUT);
			ck_assert_int_eq(get_number(), 0);
			ck_assert_int_eq(put_number(capacity), 0);
			ck_assert_int_eq(put_number(99), -ETIMEDOUT);
			for (unsigned i = 1; i <= capacity; i++)
				ck_assert_int_eq(get_number(), (int)i);
			ck_assert_int_eq(get_number(), -ETIMEDOUT);
		}
		tear_down();
	}
	set_up();
}
END_TEST

START_TEST(long_messages)
{
	const size_t size = 1 << 20;
	unsigned char *in = malloc(size), *out = malloc(size);
	struct reeve_queue_slot slot;
	size_t got;

	tear_down();
	make(3, size, 1, REEVE_QUEUE_DROP);
	for (unsigned i = 0; i < 10; i++) {
		fill(in, size, i);
		ck_assert_int_eq(reeve_queue_put(queue, in, size, 0), 0);
		ck_assert_int_eq(reeve_queue_reserve(queue, size, 0, 0, &slot), 0);
		memcpy(slot.data, in, size);
		ck_assert_int_eq(reeve_queue_commit(queue, &slot, size - i), 0);
		ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
		ck_assert_uint_eq(slot.size, size);
		ck_assert(memcmp(slot.data, in, size) == 0);
		ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
		ck_assert_int_eq(reeve_queue_get(queue, out, size, 0, &got), 0);
		ck_assert_uint_eq(got, size - i);
		ck_assert(memcmp(out, in, got) == 0);
	}
	free(in);
	free(out);
}
END_TEST

START_TEST(a_message_that_is_too_long_for_the_buffer_stays)
{
	unsigned char bytes[LONGEST] = { 1, 2, 3 };
	size_t size = 0;

	ck_assert_int_eq(reeve_queue_put(queue, bytes, LONGEST + 1, 0), -EMSGSIZE);
	ck_assert_int_eq(reeve_queue_put(queue, bytes, LONGEST, 0), 0);
	ck_assert_int_eq(reeve_queue_get(queue, bytes, 3, 0, &size), -EMSGSIZE);
	ck_assert_uint_eq(size, LONGEST);
	ck_assert_int_eq(reeve_queue_get(queue, bytes, LONGEST, 0, &size), 0);
	ck_assert_uint_eq(size, LONGEST);
}
END_TEST

START_TEST(what_lanes_cannot_be)
{
	struct reeve_queue_spec spec = {
		.capacity = 1, .message_max = 1, .order = REEVE_QUEUE_LANES, .priorities = 2
	};
	size_t bytes;

	ck_assert_int_eq(reeve_queue_bytes(&spec, &bytes), -ENOTSUP);
	spec.priorities = 1;
	spec.joinable = true;
	ck_assert_int_eq(reeve_queue_bytes(&spec, &bytes), -ENOTSUP);
	spec.joinable = false;
	ck_assert_int_eq(reeve_queue_bytes(&spec, &bytes), 0);
}
END_TEST

/* --- Without a copy --------------------------------------------------------------------------- */

START_TEST(a_reservation_is_put_once_or_not_at_all)
{
	struct reeve_queue_slot slot, peeked;

	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &slot), 0);
	ck_assert_uint_eq((uintptr_t)slot.data % 16, 0);
	ck_assert_int_eq(reeve_queue_is_empty(queue), 1);
	ck_assert_int_eq(put_number(1), -EBUSY);
	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &peeked), -EBUSY);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 5), -EMSGSIZE);
	*(unsigned *)slot.data = 7;
	ck_assert_int_eq(reeve_queue_release(queue, &slot), -EINVAL);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 4), 0);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 4), -EINVAL);
	ck_assert_int_eq(reeve_queue_cancel(queue, &slot), -EINVAL);
	ck_assert_int_eq(get_number(), 7);
	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &slot), 0);
	ck_assert_int_eq(reeve_queue_cancel(queue, &slot), 0);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 4), -EINVAL);
	ck_assert_int_eq(get_number(), -ETIMEDOUT);
	ck_assert_int_eq(put_number(8), 0);
	ck_assert_int_eq(get_number(), 8);
}
END_TEST

START_TEST(what_is_peeked_at_is_released_or_comes_again)
{
	struct reeve_queue_slot slot, second;

	put_number(1);
	put_number(2);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	ck_assert_uint_eq(*(unsigned *)slot.data, 1);
	ck_assert(!slot.redelivered);
	ck_assert_int_eq(reeve_queue_size(queue), 1);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &second), -ETIMEDOUT); /* the lane's order */
	ck_assert_int_eq(reeve_queue_give_back(queue, &slot), 0);
	ck_assert_int_eq(reeve_queue_give_back(queue, &slot), -EINVAL);
	ck_assert_int_eq(reeve_queue_size(queue), 2);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	ck_assert_uint_eq(*(unsigned *)slot.data, 1);
	ck_assert(slot.redelivered);
	ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
	ck_assert_int_eq(reeve_queue_release(queue, &slot), -EINVAL);
	ck_assert_int_eq(get_number(), 2);
	for (unsigned i = 0; i < CAPACITY; i++)
		ck_assert_int_eq(put_number(i), 0); /* what was redelivered leaves no mark */
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	ck_assert(!slot.redelivered);
}
END_TEST

/* Whatever is reserved, or peeked at, at the same place since. */
START_TEST(a_slot_that_was_ended_is_refused)
{
	struct reeve_queue_slot old, slot;

	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &old), 0);
	ck_assert_int_eq(reeve_queue_cancel(queue, &old), 0);
	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &slot), 0);
	ck_assert_ptr_eq(old.data, slot.data);
	ck_assert_int_eq(reeve_queue_commit(queue, &old, 4), -EINVAL);
	ck_assert_int_eq(reeve_queue_cancel(queue, &old), -EINVAL);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 4), 0);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &old), 0);
	ck_assert_int_eq(reeve_queue_give_back(queue, &old), 0);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	ck_assert_int_eq(reeve_queue_release(queue, &old), -EINVAL);
	ck_assert_int_eq(reeve_queue_give_back(queue, &old), -EINVAL);
	ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
}
END_TEST

START_TEST(a_slot_made_up_is_refused)
{
	struct reeve_queue_slot slot, made_up;

	put_number(1);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	for (unsigned word = 0; word < 3; word++)
		for (unsigned bit = 0; bit < 64; bit++) {
			made_up = slot;
			made_up.reserved[word] ^= UINT64_C(1) << bit;
			if (word > 0 || bit < 32) /* above it is the size */
				ck_assert_int_eq(reeve_queue_release(queue, &made_up), -EINVAL);
			ck_assert_int_eq(reeve_queue_commit(queue, &made_up, 0), -EINVAL);
		}
	memset(&made_up, 0, sizeof made_up);
	ck_assert_int_eq(reeve_queue_release(queue, &made_up), -EINVAL);
	ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
}
END_TEST

/* --- The end ---------------------------------------------------------------------------------- */

START_TEST(closed_it_is_drained_and_then_says_so)
{
	struct reeve_queue_slot slot;

	put_number(1);
	put_number(2);
	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &slot), 0);
	ck_assert_int_eq(reeve_queue_is_closed(queue), 0);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	ck_assert_int_eq(reeve_queue_is_closed(queue), 1);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 4), -ESHUTDOWN);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 4), -EINVAL);
	ck_assert_int_eq(put_number(3), -ESHUTDOWN);
	ck_assert_int_eq(reeve_queue_size(queue), 2);
	ck_assert_int_eq(get_number(), 1);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	ck_assert_int_eq(get_number(), -ESHUTDOWN);
	ck_assert_int_eq(reeve_queue_give_back(queue, &slot), 0);
	ck_assert_int_eq(get_number(), 2);
	ck_assert_int_eq(get_number(), -ESHUTDOWN);
	ck_assert_int_eq(reeve_queue_peek(queue, REEVE_FOREVER, &slot), -ESHUTDOWN);
}
END_TEST

/* A put that was in the middle when the queue was sealed was not put, though its store came. */
START_TEST(what_lies_beyond_the_seal_was_never_put)
{
	struct lanes *lanes = queue->state;
	struct lane *lane = &lanes->lanes[1];

	put_number(1);
	ck_assert_uint_eq(atomic_load(&lane->tail), 1);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	atomic_fetch_add(&lane->tail, 1);
	ck_assert_int_eq(reeve_queue_size(queue), 1);
	ck_assert_int_eq(get_number(), 1);
	ck_assert_int_eq(get_number(), -ESHUTDOWN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue lanes");
	TCase *tcase = leakproof_case("queue lanes");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, each_length_goes_around);
	tcase_add_loop_test(tcase, a_lane_holds_its_capacity_and_no_more, 0, 2);
	tcase_add_test(tcase, long_messages);
	tcase_add_test(tcase, a_message_that_is_too_long_for_the_buffer_stays);
	tcase_add_test(tcase, what_lanes_cannot_be);
	tcase_add_test(tcase, a_reservation_is_put_once_or_not_at_all);
	tcase_add_test(tcase, what_is_peeked_at_is_released_or_comes_again);
	tcase_add_test(tcase, a_slot_that_was_ended_is_refused);
	tcase_add_test(tcase, a_slot_made_up_is_refused);
	tcase_add_test(tcase, closed_it_is_drained_and_then_says_so);
	tcase_add_test(tcase, what_lies_beyond_the_seal_was_never_put);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
