/* What holds of all objects alike: making, finding, removing, and what is no argument. */
#include "unit/sync_fixture.h"

struct kind {
	const char *name;
	int (*make)(struct reeve_arena *in, const char *name, reeve_nsec timeout, void **ret);
	int (*open)(struct reeve_arena *in, const char *name, void **ret);
	int (*remove)(struct reeve_arena *in, const char *name, reeve_nsec timeout);
	void *(*free)(void *handle);
};

#define KIND(x, ...)                                                                               \
	static int new_##x(                                                                        \
		struct reeve_arena *in, const char *name, reeve_nsec timeout, void **ret)          \
	{                                                                                          \
		return reeve_##x##_new(in, name, __VA_ARGS__ timeout, (struct reeve_##x **)ret);   \
	}                                                                                          \
	static int open_##x(struct reeve_arena *in, const char *name, void **ret)                  \
	{                                                                                          \
		return reeve_##x##_open(in, name, (struct reeve_##x **)ret);                       \
	}                                                                                          \
	static void *free_##x(void *handle)                                                        \
	{                                                                                          \
		return reeve_##x##_free(handle);                                                   \
	}
#define ROW(x)                                                                                     \
	{                                                                                          \
#x, new_##x, open_##x, reeve_##x##_remove, free_##x                                \
	}

KIND(lock, )
KIND(recursive_lock, )
KIND(rwlock, )
KIND(semaphore, 1, 2, )
KIND(owned_semaphore, 2, )
KIND(event, )
KIND(condition, 2, )
KIND(barrier, 2, )

static const struct kind kinds[] = {
	ROW(lock),
	ROW(recursive_lock),
	ROW(rwlock),
	ROW(semaphore),
	ROW(owned_semaphore),
	ROW(event),
	ROW(condition),
	ROW(barrier),
};

#define KINDS ((int)(sizeof kinds / sizeof *kinds))

#define LONG_NAME "12345678901234567890123456789012"

START_TEST(what_is_no_argument_is_an_error_and_changes_nothing)
{
	const struct kind *kind = &kinds[_i];
	void *handle = board;

	ck_assert_int_eq(kind->make(NULL, "x", 0, &handle), -EFAULT);
	ck_assert_int_eq(kind->make(arena, NULL, 0, &handle), -EFAULT);
	ck_assert_int_eq(kind->make(arena, "x", 0, NULL), -EFAULT);
	ck_assert_int_eq(kind->make(arena, "", 0, &handle), -EINVAL);
	ck_assert_int_eq(kind->make(arena, LONG_NAME, 0, &handle), -ENAMETOOLONG);
	ck_assert_int_eq(kind->make(arena, "x", -2, &handle), -EINVAL);
	ck_assert_int_eq(kind->make(arena, "board", 0, &handle), -EEXIST);
	ck_assert_int_eq(kind->open(NULL, "x", &handle), -EFAULT);
	ck_assert_int_eq(kind->open(arena, NULL, &handle), -EFAULT);
	ck_assert_int_eq(kind->open(arena, "x", NULL), -EFAULT);
	ck_assert_int_eq(kind->open(arena, "", &handle), -EINVAL);
	ck_assert_int_eq(kind->open(arena, LONG_NAME, &handle), -ENAMETOOLONG);
	ck_assert_int_eq(kind->open(arena, "x", &handle), -ENOENT);
	ck_assert_int_eq(kind->open(arena, "board", &handle), -EPROTOTYPE);
	ck_assert_int_eq(kind->remove(NULL, "x", 0), -EFAULT);
	ck_assert_int_eq(kind->remove(arena, NULL, 0), -EFAULT);
	ck_assert_int_eq(kind->remove(arena, "x", -2), -EINVAL);
	ck_assert_int_eq(kind->remove(arena, "x", 0), -ENOENT);
	ck_assert_int_eq(kind->remove(arena, "board", 0), -EPROTOTYPE);
	ck_assert_ptr_null(kind->free(NULL));
	ck_assert_ptr_eq(handle, board);
}
END_TEST

START_TEST(one_that_is_there_is_found_by_its_name)
{
	const struct kind *kind = &kinds[_i];
	void *made, *found, *again;

	ck_assert_int_eq(kind->make(arena, "x", 0, &made), 0);
	ck_assert_int_eq(kind->make(arena, "x", 0, &again), -EEXIST);
	ck_assert_int_eq(kind->open(arena, "x", &found), 0);
	ck_assert_ptr_eq(memory_of(made), memory_of(found));
	for (int other = 0; other < KINDS; other++)
		if (other != _i)
			ck_assert_int_eq(kinds[other].open(arena, "x", &again), -EPROTOTYPE);
	kind->free(made);
	kind->free(found);
	ck_assert_int_eq(kind->open(arena, "x", &found), 0);
	kind->free(found);
	ck_assert_int_eq(kind->remove(arena, "x", 0), 0);
	ck_assert_int_eq(kind->open(arena, "x", &found), -ENOENT);
}
END_TEST

START_TEST(there_is_room_for_so_many)
{
	const struct kind *kind = &kinds[_i];
	struct reeve_arena_spec spec = { .size = 64, .participants = 1, .objects = 1 };
	struct reeve_arena *small;
	void *handle, *block;

	ck_assert_int_eq(reeve_arena_new(&spec, &small), 0);
	ck_assert_int_eq(reeve_arena_block_new(small, "block", 64, 0, &block), 0);
	ck_assert_int_eq(kind->make(small, "x", 0, &handle), -EDQUOT);
	reeve_arena_free(small);
	spec.objects = 2;
	ck_assert_int_eq(reeve_arena_new(&spec, &small), 0);
	ck_assert_int_eq(reeve_arena_block_new(small, "block", 64, 0, &block), 0);
	ck_assert_int_eq(kind->make(small, "x", 0, &handle), -ENOSPC);
	ck_assert_int_eq(reeve_arena_block_remove(small, "block", 0), 0);
	reeve_arena_free(small);
}
END_TEST

/* An entry that says the object is smaller than it can be, or lies elsewhere. */
START_TEST(an_entry_that_somebody_scribbled_in_is_an_error)
{
	const struct kind *kind = &kinds[_i];
	struct object_entry *entry = arena_entry(arena, 1);
	uint64_t size, offset;
	void *made, *found;

	ck_assert_int_eq(kind->make(arena, "x", 0, &made), 0);
	kill_and_reap(start_participant(arena, NULL));
	size = entry->size;
	offset = entry->offset;
	entry->offset = 0;
	ck_assert_int_eq(kind->open(arena, "x", &found), -EUCLEAN);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), -EUCLEAN);
	entry->offset = offset;
	if (size > 64) {
		entry->size = 64;
		ck_assert_int_eq(kind->open(arena, "x", &found), -EUCLEAN);
		ck_assert_int_eq(reeve_arena_recover(arena, 0), -EUCLEAN);
	}
	entry->size = size;
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
	kind->free(made);
}
END_TEST

START_TEST(anybody_can_recover_any)
{
	void *handle;

	for (int i = 0; i < KINDS; i++) {
		ck_assert_int_eq(kinds[i].make(arena, kinds[i].name, 0, &handle), 0);
		kinds[i].free(handle);
	}
	kill_and_reap(start_participant(arena, NULL));
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
}
END_TEST

START_TEST(null_is_no_handle)
{
	ck_assert_int_eq(reeve_lock_acquire(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_lock_release(NULL), -EFAULT);
	ck_assert_int_eq(reeve_lock_holder(NULL, NULL), -EFAULT);
	ck_assert_int_eq(reeve_recursive_lock_acquire(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_recursive_lock_release(NULL), -EFAULT);
	ck_assert_int_eq(reeve_recursive_lock_depth(NULL), -EFAULT);
	ck_assert_int_eq(reeve_recursive_lock_holder(NULL, NULL), -EFAULT);
	ck_assert_int_eq(reeve_rwlock_acquire_read(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_rwlock_acquire_write(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_rwlock_downgrade(NULL), -EFAULT);
	ck_assert_int_eq(reeve_rwlock_release(NULL), -EFAULT);
	ck_assert_int_eq(reeve_rwlock_holders(NULL, NULL, 0, NULL), -EFAULT);
	ck_assert_int_eq(reeve_semaphore_acquire(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_semaphore_release(NULL, 1), -EFAULT);
	ck_assert_int_eq(reeve_semaphore_value(NULL), -EFAULT);
	ck_assert_int_eq(reeve_owned_semaphore_acquire(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_owned_semaphore_release(NULL), -EFAULT);
	ck_assert_int_eq(reeve_owned_semaphore_value(NULL), -EFAULT);
	ck_assert_int_eq(reeve_owned_semaphore_holders(NULL, NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_event_set(NULL), -EFAULT);
	ck_assert_int_eq(reeve_event_clear(NULL), -EFAULT);
	ck_assert_int_eq(reeve_event_is_set(NULL), -EFAULT);
	ck_assert_int_eq(reeve_event_wait(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_condition_wait(NULL, NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_condition_wait_recursive(NULL, NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_condition_notify(NULL, 1), -EFAULT);
	ck_assert_int_eq(reeve_condition_waiting(NULL), -EFAULT);
	ck_assert_int_eq(reeve_barrier_wait(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_barrier_abort(NULL), -EFAULT);
	ck_assert_int_eq(reeve_barrier_reset(NULL), -EFAULT);
	ck_assert_int_eq(reeve_barrier_is_broken(NULL), -EFAULT);
	ck_assert_int_eq(reeve_barrier_waiting(NULL), -EFAULT);
	ck_assert_int_eq(reeve_barrier_parties(NULL), -EFAULT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sync");
	TCase *tcase = leakproof_case("sync");

	tcase_add_checked_fixture(tcase, make_arena, free_arena);
	tcase_add_loop_test(tcase, what_is_no_argument_is_an_error_and_changes_nothing, 0, KINDS);
	tcase_add_loop_test(tcase, one_that_is_there_is_found_by_its_name, 0, KINDS);
	tcase_add_loop_test(tcase, there_is_room_for_so_many, 0, KINDS);
	tcase_add_loop_test(tcase, an_entry_that_somebody_scribbled_in_is_an_error, 0, KINDS);
	tcase_add_test(tcase, anybody_can_recover_any);
	tcase_add_test(tcase, null_is_no_handle);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
