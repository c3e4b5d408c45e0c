#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/channel.h"
#include "support/harness.h"

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

static char directory[64], address[96];

static void make_directory(void)
{
	snprintf(directory, sizeof directory, "/tmp/reeve-channel-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(address, sizeof address, "%s/socket", directory);
}

static void remove_directory(void)
{
	unlink(address);
	ck_assert_msg(rmdir(directory) == 0, "%s is not empty", directory);
}

static void check_talk(int listener, const char *where)
{
	int client = reeve_channel_connect(where, 0), server;
	struct reeve_channel_info info;
	char byte;

	ck_assert_int_ge(client, 0);
	ck_assert_int_eq(send_plain(client, "x"), 0); /* before it is accepted */
	server = reeve_channel_accept(listener, 0);
	ck_assert_int_ge(server, 0);
	ck_assert(is_cloexec(client) && is_cloexec(server));
	ck_assert_int_eq(reeve_channel_receive(server, &byte, 1, NULL, 0, &info, 0), 1);
	ck_assert_int_eq(info.sender.pid, getpid());
	ck_assert_int_eq(send_plain(client, "y"), 0);
	ck_assert_int_eq(send_plain(server, "z"), 0);
	info.sender.pid = 0;
	ck_assert_int_eq(reeve_channel_receive(server, &byte, 1, NULL, 0, &info, 0), 1);
	ck_assert_int_eq(info.sender.pid, getpid());
	info.sender.pid = 0;
	ck_assert_int_eq(reeve_channel_receive(client, &byte, 1, NULL, 0, &info, 0), 1);
	ck_assert_int_eq(info.sender.pid, getpid());
	close(client);
	ck_assert_int_eq(receive_plain(server, &byte, 1), 0);
	close(server);
}

START_TEST(strangers_meet_at_a_path)
{
	int listener = reeve_channel_listen(address, 0600, 0);
	struct stat status;

	ck_assert_int_ge(listener, 0);
	ck_assert(is_cloexec(listener));
	ck_assert_int_eq(stat(address, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFSOCK | 0600);
	check_talk(listener, address);
	close(listener);
	ck_assert_int_eq(reeve_channel_connect(address, 0), -ECONNREFUSED);
	ck_assert_int_eq(reeve_channel_remove(address), 0);
	ck_assert_int_eq(reeve_channel_connect(address, 0), -ENOENT);
	ck_assert_int_eq(reeve_channel_remove(address), -ENOENT);
}
END_TEST

START_TEST(strangers_meet_at_an_abstract_name)
{
	int listener;

	snprintf(address, sizeof address, "@%s", directory);
	listener = reeve_channel_listen(address, 0, 0);
	ck_assert_int_ge(listener, 0);
	check_talk(listener, address);
	ck_assert_int_eq(reeve_channel_listen(address, 0, 0), -EADDRINUSE);
	close(listener);
	ck_assert_int_eq(reeve_channel_connect(address, 0), -ECONNREFUSED);
	ck_assert_int_eq(reeve_channel_remove(address), 0);
}
END_TEST

START_TEST(the_mode_is_as_asked_whatever_the_umask)
{
	mode_t old = umask(0077);
	int listener = reeve_channel_listen(address, 0666, 0);
	struct stat status;

	umask(old);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(stat(address, &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFSOCK | 0666);
	close(listener);
}
END_TEST

START_TEST(a_relative_path_will_do)
{
	int here = open(".", O_PATH | O_CLOEXEC), listener;

	ck_assert_int_eq(chdir(directory), 0);
	listener = reeve_channel_listen("socket", 0600, 0);
	ck_assert_int_ge(listener, 0);
	check_talk(listener, "socket");
	close(listener);
	ck_assert_int_eq(fchdir(here), 0);
	close(here);
}
END_TEST

START_TEST(the_socket_of_a_dead_listener_is_replaced)
{
	for (int i = 0; i < 3; i++) {
		int listener = reeve_channel_listen(address, 0600, 0);

		ck_assert_int_ge(listener, 0);
		check_talk(listener, address);
		ck_assert_int_eq(reeve_channel_listen(address, 0600, 0), -EADDRINUSE);
		close(listener);
	}
}
END_TEST

/* Whoever replaces one keeps all others from the directory meanwhile. */
START_TEST(while_somebody_is_about_to_replace_it_the_address_is_in_use)
{
	int listener = reeve_channel_listen(address, 0600, 0);
	int lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	close(listener);
	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	ck_assert_int_eq(reeve_channel_listen(address, 0600, 0), -EADDRINUSE);
	close(lock);
	listener = reeve_channel_listen(address, 0600, 0);
	ck_assert_int_ge(listener, 0);
	close(listener);
}
END_TEST

START_TEST(a_living_listener_of_another_type_is_left_alone)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(name.sun_path, address, strlen(address));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(reeve_channel_connect(address, 0), -EPROTOTYPE);
	ck_assert_int_eq(reeve_channel_listen(address, 0600, 0), -EADDRINUSE);
	close(fd);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	int fd = open(address, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	ck_assert_int_eq(reeve_channel_listen(address, 0600, 0), -EEXIST);
	ck_assert_int_eq(reeve_channel_remove(address), -ENOTSOCK);
	ck_assert_int_eq(access(address, F_OK), 0);
	close(fd);
}
END_TEST

START_TEST(bad_addresses_are_refused)
{
	char longer[REEVE_CHANNEL_ADDRESS_MAX + 2] = { 0 };

	ck_assert_int_eq(reeve_channel_listen("", 0600, 0), -EINVAL);
	ck_assert_int_eq(reeve_channel_listen("@", 0600, 0), -EINVAL);
	ck_assert_int_eq(reeve_channel_listen("/tmp/", 0600, 0), -EINVAL);
	ck_assert_int_eq(reeve_channel_listen(address, 07777, 0), -EINVAL);
	ck_assert_int_eq(reeve_channel_listen(address, 0600, -1), -EINVAL);
	ck_assert_int_eq(reeve_channel_listen("/nowhere/at/all", 0600, 0), -ENOENT);
	ck_assert_int_eq(reeve_channel_connect("", 0), -EINVAL);
	memset(longer, 'x', sizeof longer - 1);
	ck_assert_int_eq(reeve_channel_listen(longer, 0600, 0), -ENAMETOOLONG);
	ck_assert_int_eq(reeve_channel_connect(longer, 0), -ENAMETOOLONG);
}
END_TEST

/* Of those that find a dead socket at once exactly one wins, and it can be talked to. */
START_TEST(of_many_that_listen_at_once_one_succeeds)
{
	enum { RACERS = 8 };

	for (int round = 0; round < 20; round++) {
		int gate[2], verdict[2], hold[2], winners = 0, client;
		char result;

		ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
		ck_assert_int_eq(pipe2(verdict, O_CLOEXEC), 0);
		ck_assert_int_eq(pipe2(hold, O_CLOEXEC), 0);
		for (int i = 0; i < RACERS; i++)
			if (fork() == 0) {
				int listener;

				close(gate[1]);
				close(hold[1]);
				(void)!read(gate[0], &result, 1); /* until the parent opens it */
				listener = reeve_channel_listen(address, 0600, 0);
				result = listener >= 0 ? 'w' : listener == -EADDRINUSE ? 'l' : '?';
				(void)!write(verdict[1], &result, 1);
				(void)!read(hold[0], &result, 1);
				_exit(0);
			}
		close(gate[0]);
		close(gate[1]);
		for (int i = 0; i < RACERS; i++) {
			ck_assert_int_eq(read(verdict[0], &result, 1), 1);
			ck_assert_int_ne(result, '?');
			winners += result == 'w';
		}
		ck_assert_int_eq(winners, 1);
		close(verdict[0]);
		close(verdict[1]);
		client = reeve_channel_connect(address, REEVE_SEC);
		ck_assert_int_ge(client, 0);
		close(client);
		close(hold[0]);
		close(hold[1]);
		while (wait(NULL) > 0)
			;
	}
}
END_TEST

START_TEST(connecting_waits_for_room_until_the_deadline)
{
	int listener = reeve_channel_listen(address, 0600, 1), clients[64], count = 0;
	reeve_nsec before;

	ck_assert_int_ge(listener, 0);
	while (count < 64 && (clients[count] = reeve_channel_connect(address, 0)) >= 0)
		count++;
	ck_assert_int_lt(count, 64);
	ck_assert_int_eq(clients[count], -ETIMEDOUT);
	before = reeve_now();
	ck_assert_int_eq(reeve_channel_connect(address, 30 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 25 * REEVE_MSEC);
	close(reeve_channel_accept(listener, 0));
	clients[count] = reeve_channel_connect(address, 0);
	ck_assert_int_ge(clients[count], 0);
	for (; count >= 0; count--)
		close(clients[count]);
	close(listener);
}
END_TEST

START_TEST(accepting_keeps_the_deadline)
{
	int listener = reeve_channel_listen(address, 0600, 0);
	reeve_nsec before = reeve_now();

	ck_assert_int_eq(reeve_channel_accept(listener, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_channel_accept(listener, 20 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - before, 20 * REEVE_MSEC);
	ck_assert_int_eq(reeve_channel_accept(listener, -7), -EINVAL);
	ck_assert_int_eq(reeve_channel_accept(STDIN_FILENO, 0), -ENOTSOCK);
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("channel address");
	TCase *tcase = leakproof_case("channel address");

	tcase_add_checked_fixture(tcase, make_directory, remove_directory);
	tcase_add_test(tcase, strangers_meet_at_a_path);
	tcase_add_test(tcase, strangers_meet_at_an_abstract_name);
	tcase_add_test(tcase, the_mode_is_as_asked_whatever_the_umask);
	tcase_add_test(tcase, a_relative_path_will_do);
	tcase_add_test(tcase, the_socket_of_a_dead_listener_is_replaced);
	tcase_add_test(tcase, while_somebody_is_about_to_replace_it_the_address_is_in_use);
	tcase_add_test(tcase, a_living_listener_of_another_type_is_left_alone);
	tcase_add_test(tcase, what_is_no_socket_is_left_alone);
	tcase_add_test(tcase, bad_addresses_are_refused);
	tcase_add_test(tcase, of_many_that_listen_at_once_one_succeeds);
	tcase_add_test(tcase, connecting_waits_for_room_until_the_deadline);
	tcase_add_test(tcase, accepting_keeps_the_deadline);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
