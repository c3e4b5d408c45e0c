#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "reeve/loop.h"
#include "reeve/signal.h"
#include "support/each_fault.h"

#define TRY(call)                                                                                  \
	do {                                                                                       \
		int r_ = (call);                                                                   \
		if (r_ < 0)                                                                        \
			return r_;                                                                 \
	} while (0)

static void cleanup_loop(struct reeve_loop **loop)
{
	reeve_loop_free(*loop);
}

#define CLEANUP_LOOP CLEANUP(cleanup_loop)

static int called;

static void on_fd(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	called++;
}

static void on_timer(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	called++;
}

static void on_deferred(struct reeve_loop_source *source, void *data)
{
	called++;
}

static void on_signal(struct reeve_loop_source *source, const struct reeve_signal_event *event, void *data)
{
	called++;
}

/* Ends of a pipe that outlive all scenarios: their making is not what is tried here. */
static int fds[2];

static void open_pipe(void)
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

static void close_pipe(void)
{
	close(fds[0]);
	close(fds[1]);
}

static int run_sources(void)
{
	CLEANUP_LOOP struct reeve_loop *loop = NULL;
	struct reeve_loop_source *source, *timer;

	called = 0;
	TRY(reeve_loop_new(&loop));
	TRY(reeve_loop_add_fd(loop, fds[0], 0, on_fd, NULL, &source));
	TRY(reeve_loop_fd_set_events(source, REEVE_LOOP_READABLE));
	TRY(reeve_loop_fd_set_events(source, REEVE_LOOP_READABLE | REEVE_LOOP_PRIORITY));
	TRY(reeve_loop_add_timer(loop, on_timer, NULL, &timer));
	TRY(reeve_loop_timer_start(timer, REEVE_MSEC, 0));
	TRY(reeve_loop_defer(loop, on_deferred, NULL, NULL));
	TRY(reeve_loop_run_once(loop, REEVE_FOREVER));
	TRY(reeve_loop_fd_set_events(source, 0));
	TRY(reeve_loop_run_once(loop, REEVE_FOREVER));
	return called == 3 ? 0 : -EPROTO;
}

START_TEST(running)
{
	/* A registration that can't be removed is forgotten all the same: epoll's reports of it are dropped. */
	static const char *const absorbed[] = { "epoll_ctl", NULL };

	fail_each_call(run_sources, EIO, absorbed);
	fail_each_call(run_sources, ENOMEM, absorbed);
}
END_TEST

static int embed(void)
{
	CLEANUP_LOOP struct reeve_loop *loop = NULL;
	struct reeve_loop_source *timer, *deferred;

	called = 0;
	TRY(reeve_loop_new(&loop));
	TRY(reeve_loop_fd(loop));
	TRY(reeve_loop_add_timer(loop, on_timer, NULL, &timer));
	TRY(reeve_loop_timer_start(timer, REEVE_MSEC, 0));
	TRY(reeve_loop_defer(loop, on_deferred, NULL, &deferred));
	TRY(reeve_loop_deferred_schedule(deferred));
	TRY(reeve_loop_run_once(loop, REEVE_FOREVER));
	TRY(reeve_loop_run_once(loop, REEVE_FOREVER));
	return called == 2 ? 0 : -EPROTO;
}

START_TEST(embedding)
{
	/* After a round the descriptor may be left readable for nothing. */
	static const char *const absorbed[] = { "timerfd_settime", NULL };

	fail_each_call(embed, EIO, absorbed);
	fail_each_call(embed, EMFILE, absorbed);
}
END_TEST

/* The ghost of a closed descriptor: epoll has to be made anew. */
static int exorcise(void)
{
	CLEANUP_LOOP struct reeve_loop *loop = NULL;
	CLEANUP_FD int early = -EBADF;
	struct reeve_loop_source *source;

	called = 0;
	early = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	TRY(reeve_loop_new(&loop));
	TRY(reeve_loop_fd(loop));
	TRY(reeve_loop_add_fd(loop, early, REEVE_LOOP_READABLE, on_fd, NULL, &source));
	TRY(reeve_loop_add_fd(loop, fds[0], REEVE_LOOP_READABLE, on_fd, NULL, NULL));
	early = close_fd(early);
	source = reeve_loop_source_free(source);
	TRY(reeve_loop_run_once(loop, 0));
	TRY(reeve_loop_run_once(loop, 0));
	return called == 2 ? 0 : -EPROTO;
}

START_TEST(laying_a_ghost)
{
	/* Of a registration that fails in vain (EIO) one source goes without; memory that is short (ENOMEM) is told. */
	static const char *const absorbed[] = { "epoll_ctl", "timerfd_settime", NULL };

	fail_each_call(exorcise, ENOMEM, absorbed);
	fail_each_call(exorcise, ENOSPC, absorbed);
}
END_TEST

static int take_signals(void)
{
	CLEANUP_LOOP struct reeve_loop *loop = NULL;

	TRY(reeve_loop_new(&loop));
	TRY(reeve_loop_add_signal(loop, SIGUSR1, on_signal, NULL, NULL));
	TRY(reeve_loop_add_signal(loop, SIGUSR2, on_signal, NULL, NULL));
	TRY(reeve_loop_run_once(loop, 0));
	return 0;
}

static int take_signals_and_shut_down(void)
{
	int r = take_signals();

	reeve_signal_shutdown();
	return r;
}

START_TEST(taking_signals)
{
	/* What was installed before can't be put back where sigaction(2) fails. */
	static const char *const absorbed[] = { "sigaction", NULL };

	fail_each_call(take_signals_and_shut_down, EIO, absorbed);
}
END_TEST

/* Kernels before 5.11, and sandboxes that do not know the call. */
START_TEST(waiting_without_epoll_pwait2)
{
	CLEANUP_LOOP struct reeve_loop *loop = NULL;
	struct reeve_loop_source *timer;
	reeve_nsec deadline;

	ck_assert_int_eq(reeve_loop_new(&loop), 0);
	ck_assert_int_eq(reeve_loop_add_timer(loop, on_timer, NULL, &timer), 0);
	for (int i = 0; i < 3; i++) {
		faulty_arm_call("epoll_pwait2", 1, ENOSYS);
		ck_assert_int_eq(reeve_loop_timer_start(timer, 300 * REEVE_USEC, 0), 0);
		deadline = reeve_loop_timer_deadline(timer);
		ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_FOREVER), 1);
		ck_assert_int_ge(reeve_loop_now(loop), deadline);
		ck_assert(faulty_fired() == (i == 0)); /* it is not asked twice */
	}
	ck_assert_int_eq(reeve_loop_add_fd(loop, fds[0], REEVE_LOOP_READABLE, on_fd, NULL, NULL), 0);
	ck_assert_int_eq(reeve_loop_run_once(loop, REEVE_SEC), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop_fault");
	TCase *tcase = leakproof_case("loop");

	tcase_add_checked_fixture(tcase, open_pipe, close_pipe);
	tcase_add_test(tcase, running);
	tcase_add_test(tcase, embedding);
	tcase_add_test(tcase, laying_a_ghost);
	tcase_add_test(tcase, taking_signals);
	tcase_add_test(tcase, waiting_without_epoll_pwait2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
