/* A worker is forked, and looked after from then on. */
#include <errno.h>
#include <signal.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/pool/pool.h"
#include "lib/signal/mask.h"

static void reset_row(struct place *place)
{
	struct pool_row *row = place->row;

	place->started = reeve_now();
	atomic_store(&row->leave, 0);
	atomic_store(&row->started, place->started);
	atomic_store(&row->owner, 0);
	atomic_store(&row->activity, POOL_STARTING);
	atomic_store(&row->since, place->started);
	atomic_store(&row->requests, 0);
	atomic_store(&row->reason, 0);
	atomic_store(&row->error, 0);
}

/* Each worker has a limit of its own, or they would all reach it at once. */
static uint64_t request_limit(struct reeve_pool *pool)
{
	uint64_t after = pool->spec.recycle_after, limit;

	return __builtin_add_overflow(after, pool_jitter(pool, after), &limit) ? 0 : limit;
}

/* The pid, with no signal let into the child before it is in order. */
static pid_t fork_blocked(struct place *place, int lifeline)
{
	reeve_signal_set before;
	pid_t pid;

	mask_change(SIG_SETMASK, REEVE_SIGNAL_ALL, &before);
	pid = reeve_process_fork();
	if (pid == 0)
		worker_live(place, lifeline);
	mask_change(SIG_SETMASK, before, NULL);
	return pid;
}

/* A child that cannot be looked after is better not there. It may have taken something already. */
static void undo(struct place *place, pid_t pid)
{
	(void)reeve_signal_send(pid, SIGKILL);
	while (reeve_process_wait_pid(pid, REEVE_PROCESS_WAIT_ENDED, REEVE_FOREVER, NULL) == -EINTR)
		;
	(void)reeve_arena_recover(place->pool->arena, 0);
}

static int look_after(struct place *place, pid_t pid, reeve_process_callback *ended)
{
	int r = reeve_process_adopt(pid, &place->process);

	if (r < 0) {
		undo(place, pid);
		return r;
	}
	r = reeve_process_watch(place->process, place->pool->loop, ended, place);
	if (r < 0) {
		undo(place, pid);
		place->process = reeve_process_free(place->process);
	}
	return r;
}

int place_spawn(struct place *place, reeve_process_callback *ended)
{
	CLEANUP_FD int lifeline = lifeline_open(place);
	pid_t pid;
	int r;

	if (lifeline < 0)
		return lifeline;
	place->limit = request_limit(place->pool);
	reset_row(place);
	pid = fork_blocked(place, lifeline);
	r = pid < 0 ? pid : look_after(place, pid, ended);
	if (r < 0)
		place->lifeline = close_fd(place->lifeline);
	else
		atomic_store(&place->row->pid, pid);
	return r;
}
