/* Targets that are no files: pipes, FIFOs, sockets, devices, and the supervisor's own descriptors. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reeve/pipe.h"
#include "support/harness.h"
#include "support/scribe_rig.h"

START_TEST(dev_null_takes_all)
{
	struct scribe_rig rig;
	struct message_log_open open;
	struct stat status;
	int pipe;

	rig_start(&rig, NULL);
	ck_assert_int_eq(symlink("/dev/null", rig_path(&rig, "null")), 0);
	open = log_open_message(0, rig_path(&rig, "null"));
	open.max_bytes = 1;
	open.backups = 1;
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "1234\n");
	rig_send(&rig, MESSAGE_LOG_CLEAR, 0);
	ck_assert_int_eq(lstat(open.path, &status), 0);
	ck_assert(S_ISLNK(status.st_mode));
	ck_assert_int_eq(file_size(rig_path(&rig, "null.1")), -1);
	ck_assert_str_eq(rig_log(&rig), "");
	close(pipe);
	rig_end(&rig);
}
END_TEST

/* A reader that does not read holds up its own stream, not the other, and loses nothing. */
static void check_slow_reader(const char *path, int reader, bool strips)
{
	struct scribe_rig rig;
	struct message_log_open open;
	static char data[8192], back[1 << 20];
	size_t written = 0, got = 0;
	int slow, quick;

	rig_start(&rig, NULL);
	open = log_open_message(0, path);
	open.strip_ansi = strips;
	open.max_bytes = 100; /* never for what is no file */
	slow = rig_open(&rig, &open);
	open = log_open_message(1, rig_path(&rig, "log"));
	quick = rig_open(&rig, &open);
	fcntl(slow, F_SETFL, O_NONBLOCK);
	for (;;) {
		ssize_t n;

		for (size_t i = 0; i < sizeof data; i++)
			data[i] = (char)('a' + (written + i) % 26);
		n = write(slow, data, sizeof data);
		rig_run(&rig);
		if (n <= 0)
			break;
		written += (size_t)n;
		rig_print(&rig, quick, "quick\n");
	}
	ck_assert_uint_gt(written, 65536);
	rig_print(&rig, quick, "end\n");
	ck_assert_ptr_nonnull(strstr(file_text(open.path), "end\n"));
	while (got < written) {
		ssize_t n = read(reader, back + got, sizeof back - got);

		if (n > 0)
			got += (size_t)n;
		ck_assert_int_ge(reeve_loop_run_once(rig.scribe.loop, n > 0 ? 0 : REEVE_SEC), 0);
	}
	ck_assert_uint_eq(got, written);
	for (size_t i = 0; i < got; i++)
		ck_assert_int_eq(back[i], (char)('a' + i % 26));
	ck_assert_str_eq(rig_log(&rig), "");
	close(slow);
	close(quick);
	rig_end(&rig);
}

START_TEST(a_fifo_has_its_own_pace)
{
	char path[] = "/tmp/scribe-fifo-XXXXXX";
	int reader;

	ck_assert_ptr_nonnull(mkdtemp(path));
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	check_slow_reader(path, reader, _i == 1);
	close(reader);
	unlink(path);
}
END_TEST

/* Put something else behind descriptor 1 for a while. */
static int swap_stdout(int fd)
{
	int kept = dup(STDOUT_FILENO);

	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	return kept;
}

static void swap_back(int kept)
{
	dup2(kept, STDOUT_FILENO);
	close(kept);
}

START_TEST(stdout_as_a_pipe_has_its_own_pace_and_stays_blocking)
{
	int ends[2], kept;

	ck_assert_int_eq(reeve_pipe_open(REEVE_PIPE_NONBLOCKING_READ, ends), 0);
	kept = swap_stdout(ends[1]);
	check_slow_reader(_i == 0 ? "/dev/stdout" : "/dev/fd/1", ends[0], _i == 2);
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	swap_back(kept);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* systemd's journal: a socket can't be opened by its path. */
START_TEST(stdout_as_a_socket_has_its_own_pace)
{
	int ends[2], kept;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	kept = swap_stdout(ends[1]);
	check_slow_reader("/dev/stdout", ends[0], false);
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	swap_back(kept);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(stdout_as_a_file_shares_its_place)
{
	struct scribe_rig rig;
	struct message_log_open open_message;
	int file, kept, pipe;

	rig_start(&rig, NULL);
	file = open(rig_path(&rig, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	kept = swap_stdout(file);
	open_message = log_open_message(0, "/dev/stdout");
	open_message.max_bytes = 4;
	open_message.backups = 1;
	pipe = rig_open(&rig, &open_message);
	rig_print(&rig, pipe, "12345\n");
	ck_assert_int_eq(write(file, "shell\n", 6), 6);
	rig_print(&rig, pipe, "67890\n");
	ck_assert_str_eq(file_text(rig_path(&rig, "out")), "12345\nshell\n67890\n");
	swap_back(kept);
	close(file);
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(a_descriptor_that_is_not_the_supervisors_is_refused)
{
	struct scribe_rig rig;
	struct message_log_open open;

	rig_start(&rig, NULL);
	open = log_open_message(0, "/dev/fd/3");
	close(rig_open(&rig, &open));
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "/dev/fd/3 cannot be written: Bad file descriptor"));
	rig_end(&rig);
}
END_TEST

START_TEST(a_fifo_without_a_reader_drops)
{
	struct scribe_rig rig;
	struct message_log_open open_message;
	int pipe, reader;

	rig_start(&rig, NULL);
	ck_assert_int_eq(mkfifo(rig_path(&rig, "fifo"), 0600), 0);
	open_message = log_open_message(0, rig_path(&rig, "fifo"));
	pipe = rig_open(&rig, &open_message);
	rig_print(&rig, pipe, "nobody\n");
	reader = open(rig_path(&rig, "fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	rig_print_later(&rig, pipe, "somebody\n");
	{
		char text[32] = "";

		ck_assert_int_eq(read(reader, text, sizeof text - 1), 9);
		ck_assert_str_eq(text, "somebody\n");
	}
	close(reader);
	rig_print(&rig, pipe, "gone\n"); /* EPIPE, and no signal */
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "Broken pipe"));
	close(pipe);
	rig_end(&rig);
}
END_TEST

START_TEST(own_log_goes_to_file_and_terminal)
{
	struct scribe_rig rig;
	struct message_log_open open;
	int ends[2], kept, pipe;
	char text[32] = "";

	ck_assert_int_eq(reeve_pipe_open(REEVE_PIPE_NONBLOCKING_READ, ends), 0);
	kept = swap_stdout(ends[1]);
	rig_start(&rig, NULL);
	open = log_open_message(STREAM_SELF, rig_path(&rig, "log"));
	open.to_stdout = 1;
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "a line\n");
	ck_assert_str_eq(file_text(open.path), "a line\n");
	ck_assert_int_eq(read(ends[0], text, sizeof text - 1), 7);
	ck_assert_str_eq(text, "a line\n");
	close(pipe);
	rig_end(&rig);
	swap_back(kept);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scribe_other");
	TCase *others = leakproof_case("others");

	tcase_add_test(others, dev_null_takes_all);
	tcase_add_loop_test(others, a_fifo_has_its_own_pace, 0, 2);
	tcase_add_loop_test(others, stdout_as_a_pipe_has_its_own_pace_and_stays_blocking, 0, 3);
	tcase_add_test(others, stdout_as_a_socket_has_its_own_pace);
	tcase_add_test(others, stdout_as_a_file_shares_its_place);
	tcase_add_test(others, a_descriptor_that_is_not_the_supervisors_is_refused);
	tcase_add_test(others, a_fifo_without_a_reader_drops);
	tcase_add_test(others, own_log_goes_to_file_and_terminal);
	suite_add_tcase(suite, others);
	return run_suite(suite);
}
