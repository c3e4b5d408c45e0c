/* What happens to places: each event goes through the table of place.c, and what that says is done
 * here. */
#include <errno.h>
#include <signal.h>

#include "lib/base/cleanup.h"
#include "lib/base/fork.h"
#include "lib/pool/pool.h"

int pool_check(const struct reeve_pool *pool)
{
	if (!pool)
		return -EFAULT;
	if (!pool->places)
		return -EPERM;
	return pool->generation == fork_generation() ? 0 : -ECHILD;
}

bool pool_tell(struct reeve_pool *pool, const struct reeve_pool_notice *notice)
{
	bool freed = false, *outer = pool->freed;

	if (!pool->spec.told)
		return true;
	pool->freed = &freed;
	pool->spec.told(pool, notice, pool->spec.told_data);
	if (!freed)
		pool->freed = outer;
	else if (outer)
		*outer = true;
	return !freed;
}

uint64_t pool_jitter(struct reeve_pool *pool, uint64_t value)
{
	uint64_t most = value / 4;

	pool->random ^= pool->random << 13;
	pool->random ^= pool->random >> 7;
	pool->random ^= pool->random << 17;
	return most ? pool->random % (most + 1) : 0;
}

/* --- A place ---------------------------------------------------------------------------------- */

/* How long it may be in the state that it is in now. */
static reeve_nsec time_of(struct place *place)
{
	const struct reeve_pool_spec *spec = &place->pool->spec;

	switch (place->state) {
	case PLACE_WAITING: return place->delay;
	case PLACE_WORKING:
		if (spec->recycle_time == 0)
			return REEVE_FOREVER;
		return spec->recycle_time +
		       (reeve_nsec)pool_jitter(place->pool, (uint64_t)spec->recycle_time);
	case PLACE_LEAVING: return spec->grace;
	case PLACE_TERMINATING: return spec->kill_after;
	default: return REEVE_FOREVER;
	}
}

static void set_timer(struct place *place)
{
	reeve_nsec time = time_of(place);

	/* What an embedded loop could fail with leaves the timer running. */
	if (time == REEVE_FOREVER)
		(void)reeve_loop_timer_stop(place->timer);
	else
		(void)reeve_loop_timer_start(place->timer, time, 0);
}

/* A process that has ended meanwhile needs no signal: its end is on its way to us. */
static void act(struct place *place, enum place_action action)
{
	if (action >= PLACE_ASK)
		atomic_store(&place->row->leave, 1);
	switch (action) {
	case PLACE_ASK:
		lifeline_nudge(place);
		if (place->pool->spec.handle)
			(void)reeve_process_signal(place->process, SIGURG);
		break;
	case PLACE_TERMINATE:
		(void)reeve_process_signal(place->process, SIGTERM);
		(void)reeve_process_signal(place->process, SIGCONT); /* or it could not act on it */
		break;
	case PLACE_KILL: (void)reeve_process_signal(place->process, SIGKILL); break;
	default: break;
	}
}

enum place_action place_event(struct place *place, enum place_event event)
{
	struct place_step step = place_step(place->state, event);

	if (step.to != place->state) {
		place->state = step.to;
		atomic_store(&place->row->state, step.to);
		set_timer(place);
	}
	act(place, step.action);
	return step.action;
}

/* For what one is to go already, it goes. */
static void dismiss(struct place *place, enum reeve_pool_reason reason)
{
	if (place->state == PLACE_WORKING)
		place->reason = reason;
	place->follow = reason == REEVE_POOL_RECYCLED;
	place_event(place, PLACE_DISMISS);
}

/* --- Strength --------------------------------------------------------------------------------- */

/* Whether there is a worker in it, or will be, who counts. */
static bool counts(const struct place *place)
{
	if (place->state == PLACE_WAITING || place->state == PLACE_WORKING)
		return true;
	return place->state != PLACE_VACANT && place->follow;
}

static bool is_idle(const struct place *place)
{
	return place->state == PLACE_WORKING && atomic_load(&place->row->activity) == POOL_IDLE;
}

/* Who is missed least: nobody yet; one that goes anyway; an idle one; the last. */
static struct place *dispensable(struct reeve_pool *pool)
{
	struct place *best = NULL;
	int best_rank = 0;

	for (unsigned i = 0; i < pool->places_max; i++) {
		struct place *place = &pool->places[i];
		int rank;

		if (!counts(place))
			continue;
		rank = place->state == PLACE_WAITING   ? 4
		       : place->state != PLACE_WORKING ? 3
		       : is_idle(place)                ? 2
						       : 1;
		if (rank >= best_rank) {
			best = place;
			best_rank = rank;
		}
	}
	return best;
}

/* A vacant place; else one that is just being left. */
static struct place *vacancy(struct reeve_pool *pool)
{
	struct place *found = NULL;

	for (unsigned i = 0; i < pool->places_max; i++) {
		struct place *place = &pool->places[i];

		if (place->state == PLACE_VACANT)
			return place;
		if (!found && !counts(place))
			found = place;
	}
	return found;
}

static void hire(struct place *place)
{
	place->follow = true;
	place->delay = 0;
	place->failures = 0;
	atomic_store(&place->row->failures, 0);
	place_event(place, PLACE_HIRE);
}

void pool_balance(struct reeve_pool *pool)
{
	struct place *place;
	unsigned have = 0;

	for (unsigned i = 0; i < pool->places_max; i++)
		have += counts(&pool->places[i]);
	for (; have < pool->wanted && (place = vacancy(pool)); have++)
		hire(place);
	for (; have > pool->wanted && (place = dispensable(pool)); have--)
		dismiss(place, REEVE_POOL_DISMISSED);
}

void pool_set_wanted(struct reeve_pool *pool, unsigned wanted)
{
	pool->wanted = wanted;
	atomic_store(&pool->table->header.wanted, wanted);
	pool_balance(pool);
	(void)reeve_loop_deferred_schedule(pool->settle);
}

/* --- The end of a worker ---------------------------------------------------------------------- */

static enum reeve_pool_reason reason_of(
	const struct place *place, const struct reeve_process_outcome *outcome)
{
	uint32_t said = atomic_load(&place->row->reason);

	if (place->state != PLACE_WORKING)
		return place->reason;
	if (outcome->how != REEVE_PROCESS_EXITED || said == 0 || said - 1 > REEVE_POOL_FINISHED)
		return REEVE_POOL_DIED;
	return (enum reeve_pool_reason)(said - 1);
}

/* How long to wait before the next one. */
static reeve_nsec delay_after_failure(struct place *place)
{
	const struct reeve_pool_spec *spec = &place->pool->spec;
	reeve_nsec delay = spec->backoff;

	place->failures++;
	atomic_store(&place->row->failures, place->failures);
	for (unsigned i = 1; i < place->failures && delay < spec->backoff_max; i++)
		delay = delay > spec->backoff_max / 2 ? spec->backoff_max : 2 * delay;
	return delay;
}

static bool died_young(const struct place *place, enum reeve_pool_reason reason)
{
	reeve_nsec young = place->pool->spec.young;

	if (reason != REEVE_POOL_DIED && reason != REEVE_POOL_FAILED)
		return false;
	return young == REEVE_FOREVER || reeve_now() - place->started < young;
}

static void count(struct reeve_pool *pool, const struct reeve_pool_notice *notice)
{
	struct pool_header *header = &pool->table->header;

	atomic_fetch_add(&header->requests, notice->requests);
	if (notice->reason == REEVE_POOL_DIED || notice->reason == REEVE_POOL_FAILED)
		atomic_fetch_add(&header->died, 1);
	else if (notice->reason == REEVE_POOL_RECYCLED)
		atomic_fetch_add(&header->recycled, 1);
}

/* The kernel may have woken it for a connection that it did not come to accept. */
static void nudge_all(struct reeve_pool *pool)
{
	for (unsigned i = 0; pool->spec.serve && i < pool->places_max; i++)
		if (pool->places[i].state == PLACE_WORKING)
			lifeline_nudge(&pool->places[i]);
}

static void empty(struct place *place, enum reeve_pool_reason reason)
{
	struct pool_row *row = place->row;

	place->process = reeve_process_free(place->process);
	place->lifeline = close_fd(place->lifeline);
	atomic_store(&row->pid, 0);
	atomic_store(&row->requests, 0);
	if (died_young(place, reason)) {
		place->delay = delay_after_failure(place);
	} else {
		place->delay = 0;
		place->failures = 0;
		atomic_store(&row->failures, 0);
	}
	place_event(place, PLACE_ENDED);
	if (place->follow)
		place_event(place, PLACE_HIRE);
}

/* The queue is closed and empty; who still has a message keeps his place. */
static void note_finished(struct reeve_pool *pool)
{
	pool->finished = true;
	if (pool->wanted > 0)
		pool->wanted--;
	if (pool->wanted == 0)
		pool->stopping = true;
	atomic_store(&pool->table->header.wanted, pool->wanted);
}

static void on_end(
	struct reeve_process *process, const struct reeve_process_outcome *outcome, void *data)
{
	struct place *place = data;
	struct reeve_pool *pool = place->pool;
	struct reeve_pool_notice notice = {
		.event = REEVE_POOL_ENDED,
		.place = (unsigned)(place - pool->places),
		.pid = outcome->pid,
		.reason = reason_of(place, outcome),
		.outcome = *outcome,
		.requests = atomic_load(&place->row->requests),
		.in_request = atomic_load(&place->row->activity) == POOL_BUSY,
	};

	/* What it held is given back before anybody hears of its end. */
	(void)reeve_arena_recover(pool->arena, 0);
	if (notice.reason == REEVE_POOL_FAILED)
		notice.error = atomic_load(&place->row->error);
	if (notice.reason == REEVE_POOL_FINISHED) {
		place->follow = false;
		note_finished(pool);
	}
	count(pool, &notice);
	empty(place, notice.reason);
	notice.failures = place->failures;
	notice.delay = place->follow ? place->delay : REEVE_FOREVER;
	pool_balance(pool);
	if (outcome->how != REEVE_PROCESS_EXITED)
		nudge_all(pool);
	(void)reeve_loop_deferred_schedule(pool->settle);
	pool_tell(pool, &notice);
}

/* --- Timers ----------------------------------------------------------------------------------- */

static void start(struct place *place)
{
	struct reeve_pool *pool = place->pool;
	struct reeve_pool_notice notice = { .place = (unsigned)(place - pool->places) };
	int r = place_spawn(place, on_end);

	if (r < 0) {
		place->delay = delay_after_failure(place);
		set_timer(place);
		notice.event = REEVE_POOL_NOT_STARTED;
		notice.error = r;
		notice.delay = place->delay;
	} else {
		atomic_fetch_add(&pool->table->header.started, 1);
		place_event(place, PLACE_STARTED);
		(void)reeve_loop_deferred_schedule(pool->settle);
		notice.event = REEVE_POOL_STARTED;
		notice.pid = reeve_process_pid(place->process);
	}
	notice.failures = place->failures;
	pool_tell(pool, &notice);
}

void place_overdue(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct place *place = data;

	if (place->state == PLACE_WORKING)
		dismiss(place, REEVE_POOL_RECYCLED);
	else if (place_event(place, PLACE_OVERDUE) == PLACE_START)
		start(place);
}

/* --- When all is quiet ------------------------------------------------------------------------ */

/* Replace the next one from before reeve_pool_recycle(), unless one is just being replaced. */
static void renew(struct reeve_pool *pool)
{
	struct place *old = NULL;

	for (unsigned i = pool->places_max; i-- > 0;) {
		struct place *place = &pool->places[i];

		if (place->state != PLACE_WORKING && counts(place))
			return;
		if (place->state == PLACE_WORKING && place->started <= pool->renew)
			old = place;
	}
	if (old)
		dismiss(old, REEVE_POOL_RECYCLED);
	else
		pool->renew = 0;
}

static bool is_deserted(const struct reeve_pool *pool)
{
	for (unsigned i = 0; i < pool->places_max; i++)
		if (pool->places[i].state != PLACE_VACANT)
			return false;
	return true;
}

void pool_settle(struct reeve_loop_source *source, void *data)
{
	struct reeve_pool *pool = data;
	static const struct reeve_pool_notice notice = { .event = REEVE_POOL_STOPPED };

	if (pool->renew && !pool->stopping)
		renew(pool);
	if (!pool->stopping || pool->stopped || !is_deserted(pool))
		return;
	pool->stopped = true;
	pool_tell(pool, &notice);
}
