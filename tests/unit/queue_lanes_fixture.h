/* A queue of lanes, made anew for each test. */
#ifndef TESTS_UNIT_QUEUE_LANES_FIXTURE_H
#define TESTS_UNIT_QUEUE_LANES_FIXTURE_H

#include <stdlib.h>

#include "lib/queue/queue.h"
#include "lib/queue/lanes.h"
#include "reeve/queue.h"
#include "unit/arena_fixture.h"

#define CAPACITY 3u
#define LONGEST 200u

static struct reeve_arena *arena;
static struct reeve_queue *queue;

static void make(
	size_t capacity, size_t message_max, unsigned producers, enum reeve_queue_on_death on_death)
{
	struct reeve_queue_spec spec = {
		.capacity = capacity,
		.message_max = message_max,
		.order = REEVE_QUEUE_LANES,
		.producers = producers,
		.on_death = on_death,
	};
	struct reeve_arena_spec arena_spec = { .participants = 8 };

	ck_assert_int_eq(reeve_queue_bytes(&spec, &arena_spec.size), 0);
	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "q", &spec, 0, &queue), 0);
}

static void set_up(void)
{
	make(CAPACITY, LONGEST, 2, REEVE_QUEUE_DROP);
}

static void tear_down(void)
{
	queue = reeve_queue_free(queue);
	arena = reeve_arena_free(arena);
}

static int put_number(unsigned number)
{
	return reeve_queue_put(queue, &number, sizeof number, 0);
}

/* The number, or the error. */
static int get_number(void)
{
	unsigned number = 0;
	size_t size = 0;
	int r = reeve_queue_get(queue, &number, sizeof number, 0, &size);

	if (r == 0)
		ck_assert_uint_eq(size, sizeof number);
	return r < 0 ? r : (int)number;
}

#endif
