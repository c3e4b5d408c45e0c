/* What must hold of a strict queue whoever was killed where, for queue_kill.c. */
#ifndef TESTS_KILL_QUEUE_LAW_H
#define TESTS_KILL_QUEUE_LAW_H

#include "kill/step.h"
#include "lib/arena/arena.h"
#include "lib/queue/queue.h"

#define CAPACITY 3u
#define IDS 32u
#define CHILDS 10u
#define TRACERS 20u
#define DEAD 4u /* a place whose owner is dead */

/* A message says its number four times. */
struct note {
	unsigned id[4];
};

/* LOSES, CLOSES: how the law bends. EACH: preempted at each single instruction, since who goes on
 * does so with what it had read; the others are with REEVE_KILL_EACH=1 (step.h), which takes minutes. */
enum { LOSES = 1, CLOSES = 2, EACH = 4 };

struct scenario {
	struct step_scenario step;
	struct reeve_queue_spec spec;
	unsigned first; /* messages in the queue at the beginning: 1 .. first */
	unsigned flags;
};

extern const struct scenario *current;
extern struct reeve_arena *arena;
extern struct reeve_queue *queue;

/* What the child was answered: shared with the tracer. */
struct answers {
	int r;
	unsigned got[4], n_got;
	bool put, ended;
};
extern struct answers *child;

/* What the tracer did meanwhile. */
struct deeds {
	unsigned put;
	bool closed;
};
extern struct deeds tracer;

void law_choose(const struct scenario *scenario);

struct note note(unsigned id);

/* The tracer got it. */
void law_count(const struct note *got, size_t size);

/* As struct step_scenario has them. */
void law_prepare(void);
void law_settle(bool finished);
const void *law_memory(size_t *ret_size);

#endif
