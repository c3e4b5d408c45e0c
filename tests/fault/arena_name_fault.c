/* Names of arenas, with each system call failing in turn: the right error, no descriptor and no
 * lock is left, and the name can be had the next time. */
#include <fcntl.h>

#include "support/each_fault.h"
#include "unit/arena_name_fixture.h"

static struct reeve_arena *one, *two, *three;

static int use(void)
{
	TRY(reeve_arena_new(&names_spec, &one));
	TRY(reeve_arena_publish(one, "one", 0));
	TRY(reeve_arena_connect("one", NULL, 0, &two));
	TRY(reeve_arena_connect("two", &names_spec, 0, &three));
	TRY(reeve_arena_names_clean(0));
	return reeve_arena_unpublish("one", 0);
}

static int scenario(void)
{
	int r;

	one = two = three = NULL;
	r = use();
	three = reeve_arena_free(three);
	two = reeve_arena_free(two);
	one = reeve_arena_free(one);
	return r;
}

/* The holder that stands in the file has gone, and the other is found by looking at all. */
static int searching_scenario(void)
{
	int r;

	one = two = three = NULL;
	r = reeve_arena_connect("one", &names_spec, 0, &one);
	if (r >= 0)
		r = reeve_arena_open(reeve_arena_fd(one), &two);
	if (r >= 0) {
		int fd = open(name_path("one"), O_RDWR);
		struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

		ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
		one = reeve_arena_free(one);
		r = reeve_arena_connect("one", NULL, REEVE_FOREVER, &three);
		close(fd);
	}
	three = reeve_arena_free(three);
	two = reeve_arena_free(two);
	one = reeve_arena_free(one);
	return r < 0 ? r : 0;
}

/* What only helps may fail: hints, removing the files of the dead, and letting go in good order. */
static const char *const absorbed[] = { "open", "openat", "fstat", "fstatat", "fcntl", "pwrite",
	"unlinkat", "mkdir", "getdents", NULL };

static void check_name_is_free(void)
{
	struct reeve_arena *again;

	ck_assert_int_eq(reeve_arena_connect("one", &names_spec, 0, &again), 1);
	reeve_arena_free(again);
	ck_assert_int_eq(names_files(), 0);
}

START_TEST(each_call_fails_in_turn)
{
	ck_assert_int_eq(scenario(), 0); /* what is done but once per process */
	fail_each_call(scenario, EIO, absorbed);
	fail_each_call(scenario, ENOMEM, absorbed);
	check_name_is_free();
}
END_TEST

/* A search makes as many calls as the machine has descriptors: of each kind the first few. */
START_TEST(the_first_calls_of_a_search_fail_in_turn)
{
	static const char *const calls[] = { "openat", "fstat", "fstatat", "fcntl", "pread", "mmap",
		"calloc", "pwrite", "open", "getdents" };
	int before = count_open_fds();

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		for (unsigned n = 1; n <= 8; n++) {
			int r;

			faulty_arm_call(calls[i], n, EMFILE);
			r = searching_scenario();
			faulty_disarm();
			ck_assert_msg(r == 0 || r == expected_error(calls[i], EMFILE),
				"%s %u: the scenario returned %d", calls[i], n, r);
			ck_assert_msg(count_open_fds() == before, "%s %u: %d descriptors more",
				calls[i], n, count_open_fds() - before);
		}
	check_name_is_free();
}
END_TEST

/* Each call by name, where the answer has to be its error. */
START_TEST(what_is_needed_is_not_done_without)
{
	static const struct {
		const char *call;
		unsigned n;
	} needed[] = { { "open", 1 }, { "openat", 1 }, { "openat", 2 }, { "fstat", 1 },
		{ "fcntl", 1 }, { "fcntl", 2 }, { "pwrite", 1 } };
	struct reeve_arena *arena = small_arena(2, 2);

	ck_assert_int_eq(reeve_arena_names_clean(0), 0); /* so that there is a directory */
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		int r;

		/* the second openat(2) finds that there is no such name, the next ones list and make */
		faulty_arm_call(needed[i].call, needed[i].n, EIO);
		r = reeve_arena_publish(arena, "name", 0);
		faulty_disarm();
		ck_assert_msg(r == -EIO, "%s %u: publish: %d", needed[i].call, needed[i].n, r);
		ck_assert_int_eq(names_files(), 0);
	}
	ck_assert_int_eq(reeve_arena_publish(arena, "name", 0), 0);
	reeve_arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena name fault");
	TCase *tcase = leakproof_case("arena name fault");

	tcase_add_checked_fixture(tcase, names_begin, names_end);
	tcase_add_test(tcase, each_call_fails_in_turn);
	tcase_add_test(tcase, the_first_calls_of_a_search_fail_in_turn);
	tcase_add_test(tcase, what_is_needed_is_not_done_without);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
