/* Producers and consumers at once, threads and processes: every message comes once and whole, each
 * producer's in their order, and nobody sleeps through what is for it. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "lib/arena/arena.h"
#include "unit/queue_fixture.h"

#define PRODUCERS 3u
#define CONSUMERS 3u
#define MESSAGES 4000u

/* A message's words all say the same. */
#define WORDS 12
struct note {
	unsigned producer, number[WORDS];
};

static struct reeve_queue *queue;
static struct reeve_arena *arena;
static _Atomic unsigned seen[PRODUCERS][MESSAGES];

static void fill(struct note *note, unsigned producer, unsigned number)
{
	note->producer = producer;
	for (unsigned i = 0; i < WORDS; i++)
		note->number[i] = number;
}

static void *produce(void *data)
{
	unsigned producer = (unsigned)(uintptr_t)data;

	for (unsigned number = 0; number < MESSAGES; number++) {
		struct reeve_queue_slot slot;
		struct note note;

		fill(&note, producer, number);
		if (number % 2) {
			ck_assert_int_eq(
				reeve_queue_put(queue, &note, sizeof note, REEVE_FOREVER), 0);
			continue;
		}
		ck_assert_int_eq(
			reeve_queue_reserve(queue, sizeof note, 0, REEVE_FOREVER, &slot), 0);
		memcpy(slot.data, &note, sizeof note);
		ck_assert_int_eq(reeve_queue_commit(queue, &slot, sizeof note), 0);
	}
	return NULL;
}

struct last {
	unsigned next[PRODUCERS];
};

static void see(const struct note *note, size_t size, struct last *last)
{
	ck_assert_uint_eq(size, sizeof *note);
	ck_assert_uint_lt(note->producer, PRODUCERS);
	for (unsigned i = 1; i < WORDS; i++)
		ck_assert_uint_eq(note->number[i], note->number[0]);
	ck_assert_uint_lt(note->number[0], MESSAGES);
	ck_assert_uint_ge(note->number[0], last->next[note->producer]);
	last->next[note->producer] = note->number[0] + 1;
	atomic_fetch_add(&seen[note->producer][note->number[0]], 1);
}

static void *consume(void *data)
{
	struct last last = { { 0 } };

	for (unsigned i = 0;; i++) {
		struct reeve_queue_slot slot;
		struct note note;
		size_t size = 0;
		int r;

		if (i % 2) {
			r = reeve_queue_get(queue, &note, sizeof note, REEVE_FOREVER, &size);
		} else {
			r = reeve_queue_peek(queue, REEVE_FOREVER, &slot);
			if (r == 0) {
				memcpy(&note, slot.data, sizeof note);
				size = slot.size;
				ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
			}
		}
		if (r == -ESHUTDOWN)
			return NULL;
		ck_assert_int_eq(r, 0);
		see(&note, size, &last);
	}
}

START_TEST(threads_get_each_message_once_and_in_order)
{
	struct reeve_queue_spec spec = {
		.capacity = _i ? 64 : 1, .message_max = sizeof(struct note)
	};
	pthread_t producers[PRODUCERS], consumers[CONSUMERS];

	arena = arena_with_queue(&spec, &queue);
	for (uintptr_t i = 0; i < CONSUMERS; i++)
		ck_assert_int_eq(pthread_create(&consumers[i], NULL, consume, NULL), 0);
	for (uintptr_t i = 0; i < PRODUCERS; i++)
		ck_assert_int_eq(pthread_create(&producers[i], NULL, produce, (void *)i), 0);
	for (unsigned i = 0; i < PRODUCERS; i++)
		pthread_join(producers[i], NULL);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	for (unsigned i = 0; i < CONSUMERS; i++)
		pthread_join(consumers[i], NULL);
	for (unsigned p = 0; p < PRODUCERS; p++)
		for (unsigned i = 0; i < MESSAGES; i++)
			ck_assert_uint_eq(seen[p][i], 1);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}
END_TEST

/* --- Between processes ------------------------------------------------------------------------ */

/* What they got is told by a queue, too. */
START_TEST(processes_get_each_message_once_and_in_order)
{
	struct reeve_queue_spec spec = { .capacity = 8, .message_max = sizeof(struct note) };
	struct reeve_arena_spec arena_spec = { .size = 1 << 20, .participants = 16 };
	struct reeve_queue *results;
	pid_t children[PRODUCERS + CONSUMERS];
	int status;

	ck_assert_int_eq(reeve_arena_new(&arena_spec, &arena), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "q", &spec, 0, &queue), 0);
	ck_assert_int_eq(reeve_queue_new(arena, "results", &spec, 0, &results), 0);
	for (unsigned i = 0; i < PRODUCERS + CONSUMERS; i++) {
		children[i] = fork();
		if (children[i] == 0 && i < PRODUCERS) {
			produce((void *)(uintptr_t)i);
			_exit(0);
		}
		if (children[i] == 0) {
			struct last last = { { 0 } };
			struct note note;

			while (reeve_queue_get(queue, &note, sizeof note, REEVE_FOREVER, NULL) ==
				0) {
				see(&note, sizeof note, &last);
				reeve_queue_put(results, &note, sizeof note, REEVE_FOREVER);
			}
			_exit(0);
		}
	}
	for (unsigned i = 0; i < PRODUCERS * MESSAGES; i++) {
		struct note note;

		ck_assert_int_eq(
			reeve_queue_get(results, &note, sizeof note, REEVE_FOREVER, NULL), 0);
		atomic_fetch_add(&seen[note.producer][note.number[0]], 1);
	}
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	for (unsigned i = 0; i < PRODUCERS + CONSUMERS; i++) {
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	for (unsigned p = 0; p < PRODUCERS; p++)
		for (unsigned i = 0; i < MESSAGES; i++)
			ck_assert_uint_eq(seen[p][i], 1);
	reeve_queue_free(results);
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}
END_TEST

/* --- Who sleeps is woken ---------------------------------------------------------------------- */

static void small_queue(bool joinable)
{
	struct reeve_queue_spec spec = {
		.capacity = 2, .message_max = 8, .priorities = 2, .joinable = joinable
	};

	arena = arena_with_queue(&spec, &queue);
}

static void end_small_queue(void)
{
	reeve_queue_free(queue);
	reeve_arena_free(arena);
}

static void *get_one(void *data)
{
	unsigned number;
	int r = reeve_queue_get(queue, &number, sizeof number, REEVE_FOREVER, NULL);

	return (void *)(intptr_t)r;
}

static void *put_one(void *data)
{
	return (void *)(intptr_t)reeve_queue_put(queue, "x", 1, REEVE_FOREVER);
}

static void *join_all(void *data)
{
	return (void *)(intptr_t)reeve_queue_join(queue, REEVE_FOREVER);
}

struct sleeper {
	void *(*run)(void *);
	_Atomic pid_t tid;
};

static void *run_sleeper(void *data)
{
	struct sleeper *sleeper = data;
	void *(*run)(void *) = sleeper->run;

	atomic_store(&sleeper->tid, gettid()); /* after which it may be gone */
	return run(NULL);
}

/* Start one, and go on when it sleeps. */
static pthread_t start_sleeper(void *(*run)(void *))
{
	struct sleeper sleeper = { .run = run };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run_sleeper, &sleeper), 0);
	WAIT_UNTIL(atomic_load(&sleeper.tid) && is_asleep(getpid(), atomic_load(&sleeper.tid)));
	return thread;
}

static int result_of(pthread_t thread)
{
	void *result;

	pthread_join(thread, &result);
	return (int)(intptr_t)result;
}

START_TEST(a_timeout_is_kept)
{
	reeve_nsec start;
	unsigned number;

	small_queue(false);
	start = reeve_now();
	ck_assert_int_eq(
		reeve_queue_get(queue, &number, sizeof number, 20 * REEVE_MSEC, NULL), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - start, 20 * REEVE_MSEC);
	put_number(queue, 1);
	put_number(queue, 2);
	start = reeve_now();
	ck_assert_int_eq(reeve_queue_put(queue, "x", 1, 20 * REEVE_MSEC), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - start, 20 * REEVE_MSEC);
	end_small_queue();
}
END_TEST

START_TEST(each_change_wakes_who_waits_for_it)
{
	struct reeve_queue_slot slot, other;
	pthread_t sleeper;

	sleepers_do_not_look_by_themselves();
	small_queue(false);
	sleeper = start_sleeper(get_one);
	put_number(queue, 1);
	ck_assert_int_eq(result_of(sleeper), 0);

	put_number(queue, 1);
	ck_assert_int_eq(reeve_queue_reserve(queue, 1, 0, 0, &other), 0);
	sleeper = start_sleeper(put_one);
	ck_assert_int_eq(reeve_queue_cancel(queue, &other), 0);
	ck_assert_int_eq(result_of(sleeper), 0);

	sleeper = start_sleeper(put_one);
	ck_assert_uint_eq(get_number(queue), 1);
	ck_assert_int_eq(result_of(sleeper), 0);

	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	sleeper = start_sleeper(put_one);
	ck_assert_int_eq(reeve_queue_release(queue, &slot), 0);
	ck_assert_int_eq(result_of(sleeper), 0);

	ck_assert_int_eq(reeve_queue_peek(queue, 0, &slot), 0);
	ck_assert_int_eq(reeve_queue_peek(queue, 0, &other), 0);
	sleeper = start_sleeper(get_one);
	ck_assert_int_eq(reeve_queue_give_back(queue, &slot), 0);
	ck_assert_int_eq(result_of(sleeper), 0);

	sleeper = start_sleeper(get_one);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	ck_assert_int_eq(result_of(sleeper), -ESHUTDOWN);
	end_small_queue();
}
END_TEST

START_TEST(a_putter_that_waits_is_told_of_the_end)
{
	pthread_t sleeper;

	small_queue(false);
	put_number(queue, 1);
	put_number(queue, 2);
	sleeper = start_sleeper(put_one);
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	ck_assert_int_eq(result_of(sleeper), -ESHUTDOWN);
	end_small_queue();
}
END_TEST

START_TEST(a_joiner_waits_for_the_last_task)
{
	pthread_t sleeper;
	int round = 0;

	small_queue(true);
	put_number(queue, 1);
	put_number(queue, 2);
	sleeper = start_sleeper(join_all);
	while (round++ < 2) {
		get_number(queue);
		ck_assert_int_eq(pthread_tryjoin_np(sleeper, NULL), EBUSY);
		ck_assert_int_eq(reeve_queue_task_done(queue), 0);
	}
	ck_assert_int_eq(result_of(sleeper), 0);
	end_small_queue();
}
END_TEST

/* --- The descriptor --------------------------------------------------------------------------- */

static bool is_readable(int fd, int milliseconds)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	return poll(&polled, 1, milliseconds) == 1 && polled.revents == POLLIN;
}

START_TEST(a_descriptor_tells_when_there_is_something)
{
	unsigned number;
	int fd;

	small_queue(false);
	fd = reeve_queue_fd(queue);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(reeve_queue_fd(queue), fd);
	for (int i = 0; i < 50; i++) {
		ck_assert(!is_readable(fd, 0));
		put_number(queue, 1);
		ck_assert(is_readable(fd, 10000));
		put_number(queue, 2);
		get_number(queue);
		ck_assert(is_readable(fd, 10000));
		get_number(queue);
		while (is_readable(fd, 0))
			ck_assert_int_eq(
				reeve_queue_get(queue, &number, sizeof number, 0, NULL), -ETIMEDOUT);
	}
	ck_assert_int_eq(reeve_queue_close(queue), 0);
	ck_assert(is_readable(fd, 10000));
	ck_assert_int_eq(reeve_queue_get(queue, &number, sizeof number, 0, NULL), -ESHUTDOWN);
	ck_assert(is_readable(fd, 0));
	end_small_queue();
}
END_TEST

/* A thread that sleeps for the descriptor takes no wake-up from who would get. */
START_TEST(a_descriptor_costs_no_sleeper_its_message)
{
	sleepers_do_not_look_by_themselves();
	small_queue(false);
	ck_assert_int_ge(reeve_queue_fd(queue), 0);
	for (int i = 0; i < 20; i++) {
		pthread_t sleeper = start_sleeper(get_one);

		put_number(queue, 1);
		ck_assert_int_eq(result_of(sleeper), 0);
	}
	end_small_queue();
}
END_TEST

static _Atomic bool enough;

/* Looks whether there is something, and has no room for it. */
static void *look_for_ever(void *data)
{
	while (!atomic_load(&enough)) {
		char byte;
		int r = reeve_queue_get(queue, &byte, 0, 0, NULL);

		if (r != -ETIMEDOUT && r != -EMSGSIZE)
			break;
	}
	return NULL;
}

/* Whoever of this process finds nothing meanwhile, or found nothing a while ago. */
START_TEST(a_descriptor_forgets_no_message)
{
	pthread_t lookers[3];
	int fd;

	sleepers_do_not_look_by_themselves();
	small_queue(false);
	fd = reeve_queue_fd(queue);
	ck_assert_int_ge(fd, 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&lookers[i], NULL, look_for_ever, NULL), 0);
	for (int i = 0; i < 3000; i++) {
		put_number(queue, 1);
		ck_assert(is_readable(fd, -1));
		get_number(queue);
	}
	atomic_store(&enough, true);
	for (int i = 0; i < 3; i++)
		pthread_join(lookers[i], NULL);
	end_small_queue();
}
END_TEST

#ifndef __SANITIZE_THREAD__ /* which does not support threads after such a fork */
static int child_has_its_own(int parents)
{
	int fd = reeve_queue_fd(queue);

	unsigned number;

	if (fd < 0 || fd == parents || !is_readable(fd, 10000))
		return 1;
	get_number(queue);
	while (is_readable(fd, 0))
		if (reeve_queue_get(queue, &number, sizeof number, 0, NULL) != -ETIMEDOUT)
			return 2;
	return 0;
}

START_TEST(a_forked_child_has_a_descriptor_of_its_own)
{
	pid_t pid;
	int status, fd;

	small_queue(false);
	fd = reeve_queue_fd(queue);
	put_number(queue, 1);
	ck_assert(is_readable(fd, 10000));
	pid = fork();
	if (pid == 0) {
		status = child_has_its_own(fd);
		reeve_queue_free(queue);
		_exit(status);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(is_readable(fd, 0)); /* nothing that the child did was done to this one */
	end_small_queue();
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("queue threads");
	TCase *tcase = leakproof_case("queue threads");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, threads_get_each_message_once_and_in_order, 0, 2);
	tcase_add_test(tcase, processes_get_each_message_once_and_in_order);
	tcase_add_test(tcase, a_timeout_is_kept);
	tcase_add_test(tcase, each_change_wakes_who_waits_for_it);
	tcase_add_test(tcase, a_putter_that_waits_is_told_of_the_end);
	tcase_add_test(tcase, a_joiner_waits_for_the_last_task);
	tcase_add_test(tcase, a_descriptor_tells_when_there_is_something);
	tcase_add_test(tcase, a_descriptor_costs_no_sleeper_its_message);
	tcase_add_test(tcase, a_descriptor_forgets_no_message);
#ifndef __SANITIZE_THREAD__
	tcase_add_test(tcase, a_forked_child_has_a_descriptor_of_its_own);
#endif
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
