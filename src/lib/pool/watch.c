/* The master's looks: who is stuck, and are there enough who are idle. */
#include <errno.h>

#include "lib/pool/pool.h"
#include "reeve/heartbeat.h"

/* How often to look within the time that a silence may last. */
#define LOOKS 4
/* How long beyond that a worker may take to be born: nobody can tell what keeps it. */
#define BIRTH (10 * REEVE_SEC)
#define SPARE_STEP_MAX 32u

/* --- Stuck ------------------------------------------------------------------------------------ */

/* It is silent, though it had the time, and not because it waits for a request; or somebody stopped
 * it, and is no debugger; or it does not come to life, being a child of a program with threads. */
static bool is_stuck(const struct place *place)
{
	reeve_nsec limit = place->pool->spec.stuck_after;
	uint32_t owner = atomic_load(&place->row->owner);
	struct reeve_heartbeat_report report;

	if (owner == 0)
		return reeve_now() - place->started > limit + BIRTH;
	if (reeve_heartbeat_check(place->pool->watch, owner, &report) < 0)
		return false;
	if (report.verdict == REEVE_HEARTBEAT_HUNG)
		return report.state != REEVE_HEARTBEAT_READY;
	return report.verdict == REEVE_HEARTBEAT_STOPPED && report.scheduler == 'T' &&
	       report.silence > limit;
}

/* False: the pool is no more. */
static bool look_at(struct place *place)
{
	struct reeve_pool *pool = place->pool;
	struct reeve_pool_notice notice = {
		.event = REEVE_POOL_STUCK,
		.place = (unsigned)(place - pool->places),
		.reason = REEVE_POOL_REPLACED,
		.failures = place->failures,
	};

	if (!is_stuck(place))
		return true;
	notice.pid = reeve_process_pid(place->process);
	notice.in_request = atomic_load(&place->row->activity) == POOL_BUSY;
	atomic_fetch_add(&pool->table->header.stuck, 1);
	place->reason = REEVE_POOL_REPLACED;
	place_event(place, PLACE_STUCK);
	return pool_tell(pool, &notice);
}

static void look_for_stuck(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct reeve_pool *pool = data;

	for (unsigned i = 0; i < pool->places_max; i++) {
		struct place *place = &pool->places[i];

		if ((place->state == PLACE_WORKING || place->state == PLACE_LEAVING) &&
			!look_at(place))
			return;
	}
}

/* --- Strength by demand ----------------------------------------------------------------------- */

/* Those who start will be idle soon. */
static unsigned count_spare(const struct reeve_pool *pool)
{
	unsigned count = 0;

	for (unsigned i = 0; i < pool->places_max; i++) {
		const struct place *place = &pool->places[i];

		count += place->state == PLACE_WAITING ||
			 (place->state == PLACE_WORKING &&
				 atomic_load(&place->row->activity) != POOL_BUSY);
	}
	return count;
}

static void grow(struct reeve_pool *pool)
{
	unsigned room = pool->places_max - pool->wanted;

	pool_set_wanted(pool, pool->wanted + (pool->spare_step < room ? pool->spare_step : room));
	if (pool->spare_step < SPARE_STEP_MAX)
		pool->spare_step *= 2;
}

static void look_for_spare(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct reeve_pool *pool = data;
	const struct reeve_pool_spec *spec = &pool->spec;
	unsigned spare = count_spare(pool);

	if (pool->stopping || pool->finished)
		return;
	if (spare < spec->spare_min && pool->wanted < pool->places_max) {
		grow(pool);
		return;
	}
	pool->spare_step = 1;
	if (spare > spec->spare_max && pool->wanted > spec->workers_min)
		pool_set_wanted(pool, pool->wanted - 1);
}

/* --- Both ------------------------------------------------------------------------------------- */

static int add_timer(struct reeve_pool *pool, reeve_loop_timer_callback *callback, reeve_nsec every,
	struct reeve_loop_source **ret)
{
	int r = reeve_loop_add_timer(pool->loop, callback, pool, ret);

	if (every < REEVE_MSEC)
		every = REEVE_MSEC;
	return r < 0 ? r : reeve_loop_timer_start(*ret, every, every);
}

int watch_start(struct reeve_pool *pool)
{
	const struct reeve_pool_spec *spec = &pool->spec;
	int r = 0;

	if (spec->stuck_after) {
		r = reeve_heartbeat_watch_new(pool->arena, spec->stuck_after, &pool->watch);
		if (r == 0)
			r = add_timer(pool, look_for_stuck, spec->stuck_after / LOOKS,
				&pool->stuck_timer);
	}
	pool->spare_step = 1;
	if (r == 0 && spec->spare_max)
		r = add_timer(pool, look_for_spare, spec->spare_every, &pool->spare_timer);
	return r;
}

void watch_stop(struct reeve_pool *pool)
{
	pool->stuck_timer = reeve_loop_source_free(pool->stuck_timer);
	pool->spare_timer = reeve_loop_source_free(pool->spare_timer);
	pool->watch = reeve_heartbeat_watch_free(pool->watch);
}
