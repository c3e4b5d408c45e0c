/* Making a pool, changing what is wanted of it, and its end. */
#include "lib/pool/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fork.h"
#include "lib/base/sys.h"

/* How long another may be at the arena's structure. */
#define STRUCTURE_TIMEOUT REEVE_SEC
/* How long a killed worker may take to die. */
#define DEATH_TIMEOUT (10 * REEVE_SEC)

static int own_arena(struct reeve_pool *pool)
{
	struct reeve_arena_spec spec = {
		.label = pool->name,
		.size = pool_table_size(pool->places_max),
		.participants = pool->places_max + 1,
		.objects = 1,
	};
	int r = reeve_arena_new(&spec, &pool->arena);

	pool->owns_arena = r == 0;
	return r;
}

static int given_arena(struct reeve_pool *pool)
{
	pool->arena = pool->spec.arena;
	return pool->arena->participants > pool->places_max ? 0 : -EUSERS;
}

static int init_table(struct reeve_arena *arena, const struct arena_object *object, void *data)
{
	struct pool_table *table = object->memory;

	atomic_store(&table->header.owner, *(unsigned *)data);
	atomic_store(&table->header.pid, getpid());
	return 0;
}

static int make_table(struct reeve_pool *pool)
{
	struct arena_object object;
	unsigned owner;
	int r = arena_self(pool->arena);

	if (r < 0)
		return r;
	owner = (unsigned)r;
	r = arena_object_new(pool->arena, ARENA_TYPE_POOL, pool->name,
		pool_table_size(pool->places_max), init_table, &owner,
		reeve_now() + STRUCTURE_TIMEOUT, &object);
	if (r == 0)
		pool->table = object.memory;
	return r;
}

static int make_places(struct reeve_pool *pool)
{
	for (unsigned i = 0; i < pool->places_max; i++) {
		struct place *place = &pool->places[i];
		int r = reeve_loop_add_timer(pool->loop, place_overdue, place, &place->timer);

		if (r < 0)
			return r;
		place->row = &pool->table->rows[i];
	}
	return reeve_loop_defer(pool->loop, pool_settle, pool, &pool->settle);
}

static int make_nonblocking(int fd)
{
	int flags = sys_fcntl(fd, F_GETFL, 0);

	if (flags < 0 || (!(flags & O_NONBLOCK) && sys_fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return -errno;
	return 0;
}

static int make(struct reeve_pool *pool)
{
	int r = fork_watch();

	pool->generation = fork_generation();
	if (r == 0)
		r = lifelines_begin(pool);
	if (r == 0)
		r = pool->spec.arena ? given_arena(pool) : own_arena(pool);
	if (r == 0)
		r = make_table(pool);
	if (r == 0)
		r = make_places(pool);
	if (r == 0)
		r = watch_start(pool);
	if (r == 0)
		r = results_start(pool);
	if (r == 0 && pool->spec.serve)
		r = make_nonblocking(pool->spec.listen_fd);
	return r;
}

/* All of it in one piece of memory. */
static struct reeve_pool *allocate(const struct reeve_pool_spec *spec)
{
	struct reeve_pool *pool = sys_calloc(1, sizeof *pool);

	if (!pool)
		return NULL;
	pool->places = sys_calloc(spec->workers_max, sizeof *pool->places);
	if (!pool->places) {
		free(pool);
		return NULL;
	}
	list_init(&pool->link);
	pool->spec = *spec;
	pool->places_max = spec->workers_max;
	memcpy(pool->name, spec->name, strlen(spec->name));
	pool->spec.name = pool->name;
	pool->random = (uint64_t)reeve_now() * UINT64_C(0x9e3779b97f4a7c15) | 1;
	for (unsigned i = 0; i < pool->places_max; i++) {
		pool->places[i].pool = pool;
		pool->places[i].lifeline = -EBADF;
	}
	return pool;
}

int reeve_pool_new(
	struct reeve_loop *loop, const struct reeve_pool_spec *spec, struct reeve_pool **ret)
{
	struct reeve_pool_spec checked;
	struct reeve_pool *pool;
	int r;

	if (!loop || !spec || !ret)
		return -EFAULT;
	r = spec_check(spec, &checked);
	if (r == 0)
		r = arena_check_name(checked.name);
	if (r < 0)
		return r;
	pool = allocate(&checked);
	if (!pool)
		return -ENOMEM;
	pool->loop = loop;
	r = make(pool);
	if (r < 0) {
		reeve_pool_free(pool);
		return r;
	}
	pool_set_wanted(pool, checked.workers);
	*ret = pool;
	return 0;
}

/* --- The end ---------------------------------------------------------------------------------- */

static void kill_all(struct reeve_pool *pool)
{
	for (unsigned i = 0; i < pool->places_max; i++)
		if (pool->places[i].process)
			(void)reeve_process_signal(pool->places[i].process, SIGKILL);
}

static void release_place(struct place *place)
{
	reeve_loop_source_free(place->timer);
	if (place->process) {
		reeve_process_unwatch(place->process);
		while (reeve_process_wait(place->process, DEATH_TIMEOUT, NULL) == -EINTR)
			;
		reeve_process_free(place->process);
	}
	close_fd(place->lifeline);
}

static void release_arena(struct reeve_pool *pool)
{
	if (pool->owns_arena) {
		reeve_arena_free(pool->arena);
	} else if (pool->table) {
		(void)reeve_arena_recover(pool->arena, 0);
		atomic_store(&pool->table->header.owner, 0);
		(void)arena_object_remove(
			pool->arena, ARENA_TYPE_POOL, pool->name, reeve_now() + STRUCTURE_TIMEOUT);
	}
}

static void release(struct reeve_pool *pool)
{
	kill_all(pool);
	results_stop(pool);
	watch_stop(pool);
	for (unsigned i = 0; i < pool->places_max; i++)
		release_place(&pool->places[i]);
	lifelines_end(pool);
	reeve_loop_source_free(pool->settle);
	release_arena(pool);
	free(pool->places);
	free(pool);
}

struct reeve_pool *reeve_pool_free(struct reeve_pool *pool)
{
	if (!pool)
		return NULL;
	if (!pool->places) {
		free(pool);
	} else if (pool->generation == fork_generation()) {
		if (pool->freed)
			*pool->freed = true;
		release(pool);
	}
	return NULL;
}

/* --- What is wanted --------------------------------------------------------------------------- */

static int check_running(const struct reeve_pool *pool)
{
	int r = pool_check(pool);

	return r == 0 && pool->stopping ? -ESHUTDOWN : r;
}

int reeve_pool_resize(struct reeve_pool *pool, unsigned workers)
{
	int r = check_running(pool);

	if (r < 0)
		return r;
	if (workers > pool->places_max)
		return -ERANGE;
	pool_set_wanted(pool, workers);
	return 0;
}

int reeve_pool_recycle(struct reeve_pool *pool)
{
	int r = check_running(pool);

	if (r < 0)
		return r;
	pool->renew = reeve_now();
	return reeve_loop_deferred_schedule(pool->settle);
}

int reeve_pool_stop(struct reeve_pool *pool)
{
	int r = pool_check(pool);

	if (r < 0)
		return r;
	pool->stopping = true;
	pool_set_wanted(pool, 0);
	return 0;
}

struct reeve_arena *reeve_pool_arena(const struct reeve_pool *pool)
{
	return pool ? pool->arena : NULL;
}
