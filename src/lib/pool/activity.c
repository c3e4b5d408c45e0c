/* What a worker shows of its work, while it works: in its row, and by its heartbeat. */
#include "lib/pool/pool.h"
#include "reeve/heartbeat.h"

static void show(struct reeve_pool_worker *worker, enum pool_activity activity)
{
	atomic_store(&worker->row->since, reeve_now());
	atomic_store(&worker->row->activity, activity);
}

/* It has a place in the arena, so saying something cannot fail. */
static void say(struct reeve_pool_worker *worker, const char *text)
{
	enum reeve_heartbeat_state state = atomic_load(&worker->row->activity) == POOL_BUSY
						   ? REEVE_HEARTBEAT_BUSY
						   : REEVE_HEARTBEAT_READY;

	(void)reeve_heartbeat_say(worker->arena, state, text);
}

void activity_begin(struct reeve_pool_worker *worker)
{
	show(worker, POOL_BUSY);
	say(worker, NULL);
}

void activity_end(struct reeve_pool_worker *worker)
{
	if (atomic_load(&worker->row->activity) == POOL_BUSY)
		atomic_fetch_add(&worker->row->requests, 1);
	show(worker, POOL_IDLE);
	say(worker, NULL);
}

bool activity_is_spent(const struct reeve_pool_worker *worker)
{
	return worker->limit && atomic_load(&worker->row->requests) >= worker->limit;
}

void reeve_pool_worker_begin(struct reeve_pool_worker *worker)
{
	if (worker->pool->spec.run)
		activity_begin(worker);
}

void reeve_pool_worker_end(struct reeve_pool_worker *worker)
{
	if (worker->pool->spec.run)
		activity_end(worker);
}

void reeve_pool_worker_say(struct reeve_pool_worker *worker, const char *text)
{
	say(worker, text);
}

void reeve_pool_worker_beat(struct reeve_pool_worker *worker)
{
	reeve_heartbeat_beat(worker->arena);
}
