/* Log files that the gateway asks for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reeve/channel.h"
#include "support/harness.h"
#include "support/scribe_rig.h"

static struct scribe_rig rig;
static int gateway; /* our end */

static void start(void)
{
	int ends[2];

	rig_start(&rig, NULL);
	ck_assert_int_eq(reeve_channel_pair(ends), 0);
	gateway = ends[0];
	rig.scribe.peers[ROLE_GATEWAY] = ends[1];
}

static void end(void)
{
	rig_end(&rig);
	close(gateway);
}

static void ask(uint32_t stream, uint64_t number)
{
	union message message = { .log_read = {
					  .type = MESSAGE_LOG_READ, .stream = stream, .number = number } };

	scribe_answer(&rig.scribe, &message, -1);
}

/* The descriptor, or the error. */
static int take_answer(uint64_t number)
{
	struct message_log_file answer;
	struct reeve_channel_info info;
	int fd = -1;

	ck_assert_int_eq(reeve_channel_receive(gateway, &answer, sizeof answer, &fd, 1, &info, 0),
		(ssize_t)sizeof answer);
	ck_assert_uint_eq(answer.type, MESSAGE_LOG_FILE);
	ck_assert_uint_eq(answer.number, number);
	ck_assert_int_eq(answer.error == 0, info.descriptor_count == 1);
	return answer.error < 0 ? answer.error : fd;
}

static int open_of(uint32_t stream)
{
	static uint64_t number;

	ask(stream, ++number);
	return take_answer(number);
}

static const char *text_of(uint32_t stream)
{
	static char text[64];
	int fd = open_of(stream);
	ssize_t size;

	ck_assert_int_ge(fd, 0);
	size = pread(fd, text, sizeof text - 1, 0);
	ck_assert_int_ge(size, 0);
	text[size] = '\0';
	close(fd);
	return text;
}

/* A stream with a log, and something in it. */
static int open_stream(const char *name)
{
	struct message_log_open open = log_open_message(0, rig_path(&rig, name));
	int pipe;

	open.max_bytes = 10;
	open.backups = 1;
	pipe = rig_open(&rig, &open);
	rig_print(&rig, pipe, "1234567\n");
	return pipe;
}

START_TEST(the_file_can_be_read_and_no_more)
{
	int pipe = open_stream("log"), fd = open_of(0);

	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	ck_assert_str_eq(text_of(0), "1234567\n");
	rig_print(&rig, pipe, "new\n"); /* and it is rotated */
	rig_print(&rig, pipe, "x\n");
	ck_assert_str_eq(text_of(0), "x\n");
	close(pipe);
}
END_TEST

START_TEST(what_is_no_file_is_not_opened)
{
	struct message_log_open open = log_open_message(1, "/dev/null");
	int null = rig_open(&rig, &open), none;

	open = log_open_message(2, "");
	none = rig_open(&rig, &open);
	ck_assert_int_eq(open_of(0), -ENOENT);
	ck_assert_int_eq(open_of(1), -ENOENT);
	ck_assert_int_eq(open_of(2), -ENOENT);
	ck_assert_int_eq(open_of(1u << 31), -ENOENT);
	ck_assert_int_eq(open_of(STREAM_SELF), -ENOENT);
	close(null);
	close(none);
}
END_TEST

/* Who may write to a log's directory must not have us read for him what he can't. */
START_TEST(what_somebody_put_in_its_place_is_not_opened)
{
	int pipe = open_stream("log");

	put_file(rig_path(&rig, "secret"), "secret");
	ck_assert_int_eq(unlink(rig_path(&rig, "log")), 0);
	ck_assert_int_eq(open_of(0), -ENOENT);
	ck_assert_int_eq(symlink(rig_path(&rig, "secret"), rig_path(&rig, "log")), 0);
	ck_assert_int_eq(open_of(0), -ENOENT);
	ck_assert_int_eq(unlink(rig_path(&rig, "log")), 0);
	ck_assert_int_eq(link(rig_path(&rig, "secret"), rig_path(&rig, "log")), 0);
	ck_assert_int_eq(open_of(0), -ENOENT);
	close(pipe);
}
END_TEST

START_TEST(the_gateway_may_say_nothing_else)
{
	union message message = { .stream = { .type = MESSAGE_LOG_CLEAR } };
	int pipe = open_stream("log");

	scribe_answer(&rig.scribe, &message, -1);
	ck_assert_str_eq(text_of(0), "1234567\n");
	message.type = MESSAGE_LOG_FINISH;
	scribe_answer(&rig.scribe, &message, dup(0));
	ck_assert(!rig.scribe.finishing);
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "dropped a LOG_CLEAR, which is not for it"));
	close(pipe);
}
END_TEST

/* It is stopped, or does not read. */
START_TEST(a_gateway_that_takes_no_answer_holds_up_nothing)
{
	int pipe = open_stream("log");

	for (uint64_t number = 1; number <= 5000; number++)
		ask(0, number);
	close(take_answer(1));
	close(pipe);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scribe_read");
	TCase *tcase = leakproof_case("read");

	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, the_file_can_be_read_and_no_more);
	tcase_add_test(tcase, what_is_no_file_is_not_opened);
	tcase_add_test(tcase, what_somebody_put_in_its_place_is_not_opened);
	tcase_add_test(tcase, the_gateway_may_say_nothing_else);
	tcase_add_test(tcase, a_gateway_that_takes_no_answer_holds_up_nothing);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
