/* The queue's lanes, with each system call failing in turn. */
#include <pthread.h>

#include "reeve/queue.h"
#include "support/each_fault.h"

static struct reeve_arena *arena;
static struct reeve_queue *one, *two;

static int use(void)
{
	struct reeve_queue_spec spec = {
		.capacity = 2, .message_max = 16, .order = REEVE_QUEUE_LANES, .producers = 2
	};
	struct reeve_arena_spec arena_spec = { .participants = 2 };
	struct reeve_queue_slot slot;
	char bytes[16] = { 0 };
	int r;

	TRY(reeve_queue_bytes(&spec, &arena_spec.size));
	TRY(reeve_arena_new(&arena_spec, &arena));
	TRY(reeve_queue_new(arena, "q", &spec, 0, &one));
	TRY(reeve_queue_open(arena, "q", &two));
	TRY(reeve_queue_put(one, bytes, sizeof bytes, 0));
	TRY(reeve_queue_put(two, bytes, sizeof bytes, 0));
	TRY(reeve_queue_get(one, bytes, sizeof bytes, 0, NULL));
	TRY(reeve_queue_reserve(two, 8, 0, 0, &slot));
	TRY(reeve_queue_commit(two, &slot, 8));
	TRY(reeve_queue_peek(two, 0, &slot));
	TRY(reeve_queue_release(one, &slot));
	TRY(reeve_queue_get(two, bytes, sizeof bytes, REEVE_FOREVER, NULL));
	r = reeve_queue_get(two, bytes, sizeof bytes, REEVE_MSEC, NULL);
	if (r != -ETIMEDOUT)
		return r;
	TRY(reeve_queue_close(one));
	return 0;
}

static int scenario(void)
{
	int r;

	arena = NULL;
	one = two = NULL;
	r = use();
	two = reeve_queue_free(two);
	one = reeve_queue_free(one);
	arena = reeve_arena_free(arena);
	return r;
}

START_TEST(each_call_fails_in_turn)
{
	/* membarrier: the queue is made without it, or somebody sleeps without it. The others as in
	 * arena_fault.c. */
	static const char *const absorbed[] = { "open", "read", "fcntl", "membarrier", NULL };

	fail_each_call(scenario, EIO, absorbed);
	fail_each_call(scenario, ENOMEM, absorbed);
}
END_TEST

/* What has once been done for the process has succeeded when it is done again. */
START_TEST(the_first_queue_of_a_process_may_fail)
{
	static const char *const calls[] = { "pthread_key_create", "pthread_atfork" };

	faulty_arm_call(calls[_i], 1 + (_i == 1 ? 2 : 0), EAGAIN);
	scenario();
	ck_assert(faulty_fired());
	faulty_disarm();
	ck_assert_int_eq(scenario(), 0);
}
END_TEST

/* Where there is no membarrier(2), all do without; where only one process is denied it, it is told. */
START_TEST(without_membarrier)
{
	struct reeve_queue_spec spec = {
		.capacity = 2, .message_max = 16, .order = REEVE_QUEUE_LANES
	};
	struct reeve_arena_spec arena_spec = { .participants = 2 };
	char bytes[16];

	ck_assert_int_eq(reeve_queue_bytes(&spec, &arena_spec.size), 0);
	arena_spec.size *= 2;
	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	faulty_arm_call("membarrier", 1, ENOSYS);
	ck_assert_int_eq(reeve_queue_new(arena, "without", &spec, 0, &one), 0);
	ck_assert(faulty_fired());
	faulty_arm_call("membarrier", 1, ENOSYS); /* none is made any more */
	ck_assert_int_eq(reeve_queue_open(arena, "without", &two), 0);
	ck_assert_int_eq(reeve_queue_put(one, "a", 1, 0), 0);
	ck_assert_int_eq(reeve_queue_get(two, bytes, sizeof bytes, 0, NULL), 0);
	ck_assert_int_eq(reeve_queue_get(two, bytes, sizeof bytes, REEVE_MSEC, NULL), -ETIMEDOUT);
	ck_assert_int_eq(reeve_queue_close(two), 0);
	ck_assert_int_eq(reeve_queue_get(one, bytes, sizeof bytes, 0, NULL), -ESHUTDOWN);
	ck_assert(!faulty_fired());
	faulty_disarm();
	one = reeve_queue_free(one);
	two = reeve_queue_free(two);

	ck_assert_int_eq(reeve_queue_new(arena, "with", &spec, 0, &one), 0);
	faulty_arm_call("membarrier", 1, EPERM);
	ck_assert_int_eq(reeve_queue_open(arena, "with", &two), -EPERM);
	ck_assert_int_eq(reeve_queue_put(one, "a", 1, 0), 0);
	faulty_arm_call("membarrier", 1, EPERM);
	ck_assert_int_eq(reeve_queue_close(one), -EPERM);
	ck_assert_int_eq(reeve_queue_put(one, "a", 1, 0), -ESHUTDOWN);
	faulty_disarm();
	ck_assert_int_eq(reeve_queue_get(one, bytes, sizeof bytes, 0, NULL), 0);
	ck_assert_int_eq(reeve_queue_get(one, bytes, sizeof bytes, 0, NULL), -ESHUTDOWN);
	one = reeve_queue_free(one);
	arena = reeve_arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue lanes fault");
	TCase *tcase = leakproof_case("queue lanes fault");

	tcase_add_test(tcase, each_call_fails_in_turn);
	tcase_add_loop_test(tcase, the_first_queue_of_a_process_may_fail, 0, 2);
	tcase_add_test(tcase, without_membarrier);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
