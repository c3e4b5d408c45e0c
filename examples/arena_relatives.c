/* Shared memory between relatives: what a killed process leaves behind is found, and its place
 * is free again. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/arena.h"
#include "reeve/error.h"

#define WORKERS 3

/* Counts for ever; only a signal ends it. */
static void work(struct reeve_arena *arena)
{
	char name[16];
	atomic_ulong *count;
	void *memory;
	int number = reeve_arena_attach(arena, "worker");

	snprintf(name, sizeof name, "count %d", number);
	if (number < 0 || reeve_arena_block_open(arena, name, &memory, NULL) < 0)
		_exit(1);
	for (count = memory;;)
		atomic_fetch_add(count, 1);
}

static void show(struct reeve_arena *arena)
{
	static const char *const states[] = { "free", "alive", "dead", "being swept" };
	struct reeve_arena_participant who;

	for (unsigned number = 1; number <= reeve_arena_participants(arena); number++)
		if (reeve_arena_participant(arena, number, &who) == 0)
			printf("  place %u: %s %s\n", number, states[who.state],
				who.state == REEVE_ARENA_FREE ? "" : who.name);
}

int main(void)
{
	struct reeve_arena_spec spec = {
		.label = "relatives", .size = 4096, .participants = WORKERS
	};
	struct reeve_arena *arena;
	void *memory[WORKERS];
	pid_t pids[WORKERS];
	int r = reeve_arena_new(&spec, &arena);

	for (int i = 0; r == 0 && i < WORKERS; i++) {
		char name[16];

		snprintf(name, sizeof name, "count %d", i + 1);
		r = reeve_arena_block_new(arena, name, sizeof(atomic_ulong), REEVE_SEC, &memory[i]);
	}
	if (r < 0) {
		fprintf(stderr, "arena: %s\n", reeve_error_text(r));
		return 1;
	}
	fflush(stdout);
	for (int i = 0; i < WORKERS; i++)
		if ((pids[i] = fork()) == 0)
			work(arena);
	for (int i = 0; i < WORKERS; i++)
		while (atomic_load((atomic_ulong *)memory[i]) < 1000)
			usleep(100);
	puts("three workers count:");
	show(arena);
	for (int i = 0; i < WORKERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	puts("killed:");
	show(arena);
	r = reeve_arena_recover(arena, REEVE_SEC);
	printf("%d recovered:\n", r);
	show(arena);
	reeve_arena_free(arena);
	return r == WORKERS ? 0 : 1;
}
