/* Messages from a queue.
 *
 * A worker that sleeps on the queue is told to leave by SIGURG, which makes the queue's call
 * return. It is blocked while a message is handled, so that no call of the program's is interrupted
 * halfway. One that comes after the last look and before the sleep interrupts nothing: so no sleep
 * is longer than a second, as it is in the arena anyway. */
#include <errno.h>
#include <signal.h>

#include "lib/pool/pool.h"
#include "lib/signal/mask.h"
#include "reeve/queue.h"

#define LONGEST_SLEEP REEVE_SEC

static void wake_up(const struct reeve_signal_event *event, void *data)
{
}

static int listen_to_master(struct reeve_signal_subscription **ret)
{
	int r = reeve_signal_interrupt(SIGURG, true);

	return r < 0 ? r : reeve_signal_subscribe(SIGURG, wake_up, NULL, ret);
}

/* -ETIMEDOUT, -EINTR: there is none yet. */
static int next_message(struct reeve_pool_worker *worker, struct reeve_queue_slot *ret)
{
	struct reeve_queue *queue = worker->pool->spec.queue;
	int r = reeve_queue_peek(queue, 0, ret);

	if (r != -ETIMEDOUT)
		return r;
	mask_change(SIG_UNBLOCK, REEVE_SIGNAL_SET(SIGURG), NULL);
	if (!atomic_load(&worker->row->leave))
		r = reeve_queue_peek(queue, LONGEST_SLEEP, ret);
	mask_change(SIG_BLOCK, REEVE_SIGNAL_SET(SIGURG), NULL);
	worker->now = reeve_now();
	return r;
}

static int handle(struct reeve_pool_worker *worker, const struct reeve_queue_slot *slot)
{
	const struct reeve_pool_spec *spec = &worker->pool->spec;
	int r;

	worker->redelivered = slot->redelivered;
	activity_begin(worker);
	r = spec->handle(worker, slot->data, slot->size, spec->data);
	r = r == 0 ? reeve_queue_release(spec->queue, slot)
		   : reeve_queue_give_back(spec->queue, slot);
	activity_end(worker);
	return r;
}

int worker_handle(struct reeve_pool_worker *worker)
{
	struct reeve_signal_subscription *subscription = NULL;
	struct reeve_queue_slot slot;
	int r = listen_to_master(&subscription);

	while (r == 0 && !worker_is_leaving(worker, worker->now)) {
		r = next_message(worker, &slot);
		if (r == 0)
			r = handle(worker, &slot);
		else if (r == -ETIMEDOUT || r == -EINTR)
			r = 0;
	}
	reeve_signal_unsubscribe(subscription);
	return r;
}
