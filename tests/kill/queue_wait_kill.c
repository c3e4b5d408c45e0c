/* Who sleeps on a queue is not forgotten, wherever he is killed that would have woken him. */
#include "kill/sync_step.h"
#include "reeve/queue.h"

static struct reeve_queue *queue;

static void make_queue(enum reeve_queue_on_death on_death, bool joinable, unsigned messages)
{
	struct reeve_queue_spec spec = {
		.capacity = 2, .message_max = 8, .joinable = joinable, .on_death = on_death
	};

	begin_scenario();
	ck_assert_int_eq(reeve_queue_new(arena, "q", &spec, 0, &queue), 0);
	for (unsigned i = 0; i < messages; i++)
		ck_assert_int_eq(reeve_queue_put(queue, "x", 1, 0), 0);
}

static void end_queue(void)
{
	queue = reeve_queue_free(queue);
	end_scenario();
}

static int get_one(void *data)
{
	char byte[8];

	return reeve_queue_get(queue, byte, sizeof byte, REEVE_FOREVER, NULL);
}

static int put_one(void *data)
{
	return reeve_queue_put(queue, "y", 1, REEVE_FOREVER);
}

static int join_all(void *data)
{
	return reeve_queue_join(queue, REEVE_FOREVER);
}

/* --- What sleeps ------------------------------------------------------------------------------ */

static void prepare_getters(void)
{
	make_queue(REEVE_QUEUE_DROP, false, 0);
	for (int i = 0; i < SLEEPERS; i++)
		start_sleeper(i, get_one);
	let_sleepers_sleep();
}

static void prepare_putters(void)
{
	make_queue(REEVE_QUEUE_DROP, false, 2);
	for (int i = 0; i < SLEEPERS; i++)
		start_sleeper(i, put_one);
	let_sleepers_sleep();
}

/* One message, which the child has before it is stepped. */
static void prepare_joiner(void)
{
	make_queue(REEVE_QUEUE_DROP, true, 1);
	start_sleeper(0, join_all);
}

static void prepare_joiner_of_redelivered(void)
{
	make_queue(REEVE_QUEUE_REDELIVER, true, 1);
	start_sleeper(0, join_all);
}

static struct reeve_queue_slot held;

static void enter_getting(void)
{
	attach();
	ck_assert_int_eq(get_one(NULL), 0);
	let_sleepers_sleep();
}

static void prepare_putter_beside_held(void)
{
	make_queue(REEVE_QUEUE_DROP, false, 1);
	start_sleeper(0, put_one);
}

static void enter_reserving(void)
{
	attach();
	ck_assert_int_eq(reeve_queue_reserve(queue, 1, 0, 0, &held), 0);
	let_sleepers_sleep();
}

static void enter_peeking(void)
{
	attach();
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &held), 0);
	ck_assert_int_eq(reeve_queue_put(queue, "x", 1, 0), 0);
	let_sleepers_sleep();
}

/* The end is not told while the child has a message. */
static void prepare_getter_of_closed(void)
{
	make_queue(REEVE_QUEUE_REDELIVER, false, 1);
	start_sleeper(0, get_one);
}

static void enter_peeking_at_the_last(void)
{
	attach();
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &held), 0);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	let_sleepers_sleep();
}

/* --- What the child does ---------------------------------------------------------------------- */

static void put_two(void)
{
	char byte = 'x';
	struct iovec messages[] = { { &byte, 1 }, { &byte, 1 } };

	answers->child = (int)reeve_queue_put_many(queue, messages, 2, 0, 0);
}

static void get_two(void)
{
	char bytes[16];
	struct iovec messages[] = { { bytes, 8 }, { bytes + 8, 8 } };

	answers->child = (int)reeve_queue_get_many(queue, messages, 2, 0);
}

static void cancel(void)
{
	answers->child = reeve_queue_cancel(queue, &held);
}

static void release(void)
{
	answers->child = reeve_queue_release(queue, &held);
}

static void give_back(void)
{
	answers->child = reeve_queue_give_back(queue, &held);
}

static void close_it(void)
{
	answers->child = reeve_queue_close(queue);
}

static void finish_task(void)
{
	answers->child = reeve_queue_task_done(queue);
}

/* --- What must be ----------------------------------------------------------------------------- */

/* As many go as there is something for, and the others can still be woken. */
static void settle_getters(bool finished)
{
	struct reeve_queue_statistics count;

	recover_all();
	ck_assert_int_eq(reeve_queue_statistics(queue, &count), 0);
	ck_assert(!finished || count.put == 2);
	for (; count.put < SLEEPERS; count.put++)
		ck_assert_int_eq(put_one(NULL), 0);
	for (int i = 0; i < SLEEPERS; i++)
		ck_assert_int_eq(join_sleeper(i), 0);
	ck_assert_int_eq(reeve_queue_size(queue), 0);
	end_queue();
}

static void settle_putters(bool finished)
{
	struct reeve_queue_statistics count;
	unsigned got;

	recover_all();
	ck_assert_int_eq(reeve_queue_statistics(queue, &count), 0);
	got = (unsigned)(count.got - count.redelivered);
	ck_assert(!finished || got == 2);
	for (; got < SLEEPERS; got++)
		ck_assert_int_eq(get_one(NULL), 0);
	for (int i = 0; i < SLEEPERS; i++)
		ck_assert_int_eq(join_sleeper(i), 0);
	ck_assert_int_eq(reeve_queue_size(queue), 2);
	end_queue();
}

/* Whether the child gave it up or died with it: there is room, or a message less. */
static void settle_putter(bool finished)
{
	recover_all();
	ck_assert_int_eq(join_sleeper(0), 0);
	ck_assert_int_eq(reeve_queue_size(queue), 2);
	end_queue();
}

static void settle_closed(bool finished)
{
	recover_all();
	ck_assert(!finished || reeve_queue_is_closed(queue) == 1);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	for (int i = 0; i < SLEEPERS; i++)
		ck_assert_int_eq(join_sleeper(i), -ESHUTDOWN);
	end_queue();
}

static void settle_joiner(bool finished)
{
	recover_all();
	ck_assert(!finished || reeve_queue_is_empty(queue) == 1);
	if (reeve_queue_is_empty(queue) == 0) {
		ck_assert_int_eq(get_one(NULL), 0);
		ck_assert_int_eq(reeve_queue_task_done(queue), 0);
	}
	ck_assert_int_eq(join_sleeper(0), 0);
	end_queue();
}

/* It is told the end, or gets what came back. */
static void settle_end(bool finished)
{
	int r;

	recover_all();
	r = join_sleeper(0);
	ck_assert_msg(r == -ESHUTDOWN || r == 0, "%s: %d", step_where, r);
	ck_assert_int_eq(get_one(NULL), -ESHUTDOWN);
	end_queue();
}

static const struct step_scenario scenarios[] = {
	{ "put two, getters sleep", prepare_getters, attach, put_two, NULL, settle_getters,
		arena_memory },
	{ "get two, putters sleep", prepare_putters, attach, get_two, NULL, settle_putters,
		arena_memory },
	{ "cancel, a putter sleeps", prepare_putter_beside_held, enter_reserving, cancel, NULL,
		settle_putter, arena_memory },
	{ "release, a putter sleeps", prepare_putter_beside_held, enter_peeking, release, NULL,
		settle_putter, arena_memory },
	{ "close, getters sleep", prepare_getters, attach, close_it, NULL, settle_closed,
		arena_memory },
	{ "task done, a joiner sleeps", prepare_joiner, enter_getting, finish_task, NULL,
		settle_joiner, arena_memory },
	{ "task done, redelivered, a joiner sleeps", prepare_joiner_of_redelivered, enter_getting,
		finish_task, NULL, settle_joiner, arena_memory },
	{ "release the last, a getter sleeps", prepare_getter_of_closed, enter_peeking_at_the_last,
		release, NULL, settle_end, arena_memory },
	{ "give the last back, a getter sleeps", prepare_getter_of_closed,
		enter_peeking_at_the_last, give_back, NULL, settle_end, arena_memory },
};

KILL_TEST_MAIN("queue wait kill")
