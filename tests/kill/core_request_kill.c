/* A core that is killed before and after each of its system calls while it does what a client asks for. The gateway
 * asks its successor again, and what was asked for has been done then, once: no program runs twice, none is missing,
 * nothing comes back that was removed, and what nobody spoke of goes on. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "board/states.h"
#include "support/core_rig.h"
#include "support/harness.h"

/* It must have been killed at so many places at least, and ends before so many. */
#define PLACES_LEAST 6
#define PLACES_MOST 2000

#define A "[program:a]\ncommand = /bin/cat\nstartsecs = 0\n"
#define B "[program:b]\ncommand = /bin/cat\nstartsecs = 0\nautostart = false\nnumprocs = 2\nprocess_name = b%(process_num)d\n"
#define C "[program:c]\ncommand = /bin/cat\nstartsecs = 0\nnumprocs = 2\nprocess_name = c%(process_num)d\n"

static struct core_rig rig;
static pid_t pid_of_a;

static void begin(void)
{
	rig_start(&rig, A B);
	rig_wait_state(&rig, "a", "a", STATE_RUNNING);
	pid_of_a = rig_record(&rig, "a", "a").pid;
}

static void resume(enum __ptrace_request how, int signo)
{
	ck_assert_int_eq(ptrace(how, rig.core, NULL, (void *)(intptr_t)signo), 0);
}

/* Wait for its next stop, and return the signal that it is to have. */
static int wait_stop(void)
{
	int status;

	ck_assert_int_eq(waitpid(rig.core, &status, __WALL), rig.core);
	ck_assert_msg(WIFSTOPPED(status), "the core has ended by itself");
	if (status >> 16 == PTRACE_EVENT_STOP || WSTOPSIG(status) == (SIGTRAP | 0x80))
		return 0;
	return WSTOPSIG(status);
}

static void seize(void)
{
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, rig.core, NULL, (void *)PTRACE_O_TRACESYSGOOD), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, rig.core, NULL, NULL), 0);
	wait_stop();
}

/* Let it go as far as its n-th stop, at the beginning or the end of a system call, and kill it there. Returns whether it
 * got so far before it had answered. */
static bool kill_at_stop(int n, uint64_t number)
{
	int signo = 0;

	while (n-- > 0) {
		resume(PTRACE_SYSCALL, signo);
		signo = wait_stop();
		rig_hear(&rig);
		if (rig_has_answer(&rig, number)) {
			resume(PTRACE_DETACH, signo);
			return false;
		}
	}
	rig_kill_core(&rig);
	rig_start_core(&rig);
	ck_assert(rig.ready);
	return true;
}

static uint64_t ask(enum request_kind kind, const char *group, const char *name, bool again)
{
	struct message_request request = { .kind = kind, .wait = 1, .again = again };

	snprintf(request.group, sizeof request.group, "%s", group);
	snprintf(request.name, sizeof request.name, "%s", name);
	return rig_send(&rig, &request, NULL);
}

static bool kill_during(int n, enum request_kind kind, const char *group, const char *name)
{
	uint64_t number;
	bool killed;

	seize();
	number = ask(kind, group, name, false);
	killed = kill_at_stop(n, number);
	if (killed)
		number = ask(kind, group, name, true);
	ck_assert_int_eq(rig_answer(&rig, number, NULL)->fault, FAULT_SUCCESS);
	ck_assert_int_eq(rig_record(&rig, "a", "a").pid, pid_of_a);
	ck_assert_uint_eq(rig_record(&rig, "a", "a").starts, 1);
	return killed;
}

/* As many programs run as the board says, and the board has as many rows. */
static void check(unsigned rows, unsigned running)
{
	struct board_record record;
	unsigned found = 0;

	RIG_UNTIL(&rig, rig_count_state(&rig, STATE_RUNNING) == running);
	for (uint32_t row = 0; row < atomic_load(&rig.board.header->rows); row++) {
		if (board_read(&rig.board, row, &record) < 0)
			continue;
		found++;
		ck_assert_uint_eq(record.starts, record.state == STATE_RUNNING);
	}
	ck_assert_uint_eq(found, rows);
	RIG_UNTIL(&rig, rig_count_children(&rig) == running);
}

static void reread(const char *text)
{
	rig_configure(&rig, text);
	ck_assert_int_eq(rig_do(&rig, REQUEST_REREAD, "", ""), FAULT_SUCCESS);
}

static bool start(int n)
{
	bool killed = kill_during(n, REQUEST_START, "b", "b1");

	check(3, 2);
	return killed;
}

static bool read_again(int n)
{
	bool killed;

	rig_configure(&rig, A C);
	killed = kill_during(n, REQUEST_REREAD, "", "");
	check(3, 1);
	ck_assert_int_eq(rig_do(&rig, REQUEST_ADD_GROUP, "c", ""), FAULT_SUCCESS);
	check(5, 3);
	return killed;
}

static bool add(int n)
{
	bool killed;

	reread(A B C);
	killed = kill_during(n, REQUEST_ADD_GROUP, "c", "");
	check(5, 3);
	return killed;
}

static bool remove_one(int n)
{
	bool killed;

	reread(A);
	killed = kill_during(n, REQUEST_REMOVE_GROUP, "b", "");
	check(1, 1);
	rig_replace_core(&rig);
	check(1, 1);
	return killed;
}

static void at_each_place(bool (*act)(int n))
{
	int n = 1;

	for (;; n++) {
		bool killed;

		begin();
		killed = act(n);
		rig_end(&rig);
		if (!killed)
			break;
		ck_assert_int_lt(n, PLACES_MOST);
	}
	ck_assert_int_gt(n, PLACES_LEAST);
	printf("# killed at %d places\n", n - 1);
}

#define TEST(name, act)                                                                            \
	START_TEST(name)                                                                           \
	{                                                                                          \
		at_each_place(act);                                                                \
	}                                                                                          \
	END_TEST

TEST(while_it_starts_a_process, start)
TEST(while_it_reads_the_configuration_again, read_again)
TEST(while_it_adds_a_group, add)
TEST(while_it_removes_a_group, remove_one)

int main(void)
{
	Suite *suite = suite_create("core request kill");
	TCase *tcase = leakproof_case("killed");

	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, while_it_starts_a_process);
	tcase_add_test(tcase, while_it_reads_the_configuration_again);
	tcase_add_test(tcase, while_it_adds_a_group);
	tcase_add_test(tcase, while_it_removes_a_group);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
