/* A queue that somebody scribbled over, with any bytes anywhere: everything that can be called ends in
 * an answer, soon, and never in an access outside of it.
 *
 * The first byte chooses the queue, the next three the place from which on the rest is laid over it.
 * What follows is used as it was, and by somebody who has just died. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/queue/queue.h"

#define MESSAGE 40

static const struct reeve_queue_spec specs[] = {
	{ .capacity = 3, .message_max = MESSAGE },
	{ .capacity = 1, .message_max = MESSAGE, .joinable = true },
	{ .capacity = 4, .message_max = MESSAGE, .priorities = 3,
		.on_death = REEVE_QUEUE_REDELIVER },
	{ .capacity = 3, .message_max = MESSAGE, .joinable = true,
		.on_death = REEVE_QUEUE_REDELIVER },
};

/* What is handed out lies in the arena, and can be written. */
static void touch(const struct reeve_arena *arena, const struct reeve_queue_slot *slot)
{
	unsigned char *at = slot->data;

	if (at < arena->base || slot->size > MESSAGE ||
		(uint64_t)(at - arena->base) > arena->size - slot->size)
		abort();
	memset(at, 1, slot->size);
}

static void use(struct reeve_arena *arena, struct reeve_queue *queue)
{
	struct reeve_queue_statistics statistics;
	struct reeve_queue_slot slots[3];
	unsigned char bytes[MESSAGE] = { 0 };
	size_t size;

	for (int i = 0; i < 2; i++) {
		(void)reeve_queue_put(queue, bytes, sizeof bytes, 0);
		if (reeve_queue_get(queue, bytes, sizeof bytes, 0, &size) == 0 &&
			size > sizeof bytes)
			abort();
		(void)reeve_queue_get(queue, bytes, 1, 0, &size);
	}
	(void)reeve_queue_task_done(queue);
	(void)reeve_queue_join(queue, 0);
	if (reeve_queue_reserve(queue, MESSAGE, 0, 0, &slots[0]) == 0) {
		touch(arena, &slots[0]);
		(void)reeve_queue_commit(queue, &slots[0], MESSAGE);
	}
	if (reeve_queue_reserve(queue, 1, 0, 0, &slots[0]) == 0)
		(void)reeve_queue_cancel(queue, &slots[0]);
	for (int i = 0; i < 3; i++)
		if (reeve_queue_peek(queue, 0, &slots[i]) == 0) {
			touch(arena, &slots[i]);
			(void)(i % 2 ? reeve_queue_release(queue, &slots[i])
				     : reeve_queue_give_back(queue, &slots[i]));
		}
	if (reeve_queue_size(queue) > 4)
		abort();
	(void)reeve_queue_is_full(queue);
	(void)reeve_queue_statistics(queue, &statistics);
	(void)reeve_arena_recover(arena, 0);
	(void)reeve_queue_close(queue);
	(void)reeve_queue_get(queue, bytes, sizeof bytes, 0, &size);
	(void)reeve_queue_put(queue, bytes, sizeof bytes, 0);
}

/* In the middle of its life: something in it, something held by a dead one. */
static struct reeve_queue *prepare(
	const struct reeve_queue_spec *spec, struct reeve_arena **ret_arena)
{
	struct reeve_arena_spec arena_spec = { .participants = 2, .objects = 2 };
	struct reeve_queue *queue;
	struct reeve_queue_slot slot;

	if (reeve_queue_bytes(spec, &arena_spec.size) < 0 ||
		reeve_arena_new(&arena_spec, ret_arena) < 0 ||
		reeve_queue_new(*ret_arena, "q", spec, 0, &queue) < 0)
		abort();
	for (size_t i = 0; i < 3; i++)
		(void)reeve_queue_put(queue, "123", 3, 0);
	if (reeve_queue_peek(queue, 0, &slot) < 0)
		abort();
	atomic_store(&arena_slot(*ret_arena, 2)->word, slot_word(SLOT_TAKEN, 0, 1));
	return queue;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reeve_arena *arena;
	struct reeve_queue *queue, *other = NULL;
	unsigned char *begin, *end;

	if (size < 4)
		return 0;
	queue = prepare(&specs[data[0] % (sizeof specs / sizeof *specs)], &arena);
	begin = (unsigned char *)queue->object.header;
	end = arena->base + arena->size;
	begin += (size_t)(data[1] | data[2] << 8 | data[3] << 16) % (size_t)(end - begin);
	for (size_t i = 4; i < size && begin < end; i++)
		*begin++ = data[i];
	use(arena, queue);
	if (reeve_queue_open(arena, "q", &other) == 0)
		use(arena, other);
	reeve_queue_free(other);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
	return 0;
}
