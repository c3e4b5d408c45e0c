/* The queue's lanes, killed at every instruction of each operation, and with another process's
 * whole operation at each of those places.
 *
 * What has to hold when the dead has been recovered: each message that was put is delivered once,
 * whole, in its lane's order; but one that the dead had taken may be lost with it where the queue
 * drops, and comes again where it redelivers. What was refused is never delivered, nor is anything
 * after somebody was told that the queue is over. No lane is held, or claimed by the dead, and each
 * has all its room. */
#include "kill/queue_lanes_law.h"

/* --- What the child does ---------------------------------------------------------------------- */

static void put(void)
{
	int r = put_note(CHILDS);

	child->put = r == 0;
	child->r = r;
}

static void reserve_and_commit(void)
{
	struct reeve_queue_slot slot;
	int r = reeve_queue_reserve(queue, sizeof(struct note), 0, 0, &slot);

	if (r == 0) {
		*(struct note *)slot.data = note(CHILDS);
		r = reeve_queue_commit(queue, &slot, sizeof(struct note));
		child->put = r == 0;
	}
	child->r = r;
}

static void reserve_and_cancel(void)
{
	struct reeve_queue_slot slot;

	child->r = reeve_queue_reserve(queue, sizeof(struct note), 0, 0, &slot);
	if (child->r == 0)
		child->r = reeve_queue_cancel(queue, &slot);
}

/* A handle that has claimed a lane, and has something reserved in it. */
static void reserve_first(void)
{
	struct reeve_queue_slot slot;

	enter();
	reeve_queue_reserve(queue, sizeof(struct note), 0, 0, &slot);
}

static void free_handle(void)
{
	reeve_queue_free(queue);
}

static void get(void)
{
	struct note got;
	int r = reeve_queue_get(queue, &got, sizeof got, 0, NULL);

	if (r == 0) {
		child->got = got.id[0];
		child->ended = true;
	}
	child->r = r;
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
	if (child->r == 0) {
		child->got = id;
		child->ended = true;
	}
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
	int r = put_note(TRACERS);

	ck_assert_msg(r == 0 || r == -ETIMEDOUT || r == -ESHUTDOWN, "%s: put: %d", step_where, r);
	tracer.put += r == 0;
}

static void get_too(void)
{
	struct note got;
	size_t size;
	int r = reeve_queue_get(queue, &got, sizeof got, 0, &size);

	ck_assert_msg(r == 0 || r == -ETIMEDOUT || r == -ESHUTDOWN, "%s: get: %d", step_where, r);
	if (r == 0)
		take(&got, size);
}

/* Once around the lane, and more. */
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

static void close_and_get_all_too(void)
{
	close_too();
	tracer.told = receive() == -ESHUTDOWN;
}

static void get_all_too(void)
{
	tracer.told = receive() == -ESHUTDOWN;
}

static void recover_too(void)
{
	int r = reeve_arena_recover(arena, 0);

	ck_assert_msg(r >= 0 || r == -ETIMEDOUT, "%s: recover: %d", step_where, r);
}

/* --- The dead that a sweeper finds ------------------------------------------------------------ */

/* Message 1, a lane of its own, and what is reserved in another. */
static void prepare_dead(enum lane_hold hold)
{
	prepare();
	atomic_store(&lanes()->lanes[1].owner, hold_word(0, 0, hold, DEAD));
	atomic_store(&lanes()->lanes[SHARED_LANE].writer, hold_word(0, 0, HOLD_KEPT, DEAD));
	atomic_store(&lanes()->lanes[2].writer, hold_word(0, 0, HOLD_ENDING, DEAD));
	atomic_store(&lanes()->shared->claims[2], DEAD | CLAIM_ORPHAN | UINT64_C(1) << 40);
	atomic_store(&arena_slot(arena, DEAD)->word, slot_word(SLOT_TAKEN, 0, 1));
}

static void prepare_dead_moving(void)
{
	prepare_dead(HOLD_MOVING);
}

static void prepare_dead_keeping(void)
{
	prepare_dead(HOLD_KEPT);
}

static void prepare_dead_ending(void)
{
	prepare_dead(HOLD_ENDING);
}

#define DO(name, prepare, enter, operate, meanwhile)                                               \
	{                                                                                          \
		name, prepare, enter, operate, meanwhile, settle, memory                           \
	}
#define DROP REEVE_QUEUE_DROP
#define AGAIN REEVE_QUEUE_REDELIVER

static const struct scenario scenarios[] = {
	{ DO("put", prepare, enter, put, NULL), TWO, DROP, 1, 0 },
	{ DO("put, shared", prepare, enter, put, NULL), ONE, DROP, 1, 0 },
	{ DO("reserve and commit", prepare, enter, reserve_and_commit, NULL), TWO, DROP, 1, 0 },
	{ DO("reserve and commit, shared", prepare, enter, reserve_and_commit, NULL), ONE, DROP, 1,
		0 },
	{ DO("reserve and cancel", prepare, enter, reserve_and_cancel, NULL), TWO, DROP, 1, 0 },
	{ DO("free", prepare, reserve_first, free_handle, NULL), TWO, DROP, 1, 0 },
	{ DO("get", prepare, enter, get, NULL), TWO, DROP, 2, LOSES },
	{ DO("peek and release", prepare, enter, peek_and_release, NULL), TWO, DROP, 2, LOSES },
	{ DO("peek and release, again", prepare, enter, peek_and_release, NULL), TWO, AGAIN, 2,
		LOSES },
	{ DO("peek and give back", prepare, enter, peek_and_give_back, NULL), TWO, DROP, 2, LOSES },
	{ DO("peek and give back, again", prepare, enter, peek_and_give_back, NULL), TWO, AGAIN, 2,
		0 },
	{ DO("close", prepare, enter, close_it, NULL), TWO, DROP, 2, CLOSES },
	{ DO("recover one that copied", prepare_dead_moving, NULL, recover, NULL), TWO, DROP, 1,
		0 },
	{ DO("recover one that peeked", prepare_dead_keeping, NULL, recover, NULL), TWO, DROP, 2,
		LOSES },
	{ DO("recover one that peeked, again", prepare_dead_keeping, NULL, recover, NULL), TWO,
		AGAIN, 1, 0 },
	{ DO("recover one that released", prepare_dead_ending, NULL, recover, NULL), TWO, DROP, 2,
		LOSES },

	{ DO("put, another puts", prepare, enter, put, put_too), TWO, DROP, 0, EACH },
	{ DO("put, another gets", prepare, enter, put, get_too), TWO, DROP, 1, 0 },
	{ DO("put, another laps", prepare, enter, put, put_and_get_too), TWO, DROP, 1, 0 },
	{ DO("put, shared, another laps", prepare, enter, put, put_and_get_too), ONE, DROP, 1,
		EACH },
	{ DO("put, another closes", prepare, enter, put, close_too), TWO, DROP, 1, 0 },
	{ DO("put, another closes and is told", prepare, enter, put, close_and_get_all_too), TWO,
		DROP, 1, EACH },
	{ DO("put, shared, another closes and is told", prepare, enter, put, close_and_get_all_too),
		ONE, DROP, 1, EACH },
	{ DO("commit, another closes and is told", prepare, enter, reserve_and_commit,
		  close_and_get_all_too),
		TWO, DROP, 1, EACH },
	{ DO("get, another puts", prepare, enter, get, put_too), TWO, DROP, 2, LOSES },
	{ DO("get, another gets", prepare, enter, get, get_too), TWO, DROP, 2, LOSES | EACH },
	{ DO("get, another laps", prepare, enter, get, put_and_get_too), TWO, DROP, 1,
		LOSES | EACH },
	{ DO("get, another gives back", prepare, enter, get, peek_and_give_back_too), TWO, DROP, 2,
		LOSES },
	{ DO("get, another closes", prepare, enter, get, close_and_get_all_too), TWO, DROP, 2,
		LOSES | EACH },
	{ DO("peek and release, another gets", prepare, enter, peek_and_release, get_too), TWO,
		AGAIN, 2, LOSES },
	{ DO("peek and give back, another gets", prepare, enter, peek_and_give_back, get_too), TWO,
		AGAIN, 2, 0 },
	{ DO("close, another puts", prepare, enter, close_it, put_too), TWO, DROP, 2,
		CLOSES | EACH },
	{ DO("close, another gets", prepare, enter, close_it, get_too), TWO, DROP, 1, CLOSES },
	{ DO("close, another gets all", prepare, enter, close_it, get_all_too), TWO, DROP, 1,
		CLOSES },
	{ DO("close, another closes", prepare, enter, close_it, close_too), TWO, DROP, 2, CLOSES },
	{ DO("recover, another recovers", prepare_dead_keeping, NULL, recover, recover_too), TWO,
		AGAIN, 1, 0 },
	{ DO("recover, another gets", prepare_dead_moving, NULL, recover, get_too), TWO, DROP, 1,
		0 },
	{ DO("recover, another laps", prepare_dead_keeping, NULL, recover, put_and_get_too), TWO,
		AGAIN, 1, 0 },
	{ DO("recover, another closes", prepare_dead_moving, NULL, recover, close_too), TWO, DROP,
		1, 0 },
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
	Suite *suite = suite_create("queue lanes kill");
	TCase *tcase = leakproof_case("queue lanes kill");

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
