/* The arena, killed at every instruction of attach, detach, recover, making and removing
 * objects, and beating; and with another process at work at each of them.
 *
 * What has to hold when the dead has been recovered: no place is taken and none is locked; what
 * it held is given back, and what others hold is not; an object is there wholly or not at all,
 * and all room is either an object's or free. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "kill/step.h"
#include "lib/arena/arena.h"
#include "reeve/heartbeat.h"
#include "support/harness.h"

#define PLACES 3u
#define OBJECTS 4u
#define ROOM 512u
#define TYPE_HELD 30u
#define DIRT 0xa5

static struct reeve_arena *arena;

/* What child and tracer were answered. */
static struct answers {
	int child, tracer;
} * answers;

static int recover_held(struct reeve_arena *in, void *object, uint64_t size, unsigned participant)
{
	_Atomic unsigned *word = object;
	unsigned holder = participant;

	atomic_compare_exchange_strong(word, &holder, 0);
	return 0;
}

static const struct arena_type held_type = { .number = TYPE_HELD, .recover = recover_held };

static _Atomic unsigned *held(void)
{
	struct arena_object object;

	ck_assert_int_eq(arena_object_find(arena, TYPE_HELD, "held", &object), 0);
	return object.memory;
}

static const void *memory(size_t *ret_size)
{
	*ret_size = (size_t)arena->size;
	return arena->base;
}

static void prepare(void)
{
	struct reeve_arena_spec spec = { .size = ROOM, .participants = PLACES, .objects = OBJECTS };
	struct arena_object object;

	*answers = (struct answers){ 0, 0 };
	ck_assert_int_eq(reeve_arena_new(&spec, &arena), 0);
	ck_assert_int_eq(arena_object_new(arena, TYPE_HELD, "held", 4, NULL, NULL, 0, &object), 0);
}

/* As a process leaves it that is killed with a place. */
static void leave_dead(unsigned number)
{
	atomic_store(&arena_slot(arena, number)->word, slot_word(SLOT_TAKEN, 0, 1));
}

static void prepare_dead_holder(void)
{
	prepare();
	leave_dead(2);
	atomic_store(held(), 2);
}

static void prepare_full_of_dead(void)
{
	prepare();
	for (unsigned number = 1; number <= PLACES; number++)
		leave_dead(number);
	atomic_store(held(), PLACES);
}

static void prepare_dirty(void)
{
	void *block;

	prepare();
	ck_assert_int_eq(reeve_arena_block_new(arena, "one", 200, 0, &block), 0);
	memset(block, DIRT, 256);
	ck_assert_int_eq(reeve_arena_block_remove(arena, "one", 0), 0);
}

static void prepare_block(void)
{
	void *block;

	prepare();
	ck_assert_int_eq(reeve_arena_block_new(arena, "one", 200, 0, &block), 0);
	memset(block, DIRT, 256);
}

static bool is_filled(const unsigned char *bytes, size_t size, unsigned char with)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != with)
			return false;
	return true;
}

/* As many as there are places, and each its own. */
static void check_places(void)
{
	struct reeve_arena *handles[PLACES];

	for (unsigned i = 0; i < PLACES; i++) {
		ck_assert_int_eq(reeve_arena_open(reeve_arena_fd(arena), &handles[i]), 0);
		ck_assert_msg(reeve_arena_attach(handles[i], NULL) == (int)i + 1,
			"%s: place %u is not free", step_where, i + 1);
	}
	for (unsigned i = 0; i < PLACES; i++)
		reeve_arena_free(handles[i]);
}

static void check_room(void)
{
	size_t all = ROOM - ARENA_GRAIN; /* but for the one that is held */
	int removed = reeve_arena_block_remove(arena, "one", 0);
	void *block;

	ck_assert_msg(removed == 0 || removed == -ENOENT, "%s: remove: %d", step_where, removed);
	reeve_arena_block_remove(arena, "two", 0);
	ck_assert_msg(reeve_arena_block_new(arena, "all", all, 0, &block) == 0, "%s: room is lost",
		step_where);
	ck_assert_msg(is_filled(block, all, 0), "%s: what is new is not zero", step_where);
}

static void settle(bool finished)
{
	int r;

	if (atomic_load(&arena->self))
		ck_assert_int_eq(reeve_arena_detach(arena, 0), 0);
	r = reeve_arena_recover(arena, 0);
	ck_assert_msg(r >= 0, "%s: recover: %d", step_where, r);
	ck_assert_msg(reeve_arena_recover(arena, 0) == 0, "%s: recovered twice", step_where);
	ck_assert_msg(
		atomic_load(held()) == 0, "%s: still held by %u", step_where, atomic_load(held()));
	ck_assert_msg(!finished || answers->child >= 0, "%s: the child was answered %d", step_where,
		answers->child);
	check_places();
	check_room();
	arena = reeve_arena_free(arena);
}

/* A block is whole or not there. */
static void settle_block(bool finished)
{
	void *block;
	size_t size;
	int r = reeve_arena_block_open(arena, "one", &block, &size);

	ck_assert_msg(r == -ENOENT || r == 0, "%s: open: %d", step_where, r);
	ck_assert_msg(
		!finished || answers->child < 0 || r == 0, "%s: made and not there", step_where);
	if (r == 0)
		ck_assert_msg(
			size == 256 && is_filled(block, size, 0), "%s: not whole", step_where);
	if (answers->child == -ETIMEDOUT)
		answers->child = 0; /* the tracer had the structure */
	settle(finished);
}

static void settle_removed(bool finished)
{
	void *block;
	int r = reeve_arena_block_open(arena, "one", &block, NULL);

	ck_assert_msg(r == 0 || r == -ENOENT, "%s: open: %d", step_where, r);
	ck_assert_msg(!finished || r == -ENOENT, "%s: removed and still there", step_where);
	if (r == 0)
		ck_assert_msg(is_filled(block, 256, DIRT), "%s: not whole", step_where);
	settle(finished);
}

/* Two that live at the same time have two places. */
static void settle_two_places(bool finished)
{
	ck_assert_msg(answers->tracer > 0, "%s: attach: %d", step_where, answers->tracer);
	ck_assert_msg(!finished || answers->child != answers->tracer, "%s: both have place %d",
		step_where, answers->tracer);
	settle(finished);
}

/* --- What the child does ---------------------------------------------------------------------- */

static void attach(void)
{
	answers->child = reeve_arena_attach(arena, "child");
}

static void attach_and_hold(void)
{
	_Atomic unsigned *word = held();
	int self = reeve_arena_attach(arena, "child");

	ck_assert_int_gt(self, 0);
	atomic_store(word, (unsigned)self);
}

static void detach(void)
{
	answers->child = reeve_arena_detach(arena, REEVE_FOREVER);
}

static void recover(void)
{
	answers->child = reeve_arena_recover(arena, REEVE_FOREVER);
}

static void make(void)
{
	void *block;

	answers->child = reeve_arena_block_new(arena, "one", 200, REEVE_FOREVER, &block);
}

static void take_away(void)
{
	answers->child = reeve_arena_block_remove(arena, "one", REEVE_FOREVER);
}

static void beat(void)
{
	reeve_heartbeat_beat(arena);
}

static void say(void)
{
	answers->child = reeve_heartbeat_say(arena, REEVE_HEARTBEAT_BUSY, "at it");
}

/* --- What the tracer does meanwhile ----------------------------------------------------------- */

static void attach_too(void)
{
	answers->tracer = reeve_arena_attach(arena, "tracer");
}

static void recover_too(void)
{
	answers->tracer = reeve_arena_recover(arena, 0);
	ck_assert_msg(answers->tracer >= 0 || answers->tracer == -ETIMEDOUT, "%s: recover: %d",
		step_where, answers->tracer);
}

static void make_too(void)
{
	void *block;

	answers->tracer = reeve_arena_block_new(arena, "two", 64, 0, &block);
	ck_assert_msg(answers->tracer == 0 || answers->tracer == -ETIMEDOUT, "%s: new: %d",
		step_where, answers->tracer);
}

static const struct step_scenario scenarios[] = {
	{ "attach", prepare, NULL, attach, NULL, settle, memory },
	{ "attach where all places are dead", prepare_full_of_dead, NULL, attach, NULL, settle,
		memory },
	{ "detach", prepare, attach_and_hold, detach, NULL, settle, memory },
	{ "recover", prepare_dead_holder, NULL, recover, NULL, settle, memory },
	{ "recover, attached", prepare_dead_holder, attach, recover, NULL, settle, memory },
	{ "make", prepare, NULL, make, NULL, settle_block, memory },
	{ "make where something was", prepare_dirty, NULL, make, NULL, settle_block, memory },
	{ "remove", prepare_block, NULL, take_away, NULL, settle_removed, memory },
	{ "beat", prepare, attach, beat, NULL, settle, memory },
	{ "say", prepare, attach, say, NULL, settle, memory },
	{ "attach, another attaches", prepare, NULL, attach, attach_too, settle_two_places,
		memory },
	{ "attach where all are dead, another attaches", prepare_full_of_dead, NULL, attach,
		attach_too, settle_two_places, memory },
	{ "detach, another recovers", prepare, attach_and_hold, detach, recover_too, settle,
		memory },
	{ "recover, another recovers", prepare_dead_holder, NULL, recover, recover_too, settle,
		memory },
	{ "recover, another attaches", prepare_dead_holder, NULL, recover, attach_too, settle,
		memory },
	{ "recover, another makes", prepare_dead_holder, NULL, recover, make_too, settle, memory },
	{ "make, another makes", prepare, NULL, make, make_too, settle_block, memory },
	{ "remove, another makes", prepare_block, NULL, take_away, make_too, settle_removed,
		memory },
};

#define N_SCENARIOS ((int)(sizeof scenarios / sizeof *scenarios))

static void set_up(void)
{
	answers = mmap(
		NULL, sizeof *answers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	arena_type_add(&held_type);
}

static void tell(const char *how, const struct step_scenario *scenario, struct step_tally tally)
{
	printf("# %s: %s at each of %u instructions, %u places\n", scenario->name, how,
		tally.instructions, tally.places);
	fflush(stdout);
	ck_assert_uint_gt(tally.instructions, 0);
	ck_assert_uint_gt(tally.places, 0);
}

START_TEST(killed_at_every_instruction)
{
	set_up();
	tell("killed", &scenarios[_i], step_kill_everywhere(&scenarios[_i]));
}
END_TEST

/* Those of two processes. */
START_TEST(preempted_at_every_instruction)
{
	if (!scenarios[_i].meanwhile)
		return;
	set_up();
	tell("preempted", &scenarios[_i], step_pause_everywhere(&scenarios[_i]));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena kill");
	TCase *tcase = leakproof_case("arena kill");

	if (!step_allowed()) {
		puts("1..0 # SKIP this process may not trace its children (ptrace(2))");
		return 0;
	}
	tcase_add_loop_test(tcase, killed_at_every_instruction, 0, N_SCENARIOS);
	tcase_add_loop_test(tcase, preempted_at_every_instruction, 0, N_SCENARIOS);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
