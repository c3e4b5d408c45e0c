/* What tests of the queue share. */
#ifndef TESTS_UNIT_QUEUE_FIXTURE_H
#define TESTS_UNIT_QUEUE_FIXTURE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reeve/queue.h"
#include "unit/arena_fixture.h"

/* An arena that has room for such a queue, and the queue in it: "q". */
static inline struct reeve_arena *arena_with_queue(
	const struct reeve_queue_spec *spec, struct reeve_queue **ret)
{
	struct reeve_arena_spec arena_spec = { .label = "test", .participants = 32 };
	struct reeve_arena *arena = NULL;

	ck_assert_int_eq(reeve_queue_bytes(spec, &arena_spec.size), 0);
	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "q", spec, 0, ret), 0);
	return arena;
}

static inline void put_number(struct reeve_queue *queue, unsigned number)
{
	ck_assert_int_eq(reeve_queue_put(queue, &number, sizeof number, REEVE_FOREVER), 0);
}

static inline unsigned get_number(struct reeve_queue *queue)
{
	unsigned number = 0;
	size_t size = 0;

	ck_assert_int_eq(
		reeve_queue_get(queue, &number, sizeof number, REEVE_FOREVER, &size), 0);
	ck_assert_uint_eq(size, sizeof number);
	return number;
}

#endif
