/* A child's end as an event of a loop. */
#include <errno.h>

#include "lib/process/process.h"
#include "reeve/loop.h"

/* How often to look whether the tracer of a dead process has let go of it: nothing tells. */
#define TRACED_RETRY (50 * REEVE_MSEC)

static void finish(struct reeve_process *process)
{
	reeve_process_callback *callback = process->callback;
	void *data = process->data;
	struct reeve_process_outcome outcome;

	if (process_collect(process, &outcome) < 0) {
		reeve_loop_fd_set_events(process->watch, 0);
		reeve_loop_timer_start(process->watch_retry, TRACED_RETRY, 0);
		return;
	}
	reeve_process_unwatch(process);
	callback(process, &outcome, data);
}

static void on_readable(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	finish(data);
}

static void on_retry(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	finish(data);
}

int reeve_process_watch(struct reeve_process *process, struct reeve_loop *loop,
	reeve_process_callback *callback, void *data)
{
	int r;

	if (!callback)
		return -EINVAL;
	if (process->watch)
		return -EBUSY;
	r = reeve_loop_add_timer(loop, on_retry, process, &process->watch_retry);
	if (r < 0)
		return r;
	r = reeve_loop_add_fd(
		loop, process->pidfd, REEVE_LOOP_READABLE, on_readable, process, &process->watch);
	if (r < 0) {
		process->watch_retry = reeve_loop_source_free(process->watch_retry);
		return r;
	}
	process->callback = callback;
	process->data = data;
	return 0;
}

void reeve_process_unwatch(struct reeve_process *process)
{
	process->watch = reeve_loop_source_free(process->watch);
	process->watch_retry = reeve_loop_source_free(process->watch_retry);
}
