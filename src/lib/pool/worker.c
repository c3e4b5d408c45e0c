/* A worker's life, from the fork to _exit(2). */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/pool/pool.h"
#include "lib/signal/engine.h"
#include "lib/signal/mask.h"
#include "reeve/heartbeat.h"

/* How often a worker that is busy looks whether its master is still there. */
#define LOOK_EVERY (100 * REEVE_MSEC)

static bool is_orphan(struct reeve_pool_worker *worker)
{
	struct pollfd polled = { .fd = worker->lifeline, .events = POLLIN };
	struct timespec at_once = { 0 };

	if (!worker->orphan && sys_ppoll(&polled, 1, &at_once, NULL) == 1)
		worker->orphan = polled.revents & (POLLHUP | POLLERR | POLLNVAL);
	return worker->orphan;
}

/* How the program finds its signals. One that handles messages lets SIGURG in while it waits for
 * one alone. */
static int prepare_signals(const struct reeve_pool_spec *spec)
{
	int r = reeve_signal_ignore(SIGPIPE);

	if (r == 0)
		r = reeve_signal_ignore(SIGINT);
	mask_change(SIG_SETMASK, spec->handle ? REEVE_SIGNAL_SET(SIGURG) : REEVE_SIGNAL_NONE, NULL);
	return r;
}

static int attach(struct reeve_pool_worker *worker)
{
	int r = reeve_arena_attach(worker->arena, worker->pool->name);

	if (r < 0)
		return r;
	atomic_store(&worker->row->owner, (uint32_t)r);
	return reeve_heartbeat_say(worker->arena, REEVE_HEARTBEAT_STARTING, NULL);
}

/* Why it ends: the master reads it when it has. */
static void give_reason(struct reeve_pool_worker *worker, enum reeve_pool_reason reason)
{
	atomic_store(&worker->row->reason, 1 + (uint32_t)reason);
}

static int fail(struct reeve_pool_worker *worker, int error)
{
	atomic_store(&worker->row->error, error);
	give_reason(worker, REEVE_POOL_FAILED);
	return EXIT_FAILURE;
}

static int work(struct reeve_pool_worker *worker)
{
	const struct reeve_pool_spec *spec = &worker->pool->spec;
	int r;

	if (spec->run)
		r = spec->run(worker, spec->data);
	else
		r = spec->serve ? worker_serve(worker) : worker_handle(worker);
	if (activity_is_spent(worker))
		give_reason(worker, REEVE_POOL_RECYCLED);
	if (spec->run)
		return r;
	if (r == -ESHUTDOWN)
		give_reason(worker, REEVE_POOL_FINISHED);
	else if (r < 0)
		return fail(worker, r);
	return EXIT_SUCCESS;
}

/* A master that dies before this is asked for sends nothing. */
static int ask_for_signal(struct reeve_pool_worker *worker, int signal)
{
	if (sys_prctl(PR_SET_PDEATHSIG, (unsigned long)signal) < 0)
		return -errno;
	return is_orphan(worker) ? -ECHILD : 0;
}

/* The exit status. */
static int live(struct reeve_pool_worker *worker)
{
	const struct reeve_pool_spec *spec = &worker->pool->spec;
	int status;
	int r = prepare_signals(spec);

	if (r == 0 && spec->orphan_signal)
		r = ask_for_signal(worker, spec->orphan_signal);
	if (r == 0)
		r = attach(worker);
	if (r < 0)
		return fail(worker, r);
	status = spec->enter ? spec->enter(worker, spec->data) : 0;
	if (status != 0)
		return status;
	activity_end(worker);
	status = work(worker);
	(void)reeve_heartbeat_say(worker->arena, REEVE_HEARTBEAT_STOPPING, NULL);
	if (spec->leave)
		spec->leave(worker, spec->data);
	return status;
}

_Noreturn void worker_live(struct place *place, int lifeline)
{
	struct reeve_pool *pool = place->pool;
	struct reeve_pool_worker worker = {
		.pool = pool,
		.row = place->row,
		.arena = pool->arena,
		.place = (unsigned)(place - pool->places),
		.lifeline = lifeline,
		.limit = place->limit,
	};

	engine_start_over();
	_exit(live(&worker));
}

/* --- Whether to go on ------------------------------------------------------------------------- */

bool worker_is_leaving(struct reeve_pool_worker *worker, reeve_nsec now)
{
	if (atomic_load(&worker->row->leave) || worker->orphan || activity_is_spent(worker))
		return true;
	if (now - worker->looked < LOOK_EVERY)
		return false;
	worker->looked = now;
	return is_orphan(worker);
}

bool reeve_pool_worker_is_leaving(struct reeve_pool_worker *worker)
{
	return worker_is_leaving(worker, reeve_now());
}

int reeve_pool_worker_fd(const struct reeve_pool_worker *worker)
{
	return worker->lifeline;
}

unsigned reeve_pool_worker_place(const struct reeve_pool_worker *worker)
{
	return worker->place;
}

bool reeve_pool_worker_is_redelivered(const struct reeve_pool_worker *worker)
{
	return worker->redelivered;
}

void reeve_pool_worker_take(struct reeve_pool_worker *worker)
{
	worker->taken = true;
}
