/* Readers and writers. What holds of a writer as of any that has a lock: sync_lock_test.c. */
#include "unit/sync_fixture.h"

static struct reeve_rwlock *lock;

static void set_up(void)
{
	make_arena();
	ck_assert_int_eq(reeve_rwlock_new(arena, "table", 0, &lock), 0);
}

static void tear_down(void)
{
	lock = reeve_rwlock_free(lock);
	free_arena();
}

static int read_it(void *data)
{
	return reeve_rwlock_acquire_read(lock, REEVE_FOREVER);
}

static int try_to_read(void *data)
{
	return reeve_rwlock_acquire_read(lock, 0);
}

static int write_it(void *data)
{
	return reeve_rwlock_acquire_write(lock, REEVE_FOREVER);
}

static int try_to_write(void *data)
{
	return reeve_rwlock_acquire_write(lock, 0);
}

static int let_go(void *data)
{
	return reeve_rwlock_release(lock);
}

static int read_and_let_go(void *data)
{
	int r = read_it(NULL), released = let_go(NULL);

	return released < 0 ? released : r;
}

static int write_and_let_go(void *data)
{
	int r = write_it(NULL), released = let_go(NULL);

	return released < 0 ? released : r;
}

static int try_and_let_go(void *data)
{
	int r = try_to_write(NULL);

	return r == 0 ? let_go(NULL) : r;
}

START_TEST(readers_share_and_a_writer_does_not)
{
	pid_t reader = process_through(read_it, NULL);

	ck_assert_int_eq(try_to_read(NULL), 0);
	ck_assert_int_eq(try_to_read(NULL), 0);
	ck_assert_int_eq(in_thread(try_to_read, NULL), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(in_thread(try_to_write, NULL), -ETIMEDOUT);
		ck_assert_int_eq(let_go(NULL), 0);
	}
	ck_assert_int_eq(let_go(NULL), -EPERM);
	ck_assert_int_eq(try_to_write(NULL), -ETIMEDOUT);
	kill_and_recover(reader);
	ck_assert_int_eq(try_to_write(NULL), 0);
	ck_assert_int_eq(in_thread(try_to_read, NULL), -ETIMEDOUT);
	ck_assert_int_eq(in_thread(try_to_write, NULL), -ETIMEDOUT);
	ck_assert_int_eq(try_to_read(NULL), -EDEADLK);
	ck_assert_int_eq(in_thread(let_go, NULL), -EPERM);
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(let_go(NULL), -EPERM);
}
END_TEST

START_TEST(no_more_readers_are_let_in_once_a_writer_waits)
{
	struct caller writer, reader;

	ck_assert_int_eq(read_it(NULL), 0);
	caller_sleep(&writer, write_and_let_go, NULL);
	ck_assert_int_eq(try_to_read(NULL), -ETIMEDOUT);
	caller_sleep(&reader, read_and_let_go, NULL);
	ck_assert(!atomic_load(&writer.done));
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(caller_join(&writer), 0);
	ck_assert_int_eq(caller_join(&reader), 0);
}
END_TEST

/* It has changed nothing: nobody need be told. */
START_TEST(a_writer_that_dies_waiting_for_readers_lets_them_in_again)
{
	pid_t writer;

	ck_assert_int_eq(read_it(NULL), 0);
	writer = process_sleep(write_it, NULL);
	ck_assert_int_eq(try_to_read(NULL), -ETIMEDOUT);
	kill_and_recover(writer);
	ck_assert_int_eq(try_to_read(NULL), 0);
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(try_to_write(NULL), 0);
}
END_TEST

START_TEST(a_writer_that_gives_up_lets_readers_in_again)
{
	struct caller reader;
	pid_t holder = process_through(read_it, NULL);

	ck_assert_int_eq(reeve_rwlock_acquire_write(lock, MOMENT), -ETIMEDOUT);
	ck_assert_int_eq(try_to_read(NULL), 0);
	caller_start(&reader, read_and_let_go, NULL);
	ck_assert_int_eq(caller_join(&reader), 0);
	ck_assert_int_eq(let_go(NULL), 0);
	kill_and_recover(holder);
}
END_TEST

START_TEST(a_reader_that_follows_a_dead_writer_has_it_for_writing)
{
	kill_and_recover(process_through(write_it, NULL));
	ck_assert_int_eq(read_it(NULL), -EOWNERDEAD);
	ck_assert_int_eq(in_thread(try_to_read, NULL), -ETIMEDOUT);
	ck_assert_int_eq(reeve_rwlock_downgrade(lock), 0);
	ck_assert_int_eq(in_thread(read_and_let_go, NULL), 0);
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(let_go(NULL), -EPERM);
}
END_TEST

/* Of a dead writer's successor that itself waited for readers, or gave up, the next one is told. */
START_TEST(a_death_is_not_forgotten_while_the_one_who_is_told_waits)
{

	struct hold *writer = memory_of(lock);
	pid_t second;

	ck_assert_int_eq(read_it(NULL), 0);
	atomic_store(&writer->word, HOLD_DIED);
	second = process_sleep(write_it, NULL);
	kill_and_recover(second);
	ck_assert_int_eq(try_to_write(NULL), -ETIMEDOUT);
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(try_to_write(NULL), -EOWNERDEAD);
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(try_to_write(NULL), 0);
}
END_TEST

START_TEST(downgrading_lets_readers_in_and_no_writer)
{
	struct caller reader;

	ck_assert_int_eq(reeve_rwlock_downgrade(lock), -EPERM);
	ck_assert_int_eq(write_it(NULL), 0);
	caller_sleep(&reader, read_and_let_go, NULL);
	ck_assert_int_eq(reeve_rwlock_downgrade(lock), 0);
	ck_assert_int_eq(caller_join(&reader), 0);
	ck_assert_int_eq(in_thread(try_to_write, NULL), -ETIMEDOUT);
	ck_assert_int_eq(reeve_rwlock_downgrade(lock), -EPERM);
	ck_assert_int_eq(let_go(NULL), 0);
	ck_assert_int_eq(in_thread(try_and_let_go, NULL), 0);
}
END_TEST

START_TEST(a_waiting_writer_goes_on_when_the_last_reader_dies)
{
	struct caller writer;
	pid_t readers[2];

	sleepers_do_not_look_by_themselves();
	for (int i = 0; i < 2; i++)
		readers[i] = process_through(read_it, NULL);
	caller_sleep(&writer, write_and_let_go, NULL);
	kill_and_recover(readers[0]);
	ck_assert(!atomic_load(&writer.done));
	kill_and_recover(readers[1]);
	ck_assert_int_eq(caller_join(&writer), 0);
}
END_TEST

START_TEST(one_can_ask_who_reads_and_who_writes)
{
	struct reeve_sync_holder holders[2];
	bool writing = true;
	pid_t readers[2], writer;

	ck_assert_int_eq(reeve_rwlock_holders(lock, holders, 2, &writing), 0);
	ck_assert(!writing);
	ck_assert_int_eq(reeve_rwlock_holders(lock, NULL, 2, &writing), -EFAULT);
	ck_assert_int_eq(reeve_rwlock_holders(lock, holders, 2, NULL), -EFAULT);
	for (int i = 0; i < 2; i++)
		readers[i] = process_through(read_it, NULL);
	ck_assert_int_eq(read_it(NULL), 0);
	ck_assert_int_eq(reeve_rwlock_holders(lock, holders, 2, &writing), 3);
	ck_assert(!writing);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(holders[i].pid, readers[i]);
		ck_assert_int_eq(holders[i].tid, readers[i]);
		ck_assert_int_gt(holders[i].since, 0);
	}
	ck_assert_int_eq(let_go(NULL), 0);
	for (int i = 0; i < 2; i++)
		kill_and_recover(readers[i]);
	writer = process_through(write_it, NULL);
	ck_assert_int_eq(reeve_rwlock_holders(lock, holders, 0, &writing), 1);
	ck_assert(writing);
	ck_assert_int_eq(reeve_rwlock_holders(lock, holders, 1, &writing), 1);
	ck_assert_int_eq(holders[0].pid, writer);
	kill_and_recover(writer);
}
END_TEST

/* The counts of readers, as they lie in memory. */
static _Atomic uint32_t *readers_of(unsigned participant)
{
	return (_Atomic uint32_t *)((char *)memory_of(lock) + (size_t)participant * 64);
}

START_TEST(what_somebody_scribbled_is_an_error)
{
	atomic_store(readers_of(7), 1);
	ck_assert_int_eq(write_it(NULL), -EUCLEAN);
	atomic_store(readers_of(7), 0);
	ck_assert_int_eq(try_and_let_go(NULL), 0);
	atomic_store(readers_of((unsigned)reeve_arena_self(arena)), UINT32_MAX);
	ck_assert_int_eq(read_it(NULL), -EUCLEAN);
}
END_TEST

#define PAIRS 3000

/* Two plain numbers are equal when nobody writes. */
static int look_and_change(void *data)
{
	for (int i = 0; i < PAIRS; i++) {
		bool writes = i % 4 == 0;
		int r = writes ? write_it(NULL) : read_it(NULL);

		if (r == -EOWNERDEAD) {
			board->y = board->x;
			writes = true;
		} else if (r < 0)
			return r;
		if (board->x != board->y)
			return -EILSEQ;
		if (writes) {
			board->x++;
			board->y++;
			if (i % 8 == 0)
				reeve_rwlock_downgrade(lock);
		}
		if (board->x != board->y)
			return -EILSEQ;
		r = let_go(NULL);
		if (r < 0)
			return r;
		if (data)
			atomic_fetch_add(&board->counter, 1);
	}
	return 0;
}

START_TEST(nobody_reads_while_another_writes)
{
	struct caller threads[3];
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(-look_and_change(NULL));
	for (int i = 0; i < 3; i++)
		caller_start(&threads[i], look_and_change, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(caller_join(&threads[i]), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(board->x, PAIRS);
}
END_TEST

static int for_ever(void *data)
{
	int r;

	do
		r = look_and_change(board);
	while (r == 0);
	atomic_store(&board->a, -r);
	return r;
}

START_TEST(the_living_go_on)
{
	pid_t pids[3];

	for (int i = 0; i < 3; i++)
		pids[i] = process_start(for_ever, NULL);
	for (int turn = 0; turn < 60; turn++) {
		uint64_t before = atomic_load(&board->counter);

		kill_and_recover(pids[turn % 3]);
		pids[turn % 3] = process_start(for_ever, NULL);
		WAIT_UNTIL(atomic_load(&board->counter) > before + 100);
		ck_assert_int_eq(atomic_load(&board->a), 0);
	}
	for (int i = 0; i < 3; i++)
		kill_and_recover(pids[i]);
	ck_assert_int_ne(try_to_write(NULL), -ETIMEDOUT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync rwlock");
	TCase *tcase = leakproof_case("sync rwlock");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, readers_share_and_a_writer_does_not);
	tcase_add_test(tcase, no_more_readers_are_let_in_once_a_writer_waits);
	tcase_add_test(tcase, a_writer_that_dies_waiting_for_readers_lets_them_in_again);
	tcase_add_test(tcase, a_writer_that_gives_up_lets_readers_in_again);
	tcase_add_test(tcase, a_reader_that_follows_a_dead_writer_has_it_for_writing);
	tcase_add_test(tcase, a_death_is_not_forgotten_while_the_one_who_is_told_waits);
	tcase_add_test(tcase, downgrading_lets_readers_in_and_no_writer);
	tcase_add_test(tcase, a_waiting_writer_goes_on_when_the_last_reader_dies);
	tcase_add_test(tcase, one_can_ask_who_reads_and_who_writes);
	tcase_add_test(tcase, what_somebody_scribbled_is_an_error);
	tcase_add_test(tcase, nobody_reads_while_another_writes);
	tcase_add_test(tcase, the_living_go_on);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
