/* Timers: a heap of those that run. Those that are due are moved to the queue of this round all at once, so that one
 * which is started again by a callback waits for the next round, however early its deadline. */
#include <errno.h>
#include <stddef.h>

#include "lib/loop/source.h"

static struct reeve_loop_source *source_of(struct timer_node *node)
{
	return LIST_ENTRY(node, struct reeve_loop_source, timer.node);
}

void timers_collect(struct reeve_loop *loop)
{
	struct timer_node *first;

	while ((first = timer_heap_first(&loop->timers)) && first->deadline <= loop->now) {
		timer_heap_remove(&loop->timers, first);
		list_append(&loop->ready, &source_of(first)->queued);
	}
}

/* The first deadline of the grid that lies after now, and how many have passed until then. */
static reeve_nsec next_deadline(reeve_nsec deadline, reeve_nsec interval, reeve_nsec now, uint64_t *ret_passed)
{
	uint64_t passed = (uint64_t)(now - deadline) / (uint64_t)interval + 1;
	reeve_nsec next;

	*ret_passed = passed;
	if (__builtin_mul_overflow(passed, interval, &next) || __builtin_add_overflow(deadline, next, &next))
		return INT64_MAX;
	return next;
}

static void timer_call(struct reeve_loop_source *source)
{
	struct reeve_loop *loop = source->loop;
	struct timer_node *node = &source->timer.node;
	uint64_t expirations = 1;

	if (source->timer.interval) {
		reeve_nsec next = next_deadline(node->deadline, source->timer.interval, loop->now,
			&expirations);

		timer_heap_add(&loop->timers, node, next);
	}
	source->timer.callback(source, expirations, source->data);
}

static void timer_detach(struct reeve_loop_source *source, bool live)
{
	struct reeve_loop *loop = source->loop;

	timer_heap_remove(&loop->timers, &source->timer.node);
	loop->timer_count--;
	if (live)
		embed_update(loop); /* at worst it wakes for nothing */
}

static const struct source_kind timer_kind = {
	.call = timer_call,
	.detach = timer_detach,
};

int reeve_loop_add_timer(struct reeve_loop *loop, reeve_loop_timer_callback *callback, void *data,
	struct reeve_loop_source **ret)
{
	struct reeve_loop_source *source;
	int r;

	if (!callback)
		return -EINVAL;
	r = timer_heap_reserve(&loop->timers, loop->timer_count + 1);
	if (r < 0)
		return r;
	r = source_new(loop, &timer_kind, data, &source);
	if (r < 0)
		return r;
	source->timer.callback = callback;
	loop->timer_count++;
	if (ret)
		*ret = source;
	return 0;
}

static void stop(struct reeve_loop_source *source)
{
	timer_heap_remove(&source->loop->timers, &source->timer.node);
	list_remove(&source->queued);
}

int reeve_loop_timer_start_at(struct reeve_loop_source *source, reeve_nsec deadline, reeve_nsec interval)
{
	int r = source_check(source, &timer_kind);

	if (r < 0)
		return r;
	if (deadline < 0 || interval < 0)
		return -EINVAL;
	stop(source);
	source->timer.interval = interval;
	timer_heap_add(&source->loop->timers, &source->timer.node, deadline);
	return embed_update(source->loop);
}

int reeve_loop_timer_start(struct reeve_loop_source *source, reeve_nsec after, reeve_nsec interval)
{
	reeve_nsec deadline;

	if (after < 0)
		return -EINVAL;
	if (__builtin_add_overflow(reeve_now(), after, &deadline))
		deadline = INT64_MAX;
	return reeve_loop_timer_start_at(source, deadline, interval);
}

int reeve_loop_timer_stop(struct reeve_loop_source *source)
{
	int r = source_check(source, &timer_kind);

	if (r < 0)
		return r;
	stop(source);
	embed_update(source->loop);
	return 0;
}

reeve_nsec reeve_loop_timer_deadline(const struct reeve_loop_source *source)
{
	if (source->kind != &timer_kind)
		return -EINVAL;
	if (!source->timer.node.place && list_empty(&source->queued))
		return REEVE_FOREVER;
	return source->timer.node.deadline;
}
