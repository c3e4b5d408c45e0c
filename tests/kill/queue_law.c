#include "kill/queue_law.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/queue/strict.h"
#include "support/harness.h"

const struct scenario *current;
struct reeve_arena *arena;
struct reeve_queue *queue;
struct answers *child;
struct deeds tracer;

static unsigned delivered[IDS], last;

void law_choose(const struct scenario *scenario)
{
	current = scenario;
	child = mmap(
		NULL, sizeof *child, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

const void *law_memory(size_t *ret_size)
{
	*ret_size = (size_t)arena->size;
	return arena->base;
}

struct note note(unsigned id)
{
	return (struct note){ { id, id, id, id } };
}

void law_count(const struct note *got, size_t size)
{
	ck_assert_msg(size == sizeof *got && got->id[0] < IDS && got->id[0] == got->id[1] &&
			      got->id[0] == got->id[2] && got->id[0] == got->id[3],
		"%s: a torn message", step_where);
	delivered[got->id[0]]++;
}

static void put_first(unsigned count)
{
	for (unsigned id = 1; id <= count; id++) {
		struct note message = note(id);

		ck_assert_int_eq(reeve_queue_put(queue, &message, sizeof message, 0), 0);
	}
}

void law_prepare(void)
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

/* --- What must hold --------------------------------------------------------------------------- */

/* In the order in which they came, from now on: those that were there at first, in their order. */
static void receive(void)
{
	struct note got;
	size_t size;
	int r;

	while ((r = reeve_queue_get(queue, &got, sizeof got, 0, &size)) == 0) {
		law_count(&got, size);
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

void law_settle(bool finished)
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
