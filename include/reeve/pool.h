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
 * The master is the process that has the loop. Its workers are forked, so they have what it has at
 * that moment; each has a place, numbered from 0, in which another one follows when it ends.
 *
 * What a worker does is one of three things: serve connections that the pool accepts from a
 * listening socket; handle messages that the pool gets from a queue (reeve/queue.h); or run a
 * function of its own. Whichever: it ends with _exit(2), so what it wrote to stdio it flushes itself.
 *
 * A worker's life. It begins with an empty signal mask and default dispositions, but for what the
 * master ignores, and handlers of faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS,
 * SIGABRT), which stay; SIGPIPE and SIGINT are ignored, so that neither a peer that hangs up nor a
 * Ctrl-C that is meant for the master ends a request halfway. SIGURG is the pool's own in a worker.
 * The master's subscriptions have ended there, and its loop is of no use (reeve/loop.h).
 * A worker that dies is replaced at once, or, if it died young, after a delay that doubles from
 * `backoff` to `backoff_max` each time. One that is silent for longer than `stuck_after`,
 * and not because it waits for a request, is ended by force and replaced. One that is to go (it was recycled, the pool is
 * made smaller, or stopped) takes no new request, and may bring the present one to an end within
 * `grace`; then it gets SIGTERM, and `kill_after` later SIGKILL.
 *
 * When the master dies, in whatever way, each worker takes no new request, and ends when its present
 * one is over: at once if it accepts, within a second if it waits for a queue.
 *
 * What a worker is at stands in an arena (reeve/arena.h), the pool's own or a given one, in which
 * each worker has a place: so a worker that dies gives back what it held in that arena before it
 * is replaced, and with a queue that redelivers no message is lost. (One that died after it had
 * put a result, but before its message was released, has the message handled again.) Other
 * processes that have the arena can read it: reeve_pool_open().
 *
 * All but reeve_pool_status(), reeve_pool_worker_get() and reeve_pool_free() fail with -EPERM on a
 * handle from reeve_pool_open(), and with -ECHILD in a forked child. A pool belongs to its loop's
 * thread. The kernel and libc allow a child of a process with threads little: fork, that is run the
 * loop, before there are others, or see to it that no lock is held then. Nothing here is
 * async-signal-safe. */
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
#define REEVE_POOL_TEXT_MAX 43u

/* --- What workers do --------------------------------------------------------------------------- */

/* Answer one connection, blocking or not, as it was accepted: blocking, close-on-exec. The pool closes
 * it afterwards, unless reeve_pool_worker_take() did not leave it to the pool. */
typedef void reeve_pool_serve_callback(struct reeve_pool_worker *worker, int connection, void *data);

/* Handle one message, which stays where it is in the queue until this returns. 0: it is done; anything
 * else: the queue has it back, for another worker or this one. */
typedef int reeve_pool_handle_callback(
	struct reeve_pool_worker *worker, const void *message, size_t size, void *data);

/* Work until reeve_pool_worker_is_leaving(), with reeve_pool_worker_begin() and _end() around each
 * request. The worker ends with the exit status that it returns. */
typedef int reeve_pool_run_callback(struct reeve_pool_worker *worker, void *data);

/* In a worker, once. */
typedef int reeve_pool_enter_callback(struct reeve_pool_worker *worker, void *data);
typedef void reeve_pool_leave_callback(struct reeve_pool_worker *worker, void *data);

/* --- What the master is told ------------------------------------------------------------------- */

enum reeve_pool_event {
	REEVE_POOL_STARTED,     /* a worker was forked */
	REEVE_POOL_NOT_STARTED, /* it could not be: `error`; tried again after `delay` */
	REEVE_POOL_STUCK,       /* a worker is, and will be ended by force */
	REEVE_POOL_ENDED,       /* a worker has ended, and was reaped: `reason`, `outcome` */
	REEVE_POOL_STOPPED      /* no worker is left, and none will be started */
};

/* Why a worker ended. */
enum reeve_pool_reason {
	REEVE_POOL_DIED,      /* for no reason that the pool knows of: `outcome` says how */
	REEVE_POOL_FAILED,    /* it had not the means to work: `error` */
	REEVE_POOL_RECYCLED,  /* after its share of requests, or of time */
	REEVE_POOL_DISMISSED, /* the pool is smaller now, or stopped */
	REEVE_POOL_REPLACED,  /* it was stuck */
	REEVE_POOL_FINISHED   /* its queue is closed and empty; nobody follows */
};

struct reeve_pool_notice {
	enum reeve_pool_event event;
	unsigned place;
	pid_t pid;                            /* 0: none */
	enum reeve_pool_reason reason;        /* ENDED */
	struct reeve_process_outcome outcome; /* ENDED */
	uint64_t requests;                    /* ENDED: how many it did */
	bool in_request;                      /* ENDED, STUCK: it was in the middle of one */
	int error;         /* NOT_STARTED, ENDED with FAILED: a negative errno; else 0 */
	unsigned failures; /* so many in this place died young, or could not be started, in a row */
	reeve_nsec delay;  /* ENDED, NOT_STARTED: until the next one is tried; REEVE_FOREVER: never */
};

/* Called from the loop. It may do anything to the pool, and free it. */
typedef void reeve_pool_told_callback(
	struct reeve_pool *pool, const struct reeve_pool_notice *notice, void *data);

/* A result that a worker put into the queue `results`, for as long as the call lasts. May do the same. */
typedef void reeve_pool_result_callback(
	struct reeve_pool *pool, const void *result, size_t size, void *data);

/* --- The pool ---------------------------------------------------------------------------------- */

/* Members that are 0 are left out, or have the default that is named. Times: other negatives than
 * REEVE_FOREVER are -EINVAL. */
struct reeve_pool_spec {
	const char *name;     /* NULL: "pool"; the object's name in the arena */
	unsigned workers;     /* how many at first, 1 to workers_max */
	unsigned workers_max; /* up to how many; 0: `workers`; at most REEVE_POOL_WORKERS_MAX */

	/* Strength by demand, if spare_max is not 0: when fewer than spare_min workers are idle, more are
	 * started, 1, 2, 4 ... at a look; when more than spare_max are, one goes at a look. Between
	 * `workers_min` and workers_max; a look is every `spare_every` (0: a second). */
	unsigned workers_min; /* 0: 1 */
	unsigned spare_min, spare_max;
	reeve_nsec spare_every;

	/* Exactly one of these three. */
	reeve_pool_serve_callback *serve;
	reeve_pool_handle_callback *handle;
	reeve_pool_run_callback *run;
	int listen_fd;             /* serve: a listening socket; it is made non-blocking */
	struct reeve_queue *queue; /* handle: borrowed; it should be one of `arena`, which has to be given */

	reeve_pool_enter_callback *enter; /* first of all; not 0: the worker ends with it as exit status */
	reeve_pool_leave_callback *leave; /* last of all, unless it is killed */
	void *data;                       /* for all of these */

	reeve_pool_told_callback *told;
	struct reeve_queue *results; /* borrowed: what is put there, `result` is called with */
	reeve_pool_result_callback *result;
	void *told_data; /* for both */

	/* borrowed: a place for each of workers_max, and the master. NULL: one of the pool's own */
	struct reeve_arena *arena;

	uint64_t recycle_after;  /* requests; each worker's own limit is up to a quarter higher */
	reeve_nsec recycle_time; /* of life; likewise */
	reeve_nsec stuck_after;  /* silence (reeve/heartbeat.h) but between requests; being stopped */
	reeve_nsec grace;        /* 0: 30 seconds */
	reeve_nsec kill_after;   /* after SIGTERM; 0: 5 seconds */
	reeve_nsec young;        /* who dies before that age died young; 0: a second */
	reeve_nsec backoff;      /* 0: 100 milliseconds */
	reeve_nsec backoff_max;  /* 0: 30 seconds */
	int orphan_signal; /* sent by the kernel to each worker when the master's thread ends; 0: none */
};

/* Make a pool on a loop, which must outlive it.
 *
 *   spec   borrowed, but for what it says is borrowed longer
 *   ret    to be released with reeve_pool_free()
 *
 * Returns 0; -EFAULT (loop, spec, ret), -EINVAL (not exactly one kind of work, no workers, a bad time,
 * a minimum above its maximum, a bad signal, `handle` without queue and arena, results without
 * `result` or the reverse, a listen_fd that does not listen), -EOVERFLOW (too many workers),
 * -ENAMETOOLONG, -EBADF or -ENOTSOCK (listen_fd), -EUSERS (the arena has too few places), -EEXIST
 * (it has a pool of that name), -ENOSPC, -EDQUOT, -ETIMEDOUT (others are changing it), -ECHILD (the
 * loop is the parent's), -ENOMEM, -EMFILE, -ENFILE, -EAGAIN. */
REEVE_API int reeve_pool_new(
	struct reeve_loop *loop, const struct reeve_pool_spec *spec, struct reeve_pool **ret);

/* Release it. Workers that are left are killed at once (SIGKILL) and waited for; so stop it first. In a
 * forked child, a worker too, it does nothing. Takes NULL; returns NULL. */
REEVE_API struct reeve_pool *reeve_pool_free(struct reeve_pool *pool);

/* Have so many workers from now on, 0 to workers_max; else -ERANGE. -ESHUTDOWN after
 * reeve_pool_stop(). With strength by demand it is where that goes on from. */
REEVE_API int reeve_pool_resize(struct reeve_pool *pool, unsigned workers);

/* Have each present worker replaced by a new one, one after the other. Returns 0; -ESHUTDOWN. */
REEVE_API int reeve_pool_recycle(struct reeve_pool *pool);

/* Let all workers go, for good; the notice STOPPED tells when the last one has. Returns 0, also when
 * it was called before. */
REEVE_API int reeve_pool_stop(struct reeve_pool *pool);

/* The arena: the given one, or the pool's own, to be passed on. NULL for NULL. */
REEVE_API struct reeve_arena *reeve_pool_arena(const struct reeve_pool *pool);

/* --- What is going on -------------------------------------------------------------------------- */

enum reeve_pool_state {
	REEVE_POOL_VACANT,      /* no worker in this place, and none wanted */
	REEVE_POOL_BACKOFF,     /* one will be started */
	REEVE_POOL_STARTING,
	REEVE_POOL_IDLE,
	REEVE_POOL_BUSY,
	REEVE_POOL_LEAVING,     /* it was asked to go */
	REEVE_POOL_TERMINATING, /* SIGTERM was sent */
	REEVE_POOL_KILLING      /* SIGKILL was */
};

struct reeve_pool_status {
	pid_t master;     /* 0: it is dead, or the pool was freed */
	unsigned places;  /* workers_max */
	unsigned wanted;
	unsigned workers; /* processes, in whatever state */
	unsigned starting, idle, busy, leaving; /* of those; leaving includes being terminated and killed */
	uint64_t requests; /* done, by all workers that there were */
	uint64_t started, died, recycled, stuck; /* workers, so far */
};

struct reeve_pool_worker_status {
	enum reeve_pool_state state;
	pid_t pid;         /* 0: none */
	uint64_t requests; /* done by this worker */
	reeve_nsec started; /* when it was forked, on CLOCK_MONOTONIC */
	reeve_nsec since;   /* when it became idle or busy last */
	unsigned failures;  /* as in a notice */
	char text[REEVE_POOL_TEXT_MAX + 1]; /* reeve_pool_worker_say() */
};

/* The pool as it stands, and the worker in a place (from 0; -ERANGE). Other processes go on meanwhile:
 * numbers may be a moment apart. */
REEVE_API int reeve_pool_status(struct reeve_pool *pool, struct reeve_pool_status *ret);
REEVE_API int reeve_pool_worker_get(
	struct reeve_pool *pool, unsigned place, struct reeve_pool_worker_status *ret);

/* "idle", "busy"...; "died", ...; never NULL. Async-signal-safe. */
REEVE_API const char *reeve_pool_state_name(enum reeve_pool_state state);
REEVE_API const char *reeve_pool_reason_name(enum reeve_pool_reason reason);

/* The pool of that name in an arena, to look at, in whatever process. `arena` must outlive the handle.
 * Returns 0; -EFAULT, -ENOENT, -EPROTOTYPE (another kind of object), -EUCLEAN, -ENOMEM. */
REEVE_API int reeve_pool_open(struct reeve_arena *arena, const char *name, struct reeve_pool **ret);

/* Remove what a master that died left behind in an arena, when none of its workers lives any more.
 * Returns 0; -ENOENT, -EPROTOTYPE, -EBUSY (there is a master, or a worker), -ETIMEDOUT. */
REEVE_API int reeve_pool_remove(struct reeve_arena *arena, const char *name, reeve_nsec timeout);

/* --- In a worker ------------------------------------------------------------------------------- */

/* Its place, from 0. */
REEVE_API unsigned reeve_pool_worker_place(const struct reeve_pool_worker *worker);

/* Whether it is to go, or its master is dead. Cheap enough to ask often. */
REEVE_API bool reeve_pool_worker_is_leaving(struct reeve_pool_worker *worker);

/* A descriptor that is readable from then on: for a worker with a loop of its own. Never read or close it. */
REEVE_API int reeve_pool_worker_fd(const struct reeve_pool_worker *worker);

/* Say what it is at (up to REEVE_POOL_TEXT_MAX bytes, cut; NULL: nothing), until the request is over. It is
 * a beat, too. */
REEVE_API void reeve_pool_worker_say(struct reeve_pool_worker *worker, const char *text);

/* A beat: in a request that takes long, a sign that it is not stuck. Async-signal-safe; any thread. */
REEVE_API void reeve_pool_worker_beat(struct reeve_pool_worker *worker);

/* In `run`: a request begins, and ends. Elsewhere the pool does so itself, and they do nothing. */
REEVE_API void reeve_pool_worker_begin(struct reeve_pool_worker *worker);
REEVE_API void reeve_pool_worker_end(struct reeve_pool_worker *worker);

/* In `serve`: the connection is the caller's from now on, and the pool does not close it. */
REEVE_API void reeve_pool_worker_take(struct reeve_pool_worker *worker);

/* In `handle`: whether the message was with a worker before, which may have died of it. */
REEVE_API bool reeve_pool_worker_is_redelivered(const struct reeve_pool_worker *worker);

#ifdef __cplusplus
}
#endif

#endif
