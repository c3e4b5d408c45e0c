#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/channel.h"
#include "support/harness.h"

static int ends[2];

static void open_pair(void)
{
	ck_assert_int_eq(reeve_channel_pair(ends), 0);
}

static void close_pair(void)
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

static void close_end(int i)
{
	close(ends[i]);
	ends[i] = -1;
}

static ssize_t receive_plain(int channel, void *data, size_t size)
{
	return reeve_channel_receive(channel, data, size, NULL, 0, NULL, 0);
}

static int send_plain(int channel, const char *text)
{
	return reeve_channel_send(channel, text, strlen(text), NULL, 0, 0);
}

static bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* Messages. */

START_TEST(messages_arrive_whole_and_in_order)
{
	char text[16];

	for (int i = 1; i <= 9; i++)
		ck_assert_int_eq(reeve_channel_send(ends[0], "123456789", i, NULL, 0, 0), 0);
	for (int i = 1; i <= 9; i++)
		ck_assert_int_eq(receive_plain(ends[1], text, sizeof text), i);
	ck_assert_int_eq(receive_plain(ends[1], text, sizeof text), -ETIMEDOUT);
}
END_TEST

START_TEST(both_ends_are_closed_on_exec)
{
	ck_assert(is_cloexec(ends[0]));
	ck_assert(is_cloexec(ends[1]));
}
END_TEST

START_TEST(a_message_needs_a_byte)
{
	char byte;

	ck_assert_int_eq(reeve_channel_send(ends[0], "", 0, NULL, 0, 0), -EINVAL);
	ck_assert_int_eq(receive_plain(ends[1], &byte, 0), -EINVAL);
	ck_assert_int_eq(send(ends[0], "", 0, 0), 0);
	ck_assert_int_eq(receive_plain(ends[1], &byte, 1), -EBADMSG);
	ck_assert_int_eq(receive_plain(ends[1], &byte, 1), -ETIMEDOUT);
}
END_TEST

START_TEST(a_message_too_long_for_the_room_is_gone)
{
	char text[4];

	ck_assert_int_eq(send_plain(ends[0], "12345"), 0);
	ck_assert_int_eq(send_plain(ends[0], "1234"), 0);
	ck_assert_int_eq(receive_plain(ends[1], text, sizeof text), -EMSGSIZE);
	ck_assert_int_eq(receive_plain(ends[1], text, sizeof text), 4);
}
END_TEST

START_TEST(a_message_too_long_for_the_socket_is_refused)
{
	static char data[1 << 20];

	ck_assert_int_eq(
		reeve_channel_send(ends[0], data, sizeof data, NULL, 0, REEVE_FOREVER), -EMSGSIZE);
}
END_TEST

START_TEST(a_full_queue_is_waited_for_until_the_deadline)
{
	static char data[65536];
	reeve_nsec before = reeve_now();
	int r, sent = 0;

	while ((r = reeve_channel_send(ends[0], data, sizeof data, NULL, 0, 0)) == 0)
		sent++;
	ck_assert_int_eq(r, -ETIMEDOUT);
	ck_assert_int_ge(sent, 2);
	ck_assert_int_eq(reeve_channel_send(ends[0], data, sizeof data, NULL, 0, 20 * REEVE_MSEC),
		-ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 20 * REEVE_MSEC);
	while (sent-- > 0)
		ck_assert_int_eq(receive_plain(ends[1], data, sizeof data), sizeof data);
	ck_assert_int_eq(reeve_channel_send(ends[0], data, sizeof data, NULL, 0, 0), 0);
}
END_TEST

static void *drain(void *unused)
{
	static char data[65536];
	ssize_t size;

	while ((size = reeve_channel_receive(
			ends[1], data, sizeof data, NULL, 0, NULL, REEVE_FOREVER)) > 1)
		;
	return (void *)(intptr_t)size;
}

START_TEST(a_sender_that_waits_goes_on_when_there_is_room)
{
	static char data[65536];
	pthread_t thread;
	void *result;

	ck_assert_int_eq(pthread_create(&thread, NULL, drain, NULL), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(
			reeve_channel_send(ends[0], data, sizeof data, NULL, 0, REEVE_FOREVER), 0);
	ck_assert_int_eq(reeve_channel_send(ends[0], "x", 1, NULL, 0, REEVE_FOREVER), 0);
	pthread_join(thread, &result);
	ck_assert_int_eq((intptr_t)result, 1);
}
END_TEST

START_TEST(receiving_keeps_the_deadline)
{
	reeve_nsec before = reeve_now();
	char byte;

	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, NULL, 0, NULL, 20 * REEVE_MSEC),
		-ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 20 * REEVE_MSEC);
	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, NULL, 0, NULL, -7), -EINVAL);
	ck_assert_int_eq(reeve_channel_send(ends[1], &byte, 1, NULL, 0, -7), -EINVAL);
}
END_TEST

/* The peer goes. */

START_TEST(a_closed_peer_is_an_outcome_after_its_last_message)
{
	char text[4];

	ck_assert_int_eq(send_plain(ends[0], "last"), 0);
	close_end(0);
	ck_assert_int_eq(receive_plain(ends[1], text, sizeof text), 4);
	ck_assert_int_eq(receive_plain(ends[1], text, sizeof text), 0);
	ck_assert_int_eq(receive_plain(ends[1], text, sizeof text), 0);
	ck_assert_int_eq(send_plain(ends[1], "x"), -EPIPE);
}
END_TEST

/* Then the kernel says ECONNRESET first, once. */
START_TEST(a_peer_that_closed_with_messages_unread_is_the_same_outcome)
{
	char text[4];

	ck_assert_int_eq(send_plain(ends[1], "never read"), 0);
	ck_assert_int_eq(send_plain(ends[0], "last"), 0);
	close_end(0);
	ck_assert_int_eq(receive_plain(ends[1], text, sizeof text), 4);
	ck_assert_int_eq(receive_plain(ends[1], text, sizeof text), 0);
}
END_TEST

START_TEST(sending_to_a_peer_that_closed_with_messages_unread_is_epipe)
{
	ck_assert_int_eq(send_plain(ends[1], "never read"), 0);
	close_end(0);
	ck_assert_int_eq(send_plain(ends[1], "x"), -EPIPE);
	ck_assert_int_eq(send_plain(ends[1], "x"), -EPIPE);
}
END_TEST

/* Descriptors. */

static void send_copies(int fd, size_t count)
{
	int fds[REEVE_CHANNEL_DESCRIPTORS_MAX];

	for (size_t i = 0; i < count; i++)
		fds[i] = fd;
	ck_assert_int_eq(reeve_channel_send(ends[0], "x", 1, fds, count, 0), 0);
}

START_TEST(descriptors_arrive_as_copies_closed_on_exec)
{
	int sent[3] = { STDIN_FILENO, ends[0], ends[1] };
	struct reeve_channel_info info;
	int received[3];
	char byte;

	ck_assert_int_eq(reeve_channel_send(ends[0], "x", 1, sent, 3, 0), 0);
	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, received, 3, &info, 0), 1);
	ck_assert_uint_eq(info.descriptor_count, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_ne(received[i], sent[i]);
		ck_assert(same_file(received[i], sent[i]));
		ck_assert(is_cloexec(received[i]));
		close(received[i]);
	}
}
END_TEST

START_TEST(as_many_descriptors_as_the_kernel_takes)
{
	static int received[REEVE_CHANNEL_DESCRIPTORS_MAX];
	struct reeve_channel_info info;
	char byte;

	send_copies(ends[0], REEVE_CHANNEL_DESCRIPTORS_MAX);
	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, received,
				 REEVE_CHANNEL_DESCRIPTORS_MAX, &info, 0),
		1);
	ck_assert_uint_eq(info.descriptor_count, REEVE_CHANNEL_DESCRIPTORS_MAX);
	for (size_t i = 0; i < info.descriptor_count; i++)
		close(received[i]);
	ck_assert_int_eq(
		reeve_channel_send(ends[0], "x", 1, received, REEVE_CHANNEL_DESCRIPTORS_MAX + 1, 0),
		-EINVAL);
}
END_TEST

/* Whatever the numbers, no descriptor stays: the fixture counts. */
START_TEST(more_descriptors_than_room_are_closed)
{
	struct reeve_channel_info info = { .descriptor_count = 77 };
	int received[4] = { -7, -7, -7, -7 };
	char byte;

	for (size_t room = 0; room < 4; room++) {
		send_copies(ends[0], room + 1);
		ck_assert_int_eq(reeve_channel_receive(
					 ends[1], &byte, 1, room ? received : NULL, room, &info, 0),
			-EMSGSIZE);
	}
	ck_assert_uint_eq(info.descriptor_count, 77);
	ck_assert_int_eq(received[0], -7);
}
END_TEST

START_TEST(descriptors_of_a_message_too_long_are_closed)
{
	struct reeve_channel_info info;
	int received[2];
	char byte;

	ck_assert_int_eq(reeve_channel_send(ends[0], "xy", 2, ends, 2, 0), 0);
	ck_assert_int_eq(
		reeve_channel_receive(ends[1], &byte, 1, received, 2, &info, 0), -EMSGSIZE);
}
END_TEST

START_TEST(descriptors_beyond_the_limit_of_open_files_are_an_error)
{
	struct reeve_channel_info info;
	struct rlimit old, limit;
	int received[8];
	char byte;

	send_copies(ends[0], 8);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = count_open_fds() + 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, received, 8, &info, 0), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
}
END_TEST

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

/* Somebody may have asked the kernel for a pidfd with each message: it does not leak. */
START_TEST(a_descriptor_that_only_the_kernel_sent_is_closed)
{
	struct reeve_channel_info info;
	const int on = 1;
	int received;
	char byte;

	if (setsockopt(ends[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof on) < 0)
		return; /* Linux before 6.5 */
	ck_assert_int_eq(reeve_channel_send(ends[0], "x", 1, ends, 1, 0), 0);
	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, &received, 1, &info, 0), 1);
	ck_assert_uint_eq(info.descriptor_count, 1);
	ck_assert_int_eq(info.sender.pid, getpid());
	ck_assert(same_file(received, ends[0]));
	close(received);
}
END_TEST

START_TEST(a_descriptor_that_is_none_is_refused_and_nothing_sent)
{
	int bad = -1;
	char byte;

	ck_assert_int_eq(reeve_channel_send(ends[0], "x", 1, &bad, 1, 0), -EBADF);
	ck_assert_int_eq(receive_plain(ends[1], &byte, 1), -ETIMEDOUT);
}
END_TEST

START_TEST(descriptors_need_somewhere_to_go)
{
	struct reeve_channel_info info;
	int fd;
	char byte;

	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, NULL, 1, &info, 0), -EINVAL);
	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, &fd, 1, NULL, 0), -EINVAL);
}
END_TEST

/* Credentials. */

START_TEST(each_message_tells_who_sent_it)
{
	struct reeve_channel_info info;
	char byte;
	pid_t child = fork();

	if (child == 0)
		_exit((getuid() == 0 &&
			      (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))) ||
			send_plain(ends[0], "x"));
	ck_assert_int_eq(
		reeve_channel_receive(ends[1], &byte, 1, NULL, 0, &info, REEVE_FOREVER), 1);
	ck_assert_int_eq(info.sender.pid, child);
	ck_assert_uint_eq(info.sender.uid, getuid() == 0 ? 65534 : getuid());
	ck_assert_uint_eq(info.descriptor_count, 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(send_plain(ends[0], "x"), 0);
	ck_assert_int_eq(reeve_channel_receive(ends[1], &byte, 1, NULL, 0, &info, 0), 1);
	ck_assert_int_eq(info.sender.pid, getpid());
	ck_assert_uint_eq(info.sender.gid, getgid());
}
END_TEST

START_TEST(the_peer_is_who_made_the_other_end)
{
	struct reeve_channel_credentials peer;

	ck_assert_int_eq(reeve_channel_peer(ends[0], &peer), 0);
	ck_assert_int_eq(peer.pid, getpid());
	ck_assert_uint_eq(peer.uid, getuid());
	ck_assert_int_eq(reeve_channel_peer(STDIN_FILENO, &peer), -ENOTSOCK);
}
END_TEST

START_TEST(adopting_prepares_a_foreign_socket)
{
	struct reeve_channel_info info;
	int fds[2];
	char byte;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	ck_assert_int_eq(send_plain(fds[1], "x"), 0);
	ck_assert_int_eq(reeve_channel_receive(fds[0], &byte, 1, NULL, 0, &info, 0), 1);
	ck_assert_int_eq(info.sender.pid, 0);
	ck_assert_uint_eq(info.sender.uid, (uid_t)-1);
	ck_assert_int_eq(send_plain(fds[1], "x"), 0);
	ck_assert_int_eq(reeve_channel_adopt(fds[0]), 0);
	ck_assert_int_eq(reeve_channel_receive(fds[0], &byte, 1, NULL, 0, &info, 0), 1);
	ck_assert_uint_ne(info.sender.uid, 0);
	ck_assert(is_cloexec(fds[0]));
	ck_assert_int_eq(send_plain(fds[1], "x"), 0);
	ck_assert_int_eq(reeve_channel_receive(fds[0], &byte, 1, NULL, 0, &info, 0), 1);
	ck_assert_int_eq(info.sender.pid, getpid());
	close(fds[1]);
	ck_assert_int_eq(reeve_channel_adopt(fds[0]), 0); /* the peer being dead is no matter */
	close(fds[0]);
}
END_TEST

START_TEST(what_is_no_channel_is_not_adopted)
{
	static const struct {
		int domain, type;
	} wrong[] = {
		{ AF_UNIX, SOCK_STREAM }, { AF_UNIX, SOCK_DGRAM }, { AF_INET, SOCK_STREAM },
		{ AF_UNIX, SOCK_SEQPACKET }, /* not connected */
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int fd = socket(wrong[i].domain, wrong[i].type, 0);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(reeve_channel_adopt(fd), -EPROTOTYPE);
		ck_assert(!is_cloexec(fd));
		close(fd);
	}
	ck_assert_int_eq(reeve_channel_adopt(-1), -EBADF);
	ck_assert_int_eq(reeve_channel_adopt(STDIN_FILENO), -ENOTSOCK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("channel");
	TCase *tcase = leakproof_case("channel");

	tcase_add_checked_fixture(tcase, open_pair, close_pair);
	tcase_add_test(tcase, messages_arrive_whole_and_in_order);
	tcase_add_test(tcase, both_ends_are_closed_on_exec);
	tcase_add_test(tcase, a_message_needs_a_byte);
	tcase_add_test(tcase, a_message_too_long_for_the_room_is_gone);
	tcase_add_test(tcase, a_message_too_long_for_the_socket_is_refused);
	tcase_add_test(tcase, a_full_queue_is_waited_for_until_the_deadline);
	tcase_add_test(tcase, a_sender_that_waits_goes_on_when_there_is_room);
	tcase_add_test(tcase, receiving_keeps_the_deadline);
	tcase_add_test(tcase, a_closed_peer_is_an_outcome_after_its_last_message);
	tcase_add_test(tcase, a_peer_that_closed_with_messages_unread_is_the_same_outcome);
	tcase_add_test(tcase, sending_to_a_peer_that_closed_with_messages_unread_is_epipe);
	tcase_add_test(tcase, descriptors_arrive_as_copies_closed_on_exec);
	tcase_add_test(tcase, as_many_descriptors_as_the_kernel_takes);
	tcase_add_test(tcase, more_descriptors_than_room_are_closed);
	tcase_add_test(tcase, descriptors_of_a_message_too_long_are_closed);
	tcase_add_test(tcase, descriptors_beyond_the_limit_of_open_files_are_an_error);
	tcase_add_test(tcase, a_descriptor_that_only_the_kernel_sent_is_closed);
	tcase_add_test(tcase, a_descriptor_that_is_none_is_refused_and_nothing_sent);
	tcase_add_test(tcase, descriptors_need_somewhere_to_go);
	tcase_add_test(tcase, each_message_tells_who_sent_it);
	tcase_add_test(tcase, the_peer_is_who_made_the_other_end);
	tcase_add_test(tcase, adopting_prepares_a_foreign_socket);
	tcase_add_test(tcase, what_is_no_channel_is_not_adopted);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
