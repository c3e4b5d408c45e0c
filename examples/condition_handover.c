/* A bench with room for one thing, between a process that makes things and two that use them. One of
 * these is killed while it waits: the things go to the other. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/error.h"
#include "reeve/sync.h"

#define THINGS 1000

static struct reeve_lock *lock;
static struct reeve_condition *changed;
static struct bench {
	volatile int thing, used; /* their numbers; 0: none there */
} * bench;

/* What a dead user left half done is done again, to the same effect: nothing has to be repaired. */
static int held(int r)
{
	return r == -EOWNERDEAD ? 0 : r;
}

static int wait_until(bool there)
{
	int r = 0;

	while (r == 0 && (bench->thing != 0) != there)
		r = held(reeve_condition_wait(changed, lock, 10 * REEVE_SEC));
	return r;
}

/* Put a thing there, or use the one that is (0). */
static int hand_over(int thing)
{
	int r = held(reeve_lock_acquire(lock, 10 * REEVE_SEC));

	if (r < 0)
		return r;
	r = wait_until(thing == 0);
	if (r == 0) {
		if (thing == 0)
			bench->used = bench->thing;
		bench->thing = thing;
		reeve_condition_notify(changed, UINT_MAX);
	}
	reeve_lock_release(lock);
	return r;
}

static pid_t start_user(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		while (hand_over(0) == 0)
			continue;
		_exit(1);
	}
	return pid;
}

static int run(struct reeve_arena *arena)
{
	pid_t users[2] = { start_user(), start_user() };
	int r = 0;

	for (int i = 1; i <= THINGS && r == 0; i++) {
		r = hand_over(i);
		if (i == THINGS / 2) {
			kill(users[0], SIGKILL);
			waitpid(users[0], NULL, 0);
			reeve_arena_recover(arena, REEVE_SEC);
			printf("%d made, %d used; one who used them is killed\n", i, bench->used);
		}
	}
	while (r == 0 && bench->used < THINGS)
		usleep(1000);
	printf("%d made, %d used\n", THINGS, bench->used);
	kill(users[1], SIGKILL);
	waitpid(users[1], NULL, 0);
	return r;
}

int main(void)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = 4 };
	struct reeve_arena *arena = NULL;
	void *memory;
	int r = reeve_arena_new(&spec, &arena);

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (r == 0)
		r = reeve_lock_new(arena, "lock", REEVE_SEC, &lock);
	if (r == 0)
		r = reeve_condition_new(arena, "changed", 0, REEVE_SEC, &changed);
	if (r == 0)
		r = reeve_arena_block_new(arena, "bench", sizeof *bench, REEVE_SEC, &memory);
	if (r == 0) {
		bench = memory;
		r = run(arena);
	}
	if (r < 0)
		fprintf(stderr, "condition: %s\n", reeve_error_text(r));
	reeve_lock_free(lock);
	reeve_condition_free(changed);
	reeve_arena_free(arena);
	return r < 0;
}
