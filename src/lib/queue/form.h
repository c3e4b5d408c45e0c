/* What the queue's facade (queue.c and its neighbours) asks of a form, strict or lanes.
 *
 * The facade checks arguments, waits, notifies and keeps the handle; a form tries, and answers
 * -EAGAIN where there is nothing to get or no room. A form neither sleeps nor spins for others.
 *
 * Each change that somebody may wait for is a sequentially consistent store or read-modify-write,
 * made before the function returns: the facade then looks whether anybody sleeps (eventcount.h).
 * A form that has moved that order to the sleeper's side does so in `before_sleep`. */
#ifndef LIB_QUEUE_FORM_H
#define LIB_QUEUE_FORM_H

#include "lib/arena/eventcount.h"
#include "reeve/queue.h"

/* The first lines of a queue, whatever its form. All but the atomic words is written once, before
 * anybody else sees it, and read once, when a handle is made. */
struct queue_header {
	uint64_t capacity;
	uint64_t message_max;
	uint32_t order;
	uint32_t on_death;
	uint32_t priorities;
	uint32_t joinable;
	uint32_t producers;
	unsigned char fill[64 - 36];

	_Alignas(64) struct eventcount not_empty;

	_Alignas(64) struct eventcount not_full;
	/* Set once nothing can be put any more: a hint for those who end the last messages that
	 * getters may wait for them (queue.c). */
	_Atomic uint32_t closed;

	_Alignas(64) struct eventcount all_done;
	_Atomic uint64_t redelivered;
	_Atomic uint64_t dropped;
};

_Static_assert(sizeof(struct queue_header) == 256, "four cache lines");

/* A queue as one process or one recovery sees it. What it is made of was checked and copied: no
 * size is read from shared memory again. */
struct queue_object {
	struct reeve_arena *arena;
	struct queue_header *header;
	unsigned char *memory; /* the form's own, aligned to 64 bytes, of form->bytes() */
	struct reeve_queue_spec spec;
};

/* `self` is the caller's number in the arena. Where nothing else is said: 0, -EAGAIN, -EUCLEAN. */
struct queue_form {
	/* Whether it can be such a queue: 0, -ENOTSUP. Limits and defaults are seen to. */
	int (*check)(const struct reeve_queue_spec *spec);
	uint64_t (*bytes)(const struct reeve_queue_spec *spec);
	/* Its memory is zero, and nobody else sees it yet. */
	void (*init)(const struct queue_object *object);
	/* What a handle needs of its own: 0, -ENOMEM. */
	int (*open)(const struct queue_object *object, void **ret_state);
	void (*free)(void *state);

	/* -ESHUTDOWN. `size` is at most message_max, `priority` below priorities. */
	int (*put)(void *state, unsigned self, const void *data, size_t size, unsigned priority);
	/* -EMSGSIZE, with *ret_size. -ESHUTDOWN where it is closed, and nothing left nor held by
	 * another whose death would bring it back; before that is looked at, header->closed is
	 * set. */
	int (*get)(void *state, unsigned self, void *data, size_t size, size_t *ret_size);

	int (*reserve)(void *state, unsigned self, size_t size, unsigned priority,
		struct reeve_queue_slot *ret);
	int (*commit)(void *state, unsigned self, const struct reeve_queue_slot *slot, size_t used);
	int (*cancel)(void *state, unsigned self, const struct reeve_queue_slot *slot);
	int (*peek)(void *state, unsigned self, struct reeve_queue_slot *ret);
	int (*release)(void *state, unsigned self, const struct reeve_queue_slot *slot);
	int (*give_back)(void *state, unsigned self, const struct reeve_queue_slot *slot);

	ssize_t (*size)(void *state);
	int (*is_full)(void *state);
	void (*statistics)(void *state, struct reeve_queue_statistics *ret);

	/* Who was killed in it is helped by whoever gets, and by recover. */
	int (*close)(void *state);
	int (*is_closed)(void *state);
	/* Whether `get` would say -ESHUTDOWN: 1, 0. */
	int (*is_over)(void *state, unsigned self);

	/* NULL where the form has no joinable queues. -ENOMSG. */
	int (*task_done)(void *state, unsigned self);
	int (*is_done)(void *state); /* 1, 0 */

	/* arena.h; the facade has woken all when it returns. */
	int (*recover)(const struct queue_object *object, unsigned participant);

	/* A number that is another one when something came to be got, or room (`for_room`). */
	uint64_t (*stamp)(void *state, bool for_room);

	/* It wakes those that wait for room by itself: not each room is for each of them. */
	bool wakes_for_room;
	/* NULL: nothing. Between the announcement that the caller may sleep and its last try. */
	void (*before_sleep)(void *state);
};

extern const struct queue_form queue_strict, queue_lanes;

#endif
