/* What every Check program of ours shares: TAP on standard output, and around each test a look at what it
 * leaves behind: no descriptor and no child more than before. */
#ifndef TESTS_SUPPORT_HARNESS_H
#define TESTS_SUPPORT_HARNESS_H

#include <check.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/* How many descriptors this process has open. */
int count_open_fds(void);

/* Whether this process has a child, dead or alive. */
int has_child(void);

/* A test case that fails a test which leaks a descriptor or leaves a child. */
TCase *leakproof_case(const char *name);

/* The system call that a thread is in, and its first argument; -1: none, it runs. */
long system_call_of(pid_t pid, pid_t tid, unsigned long *ret_argument);

/* Whether a thread sleeps on a word of memory. */
bool is_asleep(pid_t pid, pid_t tid);

/* Its tests take so long by themselves. */
void case_takes(TCase *tcase, unsigned long seconds);

/* Run the suite as TAP; for main() to return. */
int run_suite(Suite *suite);

/* For what is done thousands of times, among forks: Check writes down each of its own assertions, also one that holds,
 * for the process that waits, and has been seen to lose count of them. */
#define MUST(condition)                                                                            \
	do                                                                                         \
		if (!(condition))                                                                  \
			ck_abort_msg("%s does not hold", #condition);                              \
	while (0)

/* Until what other threads and processes do makes it true: they do it, or the test's time is up. */
#define WAIT_UNTIL(condition)                                                                      \
	do                                                                                         \
		sched_yield();                                                                     \
	while (!(condition))

#endif
