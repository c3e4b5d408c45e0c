/* Names of arenas where others are in the way: hostile ones, and those who stopped or died. */
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "unit/arena_name_fixture.h"

START_TEST(a_directory_that_others_could_have_a_hand_in_is_refused)
{
	struct reeve_arena *arena = published("jobs"), *other = NULL;
	char directory[PATH_MAX], moved[PATH_MAX];

	snprintf(directory, sizeof directory, "%s/reeve-%u", names_parent, (unsigned)geteuid());
	snprintf(moved, sizeof moved, "%s/moved", names_parent);
	ck_assert_int_eq(chmod(directory, 0770), 0);
	ck_assert_int_eq(connect_to("jobs", &other), -EPERM);
	ck_assert_int_eq(chmod(directory, 0701), 0);
	ck_assert_int_eq(connect_to("jobs", &other), -EPERM);
	ck_assert_int_eq(chmod(directory, 0700), 0);
	ck_assert_int_eq(rename(directory, moved), 0);
	ck_assert_int_eq(symlink(moved, directory), 0);
	ck_assert_int_eq(connect_to("jobs", &other), -EPERM);
	ck_assert_int_eq(unlink(directory), 0);
	ck_assert_int_eq(close(open(directory, O_CREAT | O_WRONLY, 0600)), 0);
	ck_assert_int_eq(connect_to("jobs", &other), -EPERM);
	ck_assert_int_eq(unlink(directory), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(mkdir(directory, 0700), 0);
		ck_assert_int_eq(chown(directory, 1, 1), 0);
		ck_assert_int_eq(connect_to("jobs", &other), -EPERM);
		ck_assert_int_eq(rmdir(directory), 0);
	}
	name_directory_parent = "/nonexistent";
	ck_assert_int_eq(connect_to("jobs", &other), -ENOENT);
	name_directory_parent = names_parent;
	reeve_arena_free(arena);
}
END_TEST

/* Nothing is followed, opened with an effect, or overwritten. */
START_TEST(what_lies_in_the_place_of_a_name_is_left_alone)
{
	static const char text[] = "somebody's";
	struct reeve_arena *arena = published("first"), *other = NULL;
	char precious[PATH_MAX], found[sizeof text];
	int fd;

	snprintf(precious, sizeof precious, "%s/precious", names_parent);
	fd = open(precious, O_CREAT | O_RDWR, 0600);
	ck_assert_int_eq(write(fd, text, sizeof text), sizeof text);
	switch (_i) {
	case 0: ck_assert_int_eq(symlink(precious, name_path("jobs")), 0); break;
	case 1: ck_assert_int_eq(link(precious, name_path("jobs")), 0); break;
	case 2: ck_assert_int_eq(mkdir(name_path("jobs"), 0700), 0); break;
	default: ck_assert_int_eq(mkfifo(name_path("jobs"), 0600), 0);
	}
	reeve_arena_free(arena);
	arena = small_arena(2, 2);
	ck_assert_int_eq(connect_to("jobs", &other), -EUCLEAN);
	ck_assert_int_eq(reeve_arena_connect("jobs", &names_spec, 0, &other), -EUCLEAN);
	ck_assert_int_eq(reeve_arena_publish(arena, "jobs", 0), -EUCLEAN);
	ck_assert_int_eq(reeve_arena_unpublish("jobs", 0), -EUCLEAN);
	ck_assert_int_eq(reeve_arena_names_clean(0), 0);
	ck_assert_int_eq(reeve_arena_publish(arena, "second", 0), 0);
	ck_assert_int_eq(pread(fd, found, sizeof found, 0), sizeof found);
	ck_assert_str_eq(found, text);
	ck_assert_int_eq(names_files(), 2);
	close(fd);
	reeve_arena_free(arena);
}
END_TEST

static bool become_nobody(void)
{
	return setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0;
}

/* Whoever changed his user is not dumpable until he executes something, or says so. */
/* Not the one that others have inherited, who could be reached. */
static void publish_hidden(struct reeve_arena *unused)
{
	struct reeve_arena *arena;

	if (!become_nobody() || reeve_arena_connect("hidden", &names_spec, 0, &arena) != 1)
		_exit(1);
}

static void publish_openly(struct reeve_arena *unused)
{
	struct reeve_arena *arena;

	if (!become_nobody() || reeve_arena_connect("open", &names_spec, 0, &arena) != 1)
		_exit(1);
	prctl(PR_SET_DUMPABLE, 1);
}

static int ask_as_nobody(struct reeve_arena *arena)
{
	struct reeve_arena *other = NULL;

	reeve_arena_free(arena);
	if (!become_nobody())
		return 1;
	if (connect_to("hidden", &other) != -EACCES)
		return 2;
	return connect_to("open", &other);
}

START_TEST(a_holder_that_is_not_dumpable_cannot_be_reached)
{
	struct reeve_arena *arena;
	pid_t hidden, open;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(names_parent, 01777), 0);
	arena = small_arena(4, 4);
	hidden = start_participant(arena, publish_hidden);
	open = start_participant(arena, publish_openly);
	ck_assert_int_eq(in_child(ask_as_nobody, arena), 0);
	kill_and_reap(hidden);
	kill_and_reap(open);
	reeve_arena_free(arena);
}
END_TEST

/* Somebody holds the name, and what it leads to cannot be had. */
START_TEST(a_name_out_of_reach_is_said_to_be)
{
	struct reeve_arena *arena = published("jobs"), *other = NULL;
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open(name_path("jobs"), O_RDWR);

	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	arena = reeve_arena_free(arena);
	ck_assert_int_eq(connect_to("jobs", &other), -EACCES);
	ck_assert_int_eq(reeve_arena_connect("jobs", &names_spec, 0, &other), -ETIMEDOUT);
	ck_assert_int_eq(ftruncate(fd, 8), 0);
	ck_assert_int_eq(connect_to("jobs", &other), -EUCLEAN);
	ck_assert_int_eq(reeve_arena_names_clean(0), 0);
	ck_assert_int_eq(reeve_arena_unpublish("jobs", 0), 0);
	ck_assert_int_eq(names_files(), 0);
	close(fd);
}
END_TEST

static void lock_directory(struct reeve_arena *unused)
{
	struct name_directory directory;

	if (name_directory_enter(0, &directory) < 0)
		_exit(1);
}

START_TEST(who_is_in_the_directory_is_waited_for_until_he_dies)
{
	struct reeve_arena *arena = published("jobs"), *other = NULL;
	pid_t victim = start_participant(arena, lock_directory);

	ck_assert_int_eq(reeve_arena_connect("nothing", NULL, 0, &other), -ETIMEDOUT);
	ck_assert_int_eq(reeve_arena_connect("jobs", NULL, 10 * REEVE_MSEC, &other), -ETIMEDOUT);
	ck_assert_int_eq(reeve_arena_unpublish("jobs", 0), -ETIMEDOUT);
	ck_assert_int_eq(reeve_arena_names_clean(0), -ETIMEDOUT);
	kill_and_reap(victim);
	ck_assert_int_eq(reeve_arena_connect("jobs", NULL, 0, &other), 0);
	reeve_arena_free(other);
	reeve_arena_free(arena);
}
END_TEST

/* As an administrator might who cleans up: who had it locked is not in any more for others, and who
 * comes finds one that is locked in truth. */
static void remove_lock(struct reeve_arena *unused)
{
	lock_directory(unused);
	if (unlink(name_path(".lock")) < 0)
		_exit(1);
}

START_TEST(a_lock_that_was_removed_is_made_anew)
{
	struct reeve_arena *arena = published("jobs"), *other = NULL;
	pid_t victim = start_participant(arena, remove_lock);

	ck_assert_int_eq(reeve_arena_connect("jobs", NULL, 0, &other), 0);
	reeve_arena_free(other);
	kill_and_reap(victim);
	ck_assert_int_eq(access(name_path(".lock"), F_OK), 0);
	reeve_arena_free(arena);
}
END_TEST

/* Forked in the middle: neither the lock nor the word stays with the child. */
START_TEST(a_fork_in_the_middle_blocks_nobody)
{
	struct name_directory directory, again;
	int status;
	pid_t pid;

	ck_assert_int_eq(name_directory_enter(0, &directory), 0);
	ck_assert_int_eq(name_directory_enter(0, &again), -ETIMEDOUT);
	pid = fork();
	if (pid == 0) {
		if (name_directory_enter(0, &again) != -ETIMEDOUT)
			_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	pid = fork();
	if (pid == 0) {
		if (name_directory_enter(REEVE_FOREVER, &again) < 0)
			_exit(1);
		name_directory_leave(&again);
		_exit(0);
	}
	name_directory_leave(&directory);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static int ask_as_another_user(struct reeve_arena *arena)
{
	struct reeve_arena *other = NULL;

	reeve_arena_free(arena);
	if (!become_nobody())
		return 2;
	if (connect_to("jobs", &other) != -ENOENT)
		return 1;
	return reeve_arena_connect("jobs", &names_spec, 0, &other) == 1 ? 0 : 3;
}

START_TEST(users_have_names_of_their_own)
{
	struct reeve_arena *arena = published("jobs");

	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(names_parent, 01777), 0);
		ck_assert_int_eq(in_child(ask_as_another_user, arena), 0);
	}
	reeve_arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arena name, hostile");
	TCase *tcase = leakproof_case("arena name, hostile");

	tcase_add_checked_fixture(tcase, names_begin, names_end);
	tcase_add_test(tcase, a_directory_that_others_could_have_a_hand_in_is_refused);
	tcase_add_loop_test(tcase, what_lies_in_the_place_of_a_name_is_left_alone, 0, 4);
	tcase_add_test(tcase, a_name_out_of_reach_is_said_to_be);
	tcase_add_test(tcase, a_holder_that_is_not_dumpable_cannot_be_reached);
	tcase_add_test(tcase, who_is_in_the_directory_is_waited_for_until_he_dies);
	tcase_add_test(tcase, a_lock_that_was_removed_is_made_anew);
	tcase_add_test(tcase, a_fork_in_the_middle_blocks_nobody);
	tcase_add_test(tcase, users_have_names_of_their_own);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
