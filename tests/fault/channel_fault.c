#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "reeve/channel.h"
#include "support/each_fault.h"

static char directory[64], address[96];

static void make_directory(void)
{
	snprintf(directory, sizeof directory, "/tmp/reeve-channel-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(address, sizeof address, "%s/socket", directory);
}

/* Nothing but the socket may be left. */
static void remove_directory(void)
{
	unlink(address);
	ck_assert_msg(rmdir(directory) == 0, "%s is not empty", directory);
}

static int talk(void)
{
	CLEANUP_FD int a = -EBADF, b = -EBADF, received = -EBADF;
	struct reeve_channel_credentials peer;
	struct reeve_channel_info info;
	int ends[2], r;
	char byte;

	TRY(reeve_channel_pair(ends));
	a = ends[0];
	b = ends[1];
	TRY(reeve_channel_adopt(b));
	TRY(reeve_channel_peer(a, &peer));
	TRY(reeve_channel_send(a, "x", 1, &a, 1, REEVE_SEC));
	TRY((int)reeve_channel_receive(b, &byte, 1, &received, 1, &info, REEVE_SEC));
	r = (int)reeve_channel_receive(b, &byte, 1, NULL, 0, NULL, 0);
	return r == -ETIMEDOUT ? 0 : r;
}

START_TEST(talking)
{
	fail_each_call(talk, EIO, NULL);
	fail_each_call(talk, ENOMEM, NULL);
}
END_TEST

/* Also where what is sent does not fit: the descriptor in it is closed whatever fails. */
static int overflow(void)
{
	CLEANUP_FD int a = -EBADF, b = -EBADF;
	int ends[2], r;
	char byte;

	TRY(reeve_channel_pair(ends));
	a = ends[0];
	b = ends[1];
	TRY(reeve_channel_send(a, "xy", 2, ends, 2, 0));
	r = (int)reeve_channel_receive(b, &byte, 1, NULL, 0, NULL, 0);
	return r == -EMSGSIZE ? 0 : r;
}

START_TEST(overflowing)
{
	fail_each_call(overflow, EIO, NULL);
}
END_TEST

static int meet(void)
{
	CLEANUP_FD int listener = -EBADF, client = -EBADF, server = -EBADF;

	listener = reeve_channel_listen(address, 0600, 0);
	TRY(listener);
	client = reeve_channel_connect(address, REEVE_SEC);
	TRY(client);
	server = reeve_channel_accept(listener, REEVE_SEC);
	TRY(server);
	TRY(reeve_channel_send(client, "x", 1, NULL, 0, 0));
	return 0;
}

static int meet_and_part(void)
{
	int r = meet();

	unlink(address);
	return r;
}

/* Here it finds what it left the time before, and replaces it. */
static int meet_again(void)
{
	TRY(meet());
	return 0;
}

START_TEST(meeting)
{
	fail_each_call(meet_and_part, EIO, NULL);
	fail_each_call(meet_and_part, EMFILE, NULL);
}
END_TEST

START_TEST(replacing_a_dead_listener)
{
	/* That the name is taken is no failure but what was expected. */
	static const char *const absorbed[] = { "linkat", NULL };

	ck_assert_int_eq(meet(), 0);
	fail_each_call(meet_again, EIO, absorbed);
}
END_TEST

static int meet_in_the_abstract(void)
{
	snprintf(address, sizeof address, "@%s", directory);
	return meet();
}

START_TEST(meeting_at_an_abstract_name)
{
	fail_each_call(meet_in_the_abstract, EIO, NULL);
}
END_TEST

static int remove_socket(void)
{
	int listener = reeve_channel_listen(address, 0600, 0);

	TRY(listener);
	close(listener);
	return reeve_channel_remove(address);
}

START_TEST(removing)
{
	fail_each_call(remove_socket, EIO, NULL);
}
END_TEST

/* The second call, of the kernel or for memory, would fail. */
START_TEST(a_message_is_one_system_call_at_each_end)
{
	struct reeve_channel_info info;
	int ends[2], fds[3];
	char byte;

	ck_assert_int_eq(reeve_channel_pair(ends), 0);
	fds[0] = fds[1] = fds[2] = ends[0];
	faulty_arm(2, EIO);
	ck_assert_int_eq(reeve_channel_send(ends[0], "x", 1, fds, 3, REEVE_SEC), 0);
	ck_assert(!faulty_fired());
	faulty_arm(2, EIO);
	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, fds, 3, &info, REEVE_SEC), 1);
	ck_assert(!faulty_fired());
	faulty_arm(0, 0);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("channel fault");
	TCase *tcase = leakproof_case("channel fault");

	tcase_add_checked_fixture(tcase, make_directory, remove_directory);
	tcase_add_test(tcase, talking);
	tcase_add_test(tcase, overflowing);
	tcase_add_test(tcase, meeting);
	tcase_add_test(tcase, replacing_a_dead_listener);
	tcase_add_test(tcase, meeting_at_an_abstract_name);
	tcase_add_test(tcase, removing);
	tcase_add_test(tcase, a_message_is_one_system_call_at_each_end);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
