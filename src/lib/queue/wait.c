/* Waiting for a message or for room, and telling those who wait.
 *
 * A sleeper costs its waker a system call, and itself microseconds. So who finds nothing looks on
 * for a while before it sleeps, about twice as long as that has lately taken to be worth it. */
#include <errno.h>
#include <limits.h>

#include "lib/base/interrupt.h"
#include "lib/base/relax.h"
#include "lib/queue/queue.h"

#define SPINS_LEAST 32
#define SPINS_MOST 2048
/* A try may be long: where room may be anywhere, it looks at every cell. The clock is read now and
 * then, and for the first time when the wait is no longer a short one. */
#define SPIN_TIME (50 * REEVE_USEC)
#define SPINS_A_LOOK 32

/* Who waits for room waits for some more of it: one that looks at every message which is taken takes
 * the consumer's line away each time, and then has room for but one. */
static unsigned pause_for_room(int spins)
{
	return spins < 6 ? 1u << spins : 64;
}

static bool is_time_over(int spins, reeve_nsec *end)
{
	reeve_nsec now;

	if (spins % SPINS_A_LOOK)
		return false;
	now = reeve_now();
	if (*end == 0)
		*end = now + SPIN_TIME;
	return now >= *end;
}

static int spin(struct reeve_queue *queue, unsigned self, const struct eventcount *event,
	queue_try *try, void *data)
{
	bool for_room = event == &queue->object.header->not_full;
	int estimate = atomic_load_explicit(&queue->spin_estimate, memory_order_relaxed);
	int most = 2 * estimate + SPINS_LEAST, spins = 0, r = -EAGAIN;
	reeve_nsec end = 0;

	if (!queue->spins)
		return -EAGAIN;
	if (most > SPINS_MOST)
		most = SPINS_MOST;
	while (r == -EAGAIN && spins++ < most && !is_time_over(spins, &end)) {
		relax(for_room ? pause_for_room(spins) : 1);
		r = try(queue, self, data);
	}
	estimate += r == -EAGAIN ? -(estimate + 3) / 4 : (spins - estimate) / 8;
	atomic_store_explicit(&queue->spin_estimate, estimate, memory_order_relaxed);
	return r;
}

static int sleep_until(struct reeve_queue *queue, unsigned self, struct eventcount *event,
	reeve_nsec deadline, queue_try *try, void *data)
{
	for (;;) {
		uint32_t key = eventcount_prepare(event);
		int r;

		if (queue->form->before_sleep)
			queue->form->before_sleep(queue->state);
		r = try(queue, self, data);
		if (r != -EAGAIN)
			return r;
		r = eventcount_wait(queue->object.arena, event, key, deadline);
		if (r < 0)
			return r;
	}
}

#define TRIES_MOST 16

/* It is looked for in one place after the other, and may be moved meanwhile: that there is none is
 * believed of a try during which none came. Who waits need not ask: he would be told. */
static int try_alone(struct reeve_queue *queue, unsigned self, const struct eventcount *event,
	queue_try *try, void *data)
{
	bool for_room = event == &queue->object.header->not_full;
	int r = -EAGAIN;

	for (unsigned i = 0; i < TRIES_MOST && r == -EAGAIN; i++) {
		uint64_t before = queue->form->stamp(queue->state, for_room);

		r = try(queue, self, data);
		if (queue->form->stamp(queue->state, for_room) == before)
			break;
	}
	return r;
}

int queue_until(struct reeve_queue *queue, struct eventcount *event, reeve_nsec timeout,
	queue_try *try, void *data)
{
	reeve_nsec deadline;
	int self, r;

	if (timeout < 0 && timeout != REEVE_FOREVER)
		return -EINVAL;
	self = arena_self(queue->object.arena);
	if (self < 0)
		return self;
	r = try(queue, (unsigned)self, data);
	if (r != -EAGAIN)
		return r;
	if (timeout == 0) {
		r = try_alone(queue, (unsigned)self, event, try, data);
		return r == -EAGAIN ? -ETIMEDOUT : r;
	}
	deadline_from(timeout, &deadline);
	r = spin(queue, (unsigned)self, event, try, data);
	if (r == -EAGAIN)
		r = sleep_until(queue, (unsigned)self, event, deadline, try, data);
	/* It may have been woken for what another could have had. */
	if (r == -EMSGSIZE)
		eventcount_notify(event, 1);
	return r;
}

void queue_came(struct reeve_queue *queue, unsigned count)
{
	eventcount_notify(&queue->object.header->not_empty, count);
}

/* Getters of a closed queue wait for what may still come back from others. */
static void tell_last(struct queue_header *header)
{
	if (atomic_load(&header->closed))
		eventcount_notify(&header->not_empty, INT_MAX);
}

void queue_got(struct reeve_queue *queue, unsigned count)
{
	struct queue_header *header = queue->object.header;

	if (!queue->object.spec.joinable && !queue->form->wakes_for_room)
		eventcount_notify(&header->not_full, count);
	tell_last(header);
	queue_watch_look(queue);
}

void queue_ended(struct reeve_queue *queue)
{
	struct queue_header *header = queue->object.header;

	if (!queue->form->wakes_for_room)
		eventcount_notify(&header->not_full, 1);
	if (queue->object.spec.joinable)
		eventcount_notify(&header->all_done, INT_MAX);
	tell_last(header);
}

void queue_wake_all(struct queue_header *header)
{
	eventcount_recover(&header->not_empty);
	eventcount_recover(&header->not_full);
	eventcount_recover(&header->all_done);
}
