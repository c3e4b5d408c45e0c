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
#include <string.h>
#include <sys/mman.h>

#include "kill/step.h"
#include "lib/ipc/arena.h"
#include "lib/ipc/queue.h"
#include "lib/ipc/queue_strict.h"
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

/* LOSES, CLOSES: how the law bends. EACH: preempted at each single instruction, since who goes on
 * does so with what it had read; the others are with REEVE_KILL_EACH=1 (step.h), which takes minutes. */
enum { LOSES = 1, CLOSES = 2, EACH = 4 };

struct scenario {
	struct step_scenario step;
	struct reeve_queue_spec spec;
	unsigned first; /* messages in the queue at the beginning */
	unsigned flags;
};

static const struct scenario *current;
static struct reeve_arena *arena;
static struct reeve_queue *queue;
static unsigned delivered[IDS], last;

/* What the child was answered: shared with the tracer. */
static struct answers {
	int r;
	unsigned got[4], n_got;
	bool put, ended;
} * child;

static struct {
	unsigned put;
	bool closed;
} tracer;

static const void *memory(size_t *ret_size)
{
	*ret_size = (size_t)arena->size;
	return arena->base;
}

static struct note note(unsigned id)
{
	return (struct note){ { id, id, id, id } };
}

static void look_at(const struct note *got, size_t size)
{
	ck_assert_msg(size == sizeof *got && got->id[0] < IDS && got->id[0] == got->id[1] &&
			      got->id[0] == got->id[2] && got->id[0] == got->id[3],
		"%s: a torn message", step_where);
}

static void put_first(unsigned count)
{
	for (unsigned id = 1; id <= count; id++) {
		struct note message = note(id);

		ck_assert_int_eq(reeve_queue_put(queue, &message, sizeof message, 0), 0);
	}
}

static void prepare(void)
{
	struct reeve_arena_spec spec = { .participants = DEAD, .objects = 2 };

	memset(child, 0, sizeof *child);
	memset(&tracer, 0, sizeof tracer);
	memset(delivered, 0, sizeof delivered);
	last = 0;
	ck_assert_int_eq(reeve_queue_bytes(&current->spec, &spec.size), 0);
	ck_assert_int_eq(reeve_arena_new(&spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "q", &current->spec, 0, &queue), 0);
	put_first(current->first);
}

/* Not stepped: so that it is not the attaching that is killed. */
static void enter(void)
{
	reeve_arena_attach(arena, "child");
}

/* --- What must hold --------------------------------------------------------------------------- */

/* In the order in which they came, from now on: those that were there at first, in their order. */
static void receive(void)
{
	struct note got;
	size_t size;
	int r;

	while ((r = reeve_queue_get(queue, &got, sizeof got, 0, &size)) == 0) {
		look_at(&got, size);
		delivered[got.id[0]]++;
		ck_assert_msg(got.id[0] >= CHILDS || got.id[0] > last,
			"%s: message %u came after %u", step_where, got.id[0], last);
		last = got.id[0];
		if (current->spec.joinable)
			ck_assert_int_eq(reeve_queue_task_done(queue), 0);
	}
	ck_assert_msg(r == -ETIMEDOUT || r == -ESHUTDOWN, "%s: get: %d", step_where, r);
	ck_assert_msg(r == (reeve_queue_is_closed(queue) ? -ESHUTDOWN : -ETIMEDOUT),
		"%s: closed %d, get: %d", step_where, reeve_queue_is_closed(queue), r);
}

static void check_each_delivered(bool finished)
{
	unsigned lost = 0;

	for (unsigned i = 0; i < child->n_got; i++)
		delivered[child->got[i]]++;
	for (unsigned id = 1; id <= current->first; id++) {
		ck_assert_msg(delivered[id] <= 1, "%s: message %u came twice", step_where, id);
		lost += delivered[id] == 0;
	}
	ck_assert_msg(lost <= (unsigned)(current->flags & LOSES && !child->ended), "%s: %u lost",
		step_where, lost);
	ck_assert_msg(delivered[CHILDS] <= 1 && (!child->put || delivered[CHILDS] == 1),
		"%s: what the child put came %u times", step_where, delivered[CHILDS]);
	ck_assert_msg(delivered[TRACERS] == tracer.put,
		"%s: what the tracer put came %u times", step_where, delivered[TRACERS]);
	ck_assert_msg(!finished || child->r >= 0 || child->r == -ETIMEDOUT ||
			      (tracer.closed && child->r == -ESHUTDOWN),
		"%s: the child was answered %d", step_where, child->r);
}

static void check_no_cell_is_lost(void)
{
	struct strict view;
	struct note message = note(1);

	strict_view(&queue->object, &view);
	for (uint32_t i = 0; i < view.count; i++)
		ck_assert_msg(cell_state(strict_cell(&view, i)->word) == CELL_FREE,
			"%s: cell %u is %#llx", step_where, i,
			(unsigned long long)strict_cell(&view, i)->word);
	if (reeve_queue_is_closed(queue)) {
		ck_assert_int_eq(reeve_queue_put(queue, &message, sizeof message, 0), -ESHUTDOWN);
		return;
	}
	for (unsigned i = 0; i < CAPACITY; i++)
		ck_assert_msg(reeve_queue_put(queue, &message, sizeof message, 0) == 0,
			"%s: no room for message %u", step_where, i);
	ck_assert_int_eq(reeve_queue_put(queue, &message, sizeof message, 0), -ETIMEDOUT);
}

static void check_counts(void)
{
	struct reeve_queue_statistics counts;
	unsigned lost = 0;

	ck_assert_int_eq(reeve_queue_statistics(queue, &counts), 0);
	for (unsigned id = 1; id <= current->first; id++)
		lost += delivered[id] == 0;
	ck_assert_msg(counts.put == counts.got, "%s: put %llu, got %llu", step_where,
		(unsigned long long)counts.put, (unsigned long long)counts.got);
	ck_assert_msg(counts.put ==
			      current->first + delivered[CHILDS] + delivered[TRACERS],
		"%s: put %llu", step_where, (unsigned long long)counts.put);
	ck_assert_msg(counts.dropped <= lost, "%s: dropped %llu, lost %u", step_where,
		(unsigned long long)counts.dropped, lost);
}

static void settle(bool finished)
{
	int r = reeve_arena_recover(arena, 0);

	ck_assert_msg(r >= 0, "%s: recover: %d", step_where, r);
	ck_assert_msg(reeve_arena_recover(arena, 0) == 0, "%s: recovered twice", step_where);
	if ((current->flags & CLOSES) && finished)
		ck_assert_int_eq(reeve_queue_is_closed(queue), 1);
	if (tracer.closed)
		ck_assert_int_eq(reeve_queue_is_closed(queue), 1);
	receive();
	check_each_delivered(finished);
	check_counts();
	check_no_cell_is_lost();
	queue = reeve_queue_free(queue);
	arena = reeve_arena_free(arena);
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
	look_at(&got, size);
	delivered[got.id[0]]++;
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

	prepare();
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
	prepare();
	peek_and_give_back_too();
}

#define SPEC .capacity = CAPACITY, .message_max = sizeof(struct note)
#define DROPS { SPEC }
#define REDELIVERS { SPEC, .on_death = REEVE_QUEUE_REDELIVER }
#define TASKS_DROP { SPEC, .joinable = true }
#define TASKS_REDELIVER { SPEC, .joinable = true, .on_death = REEVE_QUEUE_REDELIVER }
#define LEVELS { SPEC, .priorities = 3 }
#define DO(name, prepare, operate, meanwhile)                                                      \
	{ name, prepare, enter, operate, meanwhile, settle, memory }

static const struct scenario scenarios[] = {
	{ DO("put", prepare, put, NULL), DROPS, 1, 0 },
	{ DO("put into a full queue", prepare, put, NULL), DROPS, 3, 0 },
	{ DO("reserve and commit", prepare, reserve_and_commit, NULL), DROPS, 1, 0 },
	{ DO("reserve and cancel", prepare, reserve_and_cancel, NULL), DROPS, 1, 0 },
	{ DO("get", prepare, get, NULL), DROPS, 2, LOSES },
	{ DO("get where one was given back", prepare_again, get, NULL), LEVELS, 2, LOSES },
	{ DO("get a task", prepare, get_task, NULL), TASKS_DROP, 2, LOSES },
	{ DO("get a task that is redelivered", prepare, get_task, NULL), TASKS_REDELIVER, 2,
		LOSES },
	{ DO("peek and release", prepare, peek_and_release, NULL), DROPS, 2, LOSES },
	{ DO("peek and release, redelivered", prepare, peek_and_release, NULL), REDELIVERS, 2,
		LOSES },
	{ DO("peek and give back", prepare, peek_and_give_back, NULL), DROPS, 2, LOSES },
	{ DO("peek and give back, redelivered", prepare, peek_and_give_back, NULL), REDELIVERS, 2,
		0 },
	{ DO("close", prepare, close_it, NULL), LEVELS, 2, CLOSES },
	{ DO("recover one that copied", prepare_dead_copying, recover, NULL), DROPS, 1, 0 },
	{ DO("recover one that read", prepare_dead_reading, recover, NULL), DROPS, 1, LOSES },
	{ DO("recover one that read, redelivered", prepare_dead_reading, recover, NULL),
		REDELIVERS, 1, 0 },
	{ DO("recover one that had a task", prepare_dead_taken, recover, NULL), TASKS_REDELIVER,
		1, 0 },
	{ DO("recover one that gave back", prepare_dead_giving, recover, NULL), DROPS, 1, 0 },

	{ DO("put, another puts", prepare, put, put_too), DROPS, 1, EACH },
	{ DO("put, another gets", prepare, put, get_too), DROPS, 1, 0 },
	{ DO("put, another laps", prepare, put, put_and_get_too), DROPS, 1, EACH },
	{ DO("put, another closes", prepare, put, close_too), LEVELS, 1, 0 },
	{ DO("get, another puts", prepare, get, put_too), DROPS, 2, LOSES },
	{ DO("get, another gets", prepare, get, get_too), DROPS, 2, LOSES | EACH },
	{ DO("get, another laps", prepare, get, put_and_get_too), DROPS, 1, LOSES | EACH },
	{ DO("get, another gives back", prepare, get, peek_and_give_back_too), DROPS, 2, LOSES },
	{ DO("get, another closes", prepare, get, close_too), LEVELS, 2, LOSES },
	{ DO("get what was given back, another gets", prepare_again, get, get_too), DROPS, 2,
		LOSES },
	{ DO("task, another gets", prepare, get_task, get_too), TASKS_DROP, 2, LOSES },
	{ DO("peek and release, another gets", prepare, peek_and_release, get_too), REDELIVERS, 2,
		LOSES },
	{ DO("peek and give back, another gets", prepare, peek_and_give_back, get_too), REDELIVERS,
		2, 0 },
	{ DO("peek and give back, another gives back", prepare, peek_and_give_back,
		  peek_and_give_back_too), REDELIVERS, 2, 0 },
	{ DO("close, another puts", prepare, close_it, put_too), LEVELS, 2, CLOSES },
	{ DO("close, another gets", prepare, close_it, get_too), LEVELS, 1, CLOSES },
	{ DO("close, another closes", prepare, close_it, close_too), LEVELS, 2, CLOSES },
	{ DO("recover, another recovers", prepare_dead_reading, recover, recover_too), REDELIVERS,
		1, 0 },
	{ DO("recover, another gets", prepare_dead_copying, recover, get_too), DROPS, 1, 0 },
	{ DO("recover, another puts", prepare_dead_reading, recover, put_too), REDELIVERS, 1, 0 },
	{ DO("recover, another closes", prepare_dead_giving, recover, close_too), LEVELS, 1, 0 },
};

#define N_SCENARIOS ((int)(sizeof scenarios / sizeof *scenarios))

static void set_up(int i)
{
	current = &scenarios[i];
	child = mmap(
		NULL, sizeof *child, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

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
	set_up(_i);
	tell("killed", step_kill_everywhere(&current->step));
}
END_TEST

/* Those of two processes. */
START_TEST(preempted_at_every_instruction)
{
	set_up(_i);
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
