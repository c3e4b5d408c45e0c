/* What tests of locks and meeting points share. */
#ifndef TESTS_UNIT_SYNC_FIXTURE_H
#define TESTS_UNIT_SYNC_FIXTURE_H

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "lib/sync/hold.h"
#include "reeve/sync.h"
#include "unit/arena_fixture.h"

#define MOMENT (20 * REEVE_MSEC)

static struct reeve_arena *arena;

/* What processes of a test tell one another. */
static struct board {
	_Atomic int a, b, c;
	_Atomic uint64_t counter;
	/* Not atomic: only a lock keeps it right. */
	volatile uint64_t x, y;
} * board;

static inline void make_arena(void)
{
	struct reeve_arena_spec spec = { .size = 16384, .participants = 8, .objects = 16 };
	void *memory;

	ck_assert_int_eq(reeve_arena_new(&spec, &arena), 0);
	ck_assert_int_eq(reeve_arena_block_new(arena, "board", sizeof *board, 0, &memory), 0);
	board = memory;
}

static inline void free_arena(void)
{
	arena = reeve_arena_free(arena);
}

/* The object's memory: to look at, and to scribble in. */
static inline void *memory_of(void *handle)
{
	return ((struct sync *)handle)->memory;
}

/* The word that a process sleeps on; 0: none. */
static inline uintptr_t sleeps_at(pid_t pid)
{
	unsigned long address;

	return system_call_of(pid, pid, &address) == SYS_futex ? address : 0;
}

/* A thread that makes one call, and what it returned. */
struct caller {
	int (*call)(void *data);
	void *data;
	pthread_t thread;
	_Atomic pid_t tid;
	_Atomic bool done;
	int result;
};

static inline void *caller_run(void *data)
{
	struct caller *caller = data;

	atomic_store(&caller->tid, gettid());
	caller->result = caller->call(caller->data);
	atomic_store(&caller->done, true);
	return NULL;
}

static inline void caller_start(struct caller *caller, int (*call)(void *), void *data)
{
	*caller = (struct caller){ .call = call, .data = data };
	ck_assert_int_eq(pthread_create(&caller->thread, NULL, caller_run, caller), 0);
}

/* The same, and until it sleeps. */
static inline void caller_sleep(struct caller *caller, int (*call)(void *), void *data)
{
	caller_start(caller, call, data);
	WAIT_UNTIL(atomic_load(&caller->tid) && is_asleep(getpid(), atomic_load(&caller->tid)));
}

static inline int caller_join(struct caller *caller)
{
	ck_assert_int_eq(pthread_join(caller->thread, NULL), 0);
	return caller->result;
}

/* What a call returns in another thread. */
static inline int in_thread(int (*call)(void *), void *data)
{
	struct caller caller;

	caller_start(&caller, call, data);
	return caller_join(&caller);
}

/* A process that makes one call and then waits to be killed. */
static inline pid_t process_start(int (*call)(void *), void *data)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		call(data);
		for (;;)
			pause();
	}
	return pid;
}

/* The same, and until it sleeps in the call. */
static inline pid_t process_sleep(int (*call)(void *), void *data)
{
	pid_t pid = process_start(call, data);

	WAIT_UNTIL(is_asleep(pid, pid));
	return pid;
}

/* And until the call returned. */
static inline bool is_pausing(pid_t pid)
{
	unsigned long argument;
	long number = system_call_of(pid, pid, &argument);

#if defined(SYS_pause)
	return number == SYS_pause;
#else
	return number == SYS_ppoll;
#endif
}

static inline pid_t process_through(int (*call)(void *), void *data)
{
	pid_t pid = process_start(call, data);

	WAIT_UNTIL(is_pausing(pid));
	return pid;
}

/* Killed, reaped, and what it held given back: if need be by another that is at it already. */
static inline void kill_and_recover(pid_t pid)
{
	kill_and_reap(pid);
	do
		ck_assert_int_ge(reeve_arena_recover(arena, REEVE_FOREVER), 0);
	while (has_place(arena, pid));
}

#endif
