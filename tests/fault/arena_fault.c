/* The arena and the heartbeat, with each system call failing in turn: the right error, and
 * neither a descriptor nor a lock nor a mapping is left. */
#include "reeve/arena.h"
#include "reeve/heartbeat.h"
#include "support/each_fault.h"

static struct reeve_arena *one, *two;
static struct reeve_heartbeat_watch *watch;

static int use(void)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = 2 };
	struct reeve_heartbeat_report report;
	void *block;

	TRY(reeve_arena_new(&spec, &one));
	TRY(reeve_arena_attach(one, "one"));
	TRY(reeve_arena_block_new(one, "block", 100, 0, &block));
	TRY(reeve_arena_open(reeve_arena_fd(one), &two));
	TRY(reeve_heartbeat_say(two, REEVE_HEARTBEAT_READY, "here"));
	TRY(reeve_arena_block_open(two, "block", &block, NULL));
	TRY(reeve_heartbeat_watch_new(one, REEVE_SEC, &watch));
	TRY(reeve_heartbeat_check(watch, 2, &report));
	TRY(reeve_arena_recover(one, 0));
	TRY(reeve_arena_block_remove(two, "block", 0));
	TRY(reeve_arena_detach(two, 0));
	TRY(reeve_arena_attach(two, "again"));
	return 0;
}

static int scenario(void)
{
	int r;

	one = two = NULL;
	watch = NULL;
	r = use();
	watch = reeve_heartbeat_watch_free(watch);
	two = reeve_arena_free(two);
	one = reeve_arena_free(one);
	return r;
}

START_TEST(each_call_fails_in_turn)
{
	/* open and read: /proc, without which start time and schedule are not known. fcntl: the
	 * seals of a map that was just made, and the lock that free() needs to give back the
	 * place in good order. */
	static const char *const absorbed[] = { "open", "read", "fcntl", NULL };

	ck_assert_int_eq(scenario(), 0); /* what is done but once per process */
	fail_each_call(scenario, EIO, absorbed);
	fail_each_call(scenario, ENOMEM, absorbed);
}
END_TEST

/* What did not fit is not there, and what was there is as it was. */
START_TEST(memory_that_cannot_be_had_is_an_error_and_no_signal)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = 2 };
	void *block = NULL;

	ck_assert_int_eq(reeve_arena_new(&spec, &one), 0);
	faulty_arm_call("fallocate", 1, ENOSPC);
	ck_assert_int_eq(reeve_arena_block_new(one, "block", 100, 0, &block), -ENOSPC);
	faulty_disarm();
	ck_assert_ptr_null(block);
	ck_assert_int_eq(reeve_arena_block_open(one, "block", &block, NULL), -ENOENT);
	ck_assert_int_eq(reeve_arena_block_new(one, "block", 4096, 0, &block), 0);
	one = reeve_arena_free(one);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena fault");
	TCase *tcase = leakproof_case("arena fault");

	tcase_add_test(tcase, each_call_fails_in_turn);
	tcase_add_test(tcase, memory_that_cannot_be_had_is_an_error_and_no_signal);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
