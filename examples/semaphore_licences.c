/* Two licences for five workers. One worker is killed while it uses its licence: that is free again,
 * and nobody had to count. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/error.h"
#include "reeve/sync.h"

#define LICENCES 2
#define WORKERS 5

static atomic_int *in_use, *finished;

/* What needs a licence; never more at a time than there are. */
static int work(struct reeve_owned_semaphore *licences)
{
	int r = reeve_owned_semaphore_acquire(licences, 10 * REEVE_SEC);

	if (r < 0)
		return r;
	if (atomic_fetch_add(in_use, 1) >= LICENCES)
		return -EILSEQ;
	usleep(1000);
	atomic_fetch_sub(in_use, 1);
	atomic_fetch_add(finished, 1);
	return reeve_owned_semaphore_release(licences);
}

static void show(struct reeve_owned_semaphore *licences)
{
	struct reeve_sync_holder holders[LICENCES];
	int n = reeve_owned_semaphore_holders(licences, holders, LICENCES);

	printf("%d free", reeve_owned_semaphore_value(licences));
	for (int i = 0; i < n && i < LICENCES; i++)
		printf(", process %d has one", (int)holders[i].pid);
	puts("");
}

static int run(struct reeve_arena *arena, struct reeve_owned_semaphore *licences)
{
	int status, failed = 0;
	pid_t hog = fork();

	if (hog == 0) {
		reeve_owned_semaphore_acquire(licences, REEVE_FOREVER);
		for (;;)
			pause();
	}
	while (reeve_owned_semaphore_value(licences) == LICENCES)
		usleep(1000);
	show(licences);
	kill(hog, SIGKILL);
	waitpid(hog, NULL, 0);
	reeve_arena_recover(arena, REEVE_SEC);
	puts("killed it:");
	show(licences);
	fflush(stdout);
	for (int i = 0; i < WORKERS; i++)
		if (fork() == 0)
			_exit(work(licences) < 0);
	for (int i = 0; i < WORKERS; i++)
		if (wait(&status) > 0)
			failed |= status;
	printf("%d workers have finished\n", atomic_load(finished));
	show(licences);
	return failed || reeve_owned_semaphore_value(licences) != LICENCES ? -EILSEQ : 0;
}

int main(void)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = WORKERS + 2 };
	struct reeve_owned_semaphore *licences = NULL;
	struct reeve_arena *arena = NULL;
	void *memory;
	int r = reeve_arena_new(&spec, &arena);

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (r == 0)
		r = reeve_owned_semaphore_new(arena, "licences", LICENCES, REEVE_SEC, &licences);
	if (r == 0)
		r = reeve_arena_block_new(
			arena, "counts", 2 * sizeof(atomic_int), REEVE_SEC, &memory);
	if (r == 0) {
		in_use = memory;
		finished = in_use + 1;
		r = run(arena, licences);
	}
	if (r < 0)
		fprintf(stderr, "licences: %s\n", reeve_error_text(r));
	reeve_owned_semaphore_free(licences);
	reeve_arena_free(arena);
	return r < 0;
}
