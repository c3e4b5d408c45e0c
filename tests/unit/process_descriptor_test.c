/* The descriptor map: every permutation, collision and gap gives the child exactly what was asked
 * for. */
#include <sys/resource.h>

#include "unit/process_fixture.h"

#define FIRST 20
#define N 4

/* N files that can be told apart by a pipe's number, at FIRST and up. */
static char names[N][64];

static void open_files(void)
{
	for (int i = 0; i < N; i++) {
		char path[32];
		ssize_t size;
		int fds[2];

		make_pipe(fds);
		ck_assert_int_eq(dup3(fds[0], FIRST + i, O_CLOEXEC), FIRST + i);
		close(fds[0]);
		close(fds[1]);
		snprintf(path, sizeof path, "/proc/self/fd/%d", FIRST + i);
		size = readlink(path, names[i], sizeof names[i] - 1);
		ck_assert_int_gt(size, 0);
		names[i][size] = '\0';
	}
}

static void close_files(void)
{
	for (int i = 0; i < N; i++)
		close(FIRST + i);
}

static void run(const struct reeve_process_descriptor *map, size_t count, unsigned flags)
{
	run_report((struct reeve_process_spec){
		.flags = flags,
		.descriptors = map,
		.descriptor_count = count,
	});
}

/* Each of the 256 functions from 4 targets to 4 sources, permutations with all their cycles among
 * them: the child's FIRST + i is the caller's FIRST + f(i). */
START_TEST(every_map_of_four_onto_four)
{
	open_files();
	for (int f = 0; f < 256; f++) {
		struct reeve_process_descriptor map[N];

		for (int i = 0; i < N; i++)
			map[i] = (struct reeve_process_descriptor){ FIRST + (f >> (2 * i) & 3),
				FIRST + i };
		run(map, N, REEVE_PROCESS_CLOSE_REST);
		for (int i = 0; i < N; i++)
			expect_report("fd %d %s", FIRST + i, names[f >> (2 * i) & 3]);
		ck_assert_int_eq(count_lines("fd "), 3 + N + 1);
	}
	close_files();
}
END_TEST

/* Entries take effect at once, so their order means nothing. */
START_TEST(the_order_of_entries_does_not_matter)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
		{ 2, 0, 1 }, { 2, 1, 0 } };
	const struct reeve_process_descriptor shift[3] = { { FIRST, FIRST + 1 },
		{ FIRST + 1, FIRST + 2 }, { FIRST + 2, FIRST + 3 } };

	open_files();
	for (int o = 0; o < 6; o++) {
		struct reeve_process_descriptor map[3];

		for (int i = 0; i < 3; i++)
			map[i] = shift[orders[o][i]];
		run(map, 3, 0);
		for (int i = 0; i < 3; i++)
			expect_report("fd %d %s", FIRST + i + 1, names[i]);
	}
	close_files();
}
END_TEST

START_TEST(standard_descriptors_swap)
{
	const struct reeve_process_descriptor map[] = { { FIRST, 0 }, { FIRST + 1, 1 },
		{ FIRST + 2, 2 } },
					      swap[] = { { 1, 2 }, { 2, 1 } };

	open_files();
	run(map, 3, 0);
	for (int i = 0; i < 3; i++)
		expect_report("fd %d %s", i, names[i]);
	ck_assert_int_eq(dup2(FIRST, 1), 1);
	ck_assert_int_eq(dup2(FIRST + 1, 2), 2);
	run(swap, 2, 0);
	expect_report("fd 1 %s", names[1]);
	expect_report("fd 2 %s", names[0]);
	close_files();
}
END_TEST

/* A closed 0, 1 or 2 in the caller is what pipes and reports get their numbers from. */
START_TEST(callers_without_standard_descriptors)
{
	int saved[3];

	open_files();
	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 50);
	for (int closed = 1; closed < 8; closed++) {
		const struct reeve_process_descriptor map[] = { { FIRST, 0 }, { FIRST + 1, 1 },
			{ FIRST + 2, 2 } };

		for (int i = 0; i < 3; i++)
			if (closed >> i & 1)
				close(i);
		run(map, 3, REEVE_PROCESS_CLOSE_REST);
		for (int i = 0; i < 3; i++)
			expect_report("fd %d %s", i, names[i]);
		for (int i = 0; i < 3; i++)
			dup2(saved[i], i);
	}
	for (int i = 0; i < 3; i++)
		close(saved[i]);
	close_files();
}
END_TEST

START_TEST(null_and_closed)
{
	const struct reeve_process_descriptor map[] = { { REEVE_PROCESS_DEV_NULL, 0 },
		{ REEVE_PROCESS_CLOSED, 1 }, { REEVE_PROCESS_DEV_NULL, 7 },
		{ REEVE_PROCESS_CLOSED, 500 } };

	run(map, 4, 0);
	expect_report("fd 0 /dev/null");
	expect_report("fd 7 /dev/null");
	ck_assert_int_eq(count_lines("fd 1 "), 0);
	ck_assert_int_eq(count_lines("fd 500 "), 0);
}
END_TEST

START_TEST(the_rest_is_closed)
{
	const struct reeve_process_descriptor kept = { FIRST + 1, FIRST + 1 };
	int open_fd = dup2(0, 60), high = dup2(0, 1500);

	ck_assert_int_ge(open_fd, 0);
	open_files();
	run(&kept, 1, 0);
	ck_assert_int_eq(count_lines("fd 60 "), 1);
	run(&kept, 1, REEVE_PROCESS_CLOSE_REST);
	expect_report("fd %d %s", FIRST + 1, names[1]);
	ck_assert_int_eq(count_lines("fd "), 5);
	close_files();
	close(open_fd);
	if (high >= 0)
		close(high);
}
END_TEST

/* More than fit beside the description's own memory. */
START_TEST(a_thousand_descriptors)
{
	enum { COUNT = REEVE_PROCESS_DESCRIPTORS_MAX - 1 };
	static struct reeve_process_descriptor map[COUNT + 2];
	struct rlimit limit = { 4096, 4096 };
	struct reeve_process_spec spec = { .argv = PROBE("report"), .descriptors = map };

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max < 4096)
		return;
	limit.rlim_cur = 4096;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < COUNT; i++)
		map[i] = (struct reeve_process_descriptor){ 0, 1000 + i };
	run(map, COUNT, REEVE_PROCESS_CLOSE_REST);
	ck_assert_int_eq(count_lines("fd "), 3 + COUNT + 1);
	spec.descriptor_count = COUNT + 2;
	expect_failure(&spec, -E2BIG, REEVE_PROCESS_STAGE_PREPARE, 0);
}
END_TEST

/* The highest number there is leaves no room above it for what has to step aside. */
START_TEST(the_highest_descriptor_is_a_target)
{
	struct rlimit limit;
	struct reeve_process_descriptor map[2];
	int highest;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 1024;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	highest = 1023;
	open_files();
	ck_assert_int_eq(dup3(FIRST, highest, O_CLOEXEC), highest);
	map[0] = (struct reeve_process_descriptor){ highest, FIRST };
	map[1] = (struct reeve_process_descriptor){ FIRST + 1, highest };
	run(map, 2, 0);
	expect_report("fd %d %s", FIRST, names[0]);
	expect_report("fd %d %s", highest, names[1]);
	close(highest);
	close_files();
}
END_TEST

START_TEST(a_wrong_entry_is_told_by_its_index)
{
	struct reeve_process_descriptor map[] = { { 0, 0 }, { 1, 5 }, { 899, 6 }, { 2, 7 } };
	struct reeve_process_spec spec = {
		.argv = PROBE("report"),
		.executable = PROBE_PATH,
		.descriptors = map,
		.descriptor_count = 4,
	};

	expect_failure(&spec, -EBADF, REEVE_PROCESS_STAGE_DESCRIPTOR, 2);
	map[2] = (struct reeve_process_descriptor){ 899, 899 };
	expect_failure(&spec, -EBADF, REEVE_PROCESS_STAGE_DESCRIPTOR, 2);
	map[2] = (struct reeve_process_descriptor){ 1, 2000000000 };
	expect_failure(&spec, -EBADF, REEVE_PROCESS_STAGE_DESCRIPTOR, 2);
	map[2] = (struct reeve_process_descriptor){ 1, 5 };
	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_DESCRIPTOR, 2);
	map[2] = (struct reeve_process_descriptor){ 1, -1 };
	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_DESCRIPTOR, 2);
	map[2] = (struct reeve_process_descriptor){ -3, 6 };
	expect_failure(&spec, -EINVAL, REEVE_PROCESS_STAGE_DESCRIPTOR, 2);
}
END_TEST

/* What the child gets and what the parent has are two tables. */
START_TEST(the_callers_descriptors_stay_as_they_are)
{
	const struct reeve_process_descriptor map[] = { { FIRST, FIRST + 1 }, { FIRST + 1, FIRST },
		{ REEVE_PROCESS_CLOSED, FIRST + 2 } };

	open_files();
	run(map, 3, REEVE_PROCESS_CLOSE_REST);
	for (int i = 0; i < N; i++) {
		char path[32], name[64] = "";

		snprintf(path, sizeof path, "/proc/self/fd/%d", FIRST + i);
		ck_assert_int_gt(readlink(path, name, sizeof name - 1), 0);
		ck_assert_str_eq(name, names[i]);
		ck_assert_int_eq(fcntl(FIRST + i, F_GETFD), FD_CLOEXEC);
	}
	close_files();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process_descriptor");
	TCase *tcase = leakproof_case("map");

	tcase_add_test(tcase, every_map_of_four_onto_four);
	tcase_add_test(tcase, the_order_of_entries_does_not_matter);
	tcase_add_test(tcase, standard_descriptors_swap);
	tcase_add_test(tcase, callers_without_standard_descriptors);
	tcase_add_test(tcase, null_and_closed);
	tcase_add_test(tcase, the_rest_is_closed);
	tcase_add_test(tcase, a_thousand_descriptors);
	tcase_add_test(tcase, the_highest_descriptor_is_a_target);
	tcase_add_test(tcase, a_wrong_entry_is_told_by_its_index);
	tcase_add_test(tcase, the_callers_descriptors_stay_as_they_are);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
