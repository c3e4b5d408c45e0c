/* What a worker shows of its work, while it works: in its row, and by its heartbeat. */
#include "lib/pool/pool.h"
#include "reeve/heartbeat.h"

/* Its row has one writer. Without its text, which stays, the heartbeat is a store or two. */
static void show(struct reeve_pool_worker *worker, enum pool_activity activity,
	enum reeve_heartbeat_state state)
{
	struct heartbeat_line *line =
		atomic_load_explicit(&worker->arena->pulse, memory_order_relaxed);

	worker->now = reeve_now();
	atomic_store_explicit(&worker->row->since, worker->now, memory_order_relaxed);
	atomic_store_explicit(&worker->row->activity, activity, memory_order_release);
	atomic_store_explicit(&line->state, state, memory_order_relaxed);
	reeve_heartbeat_beat(worker->arena);
}

void activity_begin(struct reeve_pool_worker *worker)
{
	show(worker, POOL_BUSY, REEVE_HEARTBEAT_BUSY);
}

void activity_end(struct reeve_pool_worker *worker)
{
	uint64_t requests = atomic_load_explicit(&worker->row->requests, memory_order_relaxed);

	if (atomic_load_explicit(&worker->row->activity, memory_order_relaxed) == POOL_BUSY)
		atomic_store_explicit(&worker->row->requests, requests + 1, memory_order_relaxed);
	show(worker, POOL_IDLE, REEVE_HEARTBEAT_READY);
	if (worker->said)
		reeve_pool_worker_say(worker, NULL);
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

/* It has a place in the arena, so saying something cannot fail. */
void reeve_pool_worker_say(struct reeve_pool_worker *worker, const char *text)
{
	static const enum reeve_heartbeat_state states[] = {
		[POOL_STARTING] = REEVE_HEARTBEAT_STARTING,
		[POOL_IDLE] = REEVE_HEARTBEAT_READY,
		[POOL_BUSY] = REEVE_HEARTBEAT_BUSY,
	};
	uint32_t activity = atomic_load(&worker->row->activity);

	worker->said = text;
	(void)reeve_heartbeat_say(
		worker->arena, states[activity <= POOL_BUSY ? activity : POOL_BUSY], text);
}

void reeve_pool_worker_beat(struct reeve_pool_worker *worker)
{
	reeve_heartbeat_beat(worker->arena);
}
