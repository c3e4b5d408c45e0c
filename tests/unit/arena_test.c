#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "lib/arena/arena.h"
#include "reeve/map.h"
#include "reeve/process.h"
#include "unit/arena_fixture.h"

#define TYPE_HELD 30u

/* An object that one participant holds, and its recovery. */
static int recover_held(
	struct reeve_arena *arena, void *object, uint64_t size, unsigned participant)
{
	_Atomic unsigned *word = object;
	unsigned holder = participant;

	atomic_compare_exchange_strong(word, &holder, 0);
	return 0;
}

static const struct arena_type held = { .number = TYPE_HELD, .recover = recover_held };

static _Atomic unsigned *new_held(struct reeve_arena *arena, const char *name)
{
	struct arena_object object;

	arena_type_add(&held);
	ck_assert_int_eq(
		arena_object_new(arena, TYPE_HELD, name, 4, NULL, NULL, REEVE_FOREVER, &object), 0);
	return object.memory;
}

START_TEST(bad_requests_have_each_their_error)
{
	struct reeve_arena_spec spec = { .size = 4096, .participants = 2 };
	struct reeve_arena *arena = NULL;
	struct reeve_arena_participant who;
	void *memory;

	ck_assert_int_eq(reeve_arena_new(NULL, &arena), -EFAULT);
	ck_assert_int_eq(reeve_arena_new(&spec, NULL), -EFAULT);
	spec.size = 0;
	ck_assert_int_eq(reeve_arena_new(&spec, &arena), -EINVAL);
	spec.size = (size_t)REEVE_ARENA_SIZE_MAX + 1;
	ck_assert_int_eq(reeve_arena_new(&spec, &arena), -EOVERFLOW);
	spec.size = 4096;
	spec.participants = 0;
	ck_assert_int_eq(reeve_arena_new(&spec, &arena), -EINVAL);
	spec.participants = REEVE_ARENA_PARTICIPANTS_MAX + 1;
	ck_assert_int_eq(reeve_arena_new(&spec, &arena), -EOVERFLOW);
	spec.participants = 2;
	spec.objects = REEVE_ARENA_OBJECTS_MAX + 1;
	ck_assert_int_eq(reeve_arena_new(&spec, &arena), -EOVERFLOW);
	spec.objects = 0;
	spec.label = "a label of more than thirty-one bytes";
	ck_assert_int_eq(reeve_arena_new(&spec, &arena), -ENAMETOOLONG);
	ck_assert_ptr_null(arena);
	arena = small_arena(2, 4);
	ck_assert_int_eq(reeve_arena_attach(NULL, NULL), -EFAULT);
	ck_assert_int_eq(reeve_arena_attach(arena, spec.label), -ENAMETOOLONG);
	ck_assert_int_eq(reeve_arena_detach(arena, 0), -ENOTCONN);
	ck_assert_int_eq(reeve_arena_detach(arena, -7), -EINVAL);
	ck_assert_int_eq(reeve_arena_recover(arena, -7), -EINVAL);
	ck_assert_int_eq(reeve_arena_recover(NULL, 0), -EFAULT);
	ck_assert_int_eq(reeve_arena_participant(arena, 0, &who), -ERANGE);
	ck_assert_int_eq(reeve_arena_participant(arena, 3, &who), -ERANGE);
	ck_assert_int_eq(reeve_arena_participant(arena, 1, NULL), -EFAULT);
	ck_assert_int_eq(reeve_arena_block_new(arena, "x", 0, 0, &memory), -EINVAL);
	ck_assert_int_eq(reeve_arena_block_new(arena, "", 8, 0, &memory), -EINVAL);
	ck_assert_int_eq(reeve_arena_block_new(arena, NULL, 8, 0, &memory), -EFAULT);
	ck_assert_int_eq(reeve_arena_block_new(arena, "x", 8, -2, &memory), -EINVAL);
	ck_assert_int_eq(reeve_arena_block_new(arena, "x", SIZE_MAX, 0, &memory), -ENOSPC);
	ck_assert_int_eq(reeve_arena_block_new(arena, spec.label, 8, 0, &memory), -ENAMETOOLONG);
	ck_assert_int_eq(reeve_arena_fd(NULL), -EFAULT);
	ck_assert_uint_eq(reeve_arena_participants(NULL), 0);
	ck_assert_ptr_null(reeve_arena_free(arena));
	ck_assert_ptr_null(reeve_arena_free(NULL));
}
END_TEST

/* A sealed memfd that begins with these bytes. */
static int forged(const void *bytes, size_t size, size_t whole)
{
	int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(ftruncate(fd, (off_t)whole), 0);
	ck_assert_int_eq(pwrite(fd, bytes, size, 0), (ssize_t)size);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	return fd;
}

static int try_forged(const struct arena_header *header, size_t whole)
{
	struct reeve_arena *opened = NULL;
	int fd = forged(header, sizeof *header, whole), r = reeve_arena_open(fd, &opened);

	close(fd);
	reeve_arena_free(opened);
	return r;
}

START_TEST(what_is_no_arena_of_ours_is_refused_by_name)
{
	struct reeve_arena *arena = small_arena(2, 4), *opened = NULL;
	struct arena_header good, header;
	int fd, pipes[2];

	ck_assert_int_eq(pread(reeve_arena_fd(arena), &good, sizeof good, 0), sizeof good);
	ck_assert_int_eq(try_forged(&good, good.size), 0);
	ck_assert_int_eq(try_forged(&good, good.size + 64), -EUCLEAN);
	header = good;
	header.magic ^= 1;
	ck_assert_int_eq(try_forged(&header, good.size), -EMEDIUMTYPE);
	header = good;
	header.version++;
	ck_assert_int_eq(try_forged(&header, good.size), -EPROTONOSUPPORT);
	header = good;
	header.abi ^= 12;
	ck_assert_int_eq(try_forged(&header, good.size), -ENOEXEC);
	header = good;
	header.participants = UINT32_MAX;
	ck_assert_int_eq(try_forged(&header, good.size), -EUCLEAN);
	header = good;
	header.objects = 4000;
	ck_assert_int_eq(try_forged(&header, good.size), -EUCLEAN);
	ck_assert_int_eq(try_forged(&good, 4096 + 32), -EUCLEAN);

	ck_assert_int_eq(reeve_arena_open(-1, &opened), -EBADF);
	ck_assert_int_eq(reeve_arena_open(reeve_arena_fd(arena), NULL), -EFAULT);
	fd = open("/dev/null", O_RDWR);
	ck_assert_int_eq(reeve_arena_open(fd, &opened), -EMEDIUMTYPE);
	close(fd);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(reeve_arena_open(pipes[0], &opened), -EMEDIUMTYPE);
	close(pipes[0]);
	close(pipes[1]);
	fd = memfd_create("unsealed", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, (off_t)good.size), 0);
	ck_assert_int_eq(reeve_arena_open(fd, &opened), -EMEDIUMTYPE);
	ck_assert_int_eq(pwrite(fd, &good, sizeof good, 0), sizeof good);
	ck_assert_int_eq(reeve_arena_open(fd, &opened), -EPERM);
	close(fd);
	ck_assert_ptr_null(opened);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(nobody_can_truncate_it)
{
	struct reeve_arena *arena = small_arena(2, 4);

	ck_assert_int_eq(ftruncate(reeve_arena_fd(arena), 64), -1);
	ck_assert_int_eq(errno, EPERM);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(a_place_is_taken_and_given_back)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct reeve_arena_participant who;

	ck_assert_int_eq(state_of(arena, 1), REEVE_ARENA_FREE);
	ck_assert_int_eq(reeve_arena_attach(arena, "me"), 1);
	ck_assert_int_eq(reeve_arena_attach(arena, "me"), -EISCONN);
	ck_assert_int_eq(reeve_arena_self(arena), 1);
	ck_assert_int_eq(reeve_arena_participant(arena, 1, &who), 0);
	ck_assert_int_eq(who.state, REEVE_ARENA_ALIVE);
	ck_assert_int_eq(who.pid, getpid());
	ck_assert_uint_ne(who.start_time, 0);
	ck_assert_uint_eq(who.epoch, 1);
	ck_assert_str_eq(who.name, "me");
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 0);
	ck_assert_int_eq(reeve_arena_detach(arena, 0), 0);
	ck_assert_int_eq(state_of(arena, 1), REEVE_ARENA_FREE);
	ck_assert_int_eq(reeve_arena_self(arena), 1); /* unasked */
	ck_assert_int_eq(reeve_arena_participant(arena, 1, &who), 0);
	ck_assert_uint_eq(who.epoch, 2);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(two_handles_are_two_participants)
{
	struct reeve_arena *one = small_arena(2, 4), *two = NULL;

	ck_assert_int_eq(reeve_arena_open(reeve_arena_fd(one), &two), 0);
	ck_assert_int_eq(reeve_arena_attach(one, NULL), 1);
	ck_assert_int_eq(reeve_arena_attach(two, NULL), 2);
	ck_assert_int_eq(state_of(one, 2), REEVE_ARENA_ALIVE);
	reeve_arena_free(two);
	ck_assert_int_eq(state_of(one, 2), REEVE_ARENA_FREE);
	reeve_arena_free(one);
}
END_TEST

static int second_place(struct reeve_arena *arena)
{
	return reeve_arena_detach(arena, 0) == -ENOTCONN && reeve_arena_self(arena) == 2 &&
			       state_of(arena, 1) == REEVE_ARENA_ALIVE
		       ? 0
		       : 1;
}

START_TEST(a_child_has_no_place_until_it_takes_one)
{
	struct reeve_arena *arena = small_arena(2, 4);

	ck_assert_int_eq(reeve_arena_attach(arena, NULL), 1);
	ck_assert_int_eq(in_child(second_place, arena), 0);
	ck_assert_int_eq(state_of(arena, 1), REEVE_ARENA_ALIVE);
	ck_assert_int_eq(state_of(arena, 2), REEVE_ARENA_DEAD); /* it ended without a word */
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
	ck_assert_int_eq(state_of(arena, 2), REEVE_ARENA_FREE);
	reeve_arena_free(arena);
}
END_TEST

static _Atomic pid_t *orphan_pid(struct reeve_arena *arena)
{
	return (_Atomic pid_t *)(void *)arena_entry(arena, 3)->name;
}

/* The child itself tells that it is there: until it runs, it still shares its parent's
 * description. */
static void leave_a_child(struct reeve_arena *arena)
{
	if (fork() == 0) {
		atomic_store(orphan_pid(arena), getpid());
		for (;;)
			pause();
	}
	while (atomic_load(orphan_pid(arena)) == 0)
		sched_yield();
}

START_TEST(a_child_that_lives_on_does_not_keep_its_parents_place)
{
	struct reeve_arena *arena = small_arena(2, 4);
	pid_t victim, orphan;

	reeve_process_set_subreaper(true);
	victim = start_participant(arena, leave_a_child);
	orphan = atomic_load(orphan_pid(arena));
	ck_assert_int_eq(state_of(arena, 1), REEVE_ARENA_ALIVE);
	kill_and_reap(victim);
	ck_assert_int_eq(state_of(arena, 1), REEVE_ARENA_DEAD);
	kill_and_reap(orphan);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(a_full_table_is_told_and_the_dead_make_room)
{
	struct reeve_arena *arena = small_arena(2, 4);
	pid_t first = start_participant(arena, NULL), second = start_participant(arena, NULL);

	ck_assert_int_eq(reeve_arena_attach(arena, NULL), -EUSERS);
	kill_and_reap(second);
	ck_assert_int_eq(reeve_arena_attach(arena, NULL), 2);
	kill_and_reap(first);
	reeve_arena_free(arena);
}
END_TEST

#define TURNS 3000

static int come_and_go(struct reeve_arena *arena)
{
	int r = 0;

	for (int i = 0; i < TURNS && r >= 0; i++) {
		r = reeve_arena_attach(arena, NULL);
		if (r > 0)
			r = reeve_arena_detach(arena, REEVE_FOREVER);
	}
	return r < 0 ? -r : 0;
}

static int recover_for_ever(struct reeve_arena *arena)
{
	while (reeve_arena_recover(arena, 0) >= 0)
		continue;
	return 1;
}

static pid_t start(int (*run)(struct reeve_arena *), struct reeve_arena *arena)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(run(arena));
	return pid;
}

/* As many places as there are processes that want one: none of them may find none, wherever the
 * others go meanwhile, and whatever a stranger looks at who recovers it. */
START_TEST(who_has_a_place_to_himself_finds_it)
{
	struct reeve_arena *arena = small_arena((unsigned)_i + 1, 4);
	pid_t stranger = start(recover_for_ever, arena), others[2];
	int status;

	for (int i = 0; i < _i; i++)
		others[i] = start(come_and_go, arena);
	ck_assert_int_eq(come_and_go(arena), 0);
	for (int i = 0; i < _i; i++) {
		ck_assert_int_eq(waitpid(others[i], &status, 0), others[i]);
		ck_assert_int_eq(status, 0);
	}
	kill_and_reap(stranger);
	reeve_arena_free(arena);
}
END_TEST

static void *attach_in_thread(void *data)
{
	return (void *)(intptr_t)reeve_arena_attach(data, NULL);
}

/* Who recovers has a place's lock yet when it is free already: here, for long. */
START_TEST(a_place_that_is_just_recovered_is_waited_for)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 1, .l_len = 1 };
	struct reeve_arena *arena = small_arena(1, 4), *other;
	void *number;
	pthread_t thread;

	arena_patience = 1000 * REEVE_SEC;
	ck_assert_int_eq(reeve_arena_open(reeve_arena_fd(arena), &other), 0);
	if (_i == 1)
		atomic_store(&arena_slot(arena, 1)->word, slot_word(SLOT_SWEPT, 0, 1));
	ck_assert_int_eq(fcntl(other->lock_fd, F_OFD_SETLK, &lock), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, attach_in_thread, arena), 0);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	lock.l_type = F_UNLCK;
	ck_assert_int_eq(fcntl(other->lock_fd, F_OFD_SETLK, &lock), 0);
	ck_assert_int_eq(pthread_join(thread, &number), 0);
	ck_assert_int_eq((intptr_t)number, 1);
	reeve_arena_free(other);
	reeve_arena_free(arena);
}
END_TEST

static void hold(struct reeve_arena *arena)
{
	struct arena_object object;

	if (arena_object_find(arena, TYPE_HELD, "held", &object) < 0)
		_exit(1);
	atomic_store((_Atomic unsigned *)object.memory, (unsigned)arena_self(arena));
}

START_TEST(what_the_dead_held_is_given_back_and_only_that)
{
	struct reeve_arena *arena = small_arena(3, 4);
	_Atomic unsigned *word = new_held(arena, "held"), *other = new_held(arena, "other");
	pid_t victim;

	ck_assert_int_eq(reeve_arena_attach(arena, NULL), 1);
	atomic_store(other, 1);
	victim = start_participant(arena, hold);
	ck_assert_uint_eq(atomic_load(word), 2);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 0);
	ck_assert_uint_eq(atomic_load(word), 2);
	kill_and_reap(victim);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
	ck_assert_uint_eq(atomic_load(word), 0);
	ck_assert_uint_eq(atomic_load(other), 1);
	ck_assert_int_eq(reeve_arena_detach(arena, 0), 0);
	ck_assert_uint_eq(atomic_load(other), 0);
	reeve_arena_free(arena);
}
END_TEST

/* While a child is a zombie, it has let go already. */
START_TEST(it_is_recovered_before_the_dead_is_reaped)
{
	struct reeve_arena *arena = small_arena(2, 4);
	_Atomic unsigned *word = new_held(arena, "held");
	pid_t victim;

	ck_assert_int_eq(reeve_arena_recover_before_reap(NULL, true), -EFAULT);
	ck_assert_int_eq(reeve_arena_recover_before_reap(arena, true), 0);
	ck_assert_int_eq(reeve_arena_recover_before_reap(arena, true), 0);
	victim = start_participant(arena, hold);
	ck_assert_uint_eq(atomic_load(word), 1);
	kill(victim, SIGKILL);
	ck_assert_int_eq(
		reeve_process_wait_pid(victim, REEVE_PROCESS_WAIT_ENDED, REEVE_FOREVER, NULL),
		victim);
	ck_assert_uint_eq(atomic_load(word), 0);
	ck_assert_int_eq(state_of(arena, 1), REEVE_ARENA_FREE);
	reeve_arena_free(arena);
}
END_TEST

START_TEST(one_with_objects_that_we_do_not_know_stays_dead)
{
	struct reeve_arena *arena = small_arena(2, 4);
	struct arena_object object;

	ck_assert_int_eq(arena_object_new(arena, 29, "new", 4, NULL, NULL, 0, &object), 0);
	kill_and_reap(start_participant(arena, NULL));
	ck_assert_int_eq(reeve_arena_recover(arena, 0), -EPROTONOSUPPORT);
	ck_assert_int_eq(state_of(arena, 1), REEVE_ARENA_DEAD);
	ck_assert_int_eq(arena_object_remove(arena, 29, "new", 0), 0);
	ck_assert_int_eq(reeve_arena_recover(arena, 0), 1);
	reeve_arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena");
	TCase *tcase = leakproof_case("arena");

	tcase_add_test(tcase, bad_requests_have_each_their_error);
	tcase_add_test(tcase, what_is_no_arena_of_ours_is_refused_by_name);
	tcase_add_test(tcase, nobody_can_truncate_it);
	tcase_add_test(tcase, a_place_is_taken_and_given_back);
	tcase_add_test(tcase, two_handles_are_two_participants);
	tcase_add_test(tcase, a_child_has_no_place_until_it_takes_one);
	tcase_add_test(tcase, a_child_that_lives_on_does_not_keep_its_parents_place);
	tcase_add_test(tcase, a_full_table_is_told_and_the_dead_make_room);
	tcase_add_loop_test(tcase, who_has_a_place_to_himself_finds_it, 0, 3);
	tcase_add_loop_test(tcase, a_place_that_is_just_recovered_is_waited_for, 0, 2);
	tcase_add_test(tcase, what_the_dead_held_is_given_back_and_only_that);
	tcase_add_test(tcase, it_is_recovered_before_the_dead_is_reaped);
	tcase_add_test(tcase, one_with_objects_that_we_do_not_know_stays_dead);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
