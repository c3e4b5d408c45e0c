#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "unit/map_fixture.h"

/* Bounds. */

START_TEST(nothing_outside_the_map_is_touched)
{
	static const struct {
		size_t offset, size;
	} outside[] = {
		{ 0, 11 },
		{ 10, 1 },
		{ 11, 0 },
		{ 9, 2 },
		{ SIZE_MAX, 1 },
		{ 1, SIZE_MAX },
		{ SIZE_MAX, SIZE_MAX },
	};
	char bytes[16];
	void *slice;

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "0123456789");
		for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
			size_t offset = outside[i].offset, size = outside[i].size;

			ck_assert_int_eq(reeve_map_get(map, offset, bytes, size), -ERANGE);
			ck_assert_int_eq(reeve_map_put(map, offset, bytes, size), -ERANGE);
			ck_assert_int_eq(reeve_map_slice(map, offset, size, &slice), -ERANGE);
			ck_assert_int_eq(reeve_map_move(map, offset, 0, size), -ERANGE);
			ck_assert_int_eq(reeve_map_move(map, 0, offset, size), -ERANGE);
			ck_assert_int_eq(reeve_map_flush(map, offset, size), -ERANGE);
			ck_assert_int_eq(reeve_map_lock(map, offset, size), -ERANGE);
			ck_assert_int_eq(reeve_map_unlock(map, offset, size), -ERANGE);
			ck_assert_int_eq(reeve_map_advise(map, offset, size, MADV_NORMAL), -ERANGE);
		}
		ck_assert_int_eq(reeve_map_get(map, 10, bytes, 0), 0);
		ck_assert_int_eq(reeve_map_slice(map, 3, 7, &slice), 0);
		ck_assert_int_eq(memcmp(slice, "3456789", 7), 0);
		check_bytes(0, "0123456789");
	}
}
END_TEST

/* Moving is what memmove(3) does to a copy. */
START_TEST(moving_inside_a_map_equals_memmove)
{
	enum { SIZE = 30000 };
	static char model[SIZE];
	unsigned seed = 1;

	for (int kind = 0; kind < KINDS; kind++) {
		for (int i = 0; i < SIZE; i++)
			model[i] = (char)('a' + i % 26 + (i / 1000) % 7);
		size_file(SIZE);
		map = reeve_map_free(map);
		if (kind == 0)
			ck_assert_int_eq(reeve_map_anonymous(SIZE, &map), 0);
		else if (kind == 1)
			ck_assert_int_eq(reeve_map_memory("x", SIZE, 0, &map), 0);
		else
			map_file(kind == 2 ? REEVE_MAP_WRITE : REEVE_MAP_COPY);
		ck_assert_int_eq(reeve_map_put(map, 0, model, SIZE), 0);
		for (int i = 0; i < 200; i++) {
			size_t from = (size_t)rand_r(&seed) % SIZE,
			       to = (size_t)rand_r(&seed) % SIZE;
			size_t most = SIZE - (from > to ? from : to);
			size_t size = (size_t)rand_r(&seed) % (most + 1);

			memmove(model + to, model + from, size);
			ck_assert_int_eq(reeve_map_move(map, to, from, size), 0);
			ck_assert_int_eq(memcmp(model, reeve_map_data(map), SIZE), 0);
		}
	}
}
END_TEST

/* Finding. */

START_TEST(finding_in_a_small_map)
{
	size_t at;

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "one two one two");
		ck_assert_int_eq(reeve_map_find(map, "two", 3, 0, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 4);
		ck_assert_int_eq(reeve_map_find(map, "two", 3, 5, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 12);
		ck_assert_int_eq(reeve_map_rfind(map, "two", 3, 0, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 12);
		ck_assert_int_eq(reeve_map_rfind(map, "two", 3, 0, 14, &at), 0);
		ck_assert_uint_eq(at, 4);
		ck_assert_int_eq(reeve_map_find(map, "two", 3, 5, 14, &at), -ENOENT);
		ck_assert_int_eq(reeve_map_find(map, "three", 5, 0, SIZE_MAX, &at), -ENOENT);
		ck_assert_int_eq(
			reeve_map_find(map, "one two one two!", 16, 0, SIZE_MAX, &at), -ENOENT);
		ck_assert_int_eq(reeve_map_find(map, "", 0, 3, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 3);
		ck_assert_int_eq(reeve_map_rfind(map, "", 0, 3, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 15);
		ck_assert_int_eq(reeve_map_find(map, "x", 1, 16, SIZE_MAX, &at), -ERANGE);
		ck_assert_int_eq(reeve_map_find(map, "x", 1, 9, 8, &at), -ERANGE);
	}
}
END_TEST

/* Where windows are searched, what straddles their border is found too: the place is everywhere once. */
START_TEST(finding_in_a_large_map)
{
	enum { SIZE = 300000 };
	static const size_t lengths[] = { 1, 7, 5000, 40000 };
	static char needle[40000];
	size_t at;

	memset(needle, 'n', sizeof needle);
	size_file(SIZE);
	map_file(REEVE_MAP_WRITE);
	for (size_t i = 0; i < 4; i++)
		for (size_t place = 0; place + lengths[i] <= SIZE; place += 8111) {
			ck_assert_int_eq(reeve_map_put(map, place, needle, lengths[i]), 0);
			ck_assert_int_eq(
				reeve_map_find(map, needle, lengths[i], 0, SIZE_MAX, &at), 0);
			ck_assert_uint_eq(at, place);
			ck_assert_int_eq(
				reeve_map_rfind(map, needle, lengths[i], 0, SIZE_MAX, &at), 0);
			ck_assert_uint_eq(at, place);
			ck_assert_int_eq(
				reeve_map_find(map, needle, lengths[i], place + 1, SIZE_MAX, &at),
				-ENOENT);
			memset((char *)reeve_map_data(map) + place, 0, lengths[i]);
		}
}
END_TEST

/* The cursor. */

START_TEST(the_cursor_reads_writes_and_seeks)
{
	char bytes[16] = { 0 };

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "0123456789");
		ck_assert_uint_eq(reeve_map_tell(map), 0);
		ck_assert_int_eq(reeve_map_read(map, bytes, 4), 4);
		ck_assert_int_eq(memcmp(bytes, "0123", 4), 0);
		ck_assert_int_eq(reeve_map_write(map, "AB", 2), 0);
		ck_assert_uint_eq(reeve_map_tell(map), 6);
		ck_assert_int_eq(reeve_map_write(map, "12345", 5), -ERANGE);
		ck_assert_uint_eq(reeve_map_tell(map), 6);
		ck_assert_int_eq(reeve_map_read(map, bytes, sizeof bytes), 4);
		ck_assert_int_eq(memcmp(bytes, "6789", 4), 0);
		ck_assert_int_eq(reeve_map_read(map, bytes, sizeof bytes), 0);
		check_bytes(0, "0123AB6789");

		ck_assert_int_eq(reeve_map_seek(map, -3, SEEK_END), 0);
		ck_assert_uint_eq(reeve_map_tell(map), 7);
		ck_assert_int_eq(reeve_map_seek(map, 3, SEEK_CUR), 0);
		ck_assert_uint_eq(reeve_map_tell(map), 10);
		ck_assert_int_eq(reeve_map_seek(map, 1, SEEK_CUR), -ERANGE);
		ck_assert_int_eq(reeve_map_seek(map, -11, SEEK_END), -ERANGE);
		ck_assert_int_eq(reeve_map_seek(map, INT64_MAX, SEEK_CUR), -ERANGE);
		ck_assert_int_eq(reeve_map_seek(map, INT64_MIN, SEEK_SET), -ERANGE);
		ck_assert_int_eq(reeve_map_seek(map, 0, 9), -EINVAL);
		ck_assert_uint_eq(reeve_map_tell(map), 10);
		ck_assert_int_eq(reeve_map_seek(map, 2, SEEK_SET), 0);
		ck_assert_uint_eq(reeve_map_tell(map), 2);
	}
}
END_TEST

START_TEST(lines_come_one_by_one)
{
	static const char *const lines[] = { "first\n", "\n", "third line\n", "last" };
	char line[64];

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "first\n\nthird line\nlast");
		for (int i = 0; i < 4; i++) {
			ck_assert_int_eq(
				reeve_map_read_line(map, line, sizeof line), (int)strlen(lines[i]));
			ck_assert_int_eq(memcmp(line, lines[i], strlen(lines[i])), 0);
		}
		ck_assert_int_eq(reeve_map_read_line(map, line, sizeof line), 0);
	}
}
END_TEST

START_TEST(a_line_longer_than_the_room_comes_in_pieces)
{
	char line[4];

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "1234567\n89");
		ck_assert_int_eq(reeve_map_read_line(map, line, 4), 4);
		ck_assert_int_eq(memcmp(line, "1234", 4), 0);
		ck_assert_int_eq(reeve_map_read_line(map, line, 4), 4);
		ck_assert_int_eq(memcmp(line, "567\n", 4), 0);
		ck_assert_int_eq(reeve_map_read_line(map, line, 4), 2);
	}
}
END_TEST

START_TEST(lines_of_every_length_up_to_many_guesses)
{
	static char line[100000];

	size_file(1000 * 1001 / 2 + 90000);
	map_file(REEVE_MAP_WRITE);
	for (size_t i = 1, at = 0; i <= 1000; at += i, i++)
		((char *)reeve_map_data(map))[at + i - 1] = '\n';
	for (int i = 1; i <= 1000; i++)
		ck_assert_int_eq(reeve_map_read_line(map, line, sizeof line), i);
	ck_assert_int_eq(reeve_map_read_line(map, line, sizeof line), 90000);
}
END_TEST

/* Truncation. */

/* Each checked call, on what is there, across the end, and past it: whole pages away and within a page. */
START_TEST(a_truncated_file_is_an_error_and_no_signal)
{
	static const enum reeve_map_access accesses[] = { REEVE_MAP_WRITE, REEVE_MAP_COPY };
	static char bytes[1 << 16];
	size_t at, size = 4 * page;

	for (int i = 0; i < 2; i++) {
		size_file((off_t)size);
		map_file(accesses[i]);
		size_file((off_t)(page + 10));
		ck_assert_int_eq(reeve_map_get(map, page, bytes, 10), 0);
		ck_assert_int_eq(reeve_map_get(map, page, bytes, 11), -ENODATA);
		ck_assert_int_eq(reeve_map_get(map, 0, bytes, size), -ENODATA);
		ck_assert_int_eq(reeve_map_get(map, size - 1, bytes, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_put(map, page, bytes, 10), 0);
		ck_assert_int_eq(reeve_map_put(map, page + 10, bytes, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_put(map, 3 * page, bytes, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_move(map, 0, 2 * page, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_move(map, 2 * page, 0, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_find(map, "x", 1, 0, page, &at), -ENOENT);
		ck_assert_int_eq(reeve_map_find(map, "x", 1, 0, SIZE_MAX, &at), -ENODATA);
		ck_assert_int_eq(reeve_map_rfind(map, "x", 1, 0, SIZE_MAX, &at), -ENODATA);
		ck_assert_int_eq(reeve_map_read(map, bytes, size), -ENODATA);
		ck_assert_int_eq(reeve_map_read_line(map, bytes, sizeof bytes), -ENODATA);
		ck_assert_uint_eq(reeve_map_tell(map), 0);
		ck_assert_int_eq(reeve_map_seek(map, (int64_t)page, SEEK_SET), 0);
		ck_assert_int_eq(reeve_map_write(map, bytes, 11), -ENODATA);
		ck_assert_uint_eq(reeve_map_tell(map), page);
		ck_assert_int_eq(file_size(), (long)(page + 10));
	}
}
END_TEST

static atomic_bool racing;

static void *truncate_and_extend(void *unused)
{
	while (atomic_load(&racing)) {
		size_file(1);
		size_file((off_t)(64 * page));
	}
	return NULL;
}

/* The same while it happens: were there a gap between looking and touching, this would die of SIGBUS. */
START_TEST(truncation_races_with_the_checked_calls)
{
	static char bytes[1 << 18];
	reeve_nsec end = reeve_now() + 2 * REEVE_SEC;
	unsigned answers[2] = { 0 };
	pthread_t thread;
	size_t at;

	size_file((off_t)(64 * page));
	map_file(REEVE_MAP_WRITE);
	atomic_store(&racing, true);
	ck_assert_int_eq(pthread_create(&thread, NULL, truncate_and_extend, NULL), 0);
	while (reeve_now() < end || !answers[0] || !answers[1]) {
		int results[] = {
			reeve_map_get(map, 0, bytes, 64 * page),
			reeve_map_put(map, 63 * page, bytes, page),
			reeve_map_move(map, page + 1, page, 60 * page),
			reeve_map_find(map, "x", 1, 0, SIZE_MAX, &at),
			reeve_map_rfind(map, "x", 1, 0, SIZE_MAX, &at),
		};

		for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
			/* -EIO: gone when it was touched, back when it was looked at */
			ck_assert_msg(results[i] == 0 || results[i] == -ENODATA ||
					      results[i] == -ENOENT || results[i] == -EIO,
				"call %zu said %d", i, results[i]);
			answers[results[i] == 0 || results[i] == -ENOENT]++;
		}
	}
	atomic_store(&racing, false);
	pthread_join(thread, NULL);
}
END_TEST

/* Whether the first thread of this process has ended: its state is that of a zombie. */
static bool first_thread_has_ended(void)
{
	FILE *file = fopen("/proc/self/stat", "re");
	char state = 0;

	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		_exit(1);
	fclose(file);
	return state == 'Z';
}

static void *get_after_the_first_thread(void *unused)
{
	char byte;

	while (!first_thread_has_ended())
		sched_yield();
	_exit(-reeve_map_get(map, 0, &byte, 1));
}

/* A process whose first thread has ended has no memory under its own pid. */
START_TEST(checked_calls_outlive_the_first_thread)
{
	int status;
	pid_t child;

	size_file(100);
	map_file(REEVE_MAP_READ);
	child = fork();
	if (child == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, get_after_the_first_thread, NULL);
		pthread_exit(NULL);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("map access");
	TCase *tcase = map_case("map access");

	tcase_add_test(tcase, nothing_outside_the_map_is_touched);
	tcase_add_test(tcase, moving_inside_a_map_equals_memmove);
	tcase_add_test(tcase, finding_in_a_small_map);
	tcase_add_test(tcase, finding_in_a_large_map);
	tcase_add_test(tcase, the_cursor_reads_writes_and_seeks);
	tcase_add_test(tcase, lines_come_one_by_one);
	tcase_add_test(tcase, a_line_longer_than_the_room_comes_in_pieces);
	tcase_add_test(tcase, lines_of_every_length_up_to_many_guesses);
	tcase_add_test(tcase, a_truncated_file_is_an_error_and_no_signal);
	tcase_add_test(tcase, truncation_races_with_the_checked_calls);
	tcase_add_test(tcase, checked_calls_outlive_the_first_thread);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
