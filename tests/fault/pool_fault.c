/* A pool, with each system call failing in turn, in the master and in its workers: what makes the
 * pool fails with the right error and leaves nothing; after that nothing that fails once keeps a
 * request from being answered, or the pool from stopping. */
#include "support/each_fault.h"
#include "unit/pool_fixture.h"

static int make(void)
{
	struct reeve_pool_spec spec = echoing(1);
	int r = reeve_loop_new(&loop);

	spec.told = note;
	spec.stuck_after = 10 * REEVE_SEC;
	spec.backoff = REEVE_MSEC;
	spec.grace = 20 * REEVE_MSEC;
	spec.kill_after = 20 * REEVE_MSEC;
	spec.recycle_after = 1;
	forget_notices();
	return r < 0 ? r : reeve_pool_new(loop, &spec, &pool);
}

/* Until it is so; the loop's own calls fail, too, and the next round is another try. */
static bool run_until(bool (*condition)(void *), void *data)
{
	reeve_nsec until = reeve_now() + LONG_ENOUGH;

	while (!condition(data) && reeve_now() < until)
		(void)reeve_loop_run_once(loop, REEVE_MSEC);
	return condition(data);
}

static bool is_readable(void *fd)
{
	struct pollfd polled = { .fd = *(int *)fd, .events = POLLIN };

	return poll(&polled, 1, 0) == 1;
}

static bool has_stopped(void *unused)
{
	return told(REEVE_POOL_STOPPED, -1) == 1;
}

/* A worker that fails in the middle of its connection may break it; then another answers. */
static bool ask(void)
{
	int fd = call(&address);
	char byte = 'a';
	bool answered =
		write(fd, &byte, 1) == 1 && run_until(is_readable, &fd) && read(fd, &byte, 1) == 1;

	hang_up(fd);
	return answered;
}

static int scenario(void)
{
	int r = make();

	if (r == 0) {
		ck_assert_msg(ask() || ask(), "no answer");
		ck_assert_msg(ask() || ask(), "no second answer");
		ck_assert_int_eq(reeve_pool_stop(pool), 0);
		ck_assert_msg(run_until(has_stopped, NULL), "it does not stop");
	}
	pool = reeve_pool_free(pool);
	loop = reeve_loop_free(loop);
	close(listener);
	return r;
}

/* Calls that were made before the first worker. */
static unsigned count_calls_of_making(void)
{
	unsigned n = 1;
	int r;

	do {
		faulty_arm(n++, EIO);
		r = make();
		faulty_disarm();
		pool = reeve_pool_free(pool);
		loop = reeve_loop_free(loop);
		close(listener);
	} while (r < 0);
	return n;
}

static void fail_each(int error)
{
	int before = count_open_fds();
	bool fired = true;

	for (unsigned n = 1; fired; n++) {
		const char *name;
		int r;

		faulty_arm(n, error);
		r = scenario();
		fired = faulty_fired();
		name = fired ? faulty_name() : "none";
		faulty_arm(0, 0);
		ck_assert_msg(r == 0 || r == expected_error(name, error),
			"call %u, %s: the pool was refused with %d", n, name, r);
		ck_assert_msg(count_open_fds() == before, "call %u, %s: %d descriptors more", n,
			name, count_open_fds() - before);
		ck_assert_msg(!has_child(), "call %u, %s: a child is left", n, name);
	}
}

START_TEST(each_call_fails_in_turn)
{
	ck_assert_int_eq(scenario(), 0); /* what is done but once per process */
	ck_assert_uint_gt(count_calls_of_making(), 5);
	fail_each(_i ? EAGAIN : EIO);
}
END_TEST

START_TEST(a_fork_that_fails_is_told_and_tried_again)
{
	ck_assert_int_eq(make(), 0);
	faulty_arm_call("fork", 1, EAGAIN);
	ck_assert(ask());
	ck_assert(faulty_fired());
	faulty_disarm();
	ck_assert_uint_eq(told(REEVE_POOL_NOT_STARTED, -1), 1);
	ck_assert_int_eq(notices[0].event, REEVE_POOL_NOT_STARTED);
	ck_assert_int_eq(notices[0].error, -EAGAIN);
	ck_assert_int_eq(notices[0].delay, REEVE_MSEC);
	ck_assert_uint_eq(notices[0].failures, 1);
	ck_assert_int_eq(reeve_pool_stop(pool), 0);
	ck_assert(run_until(has_stopped, NULL));
	free_pool();
	close(listener);
}
END_TEST

/* A shortage of descriptors is no reason to die, and none to spin. */
START_TEST(a_worker_without_descriptors_waits_for_some)
{
	ck_assert_int_eq(make(), 0);
	faulty_arm_call("accept4", 1, EMFILE);
	ck_assert(ask());
	ck_assert(faulty_fired());
	faulty_disarm();
	ck_assert_uint_eq(told(REEVE_POOL_STARTED, -1), 1);
	ck_assert_int_eq(reeve_pool_stop(pool), 0);
	ck_assert(run_until(has_stopped, NULL));
	free_pool();
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool fault");
	TCase *tcase = leakproof_case("pool fault");

	tcase_add_loop_test(tcase, each_call_fails_in_turn, 0, 2);
	tcase_add_test(tcase, a_fork_that_fails_is_told_and_tried_again);
	tcase_add_test(tcase, a_worker_without_descriptors_waits_for_some);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
