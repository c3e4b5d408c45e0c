/* A worker's birth, and what becomes of it when its master dies. */
#include <fcntl.h>
#include <sys/mman.h>

#include "reeve/queue.h"
#include "unit/pool_fixture.h"

#define WORKERS 3

/* What workers write and the test reads. */
static struct shared {
	_Atomic int value[8];
} * shared;

static void map_shared(void)
{
	shared = mmap(
		NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
}

/* --- What a worker is born with --------------------------------------------------------------- */

static void on_signal(int number)
{
}

static void on_event(const struct reeve_signal_event *event, void *data)
{
}

static struct reeve_signal_subscription *inherited;

/* 0, or the number of the line that is not so. */
static int look_at_signals(struct reeve_pool_worker *which, void *data)
{
	struct sigaction now;
	int *fds = data;

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			shared->value[0] = __LINE__;                                               \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)
	EXPECT(reeve_signal_get_mask() == REEVE_SIGNAL_NONE);
	EXPECT(reeve_signal_disposition(SIGTERM) == REEVE_SIGNAL_DEFAULT);
	EXPECT(reeve_signal_disposition(SIGUSR1) == REEVE_SIGNAL_DEFAULT);
	EXPECT(reeve_signal_disposition(SIGUSR2) == REEVE_SIGNAL_IGNORED);
	EXPECT(reeve_signal_disposition(SIGHUP) == REEVE_SIGNAL_DEFAULT);
	EXPECT(reeve_signal_disposition(SIGPIPE) == REEVE_SIGNAL_IGNORED);
	EXPECT(reeve_signal_disposition(SIGINT) == REEVE_SIGNAL_IGNORED);
	EXPECT(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler == on_signal);
	EXPECT(reeve_signal_get_mode() == REEVE_SIGNAL_HANDLER);
	EXPECT(write(fds[1], "x", 1) < 0 && errno == EPIPE);
	/* And it can have its own. */
	struct reeve_signal_subscription *subscription;
	EXPECT(reeve_signal_subscribe(SIGTERM, on_event, NULL, &subscription) == 0);
	EXPECT(raise(SIGTERM) == 0);
	EXPECT(reeve_signal_dispatch() == 1);
	reeve_signal_unsubscribe(subscription);
	/* What it inherited it can let go, and nothing happens. */
	EXPECT(!reeve_signal_unsubscribe(inherited));
	EXPECT(!reeve_loop_free(loop));
	EXPECT(reeve_signal_shutdown() == 0);
	return 0;
}

static void on_loop_signal(
	struct reeve_loop_source *source, const struct reeve_signal_event *event, void *data)
{
}

/* In each way in which the master may get its own. */
START_TEST(signals_are_as_after_an_exec)
{
	static const enum reeve_signal_mode modes[] = { REEVE_SIGNAL_HANDLER, REEVE_SIGNAL_THREAD,
		REEVE_SIGNAL_FD };
	struct reeve_pool_spec spec = {
		.workers = 1, .run = idle_until_told, .enter = look_at_signals
	};
	int fds[2];

	map_shared();
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	spec.data = fds;
	spec.told = note;
	ck_assert_int_eq(reeve_signal_set_mode(modes[_i]), 0);
	ck_assert_int_eq(reeve_signal_subscribe(SIGUSR1, on_event, NULL, &inherited), 0);
	ck_assert_int_eq(reeve_signal_ignore(SIGUSR2), 0);
	signal(SIGHUP, on_signal);
	signal(SIGSEGV, on_signal);
	reeve_signal_mask(REEVE_SIGNAL_BLOCK, REEVE_SIGNAL_SET(SIGALRM), NULL);
	ck_assert_int_eq(reeve_loop_new(&loop), 0);
	ck_assert_int_eq(reeve_loop_add_signal(loop, SIGTERM, on_loop_signal, NULL, NULL), 0);
	ck_assert_int_eq(reeve_pool_new(loop, &spec, &pool), 0);
	RUN_UNTIL(told(REEVE_POOL_ENDED, -1) > 0 || status().idle == 1);
	ck_assert_msg(status().idle == 1, "line %d", shared->value[0]);
	/* The master's are its own still. */
	ck_assert_int_eq(reeve_signal_disposition(SIGUSR1), REEVE_SIGNAL_HANDLED);
	ck_assert_int_ne(reeve_signal_disposition(SIGINT), REEVE_SIGNAL_IGNORED);
	ck_assert(reeve_signal_get_mask() & REEVE_SIGNAL_SET(SIGALRM));
	stop_pool();
	reeve_signal_unsubscribe(inherited);
	ck_assert_int_eq(reeve_signal_shutdown(), 0);
	close(fds[1]);
}
END_TEST

/* The number of descriptors does not depend on how many workers there were before. */
static int count_descriptors(struct reeve_pool_worker *which, void *data)
{
	shared->value[reeve_pool_worker_place(which)] = count_open_fds();
	return 0;
}

START_TEST(a_worker_has_none_of_the_others_descriptors)
{
	struct reeve_pool_spec spec = {
		.workers = WORKERS, .run = idle_until_told, .enter = count_descriptors
	};

	map_shared();
	start_pool(spec);
	RUN_UNTIL(status().idle == WORKERS);
	/* Of each process that it looks after, the master holds a pidfd; a worker's copies are
	 * close-on-exec and lead nowhere. */
	for (int i = 1; i < WORKERS; i++)
		ck_assert_int_eq(shared->value[i], shared->value[0] + i);
	stop_pool();
}
END_TEST

static int order(struct reeve_pool_worker *which, void *data)
{
	shared->value[0]++;
	return 0;
}

static void leave(struct reeve_pool_worker *which, void *data)
{
	shared->value[1] = shared->value[0];
}

START_TEST(enter_and_leave_frame_the_work)
{
	struct reeve_pool_spec spec = {
		.workers = 1, .run = idle_until_told, .enter = order, .leave = leave
	};

	map_shared();
	start_pool(spec);
	RUN_UNTIL(status().idle == 1);
	ck_assert_int_eq(shared->value[0], 1);
	ck_assert_int_eq(shared->value[1], 0);
	stop_pool();
	ck_assert_int_eq(shared->value[1], 1);
}
END_TEST

/* Others have all the arena's places: the worker cannot work, and says why. */
START_TEST(who_lacks_the_means_says_which)
{
	struct reeve_arena_spec arena_spec = { .size = 4096, .participants = 2 };
	struct reeve_pool_spec spec = { .workers = 1, .run = idle_until_told };
	struct reeve_arena *other;

	ck_assert_int_eq(reeve_arena_new(&arena_spec, &spec.arena), 0);
	ck_assert_int_eq(reeve_arena_open(reeve_arena_fd(spec.arena), &other), 0);
	spec.backoff = REEVE_MSEC;
	start_pool(spec);
	ck_assert_int_eq(reeve_arena_attach(other, "in the way"), 2);
	RUN_UNTIL(told(REEVE_POOL_ENDED, REEVE_POOL_FAILED) >= 2);
	ck_assert_int_eq(last_told(REEVE_POOL_ENDED)->error, -EUSERS);
	ck_assert_uint_ge(last_told(REEVE_POOL_ENDED)->failures, 2);
	reeve_arena_free(other);
	RUN_UNTIL(status().idle == 1);
	stop_pool();
	reeve_arena_free(spec.arena);
}
END_TEST

/* --- The master's death ----------------------------------------------------------------------- */

static struct reeve_arena *given;
static struct reeve_pool_spec given_spec;

static bool is_up(void)
{
	struct reeve_pool_status now = status();

	return now.workers == WORKERS && now.starting == 0;
}

/* In a process of its own: a pool, until it is killed; and another one, whose workers are forked
 * between those of the first. */
static _Noreturn void be_master(int told_fd)
{
	struct reeve_pool_spec other_spec = { .workers = WORKERS, .run = idle_until_told };
	struct reeve_pool *other;

	start_pool(given_spec);
	other_spec.young = 1;
	other_spec.recycle_time = REEVE_MSEC;
	if (reeve_pool_new(loop, &other_spec, &other) < 0)
		_exit(1);
	while (!is_up())
		reeve_loop_run_once(loop, REEVE_MSEC);
	(void)!write(told_fd, "x", 1);
	for (;;) /* the other one goes on replacing workers */
		reeve_loop_run_once(loop, REEVE_FOREVER);
}

static pid_t start_master(void)
{
	int ends[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		be_master(ends[1]);
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

/* Orphans are reparented to this process, which reaps them. */
static bool all_have_ended(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return !has_child();
}

static void kill_master(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void prepare_master(struct reeve_pool_spec spec)
{
	struct reeve_arena_spec arena_spec = { .size = 8192, .participants = WORKERS + 1 };

	ck_assert_int_eq(reeve_process_set_subreaper(true), 0);
	ck_assert_int_eq(reeve_arena_new(&arena_spec, &given), 0);
	spec.arena = given;
	given_spec = spec;
}

static void await_the_end(void)
{
	for (reeve_nsec until = reeve_now() + LONG_ENOUGH; !all_have_ended();) {
		ck_assert_int_lt(reeve_now(), until);
		poll(NULL, 0, 1);
	}
	(void)reeve_arena_recover(given, REEVE_SEC);
	for (unsigned i = 1; i <= WORKERS + 1; i++) {
		struct reeve_arena_participant who;

		ck_assert_int_eq(reeve_arena_participant(given, i, &who), 0);
		ck_assert_int_eq(who.state, REEVE_ARENA_FREE);
	}
}

/* Others see that there is no master, and can make room for the next. */
static void check_what_is_left(void)
{
	ck_assert_int_eq(reeve_pool_open(given, "pool", &pool), 0);
	ck_assert_int_eq(status().master, 0);
	pool = reeve_pool_free(pool);
	ck_assert_int_eq(reeve_pool_remove(given, "pool", 0), 0);
	ck_assert_int_eq(reeve_pool_open(given, "pool", &pool), -ENOENT);
	given = reeve_arena_free(given);
}

static int handle_nothing(
	struct reeve_pool_worker *which, const void *message, size_t size, void *data)
{
	return 0;
}

/* They wait for messages that do not come. */
START_TEST(workers_of_a_queue_end_when_the_master_is_killed)
{
	struct reeve_queue_spec spec = { .capacity = 2, .message_max = 8 };

	prepare_master((struct reeve_pool_spec){ .workers = WORKERS, .handle = handle_nothing });
	ck_assert_int_eq(reeve_queue_new(given, "jobs", &spec, REEVE_SEC, &given_spec.queue), 0);
	kill_master(start_master());
	await_the_end();
	reeve_queue_free(given_spec.queue);
	check_what_is_left();
}
END_TEST

START_TEST(workers_end_when_the_master_is_killed)
{
	pid_t master;

	prepare_master(_i ? echoing(WORKERS)
			  : (struct reeve_pool_spec){ .workers = WORKERS, .run = idle_until_told });
	master = start_master();
	kill_master(master);
	await_the_end();
	check_what_is_left();
	if (_i)
		close(listener);
}
END_TEST

/* It is not cut off. */
START_TEST(an_orphan_ends_its_request_first)
{
	char answer[2];
	pid_t master;
	int fd;

	prepare_master(echoing(WORKERS));
	master = start_master();
	fd = call(&address);
	ck_assert_int_eq(write(fd, "a", 1), 1);
	ck_assert_int_eq(read(fd, answer, 1), 1);
	kill_master(master);
	ck_assert_int_eq(write(fd, "b", 1), 1);
	ck_assert_int_eq(read(fd, answer, 1), 1);
	ck_assert_int_eq(answer[0], 'b');
	hang_up(fd);
	await_the_end();
	check_what_is_left();
	close(listener);
}
END_TEST

static int never_end(struct reeve_pool_worker *which, void *data)
{
	for (;;)
		pause();
	return 0;
}

START_TEST(an_orphan_can_be_ended_by_a_signal)
{
	struct reeve_pool_spec spec = {
		.workers = WORKERS, .run = never_end, .orphan_signal = SIGKILL
	};

	prepare_master(spec);
	kill_master(start_master());
	await_the_end();
	check_what_is_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool worker");
	TCase *birth = leakproof_case("birth");
	TCase *orphans = leakproof_case("orphans");

	tcase_add_loop_test(birth, signals_are_as_after_an_exec, 0, 3);
	tcase_add_test(birth, a_worker_has_none_of_the_others_descriptors);
	tcase_add_test(birth, enter_and_leave_frame_the_work);
	tcase_add_test(birth, who_lacks_the_means_says_which);
	suite_add_tcase(suite, birth);

	tcase_add_loop_test(orphans, workers_end_when_the_master_is_killed, 0, 2);
	tcase_add_test(orphans, workers_of_a_queue_end_when_the_master_is_killed);
	tcase_add_test(orphans, an_orphan_ends_its_request_first);
	tcase_add_test(orphans, an_orphan_can_be_ended_by_a_signal);
	suite_add_tcase(suite, orphans);
	return run_suite(suite);
}
