#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/fault.h"
#include "reeve/thread.h"
#include "support/harness.h"

/* --- ways to crash; each function's name must turn up in the report --- */

static int *volatile nowhere = (int *)16;
static void (*volatile no_function)(void);
static volatile int depth;
static volatile int bottom = INT_MAX;

__attribute__((noinline)) static void crash_by_null_pointer(void)
{
	*nowhere = 1;
	depth++;
}

__attribute__((noinline)) static void crash_by_null_function(void)
{
	no_function();
	depth++;
}

__attribute__((noinline)) static void crash_by_abort(void)
{
	abort();
}

__attribute__((noinline)) static void crash_by_illegal_instruction(void)
{
	__builtin_trap();
}

__attribute__((noinline)) static void crash_by_truncated_file(void)
{
	int fd = memfd_create("truncated", MFD_CLOEXEC);
	volatile char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	depth += map[0];
}

__attribute__((noinline)) static void crash_by_arithmetic(void)
{
	raise(SIGFPE);
	depth++;
}

__attribute__((noinline)) static void crash_by_kill(void)
{
	kill(getpid(), SIGSEGV);
	depth++;
}

__attribute__((noinline)) static int overflow_stack(int level)
{
	volatile char frame[512];

	if (level == bottom)
		return 0;
	frame[0] = (char)level;
	return overflow_stack(level + 1) + frame[0];
}

__attribute__((noinline)) static void crash_by_stack_overflow(void)
{
	depth = overflow_stack(depth);
}

static void *overflow_in_thread(void *data)
{
	crash_by_stack_overflow();
	return NULL;
}

__attribute__((noinline)) static void crash_by_stack_overflow_in_thread(void)
{
	struct reeve_thread *thread;

	if (reeve_thread_start(&(struct reeve_thread_spec){ .name = "digger" }, overflow_in_thread, NULL,
		    &thread) == 0)
		reeve_thread_join(thread, REEVE_FOREVER, NULL);
}

static const struct crash {
	void (*crash)(void);
	int signo;
	const char *expected[4];
} crashes[] = {
	{ crash_by_null_pointer, SIGSEGV,
		{ "Fatal signal SIGSEGV: address 0x10 is not mapped, in thread ", "crash_by_null_pointer+0x" } },
	{ crash_by_null_function, SIGSEGV,
		{ "SIGSEGV: address 0x0 is not mapped", "#0 0x0000000000000000 (not in any file)",
			"crash_by_null_function+0x" } },
	{ crash_by_abort, SIGABRT, { "Fatal signal SIGABRT: sent by the program itself", "crash_by_abort+0x" } },
	{ crash_by_illegal_instruction, SIGILL, { "Fatal signal SIGILL: ", "crash_by_illegal_instruction+0x" } },
	{ crash_by_truncated_file, SIGBUS, { "has nothing behind it", "crash_by_truncated_file+0x" } },
	{ crash_by_arithmetic, SIGFPE, { "Fatal signal SIGFPE: ", "crash_by_arithmetic+0x" } },
	{ crash_by_kill, SIGSEGV, { "SIGSEGV: sent by the program itself", "crash_by_kill+0x" } },
	{ crash_by_stack_overflow, SIGSEGV, { "Fatal signal SIGSEGV: ", "overflow_stack", "\n  ...\n" } },
	{ crash_by_stack_overflow_in_thread, SIGSEGV,
		{ "Fatal signal SIGSEGV: ", "\"digger\" of process", "overflow_stack", "\n  ...\n" } },
};

#define CRASH_COUNT ((int)(sizeof crashes / sizeof *crashes))

/* --- a child that crashes --- */

static char report[65536];

/* Everything that comes out of the pipe until its writers have ended. */
static void read_report(int fd)
{
	size_t size = 0;
	ssize_t more;

	while (size + 1 < sizeof report && (more = read(fd, report + size, sizeof report - 1 - size)) > 0)
		size += (size_t)more;
	report[size] = '\0';
	close(fd);
}

/* As a program begins: no handlers (sanitizers have theirs), and no core files. */
static void be_plain(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		signal(fatal[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
}

/* Run `crash` in a child that reports to a pipe. Returns the child's wait status; what it said is in `report`. */
static int status_of_crash(void (*before)(void), void (*crash)(void))
{
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		be_plain();
		if (before)
			before();
		if (reeve_fault_enable(fds[1]) < 0)
			_exit(2);
		crash();
		_exit(1);
	}
	close(fds[1]);
	read_report(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(a_crash_is_reported_and_the_program_dies_of_it)
{
	const struct crash *crash = &crashes[_i];
	int status = status_of_crash(NULL, crash->crash);

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == crash->signo, "status %x: %s", status, report);
	for (int i = 0; i < 4 && crash->expected[i]; i++)
		ck_assert_msg(strstr(report, crash->expected[i]), "no \"%s\" in:\n%s", crash->expected[i], report);
	ck_assert_ptr_nonnull(strstr(report, "fault-test+0x"));
}
END_TEST

/* --- what was installed before --- */

static void *seen_address;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	seen_address = info->si_addr;
	_exit(seen_address == (void *)16 && info->si_code == SEGV_MAPERR ? 42 : 43);
}

static void install_handler(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
}

START_TEST(a_handler_that_was_there_before_gets_the_original_cause)
{
	int status = status_of_crash(install_handler, crash_by_null_pointer);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 42, "status %x", status);
	ck_assert_ptr_nonnull(strstr(report, "crash_by_null_pointer+0x"));
}
END_TEST

static void abort_twice(void)
{
	reeve_fault_disable();
	crash_by_abort();
}

START_TEST(once_disabled_nothing_is_reported)
{
	int status = status_of_crash(NULL, abort_twice);

	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
	ck_assert_str_eq(report, "");
}
END_TEST

START_TEST(enabling_and_disabling_leave_no_trace)
{
	struct sigaction before, after;

	be_plain();
	install_handler();
	sigaction(SIGSEGV, NULL, &before);
	ck_assert(!reeve_fault_is_enabled());
	ck_assert_int_eq(reeve_fault_enable(2), 0);
	ck_assert_int_eq(reeve_fault_enable(2), 0);
	ck_assert(reeve_fault_is_enabled());
	reeve_fault_disable();
	reeve_fault_disable();
	ck_assert(!reeve_fault_is_enabled());
	sigaction(SIGSEGV, NULL, &after);
	ck_assert(before.sa_sigaction == after.sa_sigaction);
	sigaction(SIGABRT, NULL, &after);
	ck_assert(after.sa_handler == SIG_DFL);
	ck_assert_int_eq(reeve_fault_enable(-1), -EBADF);
	ck_assert_int_eq(reeve_fault_enable(999), -EBADF);
}
END_TEST

/* --- hard cases --- */

static void lose_the_reader(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0 || close(fds[0]) < 0 || reeve_fault_enable(fds[1]) < 0)
		_exit(2);
	crash_by_null_pointer();
}

START_TEST(a_reader_that_is_gone_does_not_change_the_cause_of_death)
{
	ck_assert_int_eq(WTERMSIG(status_of_crash(NULL, lose_the_reader)), SIGSEGV);
}
END_TEST

static pthread_barrier_t together;

static void *crash_in_thread(void *data)
{
	pthread_barrier_wait(&together);
	crash_by_null_pointer();
	return NULL;
}

static void crash_in_two_threads(void)
{
	pthread_barrier_init(&together, NULL, 2);
	reeve_thread_start(NULL, crash_in_thread, NULL, NULL);
	crash_in_thread(NULL);
}

START_TEST(threads_that_crash_together_do_not_mix_their_reports)
{
	const char *line;

	ck_assert_int_eq(WTERMSIG(status_of_crash(NULL, crash_in_two_threads)), SIGSEGV);
	/* Frames are numbered from 0 after each headline. */
	line = strstr(report, "Fatal signal");
	ck_assert_ptr_nonnull(line);
	ck_assert_ptr_nonnull(strstr(report, "crash_by_null_pointer+0x"));
	for (int frame = 0; (line = strchr(line, '\n')) && line[1]; line++) {
		char expected[16];

		if (strncmp(line + 1, "Fatal", 5) == 0) {
			frame = 0;
			continue;
		}
		snprintf(expected, sizeof expected, "  #%d ", frame++);
		ck_assert_msg(strncmp(line + 1, expected, strlen(expected)) == 0, "%s", report);
	}
}
END_TEST

/* --- on demand --- */

__attribute__((noinline)) static int dump_from_here(int fd)
{
	int r = reeve_fault_dump(fd);

	depth++;
	return r;
}

START_TEST(a_dump_begins_with_its_caller)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(dump_from_here(fds[1]), 0);
	close(fds[1]);
	read_report(fds[0]);
	ck_assert_msg(strncmp(report, "Backtrace of thread ", 20) == 0, "%s", report);
	ck_assert_msg(strstr(report, "  #0 ") && strstr(report, "dump_from_here") < strstr(report, "  #1 "),
		"%s", report);
	ck_assert_ptr_nonnull(strstr(report, "a_dump_begins_with_its_caller"));

	ck_assert_int_eq(reeve_fault_dump(-1), -EBADF);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	ck_assert_int_eq(reeve_fault_dump(fds[1]), -EPIPE);
	close(fds[1]);
}
END_TEST

__attribute__((noinline)) static void take_signal_here(int signo)
{
	raise(signo);
	depth++;
}

START_TEST(a_registered_signal_reports_and_the_program_goes_on)
{
	struct sigaction after;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	signal(SIGUSR2, SIG_IGN);
	ck_assert_int_eq(reeve_fault_register(SIGUSR2, fds[1]), 0);
	for (int i = 0; i < 3; i++)
		take_signal_here(SIGUSR2);
	ck_assert_int_eq(reeve_fault_unregister(SIGUSR2), 0);
	ck_assert_int_eq(reeve_fault_unregister(SIGUSR2), -ENOENT);
	sigaction(SIGUSR2, NULL, &after);
	ck_assert(after.sa_handler == SIG_IGN);
	close(fds[1]);
	read_report(fds[0]);
	ck_assert_msg(strstr(report, "Signal SIGUSR2: sent by the program itself, in thread "), "%s", report);
	ck_assert_msg(strstr(report, "take_signal_here"), "%s", report);

	ck_assert_int_eq(reeve_fault_register(SIGKILL, 2), -EINVAL);
	ck_assert_int_eq(reeve_fault_register(SIGSEGV, 2), -EINVAL);
	ck_assert_int_eq(reeve_fault_register(0, 2), -EINVAL);
	ck_assert_int_eq(reeve_fault_register(65, 2), -EINVAL);
	ck_assert_int_eq(reeve_fault_register(SIGUSR1, -1), -EBADF);
	ck_assert_int_eq(reeve_fault_unregister(-5), -ENOENT);
}
END_TEST

/* A loop that hangs, until its own backtrace has come out of the pipe. */
__attribute__((noinline)) static void hang_until_reported(int fd)
{
	char byte;

	while (read(fd, &byte, 1) != 1)
		depth++;
}

START_TEST(a_program_that_hangs_is_reported_later)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	ck_assert_int_eq(reeve_fault_dump_later(SIGUSR2, REEVE_MSEC, 0), -ENOENT);
	ck_assert_int_eq(reeve_fault_register(SIGUSR2, fds[1]), 0);
	ck_assert_int_eq(reeve_fault_dump_later(SIGUSR2, 0, 0), -EINVAL);
	ck_assert_int_eq(reeve_fault_dump_later(SIGUSR2, REEVE_MSEC, -1), -EINVAL);
	ck_assert_int_eq(reeve_fault_dump_later(SIGUSR2, 3600 * REEVE_SEC, 0), 0);
	ck_assert_int_eq(reeve_fault_dump_later(SIGUSR2, 20 * REEVE_MSEC, 10 * REEVE_MSEC), 0);
	hang_until_reported(fds[0]);
	hang_until_reported(fds[0]);
	reeve_fault_cancel_dump_later();
	reeve_fault_cancel_dump_later();
	ck_assert_int_eq(reeve_fault_unregister(SIGUSR2), 0);
	close(fds[1]);
	read_report(fds[0]);
	ck_assert_msg(strstr(report, "a timer expired"), "%s", report);
	ck_assert_msg(strstr(report, "hang_until_reported"), "%s", report);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault");
	TCase *fatal = leakproof_case("fatal"), *demand = leakproof_case("demand");

	tcase_add_loop_test(fatal, a_crash_is_reported_and_the_program_dies_of_it, 0, CRASH_COUNT);
	tcase_add_test(fatal, a_handler_that_was_there_before_gets_the_original_cause);
	tcase_add_test(fatal, once_disabled_nothing_is_reported);
	tcase_add_test(fatal, enabling_and_disabling_leave_no_trace);
	tcase_add_test(fatal, a_reader_that_is_gone_does_not_change_the_cause_of_death);
	tcase_add_test(fatal, threads_that_crash_together_do_not_mix_their_reports);
	suite_add_tcase(suite, fatal);

	tcase_add_test(demand, a_dump_begins_with_its_caller);
	tcase_add_test(demand, a_registered_signal_reports_and_the_program_goes_on);
	tcase_add_test(demand, a_program_that_hangs_is_reported_later);
	suite_add_tcase(suite, demand);
	return run_suite(suite);
}
