/* reeve/pool.h - pre-forked workers: kept at strength, replaced, recycled, resized, drained.
 *
 *	static void answer(struct reeve_pool_worker *worker, int connection, void *data) { ... }
 *
 *	struct reeve_pool_spec spec = { .workers = 4, .serve = answer, .listen_fd = fd };
 *
 *	reeve_pool_new(loop, &spec, &pool);     nothing is forked before the loop runs
 *	reeve_loop_run(loop);                   ... reeve_pool_stop(pool) in a callback ...
 *	reeve_pool_free(pool);
 *
 * The master is the process that has the loop. Its workers do one of three things: serve
 * connections that the pool accepts from a listening socket; handle messages that it gets from a
 * queue (reeve/queue.h); or run a function of the program's. Each has a place, numbered from 0, in
 * which another one follows when it ends.
 *
 * Who dies is replaced: at once, or, where it died young, after a delay that doubles each time. Who
 * is silent for longer than `stuck_after`, and not because it waits for a request, is ended by
 * force and replaced. Who is to go (it is recycled, the pool is made smaller, or stopped) takes no
 * new request, and may bring the present one to an end within `grace`; then it gets SIGTERM, and
 * `kill_after` later SIGKILL. When the master dies, in whatever way, its workers take no new
 * request and end when the present one is over; those that wait for a queue do so within a second.
 *
 * What a worker is born with. It is forked, so it has the memory and all the descriptors that the
 * master has at that moment, also the other end of a connection that the master has itself. Its
 * signal mask is empty; what the master handles has its default action there, and subscriptions
 * have ended; what it ignores stays ignored, and handlers of faults stay (SIGSEGV, SIGBUS, SIGFPE,
 * SIGILL, SIGTRAP, SIGSYS, SIGABRT). SIGPIPE and SIGINT are ignored, so that neither a peer that
 * hangs up nor a Ctrl-C that is meant for the master ends a request halfway. SIGURG is the pool's
 * own. The master's loop is of no use (reeve/loop.h). It ends with _exit(2): what it wrote to stdio
 * it flushes itself.
 *
 * What a worker is at stands in an arena (reeve/arena.h), the pool's own or a given one, in which
 * it has a place: so what it held in that arena is given back before anybody is told of its death.
 * With a queue that redelivers no message is lost. (One that died after it had put a result, but
 * before it was done with the message, has the message handled again.) Other processes that have
 * the arena can look at the pool: reeve_pool_open().
 *
 * Functions that change a pool fail with -EFAULT (NULL), with -EPERM on a handle from
 * reeve_pool_open(), and with -ECHILD in a forked child. A pool belongs to its loop's thread.
 * Where there are other threads when the loop forks, a worker can do what a child of such a program
 * can: little, until it executes something, unless those threads are the library's. Nothing here
 * is async-signal-safe but what says so. */
#ifndef REEVE_POOL_H
#define REEVE_POOL_H

#include "reeve/base.h"
#include "reeve/process.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_arena;
struct reeve_loop;
struct reeve_pool;
struct reeve_pool_worker;
struct reeve_queue;

#define REEVE_POOL_WORKERS_MAX 1024u
#define REEVE_POOL_NAME_MAX 31u
#define REEVE_POOL_TEXT_MAX 43u /* bytes that a worker says of itself */

/* --- What workers do -------------------------------------------------------------------------- */

/* Answer one connection: a blocking, close-on-exec descriptor that the pool closes afterwards,
 * unless reeve_pool_worker_take() was called. */
typedef void reeve_pool_serve_callback(
	struct reeve_pool_worker *worker, int connection, void *data);

/* Handle one message, which stays in the queue until this returns: 0, it is done; anything else,
 * the queue has it back, for another worker or this one. */
typedef int reeve_pool_handle_callback(
	struct reeve_pool_worker *worker, const void *message, size_t size, void *data);

/* Work until reeve_pool_worker_is_leaving(), with reeve_pool_worker_begin() and _end() around each
 * request. The result is the exit status. */
typedef int reeve_pool_run_callback(struct reeve_pool_worker *worker, void *data);

/* First of all; if the result is not 0, it is the worker's exit status. */
typedef int reeve_pool_enter_callback(struct reeve_pool_worker *worker, void *data);

/* Last of all, unless the worker is killed. */
typedef void reeve_pool_leave_callback(struct reeve_pool_worker *worker, void *data);

/* --- What the master is told ------------------------------------------------------------------ */

enum reeve_pool_event {
	REEVE_POOL_STARTED,     /* a worker was forked */
	REEVE_POOL_NOT_STARTED, /* it could not be: `error`; another try follows after `delay` */
	REEVE_POOL_STUCK,       /* a worker is, and will be ended by force */
	REEVE_POOL_ENDED,       /* a worker has ended, and was reaped: `reason`, `outcome` */
	REEVE_POOL_STOPPED      /* no worker is left, and none will be started */
};

/* Why a worker ended. */
enum reeve_pool_reason {
	REEVE_POOL_DIED,      /* for no reason that the pool knows of: `outcome` says how */
	REEVE_POOL_FAILED,    /* it lacked the means to work: `error` */
	REEVE_POOL_RECYCLED,  /* after its share of requests or time, or by reeve_pool_recycle() */
	REEVE_POOL_DISMISSED, /* the pool is smaller now, or stopped */
	REEVE_POOL_REPLACED,  /* it was stuck */
	REEVE_POOL_FINISHED   /* its queue is closed and empty; nobody follows */
};

/* What does not belong to the event is 0. */
struct reeve_pool_notice {
	enum reeve_pool_event event;
	unsigned place;
	pid_t pid;
	enum reeve_pool_reason reason;
	struct reeve_process_outcome outcome;
	uint64_t requests; /* ENDED: how many it did */
	bool in_request;   /* ENDED, STUCK: it was in the middle of one */
	int error;         /* NOT_STARTED, FAILED: a negative errno */
	unsigned failures; /* in a row, in this place: died young or could not be started */
	reeve_nsec delay;  /* until the next one is tried; REEVE_FOREVER: nobody follows */
};

/* Called from the loop. It may do anything to the pool, and free it. */
typedef void reeve_pool_told_callback(
	struct reeve_pool *pool, const struct reeve_pool_notice *notice, void *data);

/* A message of the queue `results`, for as long as the call lasts. It may free the pool, too. */
typedef void reeve_pool_result_callback(
	struct reeve_pool *pool, const void *result, size_t size, void *data);

/* --- The pool --------------------------------------------------------------------------------- */

/* A member that is 0 means nothing, or its default. */
struct reeve_pool_spec {
	const char *name;     /* in the arena; NULL: "pool" */
	unsigned workers;     /* how many at first, 1 to workers_max */
	unsigned workers_max; /* up to REEVE_POOL_WORKERS_MAX; 0: `workers` */

	/* Strength by demand, if spare_max is not 0. When fewer than spare_min are idle, more are
	 * started: 1, then 2, 4 ... at a look. When more than spare_max are, one goes at a look.
	 * Never fewer than workers_min (0: 1) nor more than workers_max. */
	unsigned workers_min;
	unsigned spare_min, spare_max;
	reeve_nsec spare_every; /* from look to look; 0: a second */

	/* Exactly one of these three. */
	reeve_pool_serve_callback *serve;
	reeve_pool_handle_callback *handle;
	reeve_pool_run_callback *run;
	int listen_fd;             /* serve: borrowed; it is made non-blocking */
	struct reeve_queue *queue; /* handle: borrowed; a queue of `arena`, which has to be given */

	reeve_pool_enter_callback *enter;
	reeve_pool_leave_callback *leave;
	void *data; /* for all of these */

	reeve_pool_told_callback *told;
	struct reeve_queue *results; /* borrowed; each message of it is passed to `result` */
	reeve_pool_result_callback *result;
	void *told_data; /* for both */

	/* Borrowed; it needs workers_max places, and one for the master. NULL: the pool's own. */
	struct reeve_arena *arena;

	/* A worker is replaced after so many requests, and after so much time; its own limits are
	 * up to a quarter higher, by chance, lest all reach them at once. 0: never. */
	uint64_t recycle_after;
	reeve_nsec recycle_time;

	/* The longest silence (reeve/heartbeat.h) other than between requests, and the longest time
	 * for which a signal may have stopped a worker. 0: for ever. */
	reeve_nsec stuck_after;

	reeve_nsec grace;      /* 0: 30 seconds; REEVE_FOREVER */
	reeve_nsec kill_after; /* 0: 5 seconds; REEVE_FOREVER */
	reeve_nsec young;      /* who dies before that age died young. 0: a second; REEVE_FOREVER */
	reeve_nsec backoff;    /* the first delay; 0: 100 milliseconds */
	reeve_nsec backoff_max; /* the longest; 0: 30 seconds, or `backoff` if that is longer */

	/* Sent to each worker by the kernel when the master's thread ends; 0: none. For those that
	 * might not come to the end of their request. */
	int orphan_signal;
};

/* Make a pool on a loop, which must outlive it.
 *
 *   spec   borrowed, but for what it says is borrowed: that must outlive the pool, too
 *   ret    to be released with reeve_pool_free()
 *
 * Returns 0; -EFAULT; -EINVAL (not exactly one kind of work, no workers, a negative time, a minimum
 * above its maximum, no such signal, `handle` without queue or arena, results without `result` or
 * the reverse, a listen_fd that does not listen), -EOVERFLOW (too many workers), -ENAMETOOLONG;
 * -EBADF, -ENOTSOCK (listen_fd); -EUSERS (the arena has too few places), -EEXIST (it has an object
 * of that name), -ENOSPC, -EDQUOT, -ETIMEDOUT (others are changing it); -ECHILD (the loop is the
 * parent's); -ENOMEM, -EMFILE, -ENFILE, -EAGAIN. */
REEVE_API int reeve_pool_new(
	struct reeve_loop *loop, const struct reeve_pool_spec *spec, struct reeve_pool **ret);

/* Release it. Workers that are left are killed at once (SIGKILL) and waited for: so stop it first.
 * In a forked child, a worker too, it does nothing. Takes NULL; returns NULL. */
REEVE_API struct reeve_pool *reeve_pool_free(struct reeve_pool *pool);

/* Have so many workers from now on, 0 to workers_max; with strength by demand, go on from there.
 * Returns 0; -ERANGE; -ESHUTDOWN after reeve_pool_stop(). */
REEVE_API int reeve_pool_resize(struct reeve_pool *pool, unsigned workers);

/* Have each present worker replaced by a new one, one after the other. Returns 0; -ESHUTDOWN. */
REEVE_API int reeve_pool_recycle(struct reeve_pool *pool);

/* Let all workers go, for good: the notice STOPPED tells when the last one has. Returns 0, also
 * when it was called before. */
REEVE_API int reeve_pool_stop(struct reeve_pool *pool);

/* The arena, borrowed; NULL for NULL. */
REEVE_API struct reeve_arena *reeve_pool_arena(const struct reeve_pool *pool);

/* --- What is going on ------------------------------------------------------------------------- */

enum reeve_pool_state {
	REEVE_POOL_VACANT,      /* no worker in this place, and none wanted */
	REEVE_POOL_BACKOFF,     /* one will be started */
	REEVE_POOL_STARTING,    /* from here on there is a process */
	REEVE_POOL_IDLE,        /* it waits for a request */
	REEVE_POOL_BUSY,        /* it is in one */
	REEVE_POOL_LEAVING,     /* it was told to go */
	REEVE_POOL_TERMINATING, /* it got SIGTERM */
	REEVE_POOL_KILLING      /* it got SIGKILL */
};

struct reeve_pool_status {
	pid_t master;     /* 0: it is dead, or has freed the pool */
	unsigned places;  /* workers_max */
	unsigned wanted;  /* workers */
	unsigned workers; /* processes, in whatever state; of those: */
	unsigned starting, idle, busy, leaving;
	uint64_t requests;                       /* done, by all workers that there were */
	uint64_t started, died, recycled, stuck; /* workers, so far */
};

struct reeve_pool_worker_status {
	enum reeve_pool_state state;
	pid_t pid;                          /* 0: none */
	uint64_t requests;                  /* done by this worker */
	reeve_nsec started;                 /* when it was forked, on CLOCK_MONOTONIC */
	reeve_nsec since;                   /* when it became idle or busy */
	unsigned failures;                  /* as in a notice */
	char text[REEVE_POOL_TEXT_MAX + 1]; /* reeve_pool_worker_say() */
};

/* The pool, and the worker in a place, as they stand. Others go on meanwhile, so that numbers may
 * be a moment apart. Returns 0; -EFAULT; -ERANGE (no such place). */
REEVE_API int reeve_pool_status(struct reeve_pool *pool, struct reeve_pool_status *ret);
REEVE_API int reeve_pool_worker_get(
	struct reeve_pool *pool, unsigned place, struct reeve_pool_worker_status *ret);

/* "idle", "busy"...; "died", "recycled"...; never NULL. Async-signal-safe. */
REEVE_API const char *reeve_pool_state_name(enum reeve_pool_state state);
REEVE_API const char *reeve_pool_reason_name(enum reeve_pool_reason reason);

/* The pool of that name in an arena, to look at, from whatever process, as long as its master does
 * not free it. `arena` must outlive the handle. Returns 0; -EFAULT, -ENOENT, -EPROTOTYPE (an object
 * of another kind), -EUCLEAN, -ENOMEM. */
REEVE_API int reeve_pool_open(struct reeve_arena *arena, const char *name, struct reeve_pool **ret);

/* Remove what a master that died left in an arena, when its workers have ended as well. Returns 0;
 * -EFAULT, -ENOENT, -EPROTOTYPE, -EUCLEAN; -EBUSY (there is a master, or a worker); -EINVAL,
 * -ETIMEDOUT. */
REEVE_API int reeve_pool_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout);

/* --- In a worker ------------------------------------------------------------------------------ */

/* Its place. */
REEVE_API unsigned reeve_pool_worker_place(const struct reeve_pool_worker *worker);

/* Whether it is to go, because it was told to, has done its share, or has no master any more. It
 * costs a look at the clock. */
REEVE_API bool reeve_pool_worker_is_leaving(struct reeve_pool_worker *worker);

/* A descriptor that becomes readable when it is told to go, or the master dies: for a worker that
 * has a loop of its own, to ask the above then. Never read or close it. */
REEVE_API int reeve_pool_worker_fd(const struct reeve_pool_worker *worker);

/* Say what it is at, until its request is over: up to REEVE_POOL_TEXT_MAX bytes, longer ones are
 * cut; NULL: nothing. It is a beat, too. */
REEVE_API void reeve_pool_worker_say(struct reeve_pool_worker *worker, const char *text);

/* A beat: the sign that a long request is not stuck. Async-signal-safe; any thread. */
REEVE_API void reeve_pool_worker_beat(struct reeve_pool_worker *worker);

/* In `run`: a request begins, and ends. Elsewhere the pool says so itself, and they do nothing. */
REEVE_API void reeve_pool_worker_begin(struct reeve_pool_worker *worker);
REEVE_API void reeve_pool_worker_end(struct reeve_pool_worker *worker);

/* In `serve`: the connection is the caller's to close. */
REEVE_API void reeve_pool_worker_take(struct reeve_pool_worker *worker);

/* In `handle`: whether the message was with a worker before, which may have died of it. */
REEVE_API bool reeve_pool_worker_is_redelivered(const struct reeve_pool_worker *worker);

#ifdef __cplusplus
}
#endif

#endif
