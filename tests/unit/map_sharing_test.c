#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "reeve/channel.h"
#include "unit/map_fixture.h"

/* Seals. */

START_TEST(seals_hold)
{
	ck_assert_int_eq(reeve_map_memory("x", 2 * page, 0, &map), 0);
	ck_assert_uint_eq(reeve_map_seals(map), 0);
	ck_assert_int_eq(reeve_map_resize(map, page), 0);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_SHRINK), 0);
	ck_assert_int_eq(reeve_map_resize(map, 1), -EPERM);
	ck_assert_int_eq(reeve_map_resize(map, 3 * page), 0);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_GROW), 0);
	ck_assert_int_eq(reeve_map_resize(map, 4 * page), -EPERM);
	ck_assert_uint_eq(reeve_map_size(map), 3 * page);
	ck_assert_uint_eq(reeve_map_seals(map), REEVE_MAP_SEAL_SHRINK | REEVE_MAP_SEAL_GROW);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_SEAL), 0);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_WRITE), -EPERM);
	ck_assert_int_eq(reeve_map_put(map, 0, "x", 1), 0);
	ck_assert_int_eq(reeve_map_seal(map, 0x80), -EINVAL);
}
END_TEST

START_TEST(sealed_against_writing_the_map_can_still_be_read)
{
	char *data;

	ck_assert_int_eq(reeve_map_memory("x", 100, 0, &map), 0);
	ck_assert_int_eq(reeve_map_put(map, 90, "tail", 4), 0);
	data = reeve_map_data(map);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_WRITE | REEVE_MAP_SEAL_SHRINK), 0);
	ck_assert_ptr_eq(reeve_map_data(map), data);
	check_bytes(90, "tail");
	ck_assert_int_eq(reeve_map_put(map, 0, "x", 1), -EACCES);
	ck_assert_int_eq(pwrite(reeve_map_fd(map), "x", 1, 0), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(while_another_maps_it_for_writing_the_seal_is_refused_and_nothing_changes)
{
	struct reeve_map *other;

	ck_assert_int_eq(reeve_map_memory("x", 100, 0, &map), 0);
	ck_assert_int_eq(reeve_map_received(reeve_map_fd(map), REEVE_MAP_WRITE, 100, 0, &other), 0);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_WRITE), -EBUSY);
	ck_assert_int_eq(reeve_map_put(map, 0, "seen", 4), 0);
	ck_assert_int_eq(memcmp(reeve_map_data(other), "seen", 4), 0);
	reeve_map_free(other);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_WRITE), 0);
}
END_TEST

START_TEST(a_file_cannot_be_sealed)
{
	fill_file("abc");
	map_file(REEVE_MAP_WRITE);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_SHRINK), -EPERM);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_WRITE), -EPERM);
	ck_assert_int_eq(reeve_map_put(map, 0, "x", 1), 0);
	ck_assert_int_eq(file_size(), 3);
}
END_TEST

START_TEST(what_is_received_is_looked_at)
{
	struct reeve_map *other = NULL;
	int fd, ends[2];

	ck_assert_int_eq(reeve_map_memory("x", 100, REEVE_MAP_SEAL_SHRINK, &map), 0);
	fd = reeve_map_fd(map);
	ck_assert_int_eq(reeve_map_received(fd, REEVE_MAP_READ, 101, REEVE_MAP_SEAL_SHRINK, &other),
		-ENODATA);
	ck_assert_int_eq(reeve_map_received(fd, REEVE_MAP_READ, 100,
				 REEVE_MAP_SEAL_SHRINK | REEVE_MAP_SEAL_GROW, &other),
		-EPERM);
	ck_assert_int_eq(reeve_map_received(fd, REEVE_MAP_READ, 1, 0x80, &other), -EINVAL);
	ck_assert_int_eq(reeve_map_received(-1, REEVE_MAP_READ, 1, 0, &other), -EBADF);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(reeve_map_received(ends[0], REEVE_MAP_READ, 1, 0, &other), -ENODEV);
	close(ends[0]);
	close(ends[1]);
	fill_file("abc");
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(
		reeve_map_received(fd, REEVE_MAP_READ, 1, REEVE_MAP_SEAL_SHRINK, &other), -EPERM);
	ck_assert_ptr_null(other);
	ck_assert_int_eq(reeve_map_received(fd, REEVE_MAP_WRITE, 3, 0, &other), 0);
	reeve_map_free(other);
	close(fd);
}
END_TEST

START_TEST(sealed_memory_is_shared_by_passing_its_descriptor)
{
	int ends[2], fd, status;
	pid_t child;

	ck_assert_int_eq(reeve_channel_pair(ends), 0);
	ck_assert_int_eq(reeve_map_memory("board", 64 << 20,
				 REEVE_MAP_SEAL_SHRINK | REEVE_MAP_SEAL_GROW, &map),
		0);
	child = fork();
	if (child == 0) {
		struct reeve_channel_info info;
		struct reeve_map *board;
		char byte;

		map = reeve_map_free(map);
		if (reeve_channel_receive(ends[1], &byte, 1, &fd, 1, &info, REEVE_FOREVER) != 1 ||
			reeve_map_received(fd, REEVE_MAP_WRITE, 64 << 20,
				REEVE_MAP_SEAL_SHRINK | REEVE_MAP_SEAL_GROW, &board) < 0)
			_exit(1);
		_exit(-reeve_map_put(board, 12345678, "row", 3));
	}
	fd = reeve_map_fd(map);
	ck_assert_int_eq(reeve_channel_send(ends[0], "b", 1, &fd, 1, REEVE_FOREVER), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	check_bytes(12345678, "row");
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_descriptor_for_those_who_are_only_to_look)
{
	struct reeve_map *other = NULL;
	int fd;

	ck_assert_int_eq(reeve_map_memory("x", 100, REEVE_MAP_SEAL_SHRINK, &map), 0);
	fd = reeve_map_open_readonly(map);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(
		reeve_map_received(fd, REEVE_MAP_WRITE, 100, REEVE_MAP_SEAL_SHRINK, &other),
		-EACCES);
	ck_assert_int_eq(
		reeve_map_received(fd, REEVE_MAP_READ, 100, REEVE_MAP_SEAL_SHRINK, &other), 0);
	close(fd);
	ck_assert_int_eq(reeve_map_put(map, 5, "look", 4), 0);
	ck_assert_int_eq(memcmp((char *)reeve_map_data(other) + 5, "look", 4), 0);
	reeve_map_free(other);
}
END_TEST

/* Names. */

static char name[64];

static void make_name(void)
{
	snprintf(name, sizeof name, "/reeve-test-%d", getpid());
}

START_TEST(strangers_share_memory_by_its_name)
{
	struct reeve_map *other;

	make_name();
	ck_assert_int_eq(reeve_map_named(name, REEVE_MAP_WRITE, 0, 0, 0, &map), -ENOENT);
	ck_assert_int_eq(reeve_map_named(name, REEVE_MAP_WRITE,
				 REEVE_MAP_CREATE | REEVE_MAP_EXCLUSIVE, 0600, 5000, &map),
		0);
	ck_assert_int_eq(reeve_map_named(name, REEVE_MAP_WRITE,
				 REEVE_MAP_CREATE | REEVE_MAP_EXCLUSIVE, 0600, 5000, &other),
		-EEXIST);
	ck_assert_int_eq(reeve_map_named(name + 1, REEVE_MAP_READ, 0, 0, 0, &other), 0);
	ck_assert_uint_eq(reeve_map_size(other), 5000);
	ck_assert_int_eq(reeve_map_put(map, 4990, "shared", 6), 0);
	ck_assert_int_eq(memcmp((char *)reeve_map_data(other) + 4990, "shared", 6), 0);
	reeve_map_free(other);
	ck_assert_int_eq(
		reeve_map_named(name, REEVE_MAP_WRITE, REEVE_MAP_CREATE, 0, 100, &other), 0);
	ck_assert_uint_eq(reeve_map_size(other), 100);
	reeve_map_free(other);
	ck_assert_int_eq(
		reeve_map_named(name, REEVE_MAP_READ, REEVE_MAP_CREATE, 0, 5001, &other), -ENODATA);
	ck_assert_int_eq(reeve_map_unlink(name), 0);
	ck_assert_int_eq(reeve_map_unlink(name), -ENOENT);
	check_bytes(4990, "shared");
}
END_TEST

START_TEST(names_that_cannot_be_are_refused)
{
	static const char *const bad[] = { "", "/", "//", ".", "..", "/a/b", "../x" };
	char longer[300];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_int_eq(
			reeve_map_named(bad[i], REEVE_MAP_WRITE, REEVE_MAP_CREATE, 0600, 1, &map),
			-EINVAL);
		ck_assert_int_eq(reeve_map_unlink(bad[i]), -EINVAL);
	}
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	ck_assert_int_eq(reeve_map_unlink(longer), -ENAMETOOLONG);
	longer[255] = '\0';
	ck_assert_int_eq(reeve_map_unlink(longer), -ENOENT);
	ck_assert_int_eq(
		reeve_map_named("x", REEVE_MAP_WRITE, REEVE_MAP_EXCLUSIVE, 0600, 1, &map), -EINVAL);
	ck_assert_int_eq(
		reeve_map_named("x", REEVE_MAP_WRITE, REEVE_MAP_CREATE, 01600, 1, &map), -EINVAL);
}
END_TEST

START_TEST(a_named_map_has_the_mode_asked_for_whatever_the_umask)
{
	mode_t old = umask(0077);
	struct stat status;

	make_name();
	ck_assert_int_eq(
		reeve_map_named(name, REEVE_MAP_WRITE, REEVE_MAP_CREATE, 0664, 1, &map), 0);
	umask(old);
	ck_assert_int_eq(fstat(reeve_map_fd(map), &status), 0);
	ck_assert_uint_eq(status.st_mode, S_IFREG | 0664);
	ck_assert_int_eq(reeve_map_unlink(name), 0);
}
END_TEST

/* Of many that create the same name at once all get the same memory, of its full size. */
START_TEST(many_that_create_one_name_at_once_share_it)
{
	enum { RACERS = 8 };
	int status;

	make_name();
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < RACERS; i++)
			if (fork() == 0) {
				atomic_int *counter;
				int r = reeve_map_named(
					name, REEVE_MAP_WRITE, REEVE_MAP_CREATE, 0600, 4096, &map);

				if (r < 0)
					_exit(-r);
				counter = reeve_map_data(map);
				atomic_fetch_add(counter, 1);
				_exit(0);
			}
		for (int i = 0; i < RACERS; i++) {
			ck_assert_int_gt(wait(&status), 0);
			ck_assert_int_eq(status, 0);
		}
		ck_assert_int_eq(reeve_map_named(name, REEVE_MAP_READ, 0, 0, 4096, &map), 0);
		ck_assert_int_eq(*(int *)reeve_map_data(map), RACERS);
		map = reeve_map_free(map);
		ck_assert_int_eq(reeve_map_unlink(name), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("map sharing");
	TCase *tcase = map_case("map sharing");

	tcase_add_test(tcase, seals_hold);
	tcase_add_test(tcase, sealed_against_writing_the_map_can_still_be_read);
	tcase_add_test(
		tcase, while_another_maps_it_for_writing_the_seal_is_refused_and_nothing_changes);
	tcase_add_test(tcase, a_file_cannot_be_sealed);
	tcase_add_test(tcase, what_is_received_is_looked_at);
	tcase_add_test(tcase, sealed_memory_is_shared_by_passing_its_descriptor);
	tcase_add_test(tcase, a_descriptor_for_those_who_are_only_to_look);
	tcase_add_test(tcase, strangers_share_memory_by_its_name);
	tcase_add_test(tcase, names_that_cannot_be_are_refused);
	tcase_add_test(tcase, a_named_map_has_the_mode_asked_for_whatever_the_umask);
	tcase_add_test(tcase, many_that_create_one_name_at_once_share_it);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
