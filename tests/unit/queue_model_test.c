/* A queue against a model of one: long sequences of random calls, after each of which both say the
 * same. The model is two lists: what waits, first to be delivered first, and what is held. */
#include "lib/queue/queue.h"
#include "lib/queue/strict.h"
#include "unit/queue_fixture.h"

#define CAPACITY_MAX 6
#define LONGEST 100
#define STEPS 20000

struct message {
	unsigned priority;
	unsigned long number; /* the order of commits */
	bool again;
	size_t size;
	unsigned char bytes[LONGEST];
};

struct model {
	struct message waiting[CAPACITY_MAX];
	struct message held[CAPACITY_MAX];
	struct reeve_queue_slot peeked[CAPACITY_MAX], reserved[CAPACITY_MAX];
	unsigned n_waiting, n_held, n_reserved;
	unsigned long commits, got, redelivered;
};

static struct reeve_queue_spec spec;
static struct reeve_queue *queue;
static struct model model;
static unsigned seed;

static unsigned pick(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

/* Whether a is delivered before b. */
static bool is_before(const struct message *a, const struct message *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->number < b->number;
}

static void wait_in_line(const struct message *message)
{
	unsigned at = model.n_waiting++;

	for (; at > 0 && is_before(message, &model.waiting[at - 1]); at--)
		model.waiting[at] = model.waiting[at - 1];
	model.waiting[at] = *message;
}

static struct message take_first(void)
{
	struct message first = model.waiting[0];

	model.n_waiting--;
	memmove(model.waiting, model.waiting + 1, model.n_waiting * sizeof first);
	model.got += !first.again;
	return first;
}

static bool has_room(void)
{
	return model.n_waiting + model.n_held + model.n_reserved < spec.capacity;
}

static void fill(struct message *message)
{
	message->size = pick((unsigned)spec.message_max + 1);
	message->priority = pick(spec.priorities);
	for (size_t i = 0; i < message->size; i++)
		message->bytes[i] = (unsigned char)rand_r(&seed);
}

static void put(void)
{
	struct message message = { .number = ++model.commits };
	int r;

	fill(&message);
	r = reeve_queue_put_priority(queue, message.bytes, message.size, message.priority, 0);
	ck_assert_int_eq(r, has_room() ? 0 : -ETIMEDOUT);
	if (r == 0)
		wait_in_line(&message);
	else
		model.commits--;
}

static void get(void)
{
	unsigned char bytes[LONGEST];
	size_t size = 0, room = pick(2) ? LONGEST : pick(LONGEST);
	int r = reeve_queue_get(queue, bytes, room, 0, &size);

	if (model.n_waiting == 0) {
		ck_assert_int_eq(r, -ETIMEDOUT);
		return;
	}
	ck_assert_uint_eq(size, model.waiting[0].size);
	ck_assert_int_eq(r, size > room ? -EMSGSIZE : 0);
	if (r == 0)
		ck_assert_mem_eq(bytes, take_first().bytes, size);
}

static void peek(void)
{
	struct reeve_queue_slot *slot = &model.peeked[model.n_held];
	int r = reeve_queue_peek(queue, 0, slot);
	struct message *first = &model.held[model.n_held];

	ck_assert_int_eq(r, model.n_waiting ? 0 : -ETIMEDOUT);
	if (r < 0)
		return;
	*first = take_first();
	ck_assert_uint_eq(slot->size, first->size);
	ck_assert_uint_eq(slot->priority, first->priority);
	ck_assert_int_eq(slot->redelivered, first->again);
	ck_assert_mem_eq(slot->data, first->bytes, first->size);
	model.n_held++;
}

static void forget_held(unsigned at)
{
	model.n_held--;
	model.held[at] = model.held[model.n_held];
	model.peeked[at] = model.peeked[model.n_held];
}

static void release(void)
{
	unsigned at;

	if (model.n_held == 0)
		return;
	at = pick(model.n_held);
	ck_assert_mem_eq(model.peeked[at].data, model.held[at].bytes, model.held[at].size);
	ck_assert_int_eq(reeve_queue_release(queue, &model.peeked[at]), 0);
	forget_held(at);
}

static void give_back(void)
{
	unsigned at;

	if (model.n_held == 0)
		return;
	at = pick(model.n_held);
	ck_assert_int_eq(reeve_queue_give_back(queue, &model.peeked[at]), 0);
	model.held[at].again = true;
	model.redelivered++;
	wait_in_line(&model.held[at]);
	forget_held(at);
}

static void reserve(void)
{
	struct reeve_queue_slot *slot = &model.reserved[model.n_reserved];
	size_t size = pick((unsigned)spec.message_max + 1);
	int r = reeve_queue_reserve(queue, size, pick(spec.priorities), 0, slot);

	ck_assert_int_eq(r, has_room() ? 0 : -ETIMEDOUT);
	model.n_reserved += r == 0;
}

static void commit(void)
{
	struct message message = { .number = model.commits + 1 };
	struct reeve_queue_slot slot;
	unsigned at;

	if (model.n_reserved == 0)
		return;
	at = pick(model.n_reserved);
	slot = model.reserved[at];
	model.reserved[at] = model.reserved[--model.n_reserved];
	fill(&message);
	message.size = slot.size ? pick((unsigned)slot.size + 1) : 0;
	message.priority = slot.priority;
	memcpy(slot.data, message.bytes, message.size);
	ck_assert_int_eq(reeve_queue_commit(queue, &slot, message.size), 0);
	model.commits++;
	wait_in_line(&message);
}

static void cancel(void)
{
	unsigned at;

	if (model.n_reserved == 0)
		return;
	at = pick(model.n_reserved);
	ck_assert_int_eq(reeve_queue_cancel(queue, &model.reserved[at]), 0);
	model.reserved[at] = model.reserved[--model.n_reserved];
}

static void check_sizes(void)
{
	ck_assert_int_eq(reeve_queue_size(queue), model.n_waiting);
	ck_assert_int_eq(reeve_queue_is_empty(queue), model.n_waiting == 0);
	ck_assert_int_eq(reeve_queue_is_full(queue), !has_room());
}

static void check_counts(void)
{
	struct reeve_queue_statistics statistics;

	ck_assert_int_eq(reeve_queue_statistics(queue, &statistics), 0);
	ck_assert_uint_eq(statistics.put, model.commits);
	ck_assert_uint_eq(statistics.got, model.got);
	ck_assert_uint_eq(statistics.redelivered, model.redelivered);
	ck_assert_uint_eq(statistics.dropped, 0);
}

/* As if so many messages had been put and got before. */
static void begin_at(uint64_t position)
{
	struct strict view;

	strict_view(&queue->object, &view);
	for (unsigned level = 0; level < view.levels; level++) {
		view.rings[level].head = view.rings[level].tail = position & POSITION_MASK;
		for (uint64_t at = position; at < position + view.ring_size; at++)
			*strict_slot(&view, level, at) = slot_of(at - view.ring_size, 0);
	}
}

static void walk(uint64_t begin)
{
	static void (*const calls[])(void) = { put, put, put, get, get, peek, release, give_back,
		reserve, commit, cancel };
	struct reeve_arena *arena = arena_with_queue(&spec, &queue);

	model = (struct model){ 0 };
	begin_at(begin);
	for (unsigned i = 0; i < STEPS; i++) {
		calls[pick(sizeof calls / sizeof *calls)]();
		check_sizes();
		if (begin == 0)
			check_counts();
	}
	ck_assert_uint_gt(model.got, STEPS / 20);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}

static void choose(int i)
{
	spec = (struct reeve_queue_spec){
		.capacity = 1 + (unsigned)i % CAPACITY_MAX,
		.message_max = i % 2 ? 1 : LONGEST,
		.priorities = 1 + (unsigned)i % 3 * 3,
	};
	seed = 42 + (unsigned)i;
}

START_TEST(a_queue_does_as_its_model_does)
{
	choose(_i);
	walk(0);
}
END_TEST

/* Positions go round after 2^44 messages. */
START_TEST(it_does_so_when_positions_go_round)
{
	choose(_i);
	walk(POSITION_MASK - 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue model");
	TCase *tcase = leakproof_case("queue model");

	tcase_add_loop_test(tcase, a_queue_does_as_its_model_does, 0, 3 * CAPACITY_MAX);
	tcase_add_loop_test(tcase, it_does_so_when_positions_go_round, 0, CAPACITY_MAX);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
