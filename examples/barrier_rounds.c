/* Three processes that keep step. Then one of them is killed while it waits for the others: they are
 * told, instead of waiting for ever; and the barrier is mended. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/error.h"
#include "reeve/sync.h"

#define PARTIES 3

static void walk(struct reeve_barrier *barrier, int rounds)
{
	int r = 0;

	while (rounds-- && r >= 0)
		r = reeve_barrier_wait(barrier, REEVE_FOREVER);
	_exit(r < 0 ? -r : 0);
}

static pid_t start(struct reeve_barrier *barrier, int rounds)
{
	pid_t pid = fork();

	if (pid == 0)
		walk(barrier, rounds);
	return pid;
}

static int exit_status(pid_t pid)
{
	int status = 0;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The parent is one of the three. */
static int keep_step(struct reeve_barrier *barrier)
{
	pid_t others[2] = { start(barrier, 3), start(barrier, 3) };

	for (int round = 1; round <= 3; round++)
		printf("round %d: came as number %d\n", round,
			reeve_barrier_wait(barrier, 10 * REEVE_SEC) + 1);
	return exit_status(others[0]) || exit_status(others[1]) ? -EILSEQ : 0;
}

static int lose_one(struct reeve_arena *arena, struct reeve_barrier *barrier)
{
	pid_t victim = start(barrier, 1), other = start(barrier, 1);
	int told;

	while (reeve_barrier_waiting(barrier) < 2)
		usleep(1000);
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	reeve_arena_recover(arena, REEVE_SEC);
	told = exit_status(other);
	printf("one was killed; the other was told: %s\n", reeve_error_name(-told));
	printf("who comes now: %s\n", reeve_error_name(reeve_barrier_wait(barrier, REEVE_FOREVER)));
	return told == EPIPE ? reeve_barrier_reset(barrier) : -EILSEQ;
}

int main(void)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = PARTIES + 1 };
	struct reeve_arena *arena = NULL;
	struct reeve_barrier *barrier = NULL;
	int r = reeve_arena_new(&spec, &arena);

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (r == 0)
		r = reeve_barrier_new(arena, "step", PARTIES, REEVE_SEC, &barrier);
	if (r == 0)
		r = keep_step(barrier);
	if (r == 0)
		r = lose_one(arena, barrier);
	if (r == 0)
		r = keep_step(barrier);
	if (r < 0)
		fprintf(stderr, "barrier: %s\n", reeve_error_text(r));
	reeve_barrier_free(barrier);
	reeve_arena_free(arena);
	return r < 0;
}
