/* A lock whose holder is killed: who waits for it learns that, repairs what the lock protects, and
 * goes on. And while it waits it can say for whom. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/error.h"
#include "reeve/sync.h"

/* Two accounts, of which money is never made nor lost while nobody holds the lock. */
static struct accounts {
	volatile int a, b, moving;
} * accounts;

/* Takes money out, and does not live to put it in. */
static void move_and_hang(struct reeve_lock *lock)
{
	reeve_lock_acquire(lock, REEVE_FOREVER);
	accounts->a -= 10;
	accounts->moving = 10;
	for (;;)
		pause();
}

static void repair(void)
{
	accounts->a += accounts->moving;
	accounts->moving = 0;
}

static int run(struct reeve_arena *arena, struct reeve_lock *lock)
{
	struct reeve_sync_holder holder;
	pid_t pid = fork();
	int r;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		move_and_hang(lock);
	while (!accounts->moving)
		usleep(1000);
	r = reeve_lock_acquire(lock, 10 * REEVE_MSEC);
	if (r == -ETIMEDOUT && reeve_lock_holder(lock, &holder) == 1)
		printf("waited in vain: process %d has had the lock for %lld ms\n", (int)holder.pid,
			(long long)((reeve_now() - holder.since) / REEVE_MSEC));
	printf("a %d, b %d: somebody is at it\n", accounts->a, accounts->b);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	reeve_arena_recover(arena, REEVE_SEC);
	r = reeve_lock_acquire(lock, REEVE_SEC);
	printf("killed it; the lock: %s\n", reeve_error_text(r));
	if (r == -EOWNERDEAD)
		repair();
	printf("a %d, b %d: repaired\n", accounts->a, accounts->b);
	reeve_lock_release(lock);
	return r == -EOWNERDEAD && accounts->a == 100 ? 0 : -EILSEQ;
}

int main(void)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = 4 };
	struct reeve_arena *arena = NULL;
	struct reeve_lock *lock = NULL;
	void *memory;
	int r = reeve_arena_new(&spec, &arena);

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (r == 0)
		r = reeve_lock_new(arena, "accounts", REEVE_SEC, &lock);
	if (r == 0)
		r = reeve_arena_block_new(arena, "balances", sizeof *accounts, REEVE_SEC, &memory);
	if (r == 0) {
		accounts = memory;
		accounts->a = accounts->b = 100;
		r = run(arena, lock);
	}
	if (r < 0)
		fprintf(stderr, "lock: %s\n", reeve_error_text(r));
	reeve_lock_free(lock);
	reeve_arena_free(arena);
	return r < 0;
}
