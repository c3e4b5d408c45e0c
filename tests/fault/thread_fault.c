#include "reeve/fault.h"
#include "reeve/thread.h"
#include "support/each_fault.h"

static void *give_back(void *data)
{
	return data;
}

static int run_thread(void)
{
	struct reeve_thread *thread;
	void *result = NULL;
	int data;
	int r = reeve_thread_start(NULL, give_back, &data, &thread);

	if (r < 0)
		return r;
	r = reeve_thread_join(thread, REEVE_FOREVER, &result);
	if (r < 0)
		reeve_thread_join_all(REEVE_FOREVER);
	reeve_thread_free(thread);
	return r < 0 || result == &data ? r : -EPROTO;
}

/* A thread may go without its name in the kernel and without an alternate stack; with luck a join need not wait. */
static const char *const absorbed[] = {
	"prctl", "futex_wait", "sigaltstack", "mmap", "mprotect", "pthread_key_create", NULL,
};

START_TEST(running_a_thread)
{
	fail_each_call(run_thread, ENOMEM, absorbed);
}
END_TEST

START_TEST(running_a_thread_that_is_ready_for_faults)
{
	ck_assert_int_eq(reeve_fault_enable(2), 0);
	fail_each_call(run_thread, ENOMEM, absorbed);
	reeve_fault_disable();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("thread_fault");
	TCase *tcase = leakproof_case("thread");

	tcase_add_test(tcase, running_a_thread);
	tcase_add_test(tcase, running_a_thread_that_is_ready_for_faults);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
