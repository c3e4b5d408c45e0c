/* What the tests of signals share: a log of what callbacks were told, and senders. */
#ifndef TESTS_UNIT_SIGNAL_FIXTURE_H
#define TESTS_UNIT_SIGNAL_FIXTURE_H

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/signal.h"
#include "support/harness.h"

#define LOG_SIZE 64
#define SOON (10 * REEVE_SEC) /* long enough for what does happen */

/* Run a test once a mode, which it finds in _i. */
#define add_test_in_each_mode(tcase, test) tcase_add_loop_test(tcase, test, 0, 3)

struct log {
	struct reeve_signal_event events[LOG_SIZE];
	uint64_t count;
};

static inline void log_event(const struct reeve_signal_event *event, void *data)
{
	struct log *log = data;

	if (log->count < LOG_SIZE)
		log->events[log->count] = *event;
	log->count++;
}

/* ThreadSanitizer delays handlers, and keeps only one signal of a number; and it starts no
 * thread in a child of a process that has threads. Tests that count on either in `mode` end at
 * once under it. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_THREAD_SANITIZER true
#else
#define UNDER_THREAD_SANITIZER false
#endif

/* The allocator of AddressSanitizer is left locked in a child that is forked while another thread begins. */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ADDRESS_SANITIZER true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ADDRESS_SANITIZER true
#endif
#endif
#ifndef UNDER_ADDRESS_SANITIZER
#define UNDER_ADDRESS_SANITIZER false
#endif

static inline bool handlers_are_delayed(int mode)
{
	return UNDER_THREAD_SANITIZER && mode == REEVE_SIGNAL_HANDLER;
}

static inline bool children_cannot_start_threads(int mode)
{
	return (UNDER_THREAD_SANITIZER || UNDER_ADDRESS_SANITIZER) && mode == REEVE_SIGNAL_THREAD;
}

static inline void choose_mode(int mode)
{
	ck_assert_int_eq(reeve_signal_set_mode((enum reeve_signal_mode)mode), 0);
}

static inline struct reeve_signal_subscription *subscribe(
	int signo, reeve_signal_callback *callback, void *data)
{
	struct reeve_signal_subscription *subscription = NULL;

	ck_assert_int_eq(reeve_signal_subscribe(signo, callback, data, &subscription), 0);
	ck_assert_ptr_nonnull(subscription);
	return subscription;
}

/* Wait until `log` has `count` entries. */
static inline void wait_for_log(const struct log *log, uint64_t count)
{
	while (log->count < count)
		ck_assert_int_gt(reeve_signal_wait(SOON), 0);
	ck_assert_uint_eq(log->count, count);
}

static inline void reap(pid_t pid)
{
	pid_t reaped;
	int status;

	do
		reaped = waitpid(pid, &status, 0);
	while (reaped < 0 && errno == EINTR);
	ck_assert_int_eq(reaped, pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		"the child ended with status %#x", status);
}

#endif
