/* Two strangers meet in shared memory by a name: whoever comes first makes the arena, and when
 * both are gone, killed or not, so is the name. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/arena.h"
#include "reeve/error.h"

/* What each of them does, knowing nothing of the other but a name. */
static void be_a_stranger(const char *name)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = 4 };
	struct reeve_arena *arena;
	void *memory;
	int made = reeve_arena_connect(name, &spec, REEVE_SEC, &arena), r;

	if (made < 0) {
		fprintf(stderr, "connect: %s\n", reeve_error_text(made));
		_exit(1);
	}
	r = reeve_arena_block_new(arena, "guests", sizeof(atomic_int), REEVE_SEC, &memory);
	if (r == -EEXIST)
		r = reeve_arena_block_open(arena, "guests", &memory, NULL);
	if (r < 0) {
		fprintf(stderr, "guests: %s\n", reeve_error_text(r));
		_exit(1);
	}
	printf("%d %s \"%s\"\n", getpid(), made ? "made" : "found", name);
	fflush(stdout);
	atomic_fetch_add((atomic_int *)memory, 1);
	while (atomic_load((atomic_int *)memory) < 2)
		usleep(1000);
	kill(getpid(), SIGKILL); /* without a goodbye */
}

int main(void)
{
	char name[32];
	struct reeve_arena *arena;
	int r, met = 0;

	snprintf(name, sizeof name, "example-%d", getpid());
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			be_a_stranger(name);
	for (int status; wait(&status) > 0;)
		met += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	printf("%d met, and were killed\n", met);
	r = reeve_arena_connect(name, NULL, REEVE_SEC, &arena);
	printf("\"%s\" now: %s\n", name, r < 0 ? reeve_error_text(r) : "still there");
	return met == 2 && r == -ENOENT ? 0 : 1;
}
