/* The ring between scribe and core. */
#include "board/feed.h"

#include <string.h>

#include "support/harness.h"

static char data[FEED_ITEM_MAX];

/* Many more bytes than it holds, so that items lie across its end in every way: all arrive, in order. */
START_TEST(all_arrive_in_order)
{
	struct feed *feed;
	uint64_t position = 0, end = 0;
	size_t sizes[] = { 0, 1, 15, 16, 17, 4000, 32767, FEED_ITEM_MAX };
	static char out[FEED_ITEM_MAX];
	struct feed_item item;

	ck_assert_int_eq(feed_new(&feed), 0);
	for (unsigned i = 0; i < 1000; i++) {
		size_t size = sizes[i % (sizeof sizes / sizeof sizes[0])];

		memset(out, (int)(i % 251), size);
		ck_assert(feed_has_room(feed, feed_cost(size, 1)));
		end = feed_put(feed, end, FEED_LOG, i, out, size);
		ck_assert(!feed_get(feed, &position, &item, data)); /* not before it is made known */
		ck_assert(feed_commit(feed, end));
		ck_assert(feed_get(feed, &position, &item, data));
		ck_assert_uint_eq(item.stream, i);
		ck_assert_uint_eq(item.size, size);
		ck_assert_int_eq(memcmp(data, out, size), 0);
		feed_taken(feed, position);
	}
	feed_free(feed);
}
END_TEST

/* One who has not taken all is awake. */
START_TEST(only_one_who_sleeps_is_told)
{
	struct feed *feed;
	uint64_t end;

	ck_assert_int_eq(feed_new(&feed), 0);
	end = feed_put(feed, 0, FEED_LOG, 0, "a", 1);
	ck_assert(feed_commit(feed, end));
	ck_assert(!feed_commit(feed, end)); /* nothing new */
	end = feed_put(feed, end, FEED_LOG, 0, "b", 1);
	ck_assert(!feed_commit(feed, end));
	feed_taken(feed, end);
	end = feed_put(feed, end, FEED_LOG, 0, "c", 1);
	ck_assert(feed_commit(feed, end));
	feed_free(feed);
}
END_TEST

START_TEST(what_makes_no_sense_is_skipped)
{
	struct feed *feed;
	struct feed_item item;
	uint64_t end, position;

	ck_assert_int_eq(feed_new(&feed), 0);
	end = feed_put(feed, 0, FEED_KINDS, 0, "a", 1);
	feed_commit(feed, end);
	position = feed_begin(feed);
	ck_assert(!feed_get(feed, &position, &item, data));
	ck_assert_uint_eq(position, end);
	feed_commit(feed, end + 8); /* less than a head */
	ck_assert(!feed_get(feed, &position, &item, data));
	ck_assert_uint_eq(position, end + 8);
	feed_commit(feed, end + 8 * FEED_SIZE);
	ck_assert(!feed_get(feed, &position, &item, data));
	ck_assert_uint_eq(position, end + 8 * FEED_SIZE);
	feed_free(feed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("feed");
	TCase *tcase = leakproof_case("ring");

	tcase_add_test(tcase, all_arrive_in_order);
	tcase_add_test(tcase, only_one_who_sleeps_is_told);
	tcase_add_test(tcase, what_makes_no_sense_is_skipped);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
