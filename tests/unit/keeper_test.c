/* What the keeper remembers: descriptors and exits. */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/exits.h"
#include "keeper/store.h"
#include "support/harness.h"

static struct keeper_memory *memory;

static void make_memory(void)
{
	memory = calloc(1, sizeof *memory);
	ck_assert_ptr_nonnull(memory);
	memory->exits_first = memory->exits_next = 1;
}

static void free_memory(void)
{
	store_drop_all(memory, BOARD_ROWS_MAX);
	free(memory);
}

static int keep(uint32_t row, uint32_t kind, size_t count)
{
	struct message_keep message = { MESSAGE_KEEP, row, kind };
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	if (count < 2)
		close(fds[1]);
	if (count < 1)
		close(fds[0]);
	return store_keep_consume(memory, &message, fds, count);
}

START_TEST(what_is_kept_is_replaced_not_leaked)
{
	int before = count_open_fds();

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(keep(5, KEPT_STDOUT, 2), 0);
		ck_assert_int_eq(keep(5, KEPT_STDERR, 2), 0);
		ck_assert_int_eq(keep(5, KEPT_STDIN, 1), 0);
		ck_assert_int_eq(count_open_fds(), before + 5);
	}
	ck_assert_int_eq(store_drop(memory, 5), 0);
	ck_assert_int_eq(count_open_fds(), before);
}
END_TEST

START_TEST(readings_are_kept_by_their_numbers)
{
	int before = count_open_fds();

	for (uint32_t number = 1; number < READINGS_MAX; number++) {
		ck_assert_int_eq(keep(ROW_SELF, number, 1), 0);
		ck_assert_int_gt(memory->readings[number], 0);
	}
	ck_assert_int_eq(memory->readings[0], 0);
	ck_assert_int_eq(store_forget(memory, &(struct message_forget){ MESSAGE_FORGET, ROW_SELF, 3 }), 0);
	ck_assert_int_eq(memory->readings[3], 0);
	ck_assert_int_eq(count_open_fds(), before + READINGS_MAX - 2);
	store_drop_readings(memory);
	ck_assert_int_eq(count_open_fds(), before);
}
END_TEST

START_TEST(what_cannot_be_kept_is_closed)
{
	int before = count_open_fds();

	ck_assert_int_eq(keep(BOARD_ROWS_MAX, KEPT_STDIN, 1), -EBADMSG);
	ck_assert_int_eq(keep(0, KEPT_KINDS, 1), -EBADMSG);
	ck_assert_int_eq(keep(0, KEPT_STDOUT, 1), -EBADMSG);
	ck_assert_int_eq(keep(0, KEPT_STDIN, 2), -EBADMSG);
	ck_assert_int_eq(keep(ROW_SELF, READINGS_MAX, 1), -EBADMSG);
	ck_assert_int_eq(keep(ROW_SELF, 1, 2), -EBADMSG);
	ck_assert_int_eq(keep(0, KEPT_STDIN, 0), -EBADMSG);
	ck_assert_int_eq(store_drop(memory, BOARD_ROWS_MAX), -EBADMSG);
	ck_assert_int_eq(count_open_fds(), before);
}
END_TEST

static void add_exit(pid_t pid, enum reeve_process_how how, int status, bool core)
{
	exits_add(memory, &(struct reeve_process_outcome){
				  .how = how, .status = status, .core = core, .pid = pid });
}

START_TEST(exits_are_numbered_and_forgotten_when_seen)
{
	for (int i = 0; i < KEEPER_EXITS_MAX; i++) {
		ck_assert(exits_have_room(memory));
		add_exit(100 + i, REEVE_PROCESS_EXITED, i % 256, false);
	}
	ck_assert(!exits_have_room(memory));
	ck_assert_int_eq(exits_get(memory, 1)->pid, 100);
	ck_assert_int_eq(WEXITSTATUS(exits_get(memory, 8)->status), 7);
	ck_assert_int_eq(exits_seen(memory, KEEPER_EXITS_MAX + 1), -EBADMSG);
	ck_assert_int_eq(exits_seen(memory, 3), 0);
	ck_assert_int_eq(exits_seen(memory, 2), 0); /* old news */
	ck_assert_uint_eq(memory->exits_first, 4);
	ck_assert(exits_have_room(memory));
}
END_TEST

START_TEST(a_status_is_that_of_wait)
{
	add_exit(1, REEVE_PROCESS_EXITED, 3, false);
	add_exit(2, REEVE_PROCESS_SIGNALLED, 9, false);
	add_exit(3, REEVE_PROCESS_SIGNALLED, 11, true);
	ck_assert(WIFEXITED(exits_get(memory, 1)->status));
	ck_assert_int_eq(WEXITSTATUS(exits_get(memory, 1)->status), 3);
	ck_assert(WIFSIGNALED(exits_get(memory, 2)->status));
	ck_assert(!WCOREDUMP(exits_get(memory, 2)->status));
	ck_assert_int_eq(WTERMSIG(exits_get(memory, 3)->status), 11);
	ck_assert(WCOREDUMP(exits_get(memory, 3)->status));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keeper");
	TCase *tcase = leakproof_case("memory");

	tcase_add_checked_fixture(tcase, make_memory, free_memory);
	tcase_add_test(tcase, what_is_kept_is_replaced_not_leaked);
	tcase_add_test(tcase, readings_are_kept_by_their_numbers);
	tcase_add_test(tcase, what_cannot_be_kept_is_closed);
	tcase_add_test(tcase, exits_are_numbered_and_forgotten_when_seen);
	tcase_add_test(tcase, a_status_is_that_of_wait);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
