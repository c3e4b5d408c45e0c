/* What lives in an arena: blocks, what becomes of them when processes are stopped and killed,
 * and waiting. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/arena/arena.h"
#include "unit/arena_fixture.h"

START_TEST(blocks_are_found_by_name_and_their_room_is_used_again)
{
	struct reeve_arena *arena = small_arena(2, 4);
	void *one, *two, *found;
	size_t size;

	ck_assert_int_eq(reeve_arena_block_new(arena, "one", 4096, 0, &one), 0);
	ck_assert_int_eq(reeve_arena_block_new(arena, "two", 1, 0, &two), -ENOSPC);
	ck_assert_int_eq(reeve_arena_block_new(arena, "one", 1, 0, &two), -EEXIST);
	memset(one, 0xff, 4096);
	ck_assert_int_eq(reeve_arena_block_remove(arena, "two", 0), -ENOENT);
	ck_assert_int_eq(reeve_arena_block_remove(arena, "one", 0), 0);
	ck_assert_int_eq(reeve_arena_block_open(arena, "one", &found, NULL), -ENOENT);
	for (int i = 0; i < 4; i++) {
		char name[] = { (char)('a' + i), '\0' };

		ck_assert_int_eq(reeve_arena_block_new(arena, name, 100, 0, &one), 0);
		for (int k = 0; k < 100; k++)
			ck_assert_int_eq(((char *)one)[k], 0);
		ck_assert_uint_eq((uintptr_t)one % 64, 0);
		ck_assert_int_eq(reeve_arena_block_open(arena, name, &found, &size), 0);
		ck_assert_ptr_eq(found, one);
		ck_assert_uint_eq(size, 128);
	}
	ck_assert_int_eq(reeve_arena_block_new(arena, "e", 1, 0, &two), -EDQUOT);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(an_object_of_another_kind_is_not_a_block)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct arena_object object;
	void *found;

	ck_assert_int_eq(arena_object_new(arena, 29, "held", 4, NULL, NULL, 0, &object), 0);
	ck_assert_int_eq(reeve_arena_block_open(arena, "held", &found, NULL), -EPROTOTYPE);
	ck_assert_int_eq(reeve_arena_block_remove(arena, "held", 0), -EPROTOTYPE);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(entries_that_somebody_scribbled_in_are_errors)
{
	struct reeve_arena *arena = small_arena(2, 4);
	const uint64_t awkward[] = { 0, 1, 64, 5000, UINT64_MAX, UINT64_MAX - 63,
		(uint64_t)1 << 63 };
	struct object_entry *entry = arena_entry(arena, 0);
	void *memory;

	ck_assert_int_eq(reeve_arena_block_new(arena, "one", 64, 0, &memory), 0);
	kill_and_reap(start_participant(arena, NULL));
	for (size_t i = 0; i < sizeof awkward / sizeof *awkward; i++) {
		uint64_t offset = entry->offset;

		entry->offset = awkward[i];
		ck_assert_int_eq(reeve_arena_block_open(arena, "one", &memory, NULL), -EUCLEAN);
		ck_assert_int_eq(reeve_arena_block_new(arena, "two", 64, 0, &memory), -EUCLEAN);
		ck_assert_int_eq(reeve_arena_recover(arena, 0), -EUCLEAN);
		entry->offset = offset;
	}
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
	reeve_arena_free(arena);
}
END_TEST

static void sit_on_the_structure(struct reeve_arena *arena)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 0, .l_len = 1 };

	fcntl(arena->lock_fd, F_OFD_SETLK, &lock);
}

START_TEST(who_is_stopped_in_the_middle_of_a_change_costs_others_their_timeout_only)
{
	struct reeve_arena *arena = small_arena(2, 4);
	pid_t victim = start_participant(arena, sit_on_the_structure);
	reeve_nsec start = reeve_now();
	void *memory;

	ck_assert_int_eq(reeve_arena_block_new(arena, "x", 1, 0, &memory), -ETIMEDOUT);
	ck_assert_int_eq(
		reeve_arena_block_new(arena, "x", 1, 20 * REEVE_MSEC, &memory), -ETIMEDOUT);
	ck_assert_int_ge(reeve_now() - start, 20 * REEVE_MSEC);
	ck_assert_int_eq(reeve_arena_attach(arena, NULL), 2);
	ck_assert_int_eq(reeve_arena_detach(arena, 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_arena_self(arena), 2);
	kill_and_reap(victim);
	ck_assert_int_eq(reeve_arena_block_new(arena, "x", 1, 0, &memory), 0);
	ck_assert_int_eq(reeve_arena_detach(arena, 0), 0);
	reeve_arena_free(arena);
}
END_TEST

#define ROUNDS 200

static void *churn(void *data)
{
	struct reeve_arena *arena = data;
	char name[32];
	void *memory;

	snprintf(name, sizeof name, "%d", (int)gettid());
	for (int i = 0; i < ROUNDS; i++) {
		if (reeve_arena_block_new(arena, name, 64, REEVE_FOREVER, &memory) < 0)
			return strdup("new");
		if (reeve_arena_self(arena) <= 0 || reeve_arena_recover(arena, REEVE_FOREVER) < 0)
			return strdup("recover");
		if (reeve_arena_block_remove(arena, name, REEVE_FOREVER) < 0)
			return strdup("remove");
	}
	return NULL;
}

START_TEST(threads_may_do_all_at_once)
{
	struct reeve_arena *arena = small_arena(2, 4);
	pthread_t threads[4];
	void *failed;

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, arena), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		ck_assert_msg(!failed, "%s", (char *)failed);
		free(failed);
	}
	reeve_arena_free(arena);
}
END_TEST

#define VICTIMS 40

/* Killed at random, not at each instruction: for that see tests/kill. */
START_TEST(nothing_is_lost_when_processes_are_killed_at_random)
{
	struct reeve_arena *arena = small_arena(4, 8);
	void *memory;

	for (int i = 0; i < VICTIMS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			while (!churn(arena) && reeve_arena_detach(arena, REEVE_FOREVER) == 0)
				;
			_exit(1);
		}
		usleep((useconds_t)(rand() % 3000));
		kill_and_reap(pid);
		ck_assert_int_ge(reeve_arena_recover(arena, 0), 0);
		for (unsigned number = 1; number <= 4; number++)
			ck_assert_int_eq(state_of(arena, number), REEVE_ARENA_FREE);
		for (unsigned k = 0; k < 8; k++)
			if ((unsigned)atomic_load(&arena_entry(arena, k)->word))
				ck_assert_int_eq(reeve_arena_block_remove(
							 arena, arena_entry(arena, k)->name, 0),
					0);
		ck_assert_int_eq(reeve_arena_block_new(arena, "all", 4096, 0, &memory), 0);
		ck_assert_int_eq(reeve_arena_block_remove(arena, "all", 0), 0);
	}
	reeve_arena_free(arena);
}
END_TEST

static void *set_later(void *data)
{
	_Atomic uint32_t *word = data;

	atomic_store(word, 1);
	arena_wake(word, UINT32_MAX);
	return NULL;
}

START_TEST(a_word_is_waited_for)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct arena_object object;
	_Atomic uint32_t *word;
	pthread_t thread;

	ck_assert_int_eq(
		arena_object_new(arena, ARENA_TYPE_BLOCK, "w", 4, NULL, NULL, 0, &object), 0);
	word = object.memory;
	ck_assert_int_eq(arena_wait(arena, word, 0, reeve_now()), -ETIMEDOUT);
	ck_assert_int_eq(arena_wait(arena, word, 7, REEVE_FOREVER), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, set_later, word), 0);
	while (atomic_load(word) == 0)
		ck_assert_int_eq(arena_wait(arena, word, 0, REEVE_FOREVER), 0);
	pthread_join(thread, NULL);
	reeve_arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena object");
	TCase *tcase = leakproof_case("arena object");

	tcase_add_test(tcase, blocks_are_found_by_name_and_their_room_is_used_again);
	tcase_add_test(tcase, an_object_of_another_kind_is_not_a_block);
	tcase_add_test(tcase, entries_that_somebody_scribbled_in_are_errors);
	tcase_add_test(
		tcase, who_is_stopped_in_the_middle_of_a_change_costs_others_their_timeout_only);
	tcase_add_test(tcase, threads_may_do_all_at_once);
	tcase_add_test(tcase, nothing_is_lost_when_processes_are_killed_at_random);
	tcase_add_test(tcase, a_word_is_waited_for);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
