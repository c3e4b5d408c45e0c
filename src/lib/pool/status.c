/* What there is to see of a pool. All of it is read from the arena, by the master, too, and from
 * memory that others can write: what is read is shown, and leads nowhere. */
#include <errno.h>
#include <string.h>

#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/pool/pool.h"

_Static_assert(REEVE_POOL_WORKERS_MAX == POOL_TABLE_PLACES_MAX, "as many as there can be rows");
_Static_assert(REEVE_POOL_NAME_MAX == REEVE_ARENA_NAME_MAX, "it is an object's name");

static enum reeve_pool_state state_of(const struct pool_row *row)
{
	uint32_t activity = atomic_load(&row->activity);

	switch (atomic_load(&row->state)) {
	case PLACE_WAITING: return REEVE_POOL_BACKOFF;
	case PLACE_WORKING:
		return activity == POOL_BUSY   ? REEVE_POOL_BUSY
		       : activity == POOL_IDLE ? REEVE_POOL_IDLE
					       : REEVE_POOL_STARTING;
	case PLACE_LEAVING: return REEVE_POOL_LEAVING;
	case PLACE_TERMINATING: return REEVE_POOL_TERMINATING;
	case PLACE_KILLING: return REEVE_POOL_KILLING;
	default: return REEVE_POOL_VACANT;
	}
}

static void count_worker(struct reeve_pool_status *status, enum reeve_pool_state state)
{
	status->workers += state >= REEVE_POOL_STARTING;
	status->starting += state == REEVE_POOL_STARTING;
	status->idle += state == REEVE_POOL_IDLE;
	status->busy += state == REEVE_POOL_BUSY;
	status->leaving += state >= REEVE_POOL_LEAVING;
}

int reeve_pool_status(struct reeve_pool *pool, struct reeve_pool_status *ret)
{
	struct reeve_pool_status status = { 0 };
	struct pool_header *header;

	if (!pool || !ret)
		return -EFAULT;
	header = &pool->table->header;
	if (atomic_load(&header->owner))
		status.master = atomic_load(&header->pid);
	status.places = pool->places_max;
	status.wanted = atomic_load(&header->wanted);
	status.requests = atomic_load(&header->requests);
	status.started = atomic_load(&header->started);
	status.died = atomic_load(&header->died);
	status.recycled = atomic_load(&header->recycled);
	status.stuck = atomic_load(&header->stuck);
	for (unsigned i = 0; i < pool->places_max; i++) {
		status.requests += atomic_load(&pool->table->rows[i].requests);
		count_worker(&status, state_of(&pool->table->rows[i]));
	}
	*ret = status;
	return 0;
}

static void copy_text(struct reeve_pool *pool, uint32_t owner, char *text)
{
	if (owner == 0 || owner > pool->arena->participants)
		return;
	memcpy(text, arena_line(pool->arena, owner)->text, REEVE_POOL_TEXT_MAX);
}

int reeve_pool_worker_get(
	struct reeve_pool *pool, unsigned place, struct reeve_pool_worker_status *ret)
{
	struct reeve_pool_worker_status status = { 0 };
	const struct pool_row *row;

	if (!pool || !ret)
		return -EFAULT;
	if (place >= pool->places_max)
		return -ERANGE;
	row = &pool->table->rows[place];
	status.state = state_of(row);
	status.pid = atomic_load(&row->pid);
	status.failures = atomic_load(&row->failures);
	if (status.pid) {
		status.requests = atomic_load(&row->requests);
		status.started = atomic_load(&row->started);
		status.since = atomic_load(&row->since);
		copy_text(pool, atomic_load(&row->owner), status.text);
	}
	*ret = status;
	return 0;
}

const char *reeve_pool_state_name(enum reeve_pool_state state)
{
	static const char *const names[] = {
		[REEVE_POOL_VACANT] = "vacant",
		[REEVE_POOL_BACKOFF] = "backoff",
		[REEVE_POOL_STARTING] = "starting",
		[REEVE_POOL_IDLE] = "idle",
		[REEVE_POOL_BUSY] = "busy",
		[REEVE_POOL_LEAVING] = "leaving",
		[REEVE_POOL_TERMINATING] = "terminating",
		[REEVE_POOL_KILLING] = "killing",
	};

	return (unsigned)state < sizeof names / sizeof *names ? names[state] : "unknown";
}

const char *reeve_pool_reason_name(enum reeve_pool_reason reason)
{
	static const char *const names[] = {
		[REEVE_POOL_DIED] = "died",
		[REEVE_POOL_FAILED] = "failed",
		[REEVE_POOL_RECYCLED] = "recycled",
		[REEVE_POOL_DISMISSED] = "dismissed",
		[REEVE_POOL_REPLACED] = "replaced",
		[REEVE_POOL_FINISHED] = "finished",
	};

	return (unsigned)reason < sizeof names / sizeof *names ? names[reason] : "unknown";
}

/* --- For others ------------------------------------------------------------------------------- */

static int find(struct reeve_arena *arena, const char *name, struct pool_table **ret_table,
	unsigned *ret_places)
{
	struct arena_object object;
	int r = arena_object_find(arena, ARENA_TYPE_POOL, name, &object);

	if (r < 0)
		return r;
	if (object.size < pool_table_size(1) ||
		object.size > pool_table_size(REEVE_POOL_WORKERS_MAX))
		return -EUCLEAN;
	*ret_table = object.memory;
	*ret_places = pool_table_places(object.size);
	return 0;
}

int reeve_pool_open(struct reeve_arena *arena, const char *name, struct reeve_pool **ret)
{
	struct pool_table *table = NULL;
	struct reeve_pool *pool;
	unsigned places = 0;
	int r;

	if (!arena || !ret)
		return -EFAULT;
	r = find(arena, name, &table, &places);
	if (r < 0)
		return r;
	pool = sys_calloc(1, sizeof *pool);
	if (!pool)
		return -ENOMEM;
	pool->arena = arena;
	pool->table = table;
	pool->places_max = places;
	*ret = pool;
	return 0;
}

static bool is_in_use(const struct pool_table *table, unsigned places)
{
	bool used = atomic_load(&table->header.owner) != 0;

	for (unsigned i = 0; i < places && !used; i++)
		used = atomic_load(&table->rows[i].owner) != 0;
	return used;
}

int reeve_pool_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout)
{
	struct pool_table *table = NULL;
	reeve_nsec deadline;
	unsigned places = 0;
	int r;

	if (!arena)
		return -EFAULT;
	r = deadline_from(timeout, &deadline);
	if (r == 0)
		r = find(arena, name, &table, &places);
	if (r < 0)
		return r;
	(void)reeve_arena_recover(arena, 0);
	if (is_in_use(table, places))
		return -EBUSY;
	return arena_object_remove(arena, ARENA_TYPE_POOL, name, deadline);
}
