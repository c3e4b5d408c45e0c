/* What has to hold of lanes whatever died in the middle of what (queue_lanes_kill.c): the state before
 * each run, and the look at what is left after it. */
#ifndef TESTS_KILL_QUEUE_LANES_LAW_H
#define TESTS_KILL_QUEUE_LANES_LAW_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kill/step.h"
#include "lib/queue/queue.h"
#include "lib/queue/lanes.h"
#include "support/harness.h"

#define CAPACITY 3u
#define IDS 32u
#define CHILDS 10u
#define TRACERS 20u
#define DEAD 4u /* a place whose owner is dead */

/* A message says its number four times. */
struct note {
	unsigned id[4];
};

/* LOSES, CLOSES: how the law bends. EACH: preempted at each single instruction. */
enum { LOSES = 1, CLOSES = 2, EACH = 4 };

/* How many lanes there are: with ONE the tracer has it, and the child has to share. */
enum { ONE = 1, TWO };

struct scenario {
	struct step_scenario step;
	unsigned lanes;
	enum reeve_queue_on_death on_death;
	unsigned first; /* messages in the queue at the beginning, put by the tracer */
	unsigned flags;
};

static const struct scenario *current;
static struct reeve_arena *arena;
static struct reeve_queue *queue;
static unsigned delivered[IDS], last;

/* What the child was answered: shared with the tracer. */
static struct answers {
	int r;
	unsigned got;
	bool put, ended;
} * child;

static struct {
	unsigned put;
	bool closed, told;
} tracer;

static const struct lanes *lanes(void)
{
	return queue->state;
}

static const void *memory(size_t *ret_size)
{
	*ret_size = (size_t)arena->size;
	return arena->base;
}

static struct note note(unsigned id)
{
	return (struct note){ { id, id, id, id } };
}

static int put_note(unsigned id)
{
	struct note message = note(id);

	return reeve_queue_put(queue, &message, sizeof message, 0);
}

static void prepare(void)
{
	struct reeve_queue_spec queue_spec = {
		.capacity = CAPACITY,
		.message_max = sizeof(struct note),
		.order = REEVE_QUEUE_LANES,
		.producers = current->lanes,
		.on_death = current->on_death,
	};
	struct reeve_arena_spec spec = { .participants = DEAD, .objects = 2 };

	memset(child, 0, sizeof *child);
	memset(&tracer, 0, sizeof tracer);
	memset(delivered, 0, sizeof delivered);
	last = 0;
	ck_assert_int_eq(reeve_queue_bytes(&queue_spec, &spec.size), 0);
	ck_assert_int_eq(reeve_arena_new(&spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "q", &queue_spec, 0, &queue), 0);
	for (unsigned id = 1; id <= current->first; id++)
		ck_assert_int_eq(put_note(id), 0);
}

/* Not stepped: so that it is not the attaching that is killed. */
static void enter(void)
{
	reeve_arena_attach(arena, "child");
}

/* --- What must hold --------------------------------------------------------------------------- */

static void take(const struct note *got, size_t size)
{
	ck_assert_msg(size == sizeof *got && got->id[0] < IDS && got->id[0] == got->id[1] &&
			      got->id[0] == got->id[2] && got->id[0] == got->id[3],
		"%s: a torn message", step_where);
	ck_assert_msg(!tracer.told, "%s: message %u came after the end", step_where, got->id[0]);
	delivered[got->id[0]]++;
	ck_assert_msg(got->id[0] >= CHILDS || got->id[0] > last, "%s: message %u came after %u",
		step_where, got->id[0], last);
	if (got->id[0] < CHILDS)
		last = got->id[0];
}

/* Until there is nothing: -ETIMEDOUT, -ESHUTDOWN. */
static int receive(void)
{
	struct note got;
	size_t size;
	int r;

	while ((r = reeve_queue_get(queue, &got, sizeof got, 0, &size)) == 0)
		take(&got, size);
	ck_assert_msg(r == -ETIMEDOUT || r == -ESHUTDOWN, "%s: get: %d", step_where, r);
	return r;
}

static void check_each_delivered(bool finished)
{
	unsigned lost = 0;

	if (child->got)
		delivered[child->got]++;
	for (unsigned id = 1; id <= current->first; id++) {
		ck_assert_msg(delivered[id] <= 1, "%s: message %u came twice", step_where, id);
		lost += delivered[id] == 0;
	}
	ck_assert_msg(lost <= (unsigned)(current->flags & LOSES && !child->ended), "%s: %u lost",
		step_where, lost);
	ck_assert_msg(delivered[CHILDS] <= 1 && (!child->put || delivered[CHILDS] == 1) &&
			      (child->r == 0 || delivered[CHILDS] == 0),
		"%s: what the child put came %u times, and it was answered %d", step_where,
		delivered[CHILDS], child->r);
	ck_assert_msg(delivered[TRACERS] == tracer.put, "%s: what the tracer put came %u times",
		step_where, delivered[TRACERS]);
	ck_assert_msg(!finished || child->r >= 0 || child->r == -ETIMEDOUT ||
			      (tracer.closed && child->r == -ESHUTDOWN),
		"%s: the child was answered %d", step_where, child->r);
}

static void check_counts(void)
{
	struct reeve_queue_statistics counts;

	ck_assert_int_eq(reeve_queue_statistics(queue, &counts), 0);
	ck_assert_msg(counts.put == counts.got, "%s: put %llu, got %llu", step_where,
		(unsigned long long)counts.put, (unsigned long long)counts.got);
	ck_assert_msg(counts.put == current->first + delivered[CHILDS] + delivered[TRACERS],
		"%s: put %llu", step_where, (unsigned long long)counts.put);
}

/* Nor is any lane claimed but the tracer's. */
static void check_nothing_is_held(void)
{
	unsigned self = atomic_load(&arena->self);

	for (unsigned i = 0; i < lanes()->count; i++) {
		const struct lane *lane = &lanes()->lanes[i];
		uint64_t claim = atomic_load(&lanes()->shared->claims[i]);

		ck_assert_msg(lane->owner == 0 && lane->writer == 0 &&
				      (claim == 0 || claim_participant(claim) == self),
			"%s: lane %u: owner %#llx, writer %#llx, claim %#llx", step_where, i,
			(unsigned long long)lane->owner, (unsigned long long)lane->writer,
			(unsigned long long)claim);
	}
}

/* The tracer's own, and if there is one more the child's, by way of another handle. */
static void check_room(void)
{
	struct reeve_queue *mine = queue, *second;

	ck_assert_int_eq(reeve_queue_open(arena, "q", &second), 0);
	for (unsigned i = 0; i < 2 * CAPACITY; i++) {
		queue = i < CAPACITY ? mine : second;
		ck_assert_msg(put_note(1) == 0, "%s: no room for message %u", step_where, i);
	}
	ck_assert_int_eq(put_note(1), -ETIMEDOUT);
	queue = mine;
	ck_assert_int_eq(put_note(1), -ETIMEDOUT);
	reeve_queue_free(second);
}

static void settle(bool finished)
{
	int r = reeve_arena_recover(arena, 0);
	bool closed;

	ck_assert_msg(r >= 0, "%s: recover: %d", step_where, r);
	ck_assert_msg(reeve_arena_recover(arena, 0) == 0, "%s: recovered twice", step_where);
	closed = reeve_queue_is_closed(queue) == 1;
	ck_assert(closed || !(tracer.closed || (current->flags & CLOSES && finished)));
	ck_assert_int_eq(receive(), closed ? -ESHUTDOWN : -ETIMEDOUT);
	check_each_delivered(finished);
	check_counts();
	check_nothing_is_held();
	if (closed)
		ck_assert_int_eq(put_note(1), -ESHUTDOWN);
	else
		check_room();
	queue = reeve_queue_free(queue);
	arena = reeve_arena_free(arena);
}

#endif
