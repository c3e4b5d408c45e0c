/* What the tests of the loop share: one loop a test, made by loop_case(), and a record of what it called. */
#ifndef TESTS_UNIT_LOOP_FIXTURE_H
#define TESTS_UNIT_LOOP_FIXTURE_H

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "reeve/loop.h"
#include "support/harness.h"

#define LONG_ENOUGH (10 * REEVE_SEC)

static struct reeve_loop *loop;

/* What was called, in order: each source has a letter as its data. */
static char calls[4096];

#define LETTER(letter) ((void *)(uintptr_t)(letter))

static inline void note(const void *letter)
{
	size_t length = strlen(calls);

	ck_assert_uint_lt(length + 1, sizeof calls);
	calls[length] = (char)(uintptr_t)letter;
	calls[length + 1] = '\0';
}

static inline void on_fd(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	note(data);
}

static inline void on_timer(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	note(data);
}

static inline void on_deferred(struct reeve_loop_source *source, void *data)
{
	note(data);
}

static inline void make_pipe(int fds[2])
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static inline void make_readable_pipe(int fds[2])
{
	make_pipe(fds);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

static inline void close_pipe(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static inline struct reeve_loop_source *add_fd(int fd, unsigned events, char letter)
{
	struct reeve_loop_source *source;

	ck_assert_int_eq(reeve_loop_add_fd(loop, fd, events, on_fd, LETTER(letter), &source), 0);
	return source;
}

static inline struct reeve_loop_source *add_timer(reeve_nsec after, reeve_nsec interval, char letter)
{
	struct reeve_loop_source *source;

	ck_assert_int_eq(reeve_loop_add_timer(loop, on_timer, LETTER(letter), &source), 0);
	ck_assert_int_eq(reeve_loop_timer_start(source, after, interval), 0);
	return source;
}

static inline struct reeve_loop_source *defer(char letter)
{
	struct reeve_loop_source *source;

	ck_assert_int_eq(reeve_loop_defer(loop, on_deferred, LETTER(letter), &source), 0);
	return source;
}

/* The calls of one round that has something to do, or "" where it has not. */
static inline const char *calls_of_round(void)
{
	int r;

	calls[0] = '\0';
	r = reeve_loop_run_once(loop, 0);
	ck_assert_int_eq(r, (int)strlen(calls));
	return calls;
}

static inline void open_loop(void)
{
	ck_assert_int_eq(reeve_loop_new(&loop), 0);
	calls[0] = '\0';
}

static inline void close_loop(void)
{
	loop = reeve_loop_free(loop);
}

/* A case whose tests begin with a fresh loop; they close it. */
static inline TCase *loop_case(const char *name)
{
	TCase *tcase = leakproof_case(name);

	tcase_add_checked_fixture(tcase, open_loop, NULL);
	return tcase;
}

#endif
