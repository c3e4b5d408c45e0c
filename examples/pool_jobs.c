/* Jobs in a queue, workers that do them, and results that come back. Some jobs kill the worker that has them, the first
 * time: the queue delivers them again, so that no job is lost; the pool replaces the worker. */
#include <signal.h>
#include <stdio.h>

#include "reeve/arena.h"
#include "reeve/loop.h"
#include "reeve/pool.h"
#include "reeve/queue.h"

#define JOBS 40
#define WORKERS 3

struct table {
	struct reeve_queue *jobs, *results;
	int *deadly;            /* in the arena: how many jobs will still kill */
	unsigned squares[JOBS]; /* the master's: what came back */
	struct reeve_loop *loop;
};

/* In a worker. */
static int square(struct reeve_pool_worker *worker, const void *message, size_t size, void *data)
{
	struct table *table = data;
	unsigned pair[2] = { *(const unsigned *)message };

	if (pair[0] % 10 == 9 && __atomic_fetch_sub(table->deadly, 1, __ATOMIC_SEQ_CST) > 0)
		raise(SIGKILL);
	pair[1] = pair[0] * pair[0];
	return reeve_queue_put(table->results, pair, sizeof pair, REEVE_FOREVER);
}

static void on_result(struct reeve_pool *pool, const void *result, size_t size, void *data)
{
	const unsigned *pair = result;

	((struct table *)data)->squares[pair[0]] = pair[1];
}

/* The queue of jobs is closed, so the pool ends by itself when all are done. */
static void on_told(struct reeve_pool *pool, const struct reeve_pool_notice *notice, void *data)
{
	if (notice->event == REEVE_POOL_ENDED)
		printf("worker %d %s after %d jobs%s\n", (int)notice->pid, reeve_pool_reason_name(notice->reason),
			(int)notice->requests, notice->in_request ? ", in the middle of one" : "");
	if (notice->event == REEVE_POOL_STOPPED)
		reeve_loop_stop(((struct table *)data)->loop, 0);
}

static int make_queues(struct reeve_arena *arena, struct table *table)
{
	struct reeve_queue_spec spec = { .capacity = JOBS, .message_max = 16, .on_death = REEVE_QUEUE_REDELIVER };
	void *block;

	if (reeve_queue_new(arena, "jobs", &spec, REEVE_SEC, &table->jobs) < 0 ||
		reeve_queue_new(arena, "results", &spec, REEVE_SEC, &table->results) < 0 ||
		reeve_arena_block_new(arena, "deadly", sizeof *table->deadly, REEVE_SEC, &block) < 0)
		return -1;
	table->deadly = block;
	*table->deadly = 3;
	for (unsigned i = 0; i < JOBS; i++)
		if (reeve_queue_put(table->jobs, &i, sizeof i, 0) < 0)
			return -1;
	return reeve_queue_close(table->jobs);
}

static unsigned count_right(const struct table *table)
{
	unsigned right = 0;

	for (unsigned i = 0; i < JOBS; i++)
		right += table->squares[i] == i * i;
	return right;
}

int main(void)
{
	struct reeve_arena_spec arena_spec = { .label = "jobs", .size = 1 << 20, .participants = WORKERS + 1 };
	struct table table = { 0 };
	struct reeve_pool_spec spec = { .workers = WORKERS, .handle = square, .result = on_result, .told = on_told };
	struct reeve_pool *pool;

	setvbuf(stdout, NULL, _IOLBF, 0);
	table.squares[0] = 1; /* so that it is wrong, too, until its result comes */
	if (reeve_arena_new(&arena_spec, &spec.arena) < 0 || make_queues(spec.arena, &table) < 0 ||
		reeve_loop_new(&table.loop) < 0)
		return 1;
	spec.queue = table.jobs;
	spec.results = table.results;
	spec.data = spec.told_data = &table;
	spec.backoff = REEVE_MSEC;
	if (reeve_pool_new(table.loop, &spec, &pool) < 0 || reeve_loop_run(table.loop) < 0)
		return 1;
	while (reeve_queue_size(table.results) > 0)
		reeve_loop_run_once(table.loop, REEVE_SEC);
	printf("%u of %d squares are right\n", count_right(&table), JOBS);
	reeve_pool_free(pool);
	reeve_loop_free(table.loop);
	reeve_queue_free(table.jobs);
	reeve_queue_free(table.results);
	reeve_arena_free(spec.arena);
	return count_right(&table) == JOBS ? 0 : 1;
}
