#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "reeve/map.h"
#include "support/each_fault.h"

static void cleanup_map(struct reeve_map **map)
{
	reeve_map_free(*map);
}

#define CLEANUP_MAP CLEANUP(cleanup_map) struct reeve_map

/* Seals that can't be read are taken for none: safe, if slow. */
static const char *const seals_unread[] = { "fcntl", NULL };

static char path[64];

static void make_file(void)
{
	int fd;

	snprintf(path, sizeof path, "/tmp/reeve-map-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void remove_file(void)
{
	unlink(path);
}

static int share_memory(void)
{
	CLEANUP_MAP *map = NULL, *other = NULL;
	CLEANUP_FD int fd = -EBADF;

	TRY(reeve_map_memory("x", 100, 0, &map));
	TRY(reeve_map_put(map, 90, "tail", 4));
	TRY(reeve_map_resize(map, 100000));
	TRY(reeve_map_resize(map, 90000));
	fd = reeve_map_open_readonly(map);
	TRY(fd);
	TRY(reeve_map_received(fd, REEVE_MAP_READ, 90000, 0, &other));
	TRY(reeve_map_refresh(other));
	return 0;
}

START_TEST(sharing_memory)
{
	fail_each_call(share_memory, EIO, seals_unread);
	fail_each_call(share_memory, ENOMEM, seals_unread);
}
END_TEST

/* Whatever fails, the map can be read afterwards, and written unless it says otherwise. */
static int seal_memory(void)
{
	CLEANUP_MAP *map = NULL;
	char text[4];
	int r;

	TRY(reeve_map_memory("x", 100000, REEVE_MAP_SEAL_GROW, &map));
	TRY(reeve_map_put(map, 90000, "tail", 4));
	r = reeve_map_seal(map, REEVE_MAP_SEAL_WRITE | REEVE_MAP_SEAL_SHRINK);
	ck_assert_int_eq(memcmp((char *)reeve_map_data(map) + 90000, "tail", 4), 0);
	ck_assert_int_eq(reeve_map_put(map, 1, "x", 1), r < 0 ? 0 : -EACCES);
	TRY(r);
	return reeve_map_get(map, 90000, text, 4);
}

START_TEST(sealing_memory)
{
	fail_each_call(seal_memory, EIO, seals_unread);
}
END_TEST

static int use_file(void)
{
	CLEANUP_MAP *map = NULL;
	char line[16];
	size_t at;

	ck_assert_int_eq(truncate(path, 200000), 0);
	TRY(reeve_map_file(path, REEVE_MAP_WRITE, 5000, 0, &map));
	TRY(reeve_map_put(map, 100000, "sought\n", 7));
	TRY(reeve_map_move(map, 50000, 99000, 3000));
	TRY(reeve_map_find(map, "sought", 6, 0, SIZE_MAX, &at));
	ck_assert_uint_eq(at, 51000);
	TRY(reeve_map_seek(map, 100000, SEEK_SET));
	TRY((int)reeve_map_read_line(map, line, sizeof line));
	TRY(reeve_map_flush(map, 0, 0));
	TRY(reeve_map_advise(map, 0, 0, MADV_NORMAL));
	TRY(reeve_map_lock(map, 0, 1));
	TRY(reeve_map_unlock(map, 0, 1));
	TRY(reeve_map_resize(map, 100));
	return reeve_map_resize(map, 300000);
}

START_TEST(using_a_file)
{
	fail_each_call(use_file, EIO, seals_unread);
	fail_each_call(use_file, ENOMEM, seals_unread);
}
END_TEST

static int use_name(void)
{
	CLEANUP_MAP *map = NULL, *other = NULL;
	char name[64];

	snprintf(name, sizeof name, "reeve-fault-%d", getpid());
	TRY(reeve_map_named(name, REEVE_MAP_WRITE, REEVE_MAP_CREATE, 0600, 5000, &map));
	TRY(reeve_map_named(name, REEVE_MAP_READ, 0, 0, 5000, &other));
	return reeve_map_unlink(name);
}

static int use_name_and_tidy_up(void)
{
	char name[64];
	int r = use_name();

	snprintf(name, sizeof name, "/reeve-fault-%d", getpid());
	shm_unlink(name);
	return r;
}

START_TEST(using_a_name)
{
	fail_each_call(use_name_and_tidy_up, EIO, seals_unread);
}
END_TEST

START_TEST(a_kernel_without_noexec_memory_will_do)
{
	struct reeve_map *map;

	faulty_arm_call("memfd_create", 1, EINVAL);
	ck_assert_int_eq(reeve_map_memory("x", 1, 0, &map), 0);
	ck_assert(faulty_fired());
	reeve_map_free(map);
}
END_TEST

START_TEST(a_file_system_without_fallocate_will_do)
{
	struct reeve_map *map;

	ck_assert_int_eq(truncate(path, 10), 0);
	ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_WRITE, 0, 0, &map), 0);
	faulty_arm_call("fallocate", 1, EOPNOTSUPP);
	ck_assert_int_eq(reeve_map_resize(map, 100000), 0);
	ck_assert(faulty_fired());
	ck_assert_int_eq(reeve_map_put(map, 99999, "x", 1), 0);
	reeve_map_free(map);
}
END_TEST

/* What was begun before the failure shows nowhere but in the file. */
START_TEST(a_map_that_could_not_be_resized_is_as_before)
{
	static const char *const calls[] = { "fstat", "fallocate", "mremap" };
	struct reeve_map *map;

	ck_assert_int_eq(truncate(path, 10), 0);
	ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_WRITE, 0, 0, &map), 0);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		void *data = reeve_map_data(map);

		faulty_arm_call(calls[i], 1, ENOMEM);
		ck_assert_int_eq(reeve_map_resize(map, 100000), -ENOMEM);
		ck_assert(faulty_fired());
		ck_assert_uint_eq(reeve_map_size(map), 10);
		ck_assert_ptr_eq(reeve_map_data(map), data);
	}
	faulty_arm_call("ftruncate", 1, EIO);
	ck_assert_int_eq(reeve_map_resize(map, 5), -EIO);
	ck_assert_uint_eq(reeve_map_size(map), 10);
	reeve_map_free(map);
}
END_TEST

/* What can't shrink is plain memory: any call would fail here. */
START_TEST(sealed_memory_costs_no_system_call)
{
	struct reeve_map *map;
	char line[16];
	size_t at;

	ck_assert_int_eq(reeve_map_anonymous(100000, &map), 0);
	faulty_arm(1, EIO);
	ck_assert_int_eq(reeve_map_put(map, 50000, "sought\n", 7), 0);
	ck_assert_int_eq(reeve_map_get(map, 50000, line, 7), 0);
	ck_assert_int_eq(reeve_map_find(map, "sought", 6, 0, SIZE_MAX, &at), 0);
	ck_assert_int_eq(reeve_map_seek(map, 50000, SEEK_SET), 0);
	ck_assert_int_eq(reeve_map_read_line(map, line, sizeof line), 7);
	ck_assert(!faulty_fired());
	faulty_arm(0, 0);
	reeve_map_free(map);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("map fault");
	TCase *tcase = leakproof_case("map fault");

	tcase_add_checked_fixture(tcase, make_file, remove_file);
	tcase_add_test(tcase, sharing_memory);
	tcase_add_test(tcase, sealing_memory);
	tcase_add_test(tcase, using_a_file);
	tcase_add_test(tcase, using_a_name);
	tcase_add_test(tcase, a_kernel_without_noexec_memory_will_do);
	tcase_add_test(tcase, a_file_system_without_fallocate_will_do);
	tcase_add_test(tcase, a_map_that_could_not_be_resized_is_as_before);
	tcase_add_test(tcase, sealed_memory_costs_no_system_call);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
