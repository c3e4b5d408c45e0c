/* All objects of one arena at once, under random kills, for some seconds (REEVE_SOAK_SECONDS; the
 * seed is printed, and REEVE_SOAK_SEED sets it).
 *
 * Up to eight workers use everything in random turn: queues of both forms, both ends of each; locks,
 * a semaphore, a barrier and a condition; they make blocks until the arena is full, fork in the
 * middle, and have fewer places than they are. They are killed, stopped and replaced at any moment.
 *
 * Laws, at any time: who has a lock is alone, and finds what it protects whole unless he is told of a
 * death; a message comes as it was sent, in the order of its producer, and once, unless it is said
 * to come again. And at the end of each round, when all have been killed and recovered: everything is
 * free, and each message that was put has come, but for those that died with their consumers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kill/soak.h"
#include "support/harness.h"

#define WORKERS_MAX 8u
#define PLACES 7u /* fewer than there are processes */
#define ROUND REEVE_SEC

struct soak soak;

const struct reeve_queue_spec soak_specs[QUEUES] = {
	{ .capacity = CAPACITY, .message_max = 200, .on_death = REEVE_QUEUE_DROP },
	{ .capacity = CAPACITY, .message_max = 200, .on_death = REEVE_QUEUE_REDELIVER },
	{ .capacity = CAPACITY,
		.message_max = 200,
		.order = REEVE_QUEUE_LANES,
		.on_death = REEVE_QUEUE_REDELIVER,
		.producers = 4 },
};

/* --- One round -------------------------------------------------------------------------------- */

static unsigned long kills, stops, recovered, dropped;

static void make_all(void)
{
	struct reeve_arena_spec spec = { .label = "soak", .participants = PLACES, .objects = 40 };

	for (unsigned i = 0; i < QUEUES; i++) {
		size_t size;

		ck_assert_int_eq(reeve_queue_bytes(&soak_specs[i], &size), 0);
		spec.size += size + 64;
	}
	spec.size += 20000;
	memset(soak.shared, 0, sizeof *soak.shared);
	soak_forget();
	ck_assert_int_eq(reeve_arena_new(&spec, &soak.arena), 0);
	for (unsigned i = 0; i < QUEUES; i++)
		ck_assert_int_eq(reeve_queue_new(soak.arena, (char[]){ (char)('a' + i), 0 },
					 &soak_specs[i], 0, &soak.queues[i]),
			0);
	ck_assert_int_eq(reeve_lock_new(soak.arena, "lock", 0, &soak.lock), 0);
	ck_assert_int_eq(
		reeve_lock_new(soak.arena, "condition's lock", 0, &soak.condition_lock), 0);
	ck_assert_int_eq(reeve_rwlock_new(soak.arena, "rwlock", 0, &soak.rwlock), 0);
	ck_assert_int_eq(
		reeve_owned_semaphore_new(soak.arena, "semaphore", COUNTS, 0, &soak.semaphore), 0);
	ck_assert_int_eq(reeve_barrier_new(soak.arena, "barrier", 2, 0, &soak.barrier), 0);
	ck_assert_int_eq(reeve_condition_new(soak.arena, "condition", 0, 0, &soak.condition), 0);
}

static void free_all(void)
{
	for (unsigned i = 0; i < QUEUES; i++)
		soak.queues[i] = reeve_queue_free(soak.queues[i]);
	soak.lock = reeve_lock_free(soak.lock);
	soak.condition_lock = reeve_lock_free(soak.condition_lock);
	soak.rwlock = reeve_rwlock_free(soak.rwlock);
	soak.semaphore = reeve_owned_semaphore_free(soak.semaphore);
	soak.barrier = reeve_barrier_free(soak.barrier);
	soak.condition = reeve_condition_free(soak.condition);
	soak.arena = reeve_arena_free(soak.arena);
}

static void check_mistakes(void)
{
	ck_assert_msg(atomic_load(&soak.shared->mistakes) == 0, "%s", soak.shared->mistake);
}

static void end_worker(pid_t pid)
{
	int status;

	MUST(kill(pid, SIGKILL) == 0);
	MUST(waitpid(pid, &status, 0) == pid);
	if (atomic_load(&soak.shared->mistakes))
		check_mistakes();
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	kills++;
}

/* Stop one for a moment, or kill and replace it. */
static void trouble(pid_t pids[], unsigned workers, unsigned *lives, unsigned *seed)
{
	unsigned at = (unsigned)rand_r(seed) % workers;

	if (pids[at] && rand_r(seed) % 3 == 0) {
		kill(pids[at], SIGSTOP);
		usleep((unsigned)rand_r(seed) % 5000);
		kill(pids[at], SIGCONT);
		stops++;
		return;
	}
	if (pids[at]) {
		end_worker(pids[at]);
		if (rand_r(seed) % 2) {
			int r = reeve_arena_recover(soak.arena, PATIENCE);

			MUST(r >= 0);
			recovered += (unsigned)r;
		}
	}
	fflush(stdout);
	pids[at] = fork();
	MUST(pids[at] >= 0);
	if (pids[at] == 0)
		soak_work(*lives, (unsigned)rand_r(seed));
	++*lives;
}

/* What surely was put has come; what may have died with its consumers is counted. */
static void check_queue(unsigned which, unsigned lives)
{
	struct reeve_queue_statistics counts;
	uint64_t missing = 0, most = 0;

	while (soak_take(which, 0) == 0)
		;
	check_mistakes();
	ck_assert_int_eq(reeve_queue_size(soak.queues[which]), 0);
	for (unsigned life = 0; life < LIVES; life++)
		for (uint32_t i = 1; i <= soak.shared->put[which][life]; i++)
			missing += !soak.shared->came[which][life][i];
	ck_assert_int_eq(reeve_queue_statistics(soak.queues[which], &counts), 0);
	dropped += counts.dropped;
	if (soak_specs[which].on_death == REEVE_QUEUE_DROP)
		most += counts.dropped + lives; /* and what each died with as a copy */
	ck_assert_msg(missing <= most, "queue %u: %lu missing, %lu dropped", which,
		(unsigned long)missing, (unsigned long)counts.dropped);
	for (unsigned i = 0; i < CAPACITY; i++)
		ck_assert_msg(reeve_queue_put(soak.queues[which], "", 0, 0) == 0,
			"queue %u: a cell is lost: only %u are free", which, i);
	ck_assert_int_eq(reeve_queue_close(soak.queues[which]), 0);
	for (unsigned i = 0; i < CAPACITY; i++)
		ck_assert_int_eq(reeve_queue_get(soak.queues[which], NULL, 0, 0, NULL), 0);
	ck_assert_int_eq(reeve_queue_get(soak.queues[which], NULL, 0, 0, NULL), -ESHUTDOWN);
}

static void check_all(unsigned lives)
{
	int r = reeve_arena_recover(soak.arena, PATIENCE);

	ck_assert_int_ge(r, 0);
	recovered += (unsigned)r;
	for (unsigned number = 1; number <= PLACES; number++) {
		struct reeve_arena_participant place;

		ck_assert_int_eq(reeve_arena_participant(soak.arena, number, &place), 0);
		ck_assert_msg(place.state == REEVE_ARENA_FREE || place.pid == getpid(),
			"place %u is lost", number);
	}
	for (unsigned i = 0; i < QUEUES; i++)
		check_queue(i, lives);
	soak_use_lock();
	soak_use_rwlock();
	soak_use_condition();
	check_mistakes();
	ck_assert_int_eq(
		atomic_load(&soak.shared->lock.first), atomic_load(&soak.shared->lock.second));
	ck_assert_int_eq(reeve_owned_semaphore_value(soak.semaphore), COUNTS);
	ck_assert_int_eq(reeve_condition_waiting(soak.condition), 0);
	ck_assert_int_eq(reeve_barrier_reset(soak.barrier), 0);
	ck_assert_int_eq(reeve_barrier_waiting(soak.barrier), 0);
}

static void round_of(unsigned workers, unsigned *seed)
{
	reeve_nsec end = reeve_now() + ROUND;
	pid_t pids[WORKERS_MAX] = { 0 };
	unsigned lives = 0;

	make_all();
	while (reeve_now() < end && lives < LIVES) {
		trouble(pids, workers, &lives, seed);
		check_mistakes();
		usleep((unsigned)rand_r(seed) % 10000);
	}
	for (unsigned i = 0; i < workers; i++)
		if (pids[i])
			end_worker(pids[i]);
	while (waitpid(-1, NULL, 0) > 0) /* children of workers, which die with these */
		;
	check_all(lives);
}

static unsigned long environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

START_TEST(everything_survives)
{
	unsigned seed = (unsigned)environment("REEVE_SOAK_SEED", 20261122), rounds = 0;
	reeve_nsec end =
		reeve_now() + (reeve_nsec)environment("REEVE_SOAK_SECONDS", 20) * REEVE_SEC;
	unsigned long operations = 0, messages = 0, again = 0, told = 0, full = 0, forks = 0;

	printf("# seed %u\n", seed);
	soak.shared = mmap(NULL, sizeof *soak.shared, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(soak.shared, MAP_FAILED);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	while (reeve_now() < end) {
		round_of(2 + rounds++ % (WORKERS_MAX - 1), &seed);
		operations += soak.shared->operations;
		messages += soak.shared->messages;
		again += soak.shared->again;
		told += soak.shared->deaths_told;
		full += soak.shared->full;
		forks += soak.shared->forks;
		free_all();
	}
	printf("# %u rounds: %lu kills, %lu stops, %lu recovered here, %lu operations, %lu "
	       "messages, "
	       "%lu again, %lu dropped, %lu deaths told, %lu times full, %lu forks\n",
		rounds, kills, stops, recovered, operations, messages, again, dropped, told, full,
		forks);
	ck_assert(kills && recovered && operations && messages);
	munmap(soak.shared, sizeof *soak.shared);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("all soak");
	TCase *tcase = leakproof_case("all soak");

	case_takes(tcase, environment("REEVE_SOAK_SECONDS", 20));
	tcase_add_test(tcase, everything_survives);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
