/* A queue in one process: what comes out is what went in, in the order that was promised. */
#include "unit/queue_fixture.h"

START_TEST(descriptions_that_make_no_sense_have_their_own_errors)
{
	static const struct {
		struct reeve_queue_spec spec;
		int error;
	} cases[] = {
		{ { .capacity = 0, .message_max = 1 }, -EINVAL },
		{ { .capacity = 1, .message_max = 0 }, -EINVAL },
		{ { .capacity = 1, .message_max = 1, .order = 7 }, -EINVAL },
		{ { .capacity = 1, .message_max = 1, .on_death = 7 }, -EINVAL },
		{ { .capacity = REEVE_QUEUE_CAPACITY_MAX + 1, .message_max = 1 }, -EOVERFLOW },
		{ { .capacity = 1, .message_max = REEVE_QUEUE_MESSAGE_MAX + 1 }, -EOVERFLOW },
		{ { .capacity = 1, .message_max = 1, .priorities = 9 }, -EOVERFLOW },
		{ { .capacity = 1, .message_max = 1, .producers = 1025 }, -EOVERFLOW },
		{ { .capacity = SIZE_MAX, .message_max = SIZE_MAX }, -EOVERFLOW },
		{ { .capacity = REEVE_QUEUE_CAPACITY_MAX, .message_max = REEVE_QUEUE_MESSAGE_MAX },
			-ENOSPC },
	};
	struct reeve_arena *arena = small_arena(2, 4);
	struct reeve_queue *queue = NULL;
	size_t bytes = 77;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_int_eq(
			reeve_queue_new(arena, "q", &cases[i].spec, 0, &queue), cases[i].error);
		ck_assert_int_eq(reeve_queue_bytes(&cases[i].spec, &bytes),
			cases[i].error == -ENOSPC ? 0 : cases[i].error);
	}
	ck_assert_ptr_null(queue);
	ck_assert_int_eq(reeve_queue_open(arena, "q", &queue), -ENOENT);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(null_is_an_error_and_never_a_crash)
{
	struct reeve_queue_spec spec = { .capacity = 2, .message_max = 8 };
	struct reeve_queue_statistics statistics;
	struct reeve_queue_slot slot;
	struct reeve_queue *queue;
	struct reeve_arena *arena = arena_with_queue(&spec, &queue);
	struct iovec message = { NULL, 1 };
	size_t bytes;

	ck_assert_int_eq(reeve_queue_new(NULL, "x", &spec, 0, &queue), -EFAULT);
	ck_assert_int_eq(reeve_queue_new(arena, NULL, &spec, 0, &queue), -EFAULT);
	ck_assert_int_eq(reeve_queue_new(arena, "x", NULL, 0, &queue), -EFAULT);
	ck_assert_int_eq(reeve_queue_new(arena, "x", &spec, 0, NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_new(arena, "x", &spec, -7, &queue), -EINVAL);
	ck_assert_int_eq(reeve_queue_bytes(NULL, &bytes), -EFAULT);
	ck_assert_int_eq(reeve_queue_bytes(&spec, NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_open(NULL, "q", &queue), -EFAULT);
	ck_assert_int_eq(reeve_queue_open(arena, "q", NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_remove(NULL, "q", 0), -EFAULT);
	ck_assert_int_eq(reeve_queue_put(NULL, "x", 1, 0), -EFAULT);
	ck_assert_int_eq(reeve_queue_put(queue, NULL, 1, 0), -EFAULT);
	ck_assert_int_eq(reeve_queue_put_many(queue, NULL, 1, 0, 0), -EFAULT);
	ck_assert_int_eq(reeve_queue_put_many(queue, &message, 1, 0, 0), -EFAULT);
	ck_assert_int_eq(reeve_queue_put_many(queue, &message, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(reeve_queue_get(NULL, &bytes, 1, 0, NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_get(queue, NULL, 1, 0, NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_get_many(queue, NULL, 1, 0), -EFAULT);
	ck_assert_int_eq(reeve_queue_get_many(queue, &message, 0, 0), -EINVAL);
	ck_assert_int_eq(reeve_queue_reserve(NULL, 1, 0, 0, &slot), -EFAULT);
	ck_assert_int_eq(reeve_queue_reserve(queue, 1, 0, 0, NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_commit(queue, NULL, 1), -EFAULT);
	ck_assert_int_eq(reeve_queue_cancel(queue, NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_release(queue, NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_give_back(queue, NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_size(NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_is_empty(NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_is_full(NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_is_closed(NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_close(NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_fd(NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_task_done(NULL), -EFAULT);
	ck_assert_int_eq(reeve_queue_join(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_queue_statistics(NULL, &statistics), -EFAULT);
	ck_assert_int_eq(reeve_queue_statistics(queue, NULL), -EFAULT);
	ck_assert_uint_eq(reeve_queue_capacity(NULL), 0);
	ck_assert_uint_eq(reeve_queue_message_max(NULL), 0);
	ck_assert_ptr_null(reeve_queue_free(NULL));
	ck_assert_int_eq(reeve_queue_put(queue, "x", 1, -7), -EINVAL);
	ck_assert_int_eq(reeve_queue_put_priority(queue, "x", 1, 1, 0), -EINVAL);
	ck_assert_int_eq(reeve_queue_put(queue, "123456789", 9, 0), -EMSGSIZE);
	ck_assert_int_eq(reeve_queue_task_done(queue), -ENOTSUP);
	ck_assert_int_eq(reeve_queue_join(queue, 0), -ENOTSUP);
	ck_assert_int_eq(reeve_queue_size(queue), 0);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(a_queue_is_found_by_its_name_and_removed)
{
	struct reeve_queue_spec spec = { .capacity = 2, .message_max = 8 };
	struct reeve_queue *queue, *other;
	struct reeve_arena *arena = arena_with_queue(&spec, &queue);
	void *block;

	ck_assert_int_eq(reeve_queue_new(arena, "q", &spec, 0, &other), -EEXIST);
	ck_assert_int_eq(reeve_queue_open(arena, "q", &other), 0);
	ck_assert_int_eq(reeve_arena_block_open(arena, "q", &block, NULL), -EPROTOTYPE);
	put_number(queue, 7);
	ck_assert_uint_eq(get_number(other), 7);
	reeve_queue_free(other);
	reeve_queue_free(queue);
	ck_assert_int_eq(reeve_queue_remove(arena, "q", 0), 0);
	ck_assert_int_eq(reeve_queue_remove(arena, "q", 0), -ENOENT);
	ck_assert_int_eq(reeve_arena_block_new(arena, "q", 64, 0, &block), 0);
	ck_assert_int_eq(reeve_queue_open(arena, "q", &other), -EPROTOTYPE);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(a_message_that_does_not_fit_stays_and_tells_its_size)
{
	struct reeve_queue_spec spec = { .capacity = 2, .message_max = 100 };
	struct reeve_queue *queue;
	struct reeve_arena *arena = arena_with_queue(&spec, &queue);
	char room[100];
	size_t size = 0;

	ck_assert_int_eq(reeve_queue_put(queue, "0123456789", 10, 0), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(reeve_queue_get(queue, room, 9, 0, &size), -EMSGSIZE);
		ck_assert_uint_eq(size, 10);
	}
	ck_assert_int_eq(reeve_queue_get(queue, room, size, 0, &size), 0);
	ck_assert_mem_eq(room, "0123456789", 10);
	ck_assert_int_eq(reeve_queue_get(queue, room, 9, 0, NULL), -ETIMEDOUT);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(batches_are_put_and_got_in_order_as_far_as_they_go)
{
	struct reeve_queue_spec spec = { .capacity = 5, .message_max = 8 };
	struct reeve_queue *queue;
	struct reeve_arena *arena = arena_with_queue(&spec, &queue);
	char in[8] = "abcdefgh", out[8] = { 0 };
	struct iovec in_parts[8], out_parts[8];

	for (int i = 0; i < 8; i++)
		in_parts[i] = (struct iovec){ &in[i], 1 };
	ck_assert_int_eq(reeve_queue_put_many(queue, in_parts, 8, 0, 0), 5);
	ck_assert_int_eq(reeve_queue_put_many(queue, in_parts, 8, 0, REEVE_MSEC), -ETIMEDOUT);
	for (int i = 0; i < 8; i++)
		out_parts[i] = (struct iovec){ &out[i], 1 };
	ck_assert_int_eq(reeve_queue_get_many(queue, out_parts, 2, 0), 2);
	ck_assert_int_eq(reeve_queue_get_many(queue, out_parts + 2, 6, 0), 3);
	ck_assert_mem_eq(out, "abcde\0\0\0", 8);
	ck_assert_int_eq(reeve_queue_get_many(queue, out_parts, 8, 0), -ETIMEDOUT);
	in_parts[3].iov_len = 9;
	ck_assert_int_eq(reeve_queue_put_many(queue, in_parts, 4, 0, 0), -EMSGSIZE);
	ck_assert_int_eq(reeve_queue_size(queue), 0);
	in_parts[1].iov_len = 2;
	ck_assert_int_eq(reeve_queue_put_many(queue, in_parts, 3, 0, 0), 3);
	for (int i = 0; i < 8; i++)
		out_parts[i] = (struct iovec){ &out[i], 1 };
	ck_assert_int_eq(reeve_queue_get_many(queue, out_parts, 8, 0), 1);
	ck_assert_uint_eq(out_parts[1].iov_len, 1);
	ck_assert_int_eq(reeve_queue_get_many(queue, out_parts, 8, 0), -EMSGSIZE);
	ck_assert_uint_eq(out_parts[0].iov_len, 2);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(a_slot_is_ended_once_and_by_its_own_queue)
{
	struct reeve_queue_spec spec = { .capacity = 2, .message_max = 8 };
	struct reeve_queue *queue, *other;
	struct reeve_arena *arena = arena_with_queue(&spec, &queue);
	struct reeve_arena *arena_of_other = arena_with_queue(&spec, &other);
	struct reeve_queue_slot slot, forged;

	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &slot), 0);
	ck_assert_uint_eq((uintptr_t)slot.data % 16, 0);
	ck_assert_int_eq(reeve_queue_commit(other, &slot, 4), -EINVAL);
	ck_assert_int_eq(reeve_queue_release(queue, &slot), -EINVAL);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 5), -EMSGSIZE);
	for (unsigned i = 0; i < 2; i++) {
		forged = slot;
		forged.reserved[i] = UINT64_MAX;
		ck_assert_int_eq(reeve_queue_commit(queue, &forged, 4), -EINVAL);
	}
	forged = slot;
	forged.priority = 1;
	ck_assert_int_eq(reeve_queue_commit(queue, &forged, 4), -EINVAL);
	memset(slot.data, 'x', 4);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 3), 0);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 3), -EINVAL);
	ck_assert_int_eq(reeve_queue_cancel(queue, &slot), -EINVAL);

	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	ck_assert_uint_eq(slot.size, 3);
	ck_assert_mem_eq(slot.data, "xxx", 3);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, 3), -EINVAL);
	ck_assert_int_eq(reeve_queue_release(other, &slot), -EINVAL);
	ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
	ck_assert_int_eq(reeve_queue_release(queue, &slot), -EINVAL);
	ck_assert_int_eq(reeve_queue_give_back(queue, &slot), -EINVAL);

	ck_assert_int_eq(reeve_queue_reserve(queue, 0, 0, 0, &slot), 0);
	ck_assert_int_eq(reeve_queue_cancel(queue, &slot), 0);
	ck_assert_int_eq(reeve_queue_cancel(queue, &slot), -EINVAL);
	ck_assert_int_eq(reeve_queue_is_empty(queue), 1);
	reeve_queue_free(other);
	reeve_arena_free(arena_of_other);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}
END_TEST

static int try_all_of_parents(struct reeve_arena *arena, struct reeve_queue *queue,
	const struct reeve_queue_slot *reserved, const struct reeve_queue_slot *peeked)
{
	unsigned number;

	return reeve_queue_commit(queue, reserved, 1) == -EINVAL &&
	       reeve_queue_cancel(queue, reserved) == -EINVAL &&
	       reeve_queue_release(queue, peeked) == -EINVAL &&
	       reeve_queue_give_back(queue, peeked) == -EINVAL &&
	       reeve_queue_get(queue, &number, sizeof number, 0, NULL) == 0 && number == 2 &&
	       reeve_queue_put(queue, &number, sizeof number, 0) == 0;
}

START_TEST(a_child_uses_its_parents_handle_but_not_its_slots)
{
	struct reeve_queue_spec spec = { .capacity = 4, .message_max = 8 };
	struct reeve_queue *queue;
	struct reeve_arena *arena = arena_with_queue(&spec, &queue);
	struct reeve_queue_slot reserved, peeked;
	int status;
	pid_t pid;

	put_number(queue, 1);
	put_number(queue, 2);
	ck_assert_int_eq(reeve_queue_reserve(queue, 1, 0, 0, &reserved), 0);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &peeked), 0);
	pid = fork();
	if (pid == 0)
		_exit(try_all_of_parents(arena, queue, &reserved, &peeked) ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(get_number(queue), 2);
	ck_assert_int_eq(reeve_queue_release(queue, &peeked), 0);
	ck_assert_int_eq(reeve_queue_commit(queue, &reserved, 1), 0);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
	ck_assert_int_eq(reeve_queue_size(queue), 1);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(what_was_put_is_got_after_the_queue_is_closed)
{
	struct reeve_queue_spec spec = { .capacity = 4, .message_max = 8, .priorities = 3 };
	struct reeve_queue *queue;
	struct reeve_arena *arena = arena_with_queue(&spec, &queue);
	struct reeve_queue_slot reserved, peeked;
	unsigned number = 9;

	put_number(queue, 1);
	ck_assert_int_eq(reeve_queue_put_priority(queue, &number, sizeof number, 2, 0), 0);
	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 1, 0, &reserved), 0);
	ck_assert_int_eq(reeve_queue_is_closed(queue), 0);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	ck_assert_int_eq(reeve_queue_is_closed(queue), 1);
	ck_assert_int_eq(reeve_queue_put(queue, "x", 1, REEVE_FOREVER), -ESHUTDOWN);
	ck_assert_int_eq(reeve_queue_put_priority(queue, "x", 1, 2, 0), -ESHUTDOWN);
	ck_assert_int_eq(reeve_queue_commit(queue, &reserved, 4), -ESHUTDOWN);
	ck_assert_int_eq(reeve_queue_cancel(queue, &reserved), -EINVAL);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &peeked), 0);
	ck_assert_uint_eq(*(unsigned *)peeked.data, 9);
	ck_assert_int_eq(reeve_queue_give_back(queue, &peeked), 0);
	ck_assert_uint_eq(get_number(queue), 9);
	ck_assert_uint_eq(get_number(queue), 1);
	ck_assert_int_eq(
		reeve_queue_get(queue, &number, sizeof number, REEVE_FOREVER, NULL), -ESHUTDOWN);
	ck_assert_int_eq(reeve_queue_peek(queue, REEVE_FOREVER, &peeked), -ESHUTDOWN);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(tasks_are_done_one_by_one_and_joined)
{
	struct reeve_queue_spec spec = { .capacity = 3, .message_max = 8, .joinable = true };
	struct reeve_queue *queue;
	struct reeve_arena *arena = arena_with_queue(&spec, &queue);
	struct reeve_queue_slot slot;

	ck_assert_int_eq(reeve_queue_join(queue, REEVE_FOREVER), 0);
	ck_assert_int_eq(reeve_queue_task_done(queue), -ENOMSG);
	for (unsigned i = 1; i <= 3; i++)
		put_number(queue, i);
	ck_assert_int_eq(reeve_queue_task_done(queue), -ENOMSG);
	for (unsigned i = 1; i <= 2; i++)
		ck_assert_uint_eq(get_number(queue), i);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	ck_assert_int_eq(reeve_queue_is_empty(queue), 1);
	ck_assert_int_eq(reeve_queue_is_full(queue), 1); /* what is not done takes up room */
	ck_assert_int_eq(reeve_queue_put(queue, "x", 1, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_queue_join(queue, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_queue_task_done(queue), 0);
	ck_assert_int_eq(reeve_queue_is_full(queue), 0);
	ck_assert_int_eq(reeve_queue_task_done(queue), 0);
	ck_assert_int_eq(reeve_queue_task_done(queue), -ENOMSG);
	ck_assert_int_eq(reeve_queue_join(queue, REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
	ck_assert_int_eq(reeve_queue_join(queue, REEVE_FOREVER), 0);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tcase = leakproof_case("queue");

	tcase_add_test(tcase, descriptions_that_make_no_sense_have_their_own_errors);
	tcase_add_test(tcase, null_is_an_error_and_never_a_crash);
	tcase_add_test(tcase, a_queue_is_found_by_its_name_and_removed);
	tcase_add_test(tcase, a_message_that_does_not_fit_stays_and_tells_its_size);
	tcase_add_test(tcase, batches_are_put_and_got_in_order_as_far_as_they_go);
	tcase_add_test(tcase, a_slot_is_ended_once_and_by_its_own_queue);
	tcase_add_test(tcase, a_child_uses_its_parents_handle_but_not_its_slots);
	tcase_add_test(tcase, what_was_put_is_got_after_the_queue_is_closed);
	tcase_add_test(tcase, tasks_are_done_one_by_one_and_joined);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
