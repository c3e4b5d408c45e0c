/* The strict queue, killed at every instruction of each of its operations, and with another
 * process's whole operation at each of those places.
 *
 * What has to hold when the dead has been recovered: each message that was committed is delivered
 * once, whole, in its order, to one of the two; but one that the dead had taken may be lost with
 * it where the queue drops, and comes again where it redelivers. All cells are free in the end,
 * and as many messages as the capacity says can be put. Half closed is closed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kill/queue_law.h"
#include "lib/queue/strict.h"
#include "support/harness.h"

/* Not stepped: so that it is not the attaching that is killed. */
static void enter(void)
{
	reeve_arena_attach(arena, "child");
}

/* --- What the child does ---------------------------------------------------------------------- */

static void put(void)
{
	struct note message = note(CHILDS);

	child->r = reeve_queue_put(queue, &message, sizeof message, 0);
	child->put = child->r == 0;
}

static void reserve_and_commit(void)
{
	struct reeve_queue_slot slot;

	child->r = reeve_queue_reserve(queue, sizeof(struct note), 0, 0, &slot);
	if (child->r < 0)
		return;
	*(struct note *)slot.data = note(CHILDS);
	child->r = reeve_queue_commit(queue, &slot, sizeof(struct note));
	child->put = child->r == 0;
}

static void reserve_and_cancel(void)
{
	struct reeve_queue_slot slot;

	child->r = reeve_queue_reserve(queue, sizeof(struct note), 0, 0, &slot);
	if (child->r == 0)
		child->r = reeve_queue_cancel(queue, &slot);
}

static void keep(unsigned id)
{
	child->got[child->n_got] = id;
	child->n_got++;
	child->ended = true;
}

static void get(void)
{
	struct note got;

	child->r = reeve_queue_get(queue, &got, sizeof got, 0, NULL);
	if (child->r == 0)
		keep(got.id[0]);
}

/* What is not done when it dies is dropped, or comes again. */
static void get_task(void)
{
	struct note got;

	child->r = reeve_queue_get(queue, &got, sizeof got, 0, NULL);
	if (child->r == 0)
		child->r = reeve_queue_task_done(queue);
	if (child->r == 0)
		keep(got.id[0]);
}

static void peek_and_release(void)
{
	struct reeve_queue_slot slot;
	unsigned id;

	child->r = reeve_queue_peek(queue, 0, &slot);
	if (child->r < 0)
		return;
	id = ((struct note *)slot.data)->id[0];
	child->r = reeve_queue_release(queue, &slot);
	if (child->r == 0)
		keep(id);
}

static void peek_and_give_back(void)
{
	struct reeve_queue_slot slot;

	child->r = reeve_queue_peek(queue, 0, &slot);
	if (child->r == 0)
		child->r = reeve_queue_give_back(queue, &slot);
	child->ended = child->r == 0;
}

static void close_it(void)
{
	child->r = reeve_queue_close(queue);
}

static void recover(void)
{
	child->r = reeve_arena_recover(arena, REEVE_FOREVER);
}

/* --- What the tracer does meanwhile ----------------------------------------------------------- */

static void put_too(void)
{
	struct note message = note(TRACERS);
	int r = reeve_queue_put(queue, &message, sizeof message, 0);

	ck_assert_msg(r == 0 || r == -ETIMEDOUT || r == -ESHUTDOWN, "%s: put: %d", step_where, r);
	tracer.put += r == 0;
}

static void get_too(void)
{
	struct note got;
	size_t size;
	int r = reeve_queue_get(queue, &got, sizeof got, 0, &size);

	ck_assert_msg(r == 0 || r == -ETIMEDOUT || r == -ESHUTDOWN, "%s: get: %d", step_where, r);
	if (r < 0)
		return;
	law_count(&got, size);
	if (current->spec.joinable)
		ck_assert_int_eq(reeve_queue_task_done(queue), 0);
}

/* Once around the ring, and more. */
static void put_and_get_too(void)
{
	for (unsigned i = 0; i < 4 * CAPACITY; i++) {
		put_too();
		get_too();
	}
}

static void peek_and_give_back_too(void)
{
	struct reeve_queue_slot slot;

	if (reeve_queue_peek(queue, 0, &slot) == 0)
		ck_assert_int_eq(reeve_queue_give_back(queue, &slot), 0);
}

static void close_too(void)
{
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	tracer.closed = true;
}

static void recover_too(void)
{
	int r = reeve_arena_recover(arena, 0);

	ck_assert_msg(r >= 0 || r == -ETIMEDOUT, "%s: recover: %d", step_where, r);
}

/* --- The dead that a sweeper finds ------------------------------------------------------------ */

static void make_the_dead_hold(enum cell_state state, const struct reeve_queue_slot *slot)
{
	struct strict view;
	struct cell *cell;

	strict_view(&queue->object, &view);
	cell = strict_cell(&view, (uint32_t)slot->reserved[1]);
	atomic_store(&cell->word, cell_become(cell->word, state, DEAD));
	atomic_store(&arena_slot(arena, DEAD)->word, slot_word(SLOT_TAKEN, 0, 1));
}

/* Message 1 in this state, a reserved cell, and one offered but not committed. */
static void prepare_dead(enum cell_state state)
{
	struct reeve_queue_slot slot;

	law_prepare();
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	make_the_dead_hold(state, &slot);
	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &slot), 0);
	make_the_dead_hold(CELL_WRITING, &slot);
	ck_assert_int_eq(reeve_queue_reserve(queue, 4, 0, 0, &slot), 0);
	make_the_dead_hold(CELL_OFFERED, &slot);
}

static void prepare_dead_copying(void)
{
	prepare_dead(CELL_COPYING);
}

static void prepare_dead_reading(void)
{
	prepare_dead(CELL_READING);
}

static void prepare_dead_taken(void)
{
	prepare_dead(CELL_TAKEN);
}

static void prepare_dead_giving(void)
{
	prepare_dead(CELL_GIVING);
}

/* One that was given back is there. */
static void prepare_again(void)
{
	law_prepare();
	peek_and_give_back_too();
}

#define SPEC .capacity = CAPACITY, .message_max = sizeof(struct note)
#define DROPS { SPEC }
#define REDELIVERS { SPEC, .on_death = REEVE_QUEUE_REDELIVER }
#define TASKS_DROP { SPEC, .joinable = true }
#define TASKS_REDELIVER { SPEC, .joinable = true, .on_death = REEVE_QUEUE_REDELIVER }
#define LEVELS { SPEC, .priorities = 3 }
#define DO(name, prepare, operate, meanwhile)                                                      \
	{ name, prepare, enter, operate, meanwhile, law_settle, law_memory }

static const struct scenario scenarios[] = {
	{ DO("put", law_prepare, put, NULL), DROPS, 1, 0 },
	{ DO("put into a full queue", law_prepare, put, NULL), DROPS, 3, 0 },
	{ DO("reserve and commit", law_prepare, reserve_and_commit, NULL), DROPS, 1, 0 },
	{ DO("reserve and cancel", law_prepare, reserve_and_cancel, NULL), DROPS, 1, 0 },
	{ DO("get", law_prepare, get, NULL), DROPS, 2, LOSES },
	{ DO("get where one was given back", prepare_again, get, NULL), LEVELS, 2, LOSES },
	{ DO("get a task", law_prepare, get_task, NULL), TASKS_DROP, 2, LOSES },
	{ DO("get a task that is redelivered", law_prepare, get_task, NULL), TASKS_REDELIVER, 2,
		LOSES },
	{ DO("peek and release", law_prepare, peek_and_release, NULL), DROPS, 2, LOSES },
	{ DO("peek and release, redelivered", law_prepare, peek_and_release, NULL), REDELIVERS, 2,
		LOSES },
	{ DO("peek and give back", law_prepare, peek_and_give_back, NULL), DROPS, 2, LOSES },
	{ DO("peek and give back, redelivered", law_prepare, peek_and_give_back, NULL), REDELIVERS, 2,
		0 },
	{ DO("close", law_prepare, close_it, NULL), LEVELS, 2, CLOSES },
	{ DO("recover one that copied", prepare_dead_copying, recover, NULL), DROPS, 1, 0 },
	{ DO("recover one that read", prepare_dead_reading, recover, NULL), DROPS, 1, LOSES },
	{ DO("recover one that read, redelivered", prepare_dead_reading, recover, NULL),
		REDELIVERS, 1, 0 },
	{ DO("recover one that had a task", prepare_dead_taken, recover, NULL), TASKS_REDELIVER,
		1, 0 },
	{ DO("recover one that gave back", prepare_dead_giving, recover, NULL), DROPS, 1, 0 },

	{ DO("put, another puts", law_prepare, put, put_too), DROPS, 1, EACH },
	{ DO("put, another gets", law_prepare, put, get_too), DROPS, 1, 0 },
	{ DO("put, another laps", law_prepare, put, put_and_get_too), DROPS, 1, EACH },
	{ DO("put, another closes", law_prepare, put, close_too), LEVELS, 1, 0 },
	{ DO("get, another puts", law_prepare, get, put_too), DROPS, 2, LOSES },
	{ DO("get, another gets", law_prepare, get, get_too), DROPS, 2, LOSES | EACH },
	{ DO("get, another laps", law_prepare, get, put_and_get_too), DROPS, 1, LOSES | EACH },
	{ DO("get, another gives back", law_prepare, get, peek_and_give_back_too), DROPS, 2, LOSES },
	{ DO("get, another closes", law_prepare, get, close_too), LEVELS, 2, LOSES },
	{ DO("get what was given back, another gets", prepare_again, get, get_too), DROPS, 2,
		LOSES },
	{ DO("task, another gets", law_prepare, get_task, get_too), TASKS_DROP, 2, LOSES },
	{ DO("peek and release, another gets", law_prepare, peek_and_release, get_too), REDELIVERS, 2,
		LOSES },
	{ DO("peek and give back, another gets", law_prepare, peek_and_give_back, get_too), REDELIVERS,
		2, 0 },
	{ DO("peek and give back, another gives back", law_prepare, peek_and_give_back,
		  peek_and_give_back_too), REDELIVERS, 2, 0 },
	{ DO("close, another puts", law_prepare, close_it, put_too), LEVELS, 2, CLOSES },
	{ DO("close, another gets", law_prepare, close_it, get_too), LEVELS, 1, CLOSES },
	{ DO("close, another closes", law_prepare, close_it, close_too), LEVELS, 2, CLOSES },
	{ DO("recover, another recovers", prepare_dead_reading, recover, recover_too), REDELIVERS,
		1, 0 },
	{ DO("recover, another gets", prepare_dead_copying, recover, get_too), DROPS, 1, 0 },
	{ DO("recover, another puts", prepare_dead_reading, recover, put_too), REDELIVERS, 1, 0 },
	{ DO("recover, another closes", prepare_dead_giving, recover, close_too), LEVELS, 1, 0 },
};

#define N_SCENARIOS ((int)(sizeof scenarios / sizeof *scenarios))

static void tell(const char *how, struct step_tally tally)
{
	printf("# %s: %s at each of %u instructions, %u places\n", current->step.name, how,
		tally.instructions, tally.places);
	fflush(stdout);
	ck_assert_uint_gt(tally.instructions, 0);
	ck_assert_uint_gt(tally.places, 0);
}

START_TEST(killed_at_every_instruction)
{
	law_choose(&scenarios[_i]);
	tell("killed", step_kill_everywhere(&current->step));
}
END_TEST

/* Those of two processes. */
START_TEST(preempted_at_every_instruction)
{
	law_choose(&scenarios[_i]);
	if (current->flags & EACH)
		setenv("REEVE_KILL_EACH", "1", 1);
	if (current->step.meanwhile)
		tell("preempted", step_pause_everywhere(&current->step));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue kill");
	TCase *tcase = leakproof_case("queue kill");

	if (!step_allowed()) {
		puts("1..0 # SKIP this process may not trace its children (ptrace(2))");
		return 0;
	}
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, killed_at_every_instruction, 0, N_SCENARIOS);
	tcase_add_loop_test(tcase, preempted_at_every_instruction, 0, N_SCENARIOS);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
