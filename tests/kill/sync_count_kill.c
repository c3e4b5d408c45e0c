/* What more than one can hold: readers of a reader-writer lock, counts of semaphores; killed at every
 * instruction. What has to hold when the dead has been recovered: nothing is held by it, what others
 * hold they still do, and who sleeps and could have it was woken. */
#include "kill/sync_step.h"

#define COUNT 2

static struct reeve_rwlock *rwlock;
static struct reeve_semaphore *plain;
static struct reeve_owned_semaphore *owned;

static int read_it(void *data)
{
	return reeve_rwlock_acquire_read(rwlock, REEVE_FOREVER);
}

static int write_it(void *data)
{
	return reeve_rwlock_acquire_write(rwlock, REEVE_FOREVER);
}

static int read_and_release(void *data)
{
	int r = read_it(NULL);

	return reeve_rwlock_release(rwlock) < 0 ? -EILSEQ : r;
}

static int write_and_release(void *data)
{
	int r = write_it(NULL);

	return reeve_rwlock_release(rwlock) < 0 ? -EILSEQ : r;
}

static int acquire_plain(void *data)
{
	return reeve_semaphore_acquire(plain, REEVE_FOREVER);
}

static int acquire_owned(void *data)
{
	return reeve_owned_semaphore_acquire(owned, REEVE_FOREVER);
}

static int acquire_all_owned(void *data)
{
	return acquire_owned(NULL) + acquire_owned(NULL);
}

static int acquire_and_release_owned(void *data)
{
	int r = acquire_owned(NULL);

	return reeve_owned_semaphore_release(owned) < 0 ? -EILSEQ : r;
}

/* --- Before ----------------------------------------------------------------------------------- */

static void prepare_rwlock(void)
{
	begin_scenario();
	ck_assert_int_eq(reeve_rwlock_new(arena, "rwlock", 0, &rwlock), 0);
}

static void prepare_read(void)
{
	prepare_rwlock();
	ck_assert_int_eq(read_it(NULL), 0);
}

static void prepare_written(void)
{
	prepare_rwlock();
	ck_assert_int_eq(write_it(NULL), 0);
}

static void prepare_sleeping_writer(void)
{
	prepare_rwlock();
	start_sleeper_on(0, write_and_release, rwlock);
}

static void prepare_sleeping_reader(void)
{
	prepare_rwlock();
	start_sleeper_on(0, read_and_release, rwlock);
}

static void prepare_dead_reader(void)
{
	prepare_rwlock();
	leave_dead(read_it);
	start_sleeper_on(0, write_and_release, rwlock);
	let_sleepers_sleep();
}

static void prepare_dead_writer(void)
{
	prepare_rwlock();
	leave_dead(write_it);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
}

static void prepare_plain(void)
{
	begin_scenario();
	ck_assert_int_eq(reeve_semaphore_new(arena, "plain", COUNT, 9, 0, &plain), 0);
}

static void prepare_plain_awaited(void)
{
	begin_scenario();
	ck_assert_int_eq(reeve_semaphore_new(arena, "plain", 0, 9, 0, &plain), 0);
	start_sleeper_on(0, acquire_plain, plain);
	let_sleepers_sleep();
}

static void prepare_owned(void)
{
	begin_scenario();
	ck_assert_int_eq(reeve_owned_semaphore_new(arena, "owned", COUNT, 0, &owned), 0);
}

static void prepare_all_owned(void)
{
	prepare_owned();
	ck_assert_int_eq(acquire_all_owned(NULL), 0);
}

static void prepare_sleeping_acquirer(void)
{
	prepare_owned();
	start_sleeper_on(0, acquire_and_release_owned, owned);
}

static void prepare_dead_owner(void)
{
	prepare_owned();
	leave_dead(acquire_all_owned);
	start_sleeper_on(0, acquire_and_release_owned, owned);
	let_sleepers_sleep();
}

/* --- In the child ----------------------------------------------------------------------------- */

static void enter_and(int (*call)(void *data))
{
	attach();
	ck_assert_int_eq(call(NULL), 0);
	if (answers->pids[0])
		let_sleepers_sleep();
}

static void enter_reading(void)
{
	enter_and(read_it);
}

static void enter_writing(void)
{
	enter_and(write_it);
}

static void enter_owning_all(void)
{
	enter_and(acquire_all_owned);
}

static void operate_read(void)
{
	answers->child = reeve_rwlock_acquire_read(rwlock, BRIEFLY);
}

static void operate_write(void)
{
	answers->child = reeve_rwlock_acquire_write(rwlock, BRIEFLY);
}

static void operate_downgrade(void)
{
	answers->child = reeve_rwlock_downgrade(rwlock);
}

static void operate_release(void)
{
	answers->child = reeve_rwlock_release(rwlock);
}

static void operate_acquire_plain(void)
{
	answers->child = reeve_semaphore_acquire(plain, BRIEFLY);
}

static void operate_release_plain(void)
{
	answers->child = reeve_semaphore_release(plain, 1);
}

static void operate_acquire_owned(void)
{
	answers->child = reeve_owned_semaphore_acquire(owned, BRIEFLY);
}

static void operate_release_owned(void)
{
	answers->child = reeve_owned_semaphore_release(owned);
}

/* --- Meanwhile -------------------------------------------------------------------------------- */

static void release_meanwhile(void)
{
	ck_assert_int_eq(reeve_rwlock_release(rwlock), 0);
}

static void try_to_write_meanwhile(void)
{
	answers->tracer = reeve_rwlock_acquire_write(rwlock, 0);
}

static void read_meanwhile(void)
{
	answers->tracer = reeve_rwlock_acquire_read(rwlock, 0);
}

static void release_owned_meanwhile(void)
{
	ck_assert_int_eq(reeve_owned_semaphore_release(owned), 0);
}

static void take_one_meanwhile(void)
{
	answers->tracer = reeve_owned_semaphore_acquire(owned, 0);
}

/* --- After ------------------------------------------------------------------------------------ */

/* Whether a dead writer was in it, that is: had it for writing and was not just waiting for readers. */
static bool is_to_be_told(void)
{
	struct hold *writer = memory_of(rwlock);
	uint64_t word = atomic_load(&writer->word);

	return word & HOLD_DIED ||
	       (hold_participant(word) && !(word & HOLD_DRAINING) && !hold_is_mine(arena, writer));
}

static void settle_rwlock(bool finished)
{
	bool told = is_to_be_told();

	recover_all();
	while (reeve_rwlock_release(rwlock) == 0) /* the tracer's own */
		continue;
	if (answers->pids[0])
		told -= join_sleeper(0) == -EOWNERDEAD;
	ck_assert_msg(reeve_rwlock_acquire_write(rwlock, 0) == (told ? -EOWNERDEAD : 0),
		"%s: not free, or falsely told", step_where);
	ck_assert_int_eq(reeve_rwlock_release(rwlock), 0);
	ck_assert_int_eq(reeve_rwlock_acquire_read(rwlock, 0), 0);
	ck_assert_int_eq(reeve_rwlock_release(rwlock), 0);
	rwlock = reeve_rwlock_free(rwlock);
	end_scenario();
}

/* The tracer had it for reading throughout. */
static void settle_read(bool finished)
{
	recover_all();
	ck_assert_msg(reeve_rwlock_release(rwlock) == 0, "%s: taken away", step_where);
	settle_rwlock(finished);
}

static void settle_exclusive(bool finished)
{
	ck_assert_msg(!finished || answers->child < 0 || answers->tracer < 0,
		"%s: child %d, tracer %d", step_where, answers->child, answers->tracer);
	settle_rwlock(finished);
}

/* One operation is one store: it has happened or not. */
static void settle_plain(bool finished)
{
	int value;

	recover_all();
	value = reeve_semaphore_value(plain);
	ck_assert_msg(value == COUNT || value == COUNT - 1, "%s: value %d", step_where, value);
	ck_assert_msg(!finished || value == COUNT - 1, "%s: value %d", step_where, value);
	plain = reeve_semaphore_free(plain);
	end_scenario();
}

static void settle_plain_released(bool finished)
{
	int value = reeve_semaphore_value(plain), r = -EAGAIN;

	recover_all();
	if (finished || value > 0 || atomic_load(&answers->woken[0]))
		r = join_sleeper(0);
	ck_assert(r == 0 || r == -EAGAIN);
	ck_assert_int_eq(reeve_semaphore_value(plain), 0);
	plain = reeve_semaphore_free(plain);
	end_scenario();
}

static void settle_owned(bool finished)
{
	recover_all();
	while (reeve_owned_semaphore_release(owned) == 0) /* the tracer's own */
		continue;
	if (answers->pids[0])
		ck_assert_int_eq(join_sleeper(0), 0);
	ck_assert_msg(reeve_owned_semaphore_value(owned) == COUNT, "%s: value %d", step_where,
		reeve_owned_semaphore_value(owned));
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(reeve_owned_semaphore_acquire(owned, 0), 0);
	ck_assert_int_eq(reeve_owned_semaphore_acquire(owned, 0), -ETIMEDOUT);
	owned = reeve_owned_semaphore_free(owned);
	end_scenario();
}

/* The tracer has all. */
static void settle_all_owned(bool finished)
{
	ck_assert(!finished || answers->child == -ETIMEDOUT);
	recover_all();
	ck_assert_int_eq(reeve_owned_semaphore_value(owned), 0);
	settle_owned(finished);
}

/* What one has taken since is not given back. */
static void settle_taken(bool finished)
{
	int mine = answers->tracer == 0;

	recover_all();
	ck_assert_int_eq(reeve_owned_semaphore_release(owned), mine ? 0 : -EPERM);
	settle_owned(finished);
}

static const struct step_scenario scenarios[] = {
	{ "read", prepare_rwlock, attach, operate_read, NULL, settle_rwlock, arena_memory },
	{ "read beside a reader", prepare_read, attach, operate_read, NULL, settle_read,
		arena_memory },
	{ "read after a death", prepare_dead_writer, attach, operate_read, NULL, settle_rwlock,
		arena_memory },
	{ "wait for a writer in vain", prepare_written, attach, operate_read, NULL, settle_rwlock,
		arena_memory },
	{ "wait for a writer", prepare_written, attach, operate_read, release_meanwhile,
		settle_rwlock, arena_memory },
	{ "wait for a reader in vain", prepare_read, attach, operate_write, NULL, settle_read,
		arena_memory },
	{ "wait for a reader", prepare_read, attach, operate_write, release_meanwhile,
		settle_rwlock, arena_memory },
	{ "stop reading", prepare_rwlock, enter_reading, operate_release, NULL, settle_rwlock,
		arena_memory },
	{ "stop reading for a writer", prepare_sleeping_writer, enter_reading, operate_release,
		NULL, settle_rwlock, arena_memory },
	{ "stop writing for a reader", prepare_sleeping_reader, enter_writing, operate_release,
		NULL, settle_rwlock, arena_memory },
	{ "downgrade", prepare_rwlock, enter_writing, operate_downgrade, NULL, settle_rwlock,
		arena_memory },
	{ "downgrade for a reader", prepare_sleeping_reader, enter_writing, operate_downgrade, NULL,
		settle_rwlock, arena_memory },
	{ "read, another tries to write", prepare_rwlock, attach, operate_read,
		try_to_write_meanwhile, settle_exclusive, arena_memory },
	{ "write, another tries to write", prepare_rwlock, attach, operate_write,
		try_to_write_meanwhile, settle_exclusive, arena_memory },
	{ "write, another reads", prepare_rwlock, attach, operate_write, read_meanwhile,
		settle_exclusive, arena_memory },
	{ "downgrade, another tries to write", prepare_rwlock, enter_writing, operate_downgrade,
		try_to_write_meanwhile, settle_exclusive, arena_memory },
	{ "recover a reader", prepare_dead_reader, attach, recover_in_child, NULL, settle_rwlock,
		arena_memory },
	{ "recover a reader, another recovers", prepare_dead_reader, attach, recover_in_child,
		recover_meanwhile, settle_rwlock, arena_memory },
	{ "acquire", prepare_plain, attach, operate_acquire_plain, NULL, settle_plain,
		arena_memory },
	{ "release to a sleeper", prepare_plain_awaited, attach, operate_release_plain, NULL,
		settle_plain_released, arena_memory },
	{ "acquire, owned", prepare_owned, attach, operate_acquire_owned, NULL, settle_owned,
		arena_memory },
	{ "acquire in vain, owned", prepare_all_owned, attach, operate_acquire_owned, NULL,
		settle_all_owned, arena_memory },
	{ "acquire, owned, another releases", prepare_all_owned, attach, operate_acquire_owned,
		release_owned_meanwhile, settle_owned, arena_memory },
	{ "acquire, owned, another acquires", prepare_owned, attach, operate_acquire_owned,
		take_one_meanwhile, settle_taken, arena_memory },
	{ "release, owned", prepare_owned, enter_owning_all, operate_release_owned, NULL,
		settle_owned, arena_memory },
	{ "release to a sleeper, owned", prepare_sleeping_acquirer, enter_owning_all,
		operate_release_owned, NULL, settle_owned, arena_memory },
	{ "release, owned, another acquires", prepare_owned, enter_owning_all,
		operate_release_owned, take_one_meanwhile, settle_taken, arena_memory },
	{ "recover an owner", prepare_dead_owner, attach, recover_in_child, NULL, settle_owned,
		arena_memory },
	{ "recover an owner, another recovers", prepare_dead_owner, attach, recover_in_child,
		recover_meanwhile, settle_owned, arena_memory },
	{ "recover an owner, another acquires", prepare_dead_owner, attach, recover_in_child,
		take_one_meanwhile, settle_taken, arena_memory },
};

KILL_TEST_MAIN("sync count kill")
