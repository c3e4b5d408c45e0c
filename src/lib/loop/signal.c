/* Signals: a subscription each (reeve/signal.h), and one descriptor a loop that tells when they are to be dispatched. The
 * callbacks run wherever signals are dispatched: usually when that descriptor is ready, but also where a signal
 * interrupts the loop's wait, or another call that blocks. */
#include "reeve/signal.h"

#include <errno.h>

#include "lib/loop/source.h"

static void on_event(const struct reeve_signal_event *event, void *data)
{
	struct reeve_loop_source *source = data;

	source->loop->signal_calls++;
	source->signal.callback(source, event, source->data);
}

static void on_due(struct reeve_loop_source *watch, int fd, unsigned events, void *data)
{
	struct reeve_loop *loop = watch->loop;
	const bool *freed = loop->freed;
	int r = reeve_signal_dispatch();

	if (r < 0 && !*freed)
		loop->signal_error = r;
}

/* Only what is queued is called, and signals never are. */
static void signal_call(struct reeve_loop_source *source)
{
}

static void forget_watch(struct reeve_loop *loop)
{
	if (loop->signal_count == 0)
		loop->signal_watch = reeve_loop_source_free(loop->signal_watch);
}

static void signal_detach(struct reeve_loop_source *source, bool live)
{
	if (!source->signal.subscription)
		return;
	reeve_signal_unsubscribe(source->signal.subscription);
	source->loop->signal_count--;
	forget_watch(source->loop);
}

static const struct source_kind signal_kind = {
	.call = signal_call,
	.detach = signal_detach,
};

static int watch(struct reeve_loop *loop)
{
	int fd;

	if (loop->signal_watch)
		return 0;
	fd = reeve_signal_fd();
	if (fd < 0)
		return fd;
	return reeve_loop_add_fd(loop, fd, REEVE_LOOP_READABLE, on_due, NULL, &loop->signal_watch);
}

int reeve_loop_add_signal(struct reeve_loop *loop, int signo, reeve_loop_signal_callback *callback, void *data,
	struct reeve_loop_source **ret)
{
	struct reeve_loop_source *source;
	int r;

	if (!callback)
		return -EINVAL;
	r = source_new(loop, &signal_kind, data, &source);
	if (r < 0)
		return r;
	source->signal.callback = callback;
	r = watch(loop);
	if (r == 0)
		r = reeve_signal_subscribe(signo, on_event, source, &source->signal.subscription);
	if (r < 0) {
		forget_watch(loop);
		reeve_loop_source_free(source);
		return r;
	}
	loop->signal_count++;
	if (ret)
		*ret = source;
	return 0;
}
