/* What a pool is made of: shared by the files of this layer.
 *
 *	spec.c      is a description one that can be worked with; its defaults
 *	place.c     the state machine of a place
 *	master.c    what happens to places, and how many workers there should be
 *	spawn.c     a worker is forked
 *	lifeline.c  what ties it to its master
 *	watch.c     looks from time to time: who is stuck, are there enough that are idle
 *	results.c   what workers put into the queue of results
 *	worker.c    a worker's life; serve.c, handle.c: its work; activity.c: what it shows of it
 *	status.c    what there is to see of a pool, for others too
 *
 * Nothing is forked but from a timer of the loop. Whoever calls back to the program does so last,
 * or looks whether the pool is still there. */
#ifndef LIB_POOL_POOL_H
#define LIB_POOL_POOL_H

#include "lib/pool/table.h"
#include "lib/pool/place.h"
#include "reeve/loop.h"
#include "reeve/pool.h"

struct reeve_heartbeat_watch;

struct place {
	struct reeve_pool *pool;
	struct pool_row *row;
	enum place_state state;
	struct reeve_process *process;
	int lifeline;                    /* the master's end; the worker sees when it is closed */
	struct reeve_loop_source *timer; /* until PLACE_OVERDUE */
	reeve_nsec started;
	uint64_t limit;                /* of the worker's requests; 0: none */
	reeve_nsec delay;              /* before the next start */
	enum reeve_pool_reason reason; /* why it is to go: DISMISSED, RECYCLED, REPLACED */
	bool follow;                   /* when it has gone, another one is to come */
	unsigned failures;
};

struct reeve_pool {
	/* also of a handle that only looks */
	struct reeve_arena *arena;
	struct pool_table *table;
	unsigned places_max;

	/* the master's */
	struct place *places; /* NULL: a handle that only looks */
	struct list link;     /* of all pools: lifeline.c */
	struct reeve_loop *loop;
	struct reeve_pool_spec spec;
	char name[REEVE_POOL_NAME_MAX + 1];
	bool owns_arena;
	unsigned generation; /* of the process: lib/base/fork.h */
	unsigned wanted;
	bool stopping, stopped;
	bool finished;    /* the queue is closed and empty */
	reeve_nsec renew; /* workers from before this time are to be replaced */
	uint64_t random;
	bool *freed; /* while the program is called back */
	struct reeve_loop_source *settle;

	struct reeve_heartbeat_watch *watch;
	struct reeve_loop_source *stuck_timer;
	struct reeve_loop_source *spare_timer;
	unsigned spare_step;
	struct reeve_loop_source *results;
};

struct reeve_pool_worker {
	const struct reeve_pool *pool; /* a copy of the master's, that nobody looks after */
	struct pool_row *row;
	struct reeve_arena *arena;
	unsigned place;
	int lifeline;
	uint64_t limit; /* of requests; 0: none */
	bool taken;     /* the connection is the program's */
	bool orphan;
	bool said; /* a text, that is to go when the request is over */
	bool redelivered;
	reeve_nsec now;    /* when the last request began or ended */
	reeve_nsec looked; /* at the lifeline */
};

/* --- spec.c --- */

/* A copy with the defaults filled in: 0, or as reeve_pool_new(). */
int spec_check(const struct reeve_pool_spec *spec, struct reeve_pool_spec *ret);

/* --- master.c --- */

/* 0; -EFAULT, -EPERM, -ECHILD. */
int pool_check(const struct reeve_pool *pool);

/* Something happened to a place. What it comes to is done, but for PLACE_START; returns what. */
enum place_action place_event(struct place *place, enum place_event event);

/* Hire or dismiss until there are as many as wanted. */
void pool_balance(struct reeve_pool *pool);

void pool_set_wanted(struct reeve_pool *pool, unsigned wanted);

/* Call the program. False: the pool is no more. */
bool pool_tell(struct reeve_pool *pool, const struct reeve_pool_notice *notice);

/* A number from 0 to a quarter of `value`. */
uint64_t pool_jitter(struct reeve_pool *pool, uint64_t value);

/* Timers. */
void place_overdue(struct reeve_loop_source *source, uint64_t expirations, void *data);
void pool_settle(struct reeve_loop_source *source, void *data);

/* --- spawn.c --- */

/* Fork the worker, and watch it. 0, or a negative errno. */
int place_spawn(struct place *place, reeve_process_callback *ended);

/* --- lifeline.c --- */

/* Before the first of a pool, and after the last. 0, -ENOMEM. */
int lifelines_begin(struct reeve_pool *pool);
void lifelines_end(struct reeve_pool *pool);

/* The worker's end, or a negative errno; the master's is the place's to close. */
int lifeline_open(struct place *place);

/* Have the worker look what has changed. */
void lifeline_nudge(const struct place *place);

/* --- watch.c, results.c --- */

/* Begin to look: 0, or a negative errno. What was made is released by the other. */
int watch_start(struct reeve_pool *pool);
void watch_stop(struct reeve_pool *pool);
int results_start(struct reeve_pool *pool);
void results_stop(struct reeve_pool *pool);

/* --- worker.c --- */

/* As reeve_pool_worker_is_leaving(), without a look at the clock: it is `now`. */
bool worker_is_leaving(struct reeve_pool_worker *worker, reeve_nsec now);

/* In the forked child, with all signals blocked. */
_Noreturn void worker_live(struct place *place, int lifeline);

/* --- activity.c --- */

void activity_begin(struct reeve_pool_worker *worker);
void activity_end(struct reeve_pool_worker *worker);

/* Whether it has had its share of requests. */
bool activity_is_spent(const struct reeve_pool_worker *worker);

/* --- serve.c, handle.c --- */

/* Work until it is to leave: 0, or why it could not. */
int worker_serve(struct reeve_pool_worker *worker);
int worker_handle(struct reeve_pool_worker *worker);

#endif
