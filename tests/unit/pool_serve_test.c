/* Connections, and what of them is left when workers die. */
#include <fcntl.h>

#include "unit/pool_fixture.h"

#define WORKERS 3

/* Send a number, and have it back. */
static void say(int fd, unsigned number)
{
	ck_assert_int_eq(write(fd, &number, sizeof number), sizeof number);
}

static bool hear(int fd, unsigned number)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	unsigned answer = ~number;

	while (poll(&polled, 1, 0) == 0)
		ck_assert_int_ge(reeve_loop_run_once(loop, REEVE_MSEC), 0);
	return read(fd, &answer, sizeof answer) == sizeof answer && answer == number;
}

static bool echoes(unsigned number)
{
	int fd = call(&address);
	bool same;

	say(fd, number);
	same = hear(fd, number);
	hang_up(fd);
	return same;
}

START_TEST(connections_are_answered)
{
	start_pool(echoing(WORKERS));
	for (unsigned i = 0; i < 100; i++)
		ck_assert(echoes(i));
	RUN_UNTIL(status().requests == 100);
	RUN_UNTIL(status().idle == WORKERS);
	ck_assert(fcntl(listener, F_GETFL) & O_NONBLOCK);
	stop_pool();
	ck_assert_uint_eq(signalled, 0);
	close(listener);
}
END_TEST

/* Who is in a conversation serves nobody else; nobody waits for it while others are idle. */
START_TEST(each_worker_has_one_connection_at_a_time)
{
	int fds[WORKERS];

	start_pool(echoing(WORKERS));
	for (unsigned i = 0; i < WORKERS; i++) {
		fds[i] = call(&address);
		say(fds[i], i);
		ck_assert(hear(fds[i], i));
	}
	ck_assert_uint_eq(status().busy, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++)
		hang_up(fds[i]);
	stop_pool();
	close(listener);
}
END_TEST

/* The next request of one that was told to go is another's; the present one it ends. */
START_TEST(who_is_to_go_ends_its_connection)
{
	int fd;

	start_pool(echoing(1));
	fd = call(&address);
	say(fd, 1);
	ck_assert(hear(fd, 1));
	ck_assert_int_eq(reeve_pool_stop(pool), 0);
	say(fd, 2);
	ck_assert(hear(fd, 2));
	ck_assert_uint_eq(status().workers, 1);
	hang_up(fd);
	stop_pool();
	ck_assert_uint_eq(last_told(REEVE_POOL_ENDED)->requests, 1);
	close(listener);
}
END_TEST

/* Each worker's limit is its own, between the given one and a quarter more. */
START_TEST(a_worker_is_replaced_after_its_share)
{
	struct reeve_pool_spec spec = echoing(2);
	unsigned i = 0;

	spec.recycle_after = 8;
	start_pool(spec);
	while (told(REEVE_POOL_ENDED, -1) < 6)
		ck_assert(echoes(i++));
	ck_assert_uint_eq(told(REEVE_POOL_ENDED, REEVE_POOL_RECYCLED), told(REEVE_POOL_ENDED, -1));
	for (i = 0; i < notice_count; i++) {
		if (notices[i].event != REEVE_POOL_ENDED)
			continue;
		ck_assert_uint_ge(notices[i].requests, 8);
		ck_assert_uint_le(notices[i].requests, 10);
		ck_assert_int_eq(notices[i].delay, 0);
	}
	stop_pool();
	close(listener);
}
END_TEST

static void take_it(struct reeve_pool_worker *which, int connection, void *data)
{
	static int kept;

	if (kept)
		close(kept);
	kept = connection;
	reeve_pool_worker_take(which);
	(void)!write(connection, "k", 1);
}

START_TEST(a_connection_can_be_kept)
{
	struct reeve_pool_spec spec = echoing(1);
	struct pollfd polled = { .events = POLLIN };
	char byte;

	spec.serve = take_it;
	start_pool(spec);
	polled.fd = call(&address);
	RUN_UNTIL(status().requests == 1);
	ck_assert_int_eq(read(polled.fd, &byte, 1), 1);
	ck_assert_int_eq(poll(&polled, 1, 0), 0); /* open still */
	hang_up(polled.fd);
	stop_pool();
	close(listener);
}
END_TEST

/* Whoever is killed, at whatever moment, each connection that was made is answered, or closed with
 * its worker: none is forgotten. */
START_TEST(no_connection_is_forgotten_when_workers_are_killed)
{
	struct reeve_pool_spec spec = echoing(WORKERS);
	unsigned answered = 0, broken = 0;

	start_pool(spec);
	for (unsigned i = 0; i < 300; i++) {
		pid_t victim = worker(i % WORKERS).pid;
		int fd = call(&address);

		say(fd, i);
		if (victim)
			kill(victim, SIGKILL);
		if (hear(fd, i))
			answered++;
		else
			broken++;
		hang_up(fd);
	}
	ck_assert_uint_ge(answered, 100);
	RUN_UNTIL(status().idle == WORKERS);
	ck_assert_uint_ge(told(REEVE_POOL_ENDED, REEVE_POOL_DIED), 100);
	stop_pool();
	close(listener);
}
END_TEST

/* --- Under load ------------------------------------------------------------------------------- */

#define CLIENTS 4
#define CALLS 150

/* A client, in a process of its own. Its exit status: how many of its calls were broken off. */
static int keep_calling(unsigned number)
{
	int broken = 0;

	for (unsigned i = 0; i < CALLS; i++) {
		unsigned said = number * CALLS + i, heard = ~said;
		int fd = call(&address);

		if (write(fd, &said, sizeof said) != sizeof said ||
			read(fd, &heard, sizeof heard) != sizeof heard || heard != said)
			broken++;
		close(fd);
	}
	return broken;
}

/* Do something to the pool at each turn, until all clients have ended. How many calls were broken. */
static int under_load(void (*disturb)(unsigned turn))
{
	pid_t clients[CLIENTS];
	int broken = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i] = fork();
		ck_assert_int_ge(clients[i], 0);
		if (clients[i] == 0)
			_exit(keep_calling(i));
	}
	for (unsigned turn = 0, left = CLIENTS; left > 0; turn++) {
		disturb(turn);
		ck_assert_int_ge(reeve_loop_run_once(loop, 500 * REEVE_USEC), 0);
		for (unsigned i = 0; i < CLIENTS; i++) {
			int status;

			if (clients[i] && waitpid(clients[i], &status, WNOHANG) == clients[i]) {
				ck_assert(WIFEXITED(status));
				broken += WEXITSTATUS(status);
				clients[i] = 0;
				left--;
			}
		}
	}
	return broken;
}

static void resize_and_recycle(unsigned turn)
{
	if (turn % 3 == 0)
		ck_assert_int_eq(reeve_pool_resize(pool, 1 + turn / 3 % WORKERS), 0);
	if (turn % 20 == 0)
		ck_assert_int_eq(reeve_pool_recycle(pool), 0);
}

static void kill_one(unsigned turn)
{
	pid_t victim = worker(turn % WORKERS).pid;

	resize_and_recycle(turn);
	if (turn % 5 == 0 && victim)
		kill(victim, SIGKILL);
}

/* Who goes when told breaks off nothing; who is killed, one connection at most. Nothing grows. */
START_TEST(what_is_done_to_the_pool_breaks_no_connection_but_those_of_the_killed)
{
	struct reeve_pool_spec spec = echoing(WORKERS);
	int before, broken;

	spec.recycle_after = 10;
	start_pool(spec);
	RUN_UNTIL(status().idle == WORKERS);
	before = count_open_fds();
	broken = under_load(_i ? kill_one : resize_and_recycle);
	ck_assert_int_le(broken, (int)signalled);
	ck_assert_int_eq(signalled > 0, _i);
	ck_assert_int_eq(reeve_pool_resize(pool, WORKERS), 0);
	RUN_UNTIL(status().idle == WORKERS && status().workers == WORKERS);
	ck_assert_int_eq(count_open_fds(), before);
	stop_pool();
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool serve");
	TCase *tcase = leakproof_case("pool serve");

	tcase_add_test(tcase, connections_are_answered);
	tcase_add_test(tcase, each_worker_has_one_connection_at_a_time);
	tcase_add_test(tcase, who_is_to_go_ends_its_connection);
	tcase_add_test(tcase, a_worker_is_replaced_after_its_share);
	tcase_add_test(tcase, a_connection_can_be_kept);
	tcase_add_test(tcase, no_connection_is_forgotten_when_workers_are_killed);
	tcase_add_loop_test(
		tcase, what_is_done_to_the_pool_breaks_no_connection_but_those_of_the_killed, 0, 2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
