/* The queue, with each system call and each request for memory failing in turn: the right error, and
 * neither a descriptor nor a thread nor a message is lost. */
#include "reeve/queue.h"
#include "support/each_fault.h"

static struct reeve_arena *arena;
static struct reeve_queue *one, *two;

static int use(void)
{
	struct reeve_arena_spec arena_spec = { .size = 4096, .participants = 2 };
	struct reeve_queue_spec spec = { .capacity = 2, .message_max = 8, .joinable = true };
	struct reeve_queue_slot slot;
	char byte;

	TRY(reeve_arena_new(&arena_spec, &arena));
	TRY(reeve_queue_new(arena, "q", &spec, 0, &one));
	TRY(reeve_queue_open(arena, "q", &two));
	TRY(reeve_queue_put(one, "x", 1, REEVE_FOREVER));
	TRY(reeve_queue_fd(two));
	TRY(reeve_queue_get(two, &byte, 1, REEVE_FOREVER, NULL));
	TRY(reeve_queue_task_done(two));
	TRY(reeve_queue_reserve(one, 8, 0, 0, &slot));
	TRY(reeve_queue_commit(one, &slot, 8));
	TRY(reeve_queue_peek(two, 0, &slot));
	TRY(reeve_queue_release(two, &slot));
	TRY(reeve_queue_join(one, 0));
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
	/* open, read, fcntl: as for the arena. read, write: the descriptor's, which then tells too
	 * much or comes later. prctl: its thread's name. futex_wait: that thread looks again. */
	static const char *const absorbed[] = { "open", "read", "write", "fcntl", "prctl",
		"futex_wait", "futex_wait_shared", NULL };

	ck_assert_int_eq(scenario(), 0); /* what is done but once per process */
	fail_each_call(scenario, EIO, absorbed);
	fail_each_call(scenario, ENOMEM, absorbed);
}
END_TEST

/* A queue that could not be made is not there, and a handle that could not be made changes nothing. */
START_TEST(without_memory_there_is_no_queue)
{
	struct reeve_arena_spec arena_spec = { .size = 4096, .participants = 2 };
	struct reeve_queue_spec spec = { .capacity = 2, .message_max = 8 };
	const char *const calls[] = { "calloc", "malloc", "fallocate" };

	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		faulty_arm_call(calls[i], 1, ENOMEM);
		ck_assert_int_eq(reeve_queue_new(arena, "q", &spec, 0, &one), -ENOMEM);
		faulty_disarm();
		ck_assert_int_eq(reeve_queue_open(arena, "q", &one), -ENOENT);
	}
	ck_assert_int_eq(reeve_queue_new(arena, "q", &spec, 0, &one), 0);
	ck_assert_int_eq(reeve_queue_put(one, "x", 1, 0), 0);
	faulty_arm_call("calloc", 1, ENOMEM);
	ck_assert_int_eq(reeve_queue_open(arena, "q", &two), -ENOMEM);
	faulty_disarm();
	faulty_arm_call("pthread_create", 1, EAGAIN);
	ck_assert_int_eq(reeve_queue_fd(one), -EAGAIN);
	faulty_disarm();
	ck_assert_int_eq(reeve_queue_size(one), 1);
	one = reeve_queue_free(one);
	arena = reeve_arena_free(arena);
}
END_TEST

/* A wait that the kernel refuses ends with its error, and takes nothing. */
START_TEST(a_wait_that_fails_takes_nothing)
{
	struct reeve_arena_spec arena_spec = { .size = 4096, .participants = 2 };
	struct reeve_queue_spec spec = { .capacity = 1, .message_max = 8 };
	char byte;

	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "q", &spec, 0, &one), 0);
	faulty_arm_call("futex_wait_shared", 1, EIO);
	ck_assert_int_eq(reeve_queue_get(one, &byte, 1, REEVE_FOREVER, NULL), -EIO);
	faulty_disarm();
	ck_assert_int_eq(reeve_queue_put(one, "x", 1, 0), 0);
	faulty_arm_call("futex_wait_shared", 1, EIO);
	ck_assert_int_eq(reeve_queue_put(one, "y", 1, REEVE_FOREVER), -EIO);
	faulty_disarm();
	ck_assert_int_eq(reeve_queue_get(one, &byte, 1, 0, NULL), 0);
	ck_assert_int_eq(byte, 'x');
	ck_assert_int_eq(reeve_queue_get(one, &byte, 1, 0, NULL), -ETIMEDOUT);
	one = reeve_queue_free(one);
	arena = reeve_arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue fault");
	TCase *tcase = leakproof_case("queue fault");

	tcase_add_test(tcase, each_call_fails_in_turn);
	tcase_add_test(tcase, without_memory_there_is_no_queue);
	tcase_add_test(tcase, a_wait_that_fails_takes_nothing);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
