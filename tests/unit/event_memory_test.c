/* The memory of events: what is in it, a new core finds as it was left, wherever the last one was killed. */
#include "core/event_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/harness.h"

static struct event_memory *memory;
static struct event_blocks blocks;

static void begin(void)
{
	ck_assert_int_eq(event_memory_new(&memory), 0);
	ck_assert_int_eq(event_blocks_init(&blocks, memory), 0);
}

/* Another core finds what there is. */
static void begin_again(void)
{
	event_blocks_deinit(&blocks);
	ck_assert_int_eq(event_blocks_init(&blocks, memory), 0);
}

static void end(void)
{
	event_blocks_deinit(&blocks);
	event_memory_free(memory);
}

static int64_t put(uint64_t serial, size_t size)
{
	static char data[EVENT_SIZE_MAX + 1];
	struct event_head head = { .serial = serial, .type = EVENT_TICK_5 };

	memset(data, (int)(serial % 251), size);
	return event_blocks_put(&blocks, &head, EVENT_QUEUED, data, size);
}

static void check(int64_t number, uint64_t serial, size_t size)
{
	const struct event_head *head = &memory->heads[number];
	const unsigned char *data = (const unsigned char *)&memory->data[number]; /* and the blocks after it */

	ck_assert_uint_eq(head->kind, EVENT_QUEUED);
	ck_assert_uint_eq(head->serial, serial);
	ck_assert_uint_eq(head->size, size);
	for (size_t i = 0; i < size; i++)
		ck_assert_int_eq(data[i], (int)(serial % 251));
}

/* Events of all sizes come and go by chance; a new core takes over now and again. Each stays what it is. */
START_TEST(each_stays_what_it_is)
{
	enum { MANY = 64 };
	struct { int64_t number; uint64_t serial; size_t size; } held[MANY] = { 0 };
	size_t found = 0, expected = 0;

	srand(7);
	begin();
	for (uint64_t serial = 1; serial < 20000; serial++) {
		int at = rand() % MANY;

		if (held[at].serial) {
			check(held[at].number, held[at].serial, held[at].size);
			event_blocks_drop(&blocks, (uint32_t)held[at].number);
			held[at].serial = 0;
		} else {
			held[at].serial = serial;
			held[at].size = (size_t)rand() % (rand() % 8 ? 300 : 5000);
			held[at].number = put(serial, held[at].size);
			ck_assert_int_ge(held[at].number, 0);
		}
		if (serial % 1000 == 0)
			begin_again();
	}
	for (int at = 0; at < MANY; at++) {
		if (!held[at].serial)
			continue;
		check(held[at].number, held[at].serial, held[at].size);
		expected++;
	}
	for (int64_t number = -1; (number = event_blocks_next(&blocks, number)) >= 0;)
		found++;
	ck_assert_uint_eq(found, expected);
	end();
}
END_TEST

START_TEST(it_is_full_and_then_not)
{
	int64_t first, number;
	uint64_t serial = 0;

	begin();
	ck_assert_int_eq(put(0, EVENT_SIZE_MAX + 1), -E2BIG);
	first = put(serial++, EVENT_SIZE_MAX);
	while ((number = put(serial++, EVENT_SIZE_MAX)) >= 0)
		;
	ck_assert_int_eq(number, -ENOSPC);
	ck_assert_uint_eq(serial, 5);
	event_blocks_drop(&blocks, (uint32_t)first);
	ck_assert_int_eq(put(serial, EVENT_SIZE_MAX), first);
	end();
}
END_TEST

/* Whatever a dying core left there: what cannot be is no event. */
START_TEST(what_makes_no_sense_is_free)
{
	begin();
	put(1, 10);
	put(2, 10);
	put(3, 10);
	memory->heads[0].blocks = 0;
	memory->heads[1].size = EVENT_BLOCK + 1;
	memory->heads[2].blocks = EVENT_BLOCKS;
	memory->end = UINT32_MAX;
	begin_again();
	ck_assert_int_lt(event_blocks_next(&blocks, -1), 0);
	ck_assert_int_eq(put(4, 10), 0);
	end();
}
END_TEST

/* The next state is nothing until it is turned to. */
START_TEST(a_state_in_the_making)
{
	struct listener_memory *listener;

	begin();
	listener = &memory->listeners[3];
	listener_next(listener)->state = LISTENER_READY;
	ck_assert_uint_eq(listener_now(listener)->state, LISTENER_NONE);
	listener_turn(listener);
	ck_assert_uint_eq(listener_now(listener)->state, LISTENER_READY);
	ck_assert_ptr_ne(listener_now(listener), listener_next(listener));
	end();
}
END_TEST

START_TEST(numbers_go_on_after_a_reload)
{
	begin();
	put(1, 10);
	memory->serial = 12;
	memory->begun = 1;
	event_memory_clear(memory);
	begin_again();
	ck_assert_int_lt(event_blocks_next(&blocks, -1), 0);
	ck_assert_uint_eq(memory->serial, 12);
	ck_assert_uint_eq(memory->begun, 0);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("event_memory");
	TCase *tcase = leakproof_case("memory");

	tcase_add_test(tcase, each_stays_what_it_is);
	tcase_add_test(tcase, it_is_full_and_then_not);
	tcase_add_test(tcase, what_makes_no_sense_is_free);
	tcase_add_test(tcase, a_state_in_the_making);
	tcase_add_test(tcase, numbers_go_on_after_a_reload);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
