/* Orphans: collected by who wants to be their parent, without taking anybody's child. */
#include <pthread.h>
#include <stdatomic.h>

#include "unit/process_fixture.h"

/* Start a process whose child outlives it: the child's pid; it is ours now. */
static pid_t make_orphan(void)
{
	struct reeve_process_spec spec = { .argv = PROBE("orphan") };
	char line[32];
	struct reeve_process *process;
	pid_t orphan;

	process = spawn_ready(spec, line, sizeof line);
	expect_exit(process, 0);
	orphan = (pid_t)strtol(line, NULL, 10);
	ck_assert_int_gt(orphan, 0);
	return orphan;
}

/* Until `pid` is a zombie of ours. */
static void await_death(pid_t pid)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void kill_and_await(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	await_death(pid);
}

static pid_t dead_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	await_death(pid);
	return pid;
}

START_TEST(a_subreaper_is_told_apart)
{
	bool on = true;

	ck_assert_int_eq(reeve_process_get_subreaper(&on), 0);
	ck_assert(!on);
	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	ck_assert_int_eq(reeve_process_get_subreaper(&on), 0);
	ck_assert(on);
	ck_assert_int_eq(reeve_process_set_subreaper(false), 0);
	ck_assert_int_eq(reeve_process_get_subreaper(&on), 0);
	ck_assert(!on);
}
END_TEST

START_TEST(orphans_come_to_the_subreaper_and_are_reaped)
{
	pid_t orphans[3];

	ck_assert_int_eq(reeve_process_reap_orphans(NULL, NULL), 0);
	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	for (int i = 0; i < 3; i++)
		orphans[i] = make_orphan();
	ck_assert_int_eq(reeve_process_reap_orphans(NULL, NULL), 0); /* they live */
	for (int i = 0; i < 3; i++)
		kill_and_await(orphans[i]);
	ck_assert_int_eq(reeve_process_reap_orphans(NULL, NULL), 3);
	ck_assert_int_eq(reeve_process_reap_orphans(NULL, NULL), 0);
}
END_TEST

static pid_t not_this_one;
static int asked;

static bool all_but_one(const struct reeve_process_outcome *outcome, void *data)
{
	ck_assert_ptr_eq(data, &asked);
	ck_assert_int_eq(outcome->how, REEVE_PROCESS_EXITED);
	asked++;
	return outcome->pid != not_this_one;
}

/* The kernel shows the same zombie first until it is taken; those behind it are found all the same,
 * wherever the one that stays is. */
START_TEST(another_librarys_child_is_left_alone)
{
	for (int position = 0; position < 3; position++) {
		pid_t children[3];

		for (int i = 0; i < 3; i++)
			children[i] = dead_child();
		not_this_one = children[position];
		asked = 0;
		ck_assert_int_eq(reeve_process_reap_orphans(all_but_one, &asked), 2);
		ck_assert_int_ge(asked, 3);
		ck_assert_int_eq(waitpid(children[position], NULL, WNOHANG), children[position]);
	}
}
END_TEST

START_TEST(a_child_with_a_handle_is_nobodys_orphan)
{
	struct reeve_process *process = spawn_probe(PROBE("exit", "21")), *adopted;
	pid_t plain = dead_child(), other = fork();

	if (other == 0)
		_exit(22);
	ck_assert_int_eq(reeve_process_adopt(other, &adopted), 0);
	await_death(reeve_process_pid(process));
	await_death(other);
	ck_assert_int_eq(reeve_process_reap_orphans(NULL, NULL), 1);
	ck_assert_int_eq(waitpid(plain, NULL, WNOHANG), -1);
	expect_exit(process, 21);
	expect_exit(adopted, 22);
}
END_TEST

static atomic_bool stop_reaping;

static void *reap_for_ever(void *unused)
{
	while (!atomic_load(&stop_reaping))
		ck_assert_int_eq(reeve_process_reap_orphans(NULL, NULL), 0);
	return NULL;
}

/* A child that dies between its birth and its registration is not taken for a stranger. */
START_TEST(a_child_being_started_is_nobodys_orphan)
{
	pthread_t reaper;

	ck_assert_int_eq(pthread_create(&reaper, NULL, reap_for_ever, NULL), 0);
	for (int i = 0; i < 200; i++)
		expect_exit(spawn_probe(PROBE("exit", "23")), 23);
	atomic_store(&stop_reaping, true);
	pthread_join(reaper, NULL);
}
END_TEST

/* --- handles that are freed early ------------------------------------------------------------- */

START_TEST(a_freed_childs_zombie_does_not_stay)
{
	struct reeve_process *dead = spawn_probe(PROBE("exit", "1")),
			     *alive = spawn_sleeper("sleep", 0);
	pid_t pid = reeve_process_pid(alive);

	await_death(reeve_process_pid(dead));
	reeve_process_free(dead); /* reaped here */
	ck_assert_int_eq(reeve_process_signal(alive, SIGKILL), 0);
	reeve_process_free(alive); /* here, or */
	while (waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == 0)
		expect_exit(spawn_probe(PROBE("exit", "2")), 2); /* by one of these */
	ck_assert_ptr_null(reeve_process_free(NULL));
}
END_TEST

START_TEST(many_freed_children_are_reaped)
{
	enum { COUNT = 40 };
	pid_t pids[COUNT];

	for (int i = 0; i < COUNT; i++) {
		struct reeve_process *process = spawn_sleeper("sleep", 0);

		pids[i] = reeve_process_pid(process);
		reeve_process_free(process);
	}
	for (int i = 0; i < COUNT; i++)
		kill_and_await(pids[i]);
	ck_assert_int_eq(reeve_process_reap_orphans(NULL, NULL), 0); /* none was an orphan */
}
END_TEST

/* --- before reaping --------------------------------------------------------------------------- */

struct record {
	pid_t pid;
	int calls;
	bool was_zombie;
};

static void look_at(pid_t pid, void *data)
{
	struct record *record = data;
	siginfo_t info = { .si_pid = 0 };

	record->pid = pid;
	record->calls++;
	record->was_zombie = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			     info.si_pid == pid;
}

static void expect_seen(struct record *record, pid_t pid)
{
	ck_assert_int_eq(record->calls, 1);
	ck_assert_int_eq(record->pid, pid);
	ck_assert(record->was_zombie);
	*record = (struct record){ 0 };
}

START_TEST(a_hook_sees_every_zombie_once)
{
	struct record record = { 0 };
	struct reeve_process *process;
	pid_t pid;

	ck_assert_int_eq(reeve_process_before_reap(look_at, &record), 0);
	ck_assert_int_eq(reeve_process_before_reap(look_at, &record), -EEXIST);
	ck_assert_int_eq(reeve_process_before_reap(NULL, &record), -EINVAL);

	process = spawn_probe(PROBE("exit", "1"));
	pid = reeve_process_pid(process);
	expect_exit(process, 1);
	expect_seen(&record, pid);

	pid = dead_child();
	ck_assert_int_eq(reeve_process_wait_pid(pid, REEVE_PROCESS_WAIT_ENDED, 0, NULL), pid);
	expect_seen(&record, pid);

	pid = dead_child();
	ck_assert_int_eq(reeve_process_reap_orphans(NULL, NULL), 1);
	expect_seen(&record, pid);

	process = spawn_probe(PROBE("exit", "1"));
	pid = reeve_process_pid(process);
	await_death(pid);
	reeve_process_free(process);
	expect_seen(&record, pid);

	process = spawn_probe(PROBE("stop"));
	ck_assert_int_eq(
		reeve_process_wait_events(process, REEVE_PROCESS_WAIT_STOPPED, LONG_ENOUGH, NULL),
		0);
	ck_assert_int_eq(record.calls, 0); /* it is not dead */
	reeve_process_signal(process, SIGKILL);
	wait_for(process);
	reeve_process_free(process);
	ck_assert_int_eq(record.calls, 1);

	ck_assert_int_eq(reeve_process_before_reap_remove(look_at, &record), 0);
	ck_assert_int_eq(reeve_process_before_reap_remove(look_at, &record), -ENOENT);
	expect_exit(spawn_probe(PROBE("exit", "1")), 1);
	ck_assert_int_eq(record.calls, 1);
}
END_TEST

START_TEST(there_is_room_for_a_few_hooks)
{
	struct record records[REEVE_PROCESS_REAP_HOOKS_MAX + 1] = { 0 };
	const size_t most = REEVE_PROCESS_REAP_HOOKS_MAX;

	for (size_t i = 0; i < most; i++)
		ck_assert_int_eq(reeve_process_before_reap(look_at, &records[i]), 0);
	ck_assert_int_eq(reeve_process_before_reap(look_at, &records[most]), -ENOSPC);
	ck_assert_int_eq(reeve_process_before_reap_remove(look_at, &records[0]), 0);
	expect_exit(spawn_probe(PROBE("exit", "1")), 1);
	for (size_t i = 0; i <= most; i++)
		ck_assert_int_eq(records[i].calls, i > 0 && i < most);
	for (size_t i = 1; i < most; i++)
		ck_assert_int_eq(reeve_process_before_reap_remove(look_at, &records[i]), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("process_orphan");
	TCase *tcase = leakproof_case("orphans");

	tcase_add_test(tcase, a_subreaper_is_told_apart);
	tcase_add_test(tcase, orphans_come_to_the_subreaper_and_are_reaped);
	tcase_add_test(tcase, another_librarys_child_is_left_alone);
	tcase_add_test(tcase, a_child_with_a_handle_is_nobodys_orphan);
	tcase_add_test(tcase, a_child_being_started_is_nobodys_orphan);
	tcase_add_test(tcase, a_freed_childs_zombie_does_not_stay);
	tcase_add_test(tcase, many_freed_children_are_reaped);
	tcase_add_test(tcase, a_hook_sees_every_zombie_once);
	tcase_add_test(tcase, there_is_room_for_a_few_hooks);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
