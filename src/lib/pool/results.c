/* What workers put into the queue of results, as events of the master's loop. */
#include <errno.h>

#include "lib/pool/pool.h"
#include "reeve/queue.h"

/* So many, then others have a turn. */
#define AT_ONCE 64

/* False: the pool is no more, or there is nothing left. */
static bool take_one(struct reeve_pool *pool)
{
	struct reeve_queue *queue = pool->spec.results;
	bool freed = false, *outer = pool->freed;
	struct reeve_queue_slot slot;
	int r = reeve_queue_peek(queue, 0, &slot);

	if (r == -ESHUTDOWN)
		results_stop(pool); /* it would be readable for ever */
	if (r < 0)
		return false;
	pool->freed = &freed;
	pool->spec.result(pool, slot.data, slot.size, pool->spec.told_data);
	/* The program may have freed the pool, but not the queue: the message is still ours. */
	(void)reeve_queue_release(queue, &slot);
	if (!freed)
		pool->freed = outer;
	return !freed;
}

static void on_results(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct reeve_pool *pool = data;

	for (int i = 0; i < AT_ONCE && take_one(pool); i++)
		;
}

int results_start(struct reeve_pool *pool)
{
	int fd;

	if (!pool->spec.results)
		return 0;
	fd = reeve_queue_fd(pool->spec.results);
	if (fd < 0)
		return fd;
	return reeve_loop_add_fd(
		pool->loop, fd, REEVE_LOOP_READABLE, on_results, pool, &pool->results);
}

void results_stop(struct reeve_pool *pool)
{
	pool->results = reeve_loop_source_free(pool->results);
}
