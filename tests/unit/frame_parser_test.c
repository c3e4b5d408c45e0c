/* Frames that no writer of ours sends: what of them is believed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fd/frame_parser.h"
#include "support/harness.h"

static struct frame_parser parser;

static void set_up(void)
{
	frame_parser_init(&parser, 100000);
}

static void tear_down(void)
{
	frame_parser_deinit(&parser);
}

static void add_bytes(const void *data, size_t size)
{
	char *room;

	ck_assert_int_eq(frame_parser_reserve(&parser, size, &room), 0);
	memcpy(room, data, size);
	frame_parser_added(&parser, size);
}

/* A frame with this header, its check being right, and bytes that all have the value of `fill`. */
static void add_frame(struct frame_header header, char fill)
{
	char bytes[FRAME_PAYLOAD_MAX];

	frame_seal(&header);
	memset(bytes, fill, sizeof bytes);
	add_bytes(&header, sizeof header);
	add_bytes(bytes, header.length < sizeof bytes ? header.length : sizeof bytes);
}

static void add_part(uint64_t id, uint32_t size, uint32_t offset, uint32_t length, char fill)
{
	add_frame(
		(struct frame_header){ .id = id, .size = size, .offset = offset, .length = length },
		fill);
}

static void check_next(int expected)
{
	const void *data;
	size_t size;

	ck_assert_int_eq(frame_parser_next(&parser, &data, &size), expected);
}

static void check_message(size_t size_expected, char first, char last)
{
	const char *bytes;
	const void *data;
	size_t size;

	ck_assert_int_eq(frame_parser_next(&parser, &data, &size), 1);
	bytes = data;
	ck_assert_uint_eq(size, size_expected);
	ck_assert_int_eq(bytes[0], first);
	ck_assert_int_eq(bytes[size - 1], last);
}

START_TEST(headers_that_cannot_be_are_no_frames)
{
	static const struct frame_header wrong[] = {
		{ .id = 0, .size = 5, .length = 4 }, /* whole, but not all */
		{ .id = 0, .size = 5, .offset = 1, .length = 4 },
		{ .id = 1, .size = 5, .length = 0 }, /* goes nowhere */
		{ .id = 1, .size = 5, .length = 6 }, /* past the end */
		{ .id = 1, .size = 5, .offset = 6, .length = 1 },
		{ .id = 1, .size = 5, .offset = UINT32_MAX, .length = 2 },
		{ .id = 1, .size = 50000, .length = FRAME_PAYLOAD_MAX + 1 }, /* no single write */
		{ .id = 1, .size = REEVE_FRAME_MAX + 1, .length = 5 },
		{ .id = 1, .size = 5, .length = 5, .zero = 1 },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		add_frame(wrong[i], 'x');
		add_part(0, 1, 0, 1, 'y');
		check_next(-EBADMSG);
		check_message(1, 'y', 'y');
		check_next(0);
	}
}
END_TEST

START_TEST(a_header_whose_check_is_wrong_is_no_frame)
{
	struct frame_header header = { .size = 5, .length = 5 };

	frame_seal(&header);
	header.check ^= 1;
	add_bytes(&header, sizeof header);
	add_bytes("hello", 5);
	check_next(-EBADMSG);
	check_next(0);
	ck_assert_int_eq(frame_parser_end(&parser), 0);
}
END_TEST

START_TEST(parts_make_a_message_in_their_order_only)
{
	add_part(7, 30, 0, 10, 'a');
	add_part(7, 30, 10, 10, 'b');
	add_part(7, 30, 20, 10, 'c');
	check_message(30, 'a', 'c');
	add_part(7, 30, 0, 10, 'a');
	add_part(7, 30, 20, 10, 'c'); /* one is missing */
	add_part(7, 30, 10, 10, 'b');
	add_part(7, 30, 20, 10, 'c');
	check_next(0);
	add_part(7, 30, 0, 10, 'a');
	add_part(7, 30, 0, 10, 'a'); /* the same again */
	add_part(7, 30, 10, 10, 'b');
	add_part(7, 30, 20, 10, 'c');
	check_next(0);
}
END_TEST

/* Were the size taken from the first part and the bytes from the second, they would not fit. */
START_TEST(a_message_does_not_change_its_size_on_the_way)
{
	add_part(7, 10, 0, 5, 'a');
	add_part(7, 4000, 5, 3000, 'b');
	check_next(0);
	add_part(7, 4000, 0, 3000, 'a');
	add_part(7, 3000, 3000, 0, 'b');
	check_next(-EBADMSG);
	add_part(7, 4000, 3000, 1000, 'c');
	check_message(4000, 'a', 'c');
}
END_TEST

START_TEST(messages_may_be_mixed)
{
	for (uint64_t id = 1; id <= REEVE_FRAME_PENDING_MAX; id++)
		add_part(id, 20, 0, 10, (char)id);
	for (uint64_t id = REEVE_FRAME_PENDING_MAX; id > 0; id--)
		add_part(id, 20, 10, 10, (char)-id);
	for (int id = REEVE_FRAME_PENDING_MAX; id > 0; id--)
		check_message(20, (char)id, (char)-id);
	check_next(0);
}
END_TEST

/* It is the one that has been silent longest, not the one that began first. */
START_TEST(one_too_many_pushes_out_the_most_silent)
{
	for (uint64_t id = 1; id <= REEVE_FRAME_PENDING_MAX; id++)
		add_part(id, 30, 0, 10, 'a');
	add_part(1, 30, 10, 10, 'b');
	add_part(1000, 20, 0, 10, 'x'); /* pushes out 2 */
	add_part(2, 30, 10, 10, 'b');
	add_part(2, 30, 20, 10, 'c');
	add_part(1000, 20, 10, 10, 'y');
	add_part(1, 30, 20, 10, 'c');
	check_message(20, 'x', 'y');
	check_message(30, 'a', 'c');
	check_next(0);
}
END_TEST

/* A stranger that announces much and sends little takes little. */
START_TEST(memory_grows_with_what_comes)
{
	frame_parser_init(&parser, REEVE_FRAME_MAX);
	add_part(7, REEVE_FRAME_MAX, 0, 10, 'a');
	check_next(0);
	for (size_t i = 0; i < REEVE_FRAME_PENDING_MAX; i++)
		ck_assert_uint_le(parser.pending[i].room, 65536);
}
END_TEST

START_TEST(nothing_is_left_when_the_last_writer_has_gone)
{
	add_part(7, 20, 0, 10, 'a');
	check_next(0);
	ck_assert_int_eq(frame_parser_end(&parser), 0);
	add_part(7, 20, 10, 10, 'b');
	check_next(0);
	add_bytes("RVM", 3);
	check_next(0);
	ck_assert_int_eq(frame_parser_end(&parser), -EBADMSG);
	ck_assert_int_eq(frame_parser_end(&parser), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame parser");
	TCase *tcase = leakproof_case("frame parser");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, headers_that_cannot_be_are_no_frames);
	tcase_add_test(tcase, a_header_whose_check_is_wrong_is_no_frame);
	tcase_add_test(tcase, parts_make_a_message_in_their_order_only);
	tcase_add_test(tcase, a_message_does_not_change_its_size_on_the_way);
	tcase_add_test(tcase, messages_may_be_mixed);
	tcase_add_test(tcase, one_too_many_pushes_out_the_most_silent);
	tcase_add_test(tcase, memory_grows_with_what_comes);
	tcase_add_test(tcase, nothing_is_left_when_the_last_writer_has_gone);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
