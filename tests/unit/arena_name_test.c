/* Names of arenas: who they lead to, and how long they live. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include "reeve/process.h"
#include "unit/arena_name_fixture.h"

/* The one child of another process. */
static pid_t child_of(pid_t pid)
{
	char text[64];
	FILE *children;
	pid_t child = 0;

	snprintf(text, sizeof text, "/proc/%d/task/%d/children", pid, pid);
	children = fopen(text, "r");
	ck_assert_ptr_nonnull(children);
	ck_assert_int_eq(fscanf(children, "%d", &child), 1);
	fclose(children);
	return child;
}

START_TEST(bad_requests_have_each_their_error)
{
	static const char *const bad[] = { "", ".", "..", ".hidden", "a/b", "/a" };
	struct reeve_arena *arena = small_arena(2, 2), *other = NULL;
	const char *longest = "1234567890123456789012345678901",
		   *longer = "12345678901234567890123456789012";
	struct reeve_arena_spec none = { .size = 0 };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_int_eq(reeve_arena_publish(arena, bad[i], 0), -EINVAL);
		ck_assert_int_eq(reeve_arena_connect(bad[i], &names_spec, 0, &other), -EINVAL);
		ck_assert_int_eq(reeve_arena_unpublish(bad[i], 0), -EINVAL);
	}
	ck_assert_int_eq(reeve_arena_publish(arena, longer, 0), -ENAMETOOLONG);
	ck_assert_int_eq(reeve_arena_publish(NULL, "a", 0), -EFAULT);
	ck_assert_int_eq(reeve_arena_publish(arena, NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_arena_publish(arena, "a", -2), -EINVAL);
	ck_assert_int_eq(reeve_arena_connect("a", &names_spec, 0, NULL), -EFAULT);
	ck_assert_int_eq(reeve_arena_connect(NULL, &names_spec, 0, &other), -EFAULT);
	ck_assert_int_eq(reeve_arena_connect("a", &names_spec, -2, &other), -EINVAL);
	ck_assert_int_eq(reeve_arena_connect("a", &none, 0, &other), -EINVAL);
	ck_assert_int_eq(reeve_arena_connect("a", NULL, 0, &other), -ENOENT);
	ck_assert_int_eq(reeve_arena_unpublish("a", 0), -ENOENT);
	ck_assert_int_eq(reeve_arena_unpublish(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_arena_unpublish("a", -2), -EINVAL);
	ck_assert_int_eq(reeve_arena_names_clean(-2), -EINVAL);
	ck_assert_ptr_null(other);
	ck_assert_int_eq(names_files(), 0);
	ck_assert_int_eq(reeve_arena_publish(arena, longest, 0), 0);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(a_name_leads_to_its_arena_and_ends_with_its_last_holder)
{
	struct reeve_arena *one = published("jobs"), *two = NULL, *other = small_arena(2, 2);

	ck_assert_int_eq(reeve_arena_publish(one, "more", 0), -EALREADY);
	ck_assert_int_eq(reeve_arena_publish(other, "jobs", 0), -EEXIST);
	ck_assert_int_eq(connect_to("jobs", &two), 0);
	atomic_store(number_in(one), 7);
	ck_assert_int_eq(atomic_load(number_in(two)), 7);
	one = reeve_arena_free(one);
	ck_assert_int_eq(reeve_arena_publish(other, "jobs", 0), -EEXIST);
	ck_assert_int_eq(reeve_arena_connect("jobs", &names_spec, 0, &one), 0);
	ck_assert_int_eq(atomic_load(number_in(one)), 7);
	reeve_arena_free(two);
	reeve_arena_free(one);
	ck_assert_int_eq(names_files(), 0);
	ck_assert_int_eq(connect_to("jobs", &one), -ENOENT);
	ck_assert_int_eq(reeve_arena_publish(other, "jobs", 0), 0);
	reeve_arena_free(other);
}
END_TEST

static void connect_to_jobs(struct reeve_arena *unused)
{
	struct reeve_arena *arena;

	reeve_arena_free(unused);
	if (reeve_arena_connect("jobs", &names_spec, 10 * REEVE_SEC, &arena) < 0)
		_exit(1);
	atomic_fetch_add(number_in(arena), 1);
}

/* What a killed process had published is not there, its file does not stand in the way, and is
 * removed. */
START_TEST(a_killed_holder_leaves_no_name)
{
	struct reeve_arena *arena = small_arena(2, 2), *other = NULL;
	pid_t victim = start_participant(arena, connect_to_jobs);

	ck_assert_int_eq(connect_to("jobs", &other), 0);
	other = reeve_arena_free(other);
	kill_and_reap(victim);
	ck_assert_int_eq(names_files(), 1);
	ck_assert_int_eq(_i == 0   ? connect_to("jobs", &other)
			 : _i == 1 ? reeve_arena_unpublish("jobs", 0)
				   : reeve_arena_publish(arena, "other", 0),
		_i == 2 ? 0 : -ENOENT);
	ck_assert_int_eq(names_files(), _i == 2 ? 1 : 0);
	ck_assert_int_eq(reeve_arena_connect("jobs", &names_spec, 0, &other), 1);
	ck_assert_int_eq(atomic_load(number_in(other)), 0);
	reeve_arena_free(other);
	reeve_arena_free(arena);
	ck_assert_int_eq(names_files(), 0);
}
END_TEST

enum { MANY = 200 };

static void have_many_names(struct reeve_arena *unused)
{
	struct reeve_arena *arena;
	char name[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "name-%d", i);
		if (reeve_arena_connect(name, &names_spec, 0, &arena) != 1)
			_exit(1);
	}
}

START_TEST(all_that_the_dead_left_is_removed_and_nothing_else)
{
	struct reeve_arena *arena = published("jobs");
	pid_t victim = start_participant(arena, have_many_names);

	ck_assert_int_eq(names_files(), MANY + 1);
	ck_assert_int_eq(reeve_arena_names_clean(0), 0);
	kill_and_reap(victim);
	ck_assert_int_eq(reeve_arena_names_clean(0), MANY);
	ck_assert_int_eq(reeve_arena_names_clean(0), 0);
	ck_assert_int_eq(names_files(), 1);
	reeve_arena_free(arena);
}
END_TEST

/* More holders than the file has room for, which come and go in any order. */
START_TEST(whoever_of_the_holders_dies_the_others_keep_the_name)
{
	enum { VICTIMS = 40 };
	struct reeve_arena *arena = small_arena(VICTIMS + 1, 2), *other = NULL;
	pid_t victims[VICTIMS];

	for (int i = 0; i < VICTIMS; i++)
		victims[i] = start_participant(arena, connect_to_jobs);
	for (int i = 0; i < VICTIMS; i++) {
		ck_assert_int_eq(connect_to("jobs", &other), 0);
		ck_assert_int_eq(atomic_load(number_in(other)), VICTIMS);
		other = reeve_arena_free(other);
		kill_and_reap(victims[i * 7 % VICTIMS]);
	}
	ck_assert_int_eq(connect_to("jobs", &other), -ENOENT);
	reeve_arena_free(arena);
}
END_TEST

static void publish_and_fork(struct reeve_arena *arena)
{
	int told[2];
	char byte;

	if (reeve_arena_publish(arena, "jobs", 0) < 0 || pipe(told) < 0)
		_exit(1);
	if (fork() == 0) {
		if (write(told[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(told[0], &byte, 1) != 1)
		_exit(1);
	atomic_fetch_add(number_in(arena), 1);
}

/* It stands in no file: the kernel's lock says that it lives, and /proc where. */
START_TEST(a_forked_child_keeps_the_name_of_its_dead_parent)
{
	struct reeve_arena *arena = small_arena(8, 4), *other = NULL;
	pid_t victim, orphan;

	reeve_arena_self(arena);
	victim = start_participant(arena, publish_and_fork);
	arena = reeve_arena_free(arena);
	orphan = child_of(victim);
	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	kill_and_reap(victim);
	ck_assert_int_eq(reeve_arena_connect("jobs", &names_spec, 10 * REEVE_SEC, &other), 0);
	ck_assert_int_eq(atomic_load(number_in(other)), 1);
	other = reeve_arena_free(other);
	kill_and_reap(orphan);
	ck_assert_int_eq(connect_to("jobs", &other), -ENOENT);
	ck_assert_int_eq(names_files(), 0);
}
END_TEST

static void publish_and_exec(struct reeve_arena *arena)
{
	if (reeve_arena_publish(arena, "jobs", 0) < 0)
		_exit(1);
	if (fork() == 0) {
		execl("/bin/sleep", "sleep", "1000", (char *)NULL);
		_exit(1);
	}
}

START_TEST(what_a_holder_executes_does_not_keep_the_name)
{
	struct reeve_arena *arena = small_arena(8, 4), *other = NULL;
	pid_t victim, sleeper;
	int r;

	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	victim = start_participant(arena, publish_and_exec);
	sleeper = child_of(victim);
	kill_and_reap(victim);
	/* until it executes, it is a forked child */
	while ((r = connect_to("jobs", &other)) == 0)
		other = reeve_arena_free(other);
	ck_assert_int_eq(r, -ENOENT);
	ck_assert_int_eq(names_files(), 0);
	kill_and_reap(sleeper);
	reeve_arena_free(arena);
}
END_TEST

/* Of several that ask at once one makes it, and all have the same. */
START_TEST(of_strangers_who_start_at_once_one_makes_it)
{
	enum { STRANGERS = 4, ROUNDS = 10 };
	struct {
		_Atomic int ready, made, connected, failed;
	} *shared = mmap(
		NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int round = 0; round < ROUNDS; round++) {
		pid_t pids[STRANGERS];

		memset(shared, 0, sizeof *shared);
		for (int i = 0; i < STRANGERS; i++) {
			struct reeve_arena *arena = NULL;
			int r;

			pids[i] = fork();
			if (pids[i] != 0)
				continue;
			atomic_fetch_add(&shared->ready, 1);
			while (atomic_load(&shared->ready) < STRANGERS)
				sched_yield();
			r = reeve_arena_connect("meet", &names_spec, REEVE_FOREVER, &arena);
			if (r < 0)
				_exit(1);
			atomic_fetch_add(&shared->made, r);
			atomic_fetch_add(number_in(arena), 1);
			/* nobody leaves before all are there */
			atomic_fetch_add(&shared->connected, 1);
			while (atomic_load(&shared->connected) < STRANGERS)
				sched_yield();
			r = atomic_load(number_in(arena)) == STRANGERS ? 0 : 2;
			if (i % 2)
				reeve_arena_free(arena);
			_exit(r);
		}
		for (int i = 0; i < STRANGERS; i++) {
			int status;

			ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
			ck_assert_int_eq(status, 0);
		}
		ck_assert_int_eq(atomic_load(&shared->made), 1);
	}
	munmap(shared, sizeof *shared);
}
END_TEST

START_TEST(a_name_that_was_taken_away_is_free_and_its_holders_keep_the_arena)
{
	struct reeve_arena *one = published("jobs"), *two = NULL;

	atomic_store(number_in(one), 7);
	ck_assert_int_eq(reeve_arena_unpublish("jobs", 0), 0);
	ck_assert_int_eq(reeve_arena_unpublish("jobs", 0), -ENOENT);
	ck_assert_int_eq(connect_to("jobs", &two), -ENOENT);
	ck_assert_int_eq(reeve_arena_connect("jobs", &names_spec, 0, &two), 1);
	ck_assert_int_eq(atomic_load(number_in(two)), 0);
	ck_assert_int_eq(atomic_load(number_in(one)), 7);
	ck_assert_int_eq(reeve_arena_publish(one, "jobs", 0), -EEXIST);
	ck_assert_int_eq(reeve_arena_publish(one, "elsewhere", 0), 0);
	reeve_arena_free(one);
	ck_assert_int_eq(names_files(), 1); /* its going does not take the other's name away */
	reeve_arena_free(two);
	ck_assert_int_eq(names_files(), 0);
}
END_TEST

/* The allocators of sanitizers are not held together over a fork. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FORKS 0
#else
#define FORKS 20
#endif

static _Atomic int running;

static void *come_and_go(void *data)
{
	atomic_fetch_add(&running, 1);
	for (int i = 0; i < 200; i++) {
		struct reeve_arena *one, *two;

		if (reeve_arena_connect("busy", &names_spec, REEVE_FOREVER, &one) < 0)
			return data;
		if (reeve_arena_connect("busy", NULL, REEVE_FOREVER, &two) < 0)
			return data;
		reeve_arena_free(one);
		reeve_arena_free(two);
	}
	return NULL;
}

/* Forked while other threads are at it, in whatever state. The child has what those had on the heap, and
 * nobody to free it: so where all is well it is killed, about which valgrind says nothing. */
static void fork_and_connect(void)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct reeve_arena *arena;

		if (reeve_arena_connect("busy", &names_spec, 20 * REEVE_SEC, &arena) >= 0)
			raise(SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

START_TEST(threads_may_come_and_go_and_processes_be_forked)
{
	pthread_t threads[4];
	void *failed;

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, names_parent), 0);
	while (atomic_load(&running) < 4)
		sched_yield();
	for (int i = 0; i < FORKS; i++)
		fork_and_connect();
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
	ck_assert_int_ge(reeve_arena_names_clean(0), 0);
	ck_assert_int_eq(names_files(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena name");
	TCase *tcase = leakproof_case("arena name");

	tcase_add_checked_fixture(tcase, names_begin, names_end);
	tcase_add_test(tcase, bad_requests_have_each_their_error);
	tcase_add_test(tcase, a_name_leads_to_its_arena_and_ends_with_its_last_holder);
	tcase_add_loop_test(tcase, a_killed_holder_leaves_no_name, 0, 3);
	tcase_add_test(tcase, all_that_the_dead_left_is_removed_and_nothing_else);
	tcase_add_test(tcase, whoever_of_the_holders_dies_the_others_keep_the_name);
	tcase_add_test(tcase, a_forked_child_keeps_the_name_of_its_dead_parent);
	tcase_add_test(tcase, what_a_holder_executes_does_not_keep_the_name);
	tcase_add_test(tcase, of_strangers_who_start_at_once_one_makes_it);
	tcase_add_test(tcase, a_name_that_was_taken_away_is_free_and_its_holders_keep_the_arena);
	tcase_add_test(tcase, threads_may_come_and_go_and_processes_be_forked);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
