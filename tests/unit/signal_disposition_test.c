/* What is installed: saved, put back, chained, told, ignored; which signals interrupt; faults. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/base/interrupt.h"
#include "unit/signal_fixture.h"

static volatile sig_atomic_t foreign_calls;
static volatile sig_atomic_t foreign_value;

static void foreign_plain(int signo)
{
	foreign_calls++;
}

static void foreign_with_info(int signo, siginfo_t *info, void *context)
{
	foreign_calls++;
	foreign_value = context ? info->si_value.sival_int : -1;
}

static void install(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	ck_assert_int_eq(sigaction(signo, &action, NULL), 0);
}

static void (*installed(int signo))(int)
{
	struct sigaction action;

	ck_assert_int_eq(sigaction(signo, NULL, &action), 0);
	return action.sa_handler;
}

START_TEST(what_was_there_before_is_put_back)
{
	static void (*const before[])(int) = { SIG_DFL, SIG_IGN, foreign_plain };
	struct log log = { 0 };

	choose_mode(_i);
	for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
		struct reeve_signal_subscription *subscription;

		install(SIGUSR1, before[i], 0);
		subscription = subscribe(SIGUSR1, log_event, &log);
		ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_HANDLED);
		reeve_signal_raise(SIGUSR1);
		wait_for_log(&log, i + 1);
		reeve_signal_unsubscribe(subscription);
		ck_assert(installed(SIGUSR1) == before[i]);
	}
	ck_assert_int_eq(foreign_calls, 0);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(a_handler_that_somebody_put_over_ours_stays)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;

	choose_mode(_i);
	subscription = subscribe(SIGUSR1, log_event, &log);
	install(SIGUSR1, foreign_plain, 0);
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_FOREIGN);
	reeve_signal_unsubscribe(subscription);
	ck_assert(installed(SIGUSR1) == foreign_plain);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(what_is_registered_is_told)
{
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_DEFAULT);
	ck_assert_int_eq(reeve_signal_ignore(SIGUSR1), 0);
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_IGNORED);
	install(SIGUSR1, foreign_plain, 0);
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_FOREIGN);
}
END_TEST

START_TEST(ignoring_keeps_what_it_replaced)
{
	install(SIGUSR1, foreign_plain, SA_NODEFER);
	ck_assert_int_eq(reeve_signal_restore(SIGUSR1), -ENOENT);
	ck_assert_int_eq(reeve_signal_ignore(SIGUSR1), 0);
	ck_assert_int_eq(reeve_signal_raise(SIGUSR1), 0);
	ck_assert_int_eq(reeve_signal_default(SIGUSR1), 0);
	ck_assert(installed(SIGUSR1) == SIG_DFL);
	ck_assert_int_eq(reeve_signal_restore(SIGUSR1), 0);
	ck_assert(installed(SIGUSR1) == foreign_plain);
	ck_assert_int_eq(foreign_calls, 0);
	ck_assert_int_eq(reeve_signal_restore(SIGUSR1), -ENOENT);
}
END_TEST

START_TEST(a_subscribed_signal_is_not_ignored_over_its_subscribers_heads)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;

	choose_mode(_i);
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_ignore(SIGUSR1), -EEXIST);
	ck_assert_int_eq(reeve_signal_default(SIGUSR1), -EEXIST);
	ck_assert_int_eq(reeve_signal_restore(SIGUSR1), -EEXIST);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_ignore(SIGUSR1), 0);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(a_chained_handler_runs_at_once_and_the_callback_later)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	struct sigaction action = { .sa_sigaction = foreign_with_info, .sa_flags = SA_SIGINFO };

	if (handlers_are_delayed(REEVE_SIGNAL_HANDLER))
		return;
	ck_assert_int_eq(sigaction(SIGRTMIN, &action, NULL), 0);
	install(SIGUSR1, foreign_plain, 0);
	ck_assert_int_eq(reeve_signal_chain(SIGRTMIN, true), -ENOENT);
	subscription = subscribe(SIGRTMIN, log_event, &log);
	ck_assert_int_eq(reeve_signal_queue(getpid(), SIGRTMIN, 1), 0);
	ck_assert_int_eq(foreign_calls, 0);
	ck_assert_int_eq(reeve_signal_chain(SIGRTMIN, true), 0);
	ck_assert_int_eq(reeve_signal_queue(getpid(), SIGRTMIN, 2), 0);
	ck_assert_int_eq(foreign_calls, 1);
	ck_assert_int_eq(foreign_value, 2);
	ck_assert_uint_eq(log.count, 0);
	wait_for_log(&log, 2);
	ck_assert_int_eq(reeve_signal_chain(SIGRTMIN, false), 0);
	ck_assert_int_eq(reeve_signal_queue(getpid(), SIGRTMIN, 3), 0);
	wait_for_log(&log, 3);
	ck_assert_int_eq(foreign_calls, 1);
	reeve_signal_unsubscribe(subscription);

	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_chain(SIGUSR1, true), 0);
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(foreign_calls, 2);
	wait_for_log(&log, 4);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

START_TEST(chaining_is_for_handlers)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;

	choose_mode(REEVE_SIGNAL_FD);
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_chain(SIGUSR1, true), -EOPNOTSUPP);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

/* --- Interrupt or restart -------------------------------------------------------------------- */

/* A child that signals us as long as we don't answer: each time after we had the time to fall
 * asleep again. */
static pid_t signal_until_killed(int signo)
{
	pid_t child = fork();

	if (child == 0)
		for (;;) {
			usleep(2000);
			if (reeve_signal_send(getppid(), signo) < 0)
				_exit(1);
		}
	return child;
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

START_TEST(an_interrupting_signal_breaks_a_read)
{
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;
	int fds[2];
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe(fds), 0);
	if (_i == 0) /* before or after it is subscribed to */
		ck_assert_int_eq(reeve_signal_interrupt(SIGUSR1, true), 0);
	subscription = subscribe(SIGUSR1, log_event, &log);
	if (_i == 1)
		ck_assert_int_eq(reeve_signal_interrupt(SIGUSR1, true), 0);
	child = signal_until_killed(SIGUSR1);
	ck_assert_int_eq(read(fds[0], &byte, 1), -1);
	ck_assert_int_eq(errno, EINTR);
	ck_assert_int_ge(reeve_signal_dispatch(), 1);
	ck_assert_uint_ge(log.count, 1);
	end_child(child);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static void write_byte(const struct reeve_signal_event *event, void *data)
{
	if (++*(int *)data == 3)
		ck_assert_int_eq(write(foreign_value, "x", 1), 1);
}

START_TEST(a_restarting_signal_does_not_end_a_librarys_wait_but_runs_its_callback)
{
	int fds[2], calls = 0;
	struct reeve_signal_subscription *subscription;
	pid_t child;

	choose_mode(_i);
	ck_assert_int_eq(pipe(fds), 0);
	foreign_value = fds[1];
	subscription = subscribe(SIGUSR1, write_byte, &calls);
	child = signal_until_killed(SIGUSR1);
	ck_assert_int_eq(wait_fd(fds[0], POLLIN, reeve_now() + SOON), 0);
	ck_assert_int_ge(calls, 3);
	end_child(child);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(an_interrupting_signal_ends_a_librarys_wait_after_its_callback)
{
	int fds[2];
	struct log log = { 0 };
	struct reeve_signal_subscription *subscription;

	choose_mode(_i);
	ck_assert_int_eq(pipe(fds), 0);
	subscription = subscribe(SIGUSR1, log_event, &log);
	ck_assert_int_eq(reeve_signal_interrupt(SIGUSR1, true), 0);
	reeve_signal_raise(SIGUSR1); /* beforehand: it isn't lost */
	ck_assert_int_eq(wait_fd(fds[0], POLLIN, reeve_now() + SOON), -EINTR);
	ck_assert_uint_eq(log.count, 1);
	ck_assert_int_eq(wait_fd(fds[0], POLLIN, reeve_now() + REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_eq(reeve_signal_interrupt(SIGUSR1, false), 0);
	reeve_signal_raise(SIGUSR1);
	ck_assert_int_eq(wait_fd(fds[0], POLLIN, reeve_now() + 20 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_uint_eq(log.count, 2);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_foreign_handler_is_made_interrupting_too)
{
	struct sigaction action;

	install(SIGUSR1, foreign_plain, SA_RESTART);
	ck_assert_int_eq(reeve_signal_interrupt(SIGUSR1, true), 0);
	ck_assert_int_eq(sigaction(SIGUSR1, NULL, &action), 0);
	ck_assert_int_eq(action.sa_flags & SA_RESTART, 0);
	ck_assert_int_eq(reeve_signal_interrupt(SIGUSR1, false), 0);
	ck_assert_int_eq(sigaction(SIGUSR1, NULL, &action), 0);
	ck_assert_int_ne(action.sa_flags & SA_RESTART, 0);
	ck_assert(action.sa_handler == foreign_plain);
}
END_TEST

/* --- Faults ---------------------------------------------------------------------------------- */

static int end_of(void (*run)(int), int mode)
{
	static const struct rlimit no_core;
	int status;
	pid_t child = fork();

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		run(mode);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

static void segfault(int mode)
{
	struct log log = { 0 };
	volatile char *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	choose_mode(mode);
	signal(SIGSEGV, SIG_DFL); /* not a sanitizer's */
	subscribe(SIGSEGV, log_event, &log);
	*nowhere = 1;
}

static void trap(int mode)
{
	struct log log = { 0 };

	choose_mode(mode);
	subscribe(SIGTRAP, log_event, &log);
#if defined(__x86_64__)
	__asm__ volatile("int3");
#else
	__asm__ volatile("brk #0");
#endif
}

START_TEST(a_fault_is_not_deferred)
{
	int status;

	if (handlers_are_delayed(_i))
		return;
	status = end_of(segfault, _i);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "status %#x", status);
	status = end_of(trap, _i);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP, "status %#x", status);
}
END_TEST

static void repair(int signo, siginfo_t *info, void *context)
{
	foreign_calls++;
	mprotect((void *)((uintptr_t)info->si_addr & ~(uintptr_t)4095), 4096,
		PROT_READ | PROT_WRITE);
}

START_TEST(a_fault_goes_to_who_was_there_before)
{
	struct log log = { 0 };
	struct sigaction action = { .sa_sigaction = repair, .sa_flags = SA_SIGINFO };
	struct reeve_signal_subscription *subscription;
	volatile char *memory = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
	subscription = subscribe(SIGSEGV, log_event, &log);
	memory[0] = 1;
	memory[4096] = 1;
	ck_assert_int_eq(foreign_calls, 2);
	ck_assert_int_eq(reeve_signal_dispatch(), 0);
	reeve_signal_raise(SIGSEGV); /* no fault */
	wait_for_log(&log, 1);
	ck_assert_int_eq(foreign_calls, 2);
	reeve_signal_unsubscribe(subscription);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signal dispositions");
	TCase *tcase = leakproof_case("dispositions");

	add_test_in_each_mode(tcase, what_was_there_before_is_put_back);
	add_test_in_each_mode(tcase, a_handler_that_somebody_put_over_ours_stays);
	tcase_add_test(tcase, what_is_registered_is_told);
	tcase_add_test(tcase, ignoring_keeps_what_it_replaced);
	add_test_in_each_mode(tcase, a_subscribed_signal_is_not_ignored_over_its_subscribers_heads);
	tcase_add_test(tcase, a_chained_handler_runs_at_once_and_the_callback_later);
	tcase_add_test(tcase, chaining_is_for_handlers);
	tcase_add_loop_test(tcase, an_interrupting_signal_breaks_a_read, 0, 2);
	add_test_in_each_mode(
		tcase, a_restarting_signal_does_not_end_a_librarys_wait_but_runs_its_callback);
	add_test_in_each_mode(
		tcase, an_interrupting_signal_ends_a_librarys_wait_after_its_callback);
	tcase_add_test(tcase, a_foreign_handler_is_made_interrupting_too);
	add_test_in_each_mode(tcase, a_fault_is_not_deferred);
	tcase_add_test(tcase, a_fault_goes_to_who_was_there_before);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
