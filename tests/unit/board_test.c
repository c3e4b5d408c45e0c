#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/board.h"
#include "support/harness.h"

static struct board board;

static void make_board(void)
{
	ck_assert_int_eq(board_create("test", &board), 0);
}

static void close_board(void)
{
	board_close(&board);
}

START_TEST(what_is_written_is_read)
{
	struct board_record record;
	int row = board_add(&board, "group", "name", 0);

	ck_assert_int_eq(row, 0);
	board_begin(&board, 0)->pid = 77;
	board_end(&board, 0);
	ck_assert_int_eq(board_read(&board, 0, &record), 0);
	ck_assert_str_eq(record.group, "group");
	ck_assert_str_eq(record.name, "name");
	ck_assert_int_eq(record.pid, 77);
}
END_TEST

START_TEST(rows_are_reused_and_bounded)
{
	struct board_record record;

	ck_assert_int_eq(board_add(&board, "g", "a", 0), 0);
	ck_assert_int_eq(board_add(&board, "g", "b", 0), 1);
	board_remove(&board, 0);
	ck_assert_int_eq(board_read(&board, 0, &record), -ENOENT);
	ck_assert_int_eq(board_add(&board, "g", "c", 0), 0);
	ck_assert_int_eq(board_read(&board, BOARD_ROWS_MAX, &record), -ENOENT);
	for (int row = 2; row < BOARD_ROWS_MAX; row++)
		ck_assert_int_eq(board_add(&board, "g", "x", 0), row);
	ck_assert_int_eq(board_add(&board, "g", "x", 0), -ENOSPC);
}
END_TEST

START_TEST(a_name_that_does_not_fit_is_refused)
{
	char name[BOARD_NAME_SIZE + 1];

	memset(name, 'n', sizeof name);
	name[BOARD_NAME_SIZE] = '\0';
	ck_assert_int_eq(board_add(&board, "g", name, 0), -ENAMETOOLONG);
	ck_assert_int_eq(board_add(&board, name, "n", 0), -ENAMETOOLONG);
	name[BOARD_NAME_SIZE - 1] = '\0';
	ck_assert_int_eq(board_add(&board, name, name, 0), 0);
}
END_TEST

/* A reader sees `starts` and `ended` as one writer wrote them: always equal. */
START_TEST(no_reader_sees_half_a_record)
{
	struct board_record record;
	pid_t writer;
	int told = 0;

	ck_assert_int_eq(board_add(&board, "g", "n", 0), 0);
	writer = fork();
	ck_assert_int_ge(writer, 0);
	if (writer == 0) {
		for (uint64_t i = 1;; i++) {
			struct board_record *open = board_begin(&board, 0);

			open->starts = i;
			open->ended = i;
			board_end(&board, 0);
		}
	}
	while (told < 200000) {
		int r = board_read(&board, 0, &record);

		ck_assert(r == 0 || r == -EAGAIN);
		if (r == 0)
			ck_assert_uint_eq(record.starts, record.ended);
		told++;
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
}
END_TEST

START_TEST(a_killed_writer_blocks_no_reader_and_is_repaired)
{
	struct board_record record;
	pid_t writer;

	ck_assert_int_eq(board_add(&board, "g", "n", 0), 0);
	writer = fork();
	ck_assert_int_ge(writer, 0);
	if (writer == 0) {
		memset(board_begin(&board, 0)->error, 'x', BOARD_TEXT_SIZE);
		raise(SIGKILL);
	}
	waitpid(writer, NULL, 0);
	ck_assert_int_eq(board_read(&board, 0, &record), -EAGAIN);
	board_repair(&board);
	ck_assert_int_eq(board_read(&board, 0, &record), 0);
	ck_assert_uint_eq(strlen(record.error), BOARD_TEXT_SIZE - 1);
}
END_TEST

START_TEST(others_may_look_but_not_touch)
{
	struct board other;
	struct board_record record;

	ck_assert_int_eq(board_add(&board, "g", "n", 0), 0);
	ck_assert_int_eq(board_open(reeve_map_fd(board.map), &other), 0);
	ck_assert_int_eq(board_read(&other, 0, &record), 0);
	ck_assert_int_eq(
		mprotect(reeve_map_data(other.map), 4096, PROT_READ), 0); /* it is mapped */
	ck_assert_ptr_ne(other.header, board.header);
	board_close(&other);
}
END_TEST

START_TEST(what_is_no_board_is_refused)
{
	struct board other;
	int zeroes = memfd_create("zeroes", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int pipes[2];

	ck_assert_int_eq(board_open(zeroes, &other), -EPROTO);
	ck_assert_int_eq(ftruncate(zeroes, 1 << 20), 0);
	ck_assert_int_eq(board_open(zeroes, &other), -EPROTO);
	close(zeroes);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(board_open(pipes[0], &other), -EPROTO);
	close(pipes[0]);
	close(pipes[1]);
	board.header->version++;
	ck_assert_int_eq(board_open(reeve_map_fd(board.map), &other), -EPROTO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("board");
	TCase *tcase = leakproof_case("board");

	tcase_add_checked_fixture(tcase, make_board, close_board);
	tcase_add_test(tcase, what_is_written_is_read);
	tcase_add_test(tcase, rows_are_reused_and_bounded);
	tcase_add_test(tcase, a_name_that_does_not_fit_is_refused);
	tcase_add_test(tcase, no_reader_sees_half_a_record);
	tcase_add_test(tcase, a_killed_writer_blocks_no_reader_and_is_repaired);
	tcase_add_test(tcase, others_may_look_but_not_touch);
	tcase_add_test(tcase, what_is_no_board_is_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
