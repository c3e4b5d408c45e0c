/* A pool of listeners, and the events that wait for one of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "board/log.h"
#include "core/events.h"
#include "core/listener_link.h"

static uint64_t resolve(uint64_t asked)
{
	uint64_t wanted = 0;

	for (unsigned type = 0; type < EVENT_TYPE_COUNT; type++) {
		enum event_type at = (enum event_type)type;

		while (!(asked >> at & 1) && event_type_parent(at) != at)
			at = event_type_parent(at);
		if (asked >> at & 1)
			wanted |= UINT64_C(1) << type;
	}
	return wanted;
}

static const char *name_of(const struct pool *pool)
{
	return pool->group->settings->name;
}

/* ---- the queue ---- */

static void link_after(struct events *events, struct pool *pool, uint32_t before, uint32_t number)
{
	uint32_t *link = before == NO_EVENT ? &pool->first : &events->next[before];

	events->next[number] = *link;
	*link = number;
	if (events->next[number] == NO_EVENT)
		pool->last = number;
	pool->count++;
}

/* In the order in which the pool had them first. */
static void insert(struct events *events, struct pool *pool, uint32_t number)
{
	uint64_t serial = event_head(events, number)->pool_serial;
	uint32_t before = NO_EVENT;

	if (pool->count > 0 && event_head(events, pool->last)->pool_serial < serial) {
		before = pool->last;
	} else {
		for (uint32_t at = pool->first; at != NO_EVENT && event_head(events, at)->pool_serial < serial;
			at = events->next[at])
			before = at;
	}
	link_after(events, pool, before, number);
}

static uint32_t take_first(struct events *events, struct pool *pool)
{
	uint32_t number = pool->first;

	pool->first = events->next[number];
	if (pool->first == NO_EVENT)
		pool->last = NO_EVENT;
	pool->count--;
	return number;
}

static void discard_oldest(struct events *events, struct pool *pool)
{
	uint32_t number = take_first(events, pool);

	log_line(LOG_ERROR, "pool %s event buffer overflowed, discarding event %" PRIu64, name_of(pool),
		event_head(events, number)->serial);
	event_blocks_drop(&events->blocks, number);
}

static void make_room(struct events *events, struct pool *pool)
{
	while (pool->count > 0 && (int64_t)pool->count >= pool->group->settings->buffer_size)
		discard_oldest(events, pool);
}

void pool_accept(struct events *events, struct pool *pool, const struct event_head *like, const char *payload, size_t size)
{
	_Atomic uint64_t *next_serial = &events->memory->listeners[pool->row].pool_serial;
	struct event_head head = *like;
	int64_t number;

	head.pool = pool->row;
	head.pool_serial = atomic_load(next_serial);
	make_room(events, pool);
	while ((number = event_blocks_put(&events->blocks, &head, EVENT_QUEUED, payload, size)) == -ENOSPC &&
		pool->count > 0)
		discard_oldest(events, pool);
	atomic_store(next_serial, head.pool_serial + 1);
	if (number < 0) {
		log_line(LOG_ERROR, "pool %s has no room for event %" PRIu64 ", discarding it", name_of(pool),
			head.serial);
		return;
	}
	insert(events, pool, (uint32_t)number);
	events_schedule(events);
}

void pool_put_back(struct events *events, struct pool *pool, uint32_t number)
{
	struct event_head *head = event_head(events, number);

	log_line(LOG_DEBUG, "rebuffering event %" PRIu64 " for pool %s (buf size=%u, max=%" PRId64 ")", head->serial,
		name_of(pool), pool->count, pool->group->settings->buffer_size);
	make_room(events, pool);
	atomic_store(&head->owner, 0);
	insert(events, pool, number);
	events_schedule(events);
}

void pool_dispatch(struct events *events, struct pool *pool)
{
	for (size_t i = 0; i < pool->group->process_count && pool->count > 0; i++)
		if (link_is_free(&pool->links[i]))
			link_give(&pool->links[i], take_first(events, pool));
}

/* ---- beginning and end ---- */

static void sum_up(struct events *events)
{
	events->wanted = 0;
	for (const struct pool *pool = events->pools; pool; pool = pool->next)
		events->wanted |= pool->wanted;
}

int pool_add(struct events *events, struct group *group)
{
	struct pool **at = &events->pools, *pool = calloc(1, sizeof *pool);

	if (!pool)
		return -ENOMEM;
	pool->group = group;
	pool->wanted = resolve(group->settings->events);
	pool->row = group->processes[0].row;
	pool->first = pool->last = NO_EVENT;
	pool->links = calloc(group->process_count, sizeof *pool->links);
	if (!pool->links) {
		free(pool);
		return -ENOMEM;
	}
	for (size_t i = 0; i < group->process_count; i++)
		link_init(&pool->links[i], events, pool, &group->processes[i]);
	while (*at)
		at = &(*at)->next;
	*at = pool;
	sum_up(events);
	return 0;
}

void pool_free(struct events *events, struct pool *pool)
{
	struct pool **at = &events->pools;

	while (*at != pool)
		at = &(*at)->next;
	*at = pool->next;
	for (size_t i = 0; i < pool->group->process_count; i++)
		link_deinit(&pool->links[i]);
	free(pool->links);
	free(pool);
	sum_up(events);
}

/* Its row may be another's one day: nothing of it stays. */
void pool_remove(struct events *events, struct pool *pool)
{
	while (pool->count > 0)
		event_blocks_drop(&events->blocks, take_first(events, pool));
	atomic_store(&events->memory->listeners[pool->row].pool_serial, 0);
	pool_free(events, pool);
}

static struct listener_link *link_by_row(const struct pool *pool, uint32_t row)
{
	for (size_t i = 0; i < pool->group->process_count; i++)
		if (pool->group->processes[i].row == row)
			return &pool->links[i];
	return NULL;
}

/* What a core that was killed left to the pool. */
void pool_recover(struct events *events, struct pool *pool)
{
	_Atomic uint64_t *next_serial = &events->memory->listeners[pool->row].pool_serial;

	for (int64_t number = -1; (number = event_blocks_next(&events->blocks, number)) >= 0;) {
		struct event_head *head = event_head(events, (uint32_t)number);
		struct listener_link *owner = NULL;

		if (head->kind != EVENT_QUEUED || head->pool != pool->row)
			continue;
		if (head->pool_serial >= atomic_load(next_serial))
			atomic_store(next_serial, head->pool_serial + 1);
		if (head->owner > 0)
			owner = link_by_row(pool, head->owner - 1);
		if (owner && owner->event == NO_EVENT) {
			owner->event = (uint32_t)number;
		} else {
			head->owner = 0;
			insert(events, pool, (uint32_t)number);
		}
	}
}
