#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/channel.h"
#include "reeve/map.h"
#include "support/harness.h"

static char path[64];
static struct reeve_map *map;
static size_t page;

static void make_file(void)
{
	int fd;

	page = (size_t)sysconf(_SC_PAGESIZE);
	snprintf(path, sizeof path, "/tmp/reeve-map-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void remove_file(void)
{
	map = reeve_map_free(map);
	unlink(path);
}

static void fill_file(const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void size_file(off_t size)
{
	ck_assert_int_eq(truncate(path, size), 0);
}

static off_t file_size(void)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	return status.st_size;
}

static void map_file(enum reeve_map_access access)
{
	map = reeve_map_free(map);
	ck_assert_int_eq(reeve_map_file(path, access, 0, 0, &map), 0);
}

static void check_bytes(size_t offset, const char *text)
{
	char bytes[64] = { 0 };

	ck_assert_uint_lt(strlen(text), sizeof bytes);
	ck_assert_int_eq(reeve_map_get(map, offset, bytes, strlen(text)), 0);
	ck_assert_str_eq(bytes, text);
}

/* Each kind of map for the laws that hold for all: what can shrink, and what can't. */
static void map_kind(int kind, const char *text)
{
	size_t size = strlen(text);

	map = reeve_map_free(map);
	switch (kind) {
	case 0: ck_assert_int_eq(reeve_map_anonymous(size, &map), 0); break;
	case 1: ck_assert_int_eq(reeve_map_memory("test", size, 0, &map), 0); break;
	default: size_file((off_t)size); map_file(kind == 2 ? REEVE_MAP_WRITE : REEVE_MAP_COPY);
	}
	ck_assert_int_eq(reeve_map_put(map, 0, text, size), 0);
}

enum { KINDS = 4 };

/* Making. */

START_TEST(anonymous_memory_is_zero_and_shared_with_children)
{
	pid_t child;
	int status;

	ck_assert_int_eq(reeve_map_anonymous(100000, &map), 0);
	ck_assert_uint_eq(reeve_map_size(map), 100000);
	for (size_t i = 0; i < 100000; i++)
		ck_assert_int_eq(((char *)reeve_map_data(map))[i], 0);
	child = fork();
	if (child == 0)
		_exit(-reeve_map_put(map, 99995, "child", 5));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	check_bytes(99995, "child");
}
END_TEST

START_TEST(an_anonymous_map_grows_but_never_shrinks)
{
	ck_assert_int_eq(reeve_map_anonymous(10, &map), 0);
	ck_assert_int_eq(reeve_map_put(map, 0, "0123456789", 10), 0);
	ck_assert_int_eq(reeve_map_resize(map, 1000000), 0);
	check_bytes(0, "0123456789");
	ck_assert_int_eq(reeve_map_put(map, 999995, "12345", 5), 0);
	ck_assert_int_eq(reeve_map_resize(map, 10), -EPERM);
	ck_assert_uint_eq(reeve_map_size(map), 1000000);
	check_bytes(999995, "12345");
}
END_TEST

START_TEST(sizes_that_cannot_be_are_refused)
{
	ck_assert_int_eq(reeve_map_anonymous(0, &map), -EINVAL);
	ck_assert_int_eq(reeve_map_anonymous(SIZE_MAX, &map), -EINVAL);
	ck_assert_int_eq(reeve_map_anonymous(PTRDIFF_MAX, &map), -EOVERFLOW);
	ck_assert_int_eq(reeve_map_memory("x", 1, REEVE_MAP_SEAL_WRITE, &map), -EINVAL);
	ck_assert_int_eq(reeve_map_memory("x", 1, 0x80, &map), -EINVAL);
	ck_assert_ptr_null(map);
}
END_TEST

START_TEST(a_map_of_a_file_is_the_file)
{
	char text[8] = { 0 };
	int fd;

	fill_file("abcdef");
	map_file(REEVE_MAP_WRITE);
	ck_assert_uint_eq(reeve_map_size(map), 6);
	check_bytes(0, "abcdef");
	ck_assert_int_eq(reeve_map_put(map, 2, "XY", 2), 0);
	ck_assert_int_eq(reeve_map_flush(map, 0, 0), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, text, sizeof text), 6);
	ck_assert_str_eq(text, "abXYef");
	close(fd);
}
END_TEST

START_TEST(a_private_copy_leaves_the_file_alone)
{
	fill_file("abcdef");
	map_file(REEVE_MAP_COPY);
	ck_assert_int_eq(reeve_map_put(map, 0, "XY", 2), 0);
	check_bytes(0, "XYcdef");
	ck_assert_int_eq(reeve_map_resize(map, 3), -EACCES);
	map_file(REEVE_MAP_READ);
	check_bytes(0, "abcdef");
}
END_TEST

START_TEST(a_map_for_reading_refuses_to_be_written)
{
	fill_file("abcdef");
	map_file(REEVE_MAP_READ);
	ck_assert_int_eq(reeve_map_put(map, 0, "X", 1), -EACCES);
	ck_assert_int_eq(reeve_map_write(map, "X", 1), -EACCES);
	ck_assert_int_eq(reeve_map_move(map, 0, 1, 1), -EACCES);
	ck_assert_int_eq(reeve_map_resize(map, 9), -EACCES);
	ck_assert_int_eq(reeve_map_seal(map, REEVE_MAP_SEAL_GROW), -EACCES);
	check_bytes(0, "abcdef");
}
END_TEST

/* Any offset will do, whether or not a page begins there. */
START_TEST(a_part_of_a_file)
{
	size_t offsets[] = { 1, page - 1, page, page + 1, 3 * page - 1 };
	char byte;

	size_file((off_t)(3 * page));
	map_file(REEVE_MAP_WRITE);
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		byte = (char)('a' + i);
		ck_assert_int_eq(reeve_map_put(map, offsets[i], &byte, 1), 0);
	}
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		map = reeve_map_free(map);
		ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_READ, offsets[i], 0, &map), 0);
		ck_assert_uint_eq(reeve_map_size(map), 3 * page - offsets[i]);
		ck_assert_int_eq(*(char *)reeve_map_data(map), (int)('a' + i));
		map = reeve_map_free(map);
		ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_READ, offsets[i], 1, &map), 0);
		ck_assert_uint_eq(reeve_map_size(map), 1);
		ck_assert_int_eq(reeve_map_get(map, 0, &byte, 1), 0);
		ck_assert_int_eq(byte, (int)('a' + i));
		ck_assert_int_eq(reeve_map_flush(map, 0, 1), 0);
	}
}
END_TEST

START_TEST(past_the_end_of_the_file_there_is_no_data)
{
	ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_READ, 0, 0, &map), -ENODATA);
	fill_file("abc");
	ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_READ, 0, 4, &map), -ENODATA);
	ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_READ, 3, 0, &map), -ENODATA);
	ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_READ, 4, 0, &map), -ENODATA);
	ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_READ, UINT64_MAX, 1, &map), -ENODATA);
	ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_READ, 2, SIZE_MAX, &map), -ENODATA);
	ck_assert_ptr_null(map);
}
END_TEST

START_TEST(what_cannot_be_mapped_is_refused)
{
	int ends[2];

	ck_assert_int_eq(reeve_map_file("/nowhere", REEVE_MAP_READ, 0, 0, &map), -ENOENT);
	ck_assert_int_eq(reeve_map_file("/tmp", REEVE_MAP_READ, 0, 0, &map), -ENODEV);
	ck_assert_int_eq(reeve_map_file("/dev/null", REEVE_MAP_READ, 0, 0, &map), -ENODEV);
	ck_assert_int_eq(reeve_map_file(path, (enum reeve_map_access)7, 0, 0, &map), -EINVAL);
	ck_assert_int_eq(reeve_map_descriptor(-1, REEVE_MAP_READ, 0, 0, &map), -EBADF);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(reeve_map_descriptor(ends[0], REEVE_MAP_READ, 0, 0, &map), -ENODEV);
	close(ends[0]);
	close(ends[1]);
	ck_assert_ptr_null(map);
}
END_TEST

START_TEST(a_descriptor_is_only_borrowed_and_gives_no_more_than_it_may)
{
	int fd;

	fill_file("abc");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(reeve_map_descriptor(fd, REEVE_MAP_WRITE, 0, 0, &map), -EACCES);
	ck_assert_int_eq(reeve_map_descriptor(fd, REEVE_MAP_COPY, 0, 0, &map), 0);
	ck_assert_int_ne(reeve_map_fd(map), fd);
	close(fd);
	check_bytes(0, "abc");
	ck_assert_int_eq(fcntl(reeve_map_fd(map), F_GETFD), FD_CLOEXEC);
}
END_TEST

/* A sparse board: much address space, hardly any memory. */
START_TEST(memory_is_used_when_it_is_touched)
{
	struct stat status;

	ck_assert_int_eq(reeve_map_memory("board", 64 << 20, REEVE_MAP_SEAL_SHRINK, &map), 0);
	ck_assert_int_eq(reeve_map_put(map, (64 << 20) - 1, "x", 1), 0);
	ck_assert_int_eq(fstat(reeve_map_fd(map), &status), 0);
	ck_assert_int_eq(status.st_size, 64 << 20);
	ck_assert_int_le(status.st_blocks * 512, (long)(2 * page));
}
END_TEST

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

/* Bounds. */

START_TEST(nothing_outside_the_map_is_touched)
{
	static const struct {
		size_t offset, size;
	} outside[] = {
		{ 0, 11 },
		{ 10, 1 },
		{ 11, 0 },
		{ 9, 2 },
		{ SIZE_MAX, 1 },
		{ 1, SIZE_MAX },
		{ SIZE_MAX, SIZE_MAX },
	};
	char bytes[16];
	void *slice;

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "0123456789");
		for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
			size_t offset = outside[i].offset, size = outside[i].size;

			ck_assert_int_eq(reeve_map_get(map, offset, bytes, size), -ERANGE);
			ck_assert_int_eq(reeve_map_put(map, offset, bytes, size), -ERANGE);
			ck_assert_int_eq(reeve_map_slice(map, offset, size, &slice), -ERANGE);
			ck_assert_int_eq(reeve_map_move(map, offset, 0, size), -ERANGE);
			ck_assert_int_eq(reeve_map_move(map, 0, offset, size), -ERANGE);
			ck_assert_int_eq(reeve_map_flush(map, offset, size), -ERANGE);
			ck_assert_int_eq(reeve_map_lock(map, offset, size), -ERANGE);
			ck_assert_int_eq(reeve_map_unlock(map, offset, size), -ERANGE);
			ck_assert_int_eq(reeve_map_advise(map, offset, size, MADV_NORMAL), -ERANGE);
		}
		ck_assert_int_eq(reeve_map_get(map, 10, bytes, 0), 0);
		ck_assert_int_eq(reeve_map_slice(map, 3, 7, &slice), 0);
		ck_assert_int_eq(memcmp(slice, "3456789", 7), 0);
		check_bytes(0, "0123456789");
	}
}
END_TEST

/* Moving is what memmove(3) does to a copy. */
START_TEST(moving_inside_a_map_equals_memmove)
{
	enum { SIZE = 30000 };
	static char model[SIZE];
	unsigned seed = 1;

	for (int kind = 0; kind < KINDS; kind++) {
		for (int i = 0; i < SIZE; i++)
			model[i] = (char)('a' + i % 26 + (i / 1000) % 7);
		size_file(SIZE);
		map = reeve_map_free(map);
		if (kind == 0)
			ck_assert_int_eq(reeve_map_anonymous(SIZE, &map), 0);
		else if (kind == 1)
			ck_assert_int_eq(reeve_map_memory("x", SIZE, 0, &map), 0);
		else
			map_file(kind == 2 ? REEVE_MAP_WRITE : REEVE_MAP_COPY);
		ck_assert_int_eq(reeve_map_put(map, 0, model, SIZE), 0);
		for (int i = 0; i < 200; i++) {
			size_t from = (size_t)rand_r(&seed) % SIZE,
			       to = (size_t)rand_r(&seed) % SIZE;
			size_t most = SIZE - (from > to ? from : to);
			size_t size = (size_t)rand_r(&seed) % (most + 1);

			memmove(model + to, model + from, size);
			ck_assert_int_eq(reeve_map_move(map, to, from, size), 0);
			ck_assert_int_eq(memcmp(model, reeve_map_data(map), SIZE), 0);
		}
	}
}
END_TEST

/* Finding. */

START_TEST(finding_in_a_small_map)
{
	size_t at;

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "one two one two");
		ck_assert_int_eq(reeve_map_find(map, "two", 3, 0, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 4);
		ck_assert_int_eq(reeve_map_find(map, "two", 3, 5, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 12);
		ck_assert_int_eq(reeve_map_rfind(map, "two", 3, 0, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 12);
		ck_assert_int_eq(reeve_map_rfind(map, "two", 3, 0, 14, &at), 0);
		ck_assert_uint_eq(at, 4);
		ck_assert_int_eq(reeve_map_find(map, "two", 3, 5, 14, &at), -ENOENT);
		ck_assert_int_eq(reeve_map_find(map, "three", 5, 0, SIZE_MAX, &at), -ENOENT);
		ck_assert_int_eq(
			reeve_map_find(map, "one two one two!", 16, 0, SIZE_MAX, &at), -ENOENT);
		ck_assert_int_eq(reeve_map_find(map, "", 0, 3, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 3);
		ck_assert_int_eq(reeve_map_rfind(map, "", 0, 3, SIZE_MAX, &at), 0);
		ck_assert_uint_eq(at, 15);
		ck_assert_int_eq(reeve_map_find(map, "x", 1, 16, SIZE_MAX, &at), -ERANGE);
		ck_assert_int_eq(reeve_map_find(map, "x", 1, 9, 8, &at), -ERANGE);
	}
}
END_TEST

/* Where windows are searched, what straddles their border is found too: the place is everywhere once. */
START_TEST(finding_in_a_large_map)
{
	enum { SIZE = 300000 };
	static const size_t lengths[] = { 1, 7, 5000, 40000 };
	static char needle[40000];
	size_t at;

	memset(needle, 'n', sizeof needle);
	size_file(SIZE);
	map_file(REEVE_MAP_WRITE);
	for (size_t i = 0; i < 4; i++)
		for (size_t place = 0; place + lengths[i] <= SIZE; place += 8111) {
			ck_assert_int_eq(reeve_map_put(map, place, needle, lengths[i]), 0);
			ck_assert_int_eq(
				reeve_map_find(map, needle, lengths[i], 0, SIZE_MAX, &at), 0);
			ck_assert_uint_eq(at, place);
			ck_assert_int_eq(
				reeve_map_rfind(map, needle, lengths[i], 0, SIZE_MAX, &at), 0);
			ck_assert_uint_eq(at, place);
			ck_assert_int_eq(
				reeve_map_find(map, needle, lengths[i], place + 1, SIZE_MAX, &at),
				-ENOENT);
			memset((char *)reeve_map_data(map) + place, 0, lengths[i]);
		}
}
END_TEST

/* The cursor. */

START_TEST(the_cursor_reads_writes_and_seeks)
{
	char bytes[16] = { 0 };

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "0123456789");
		ck_assert_uint_eq(reeve_map_tell(map), 0);
		ck_assert_int_eq(reeve_map_read(map, bytes, 4), 4);
		ck_assert_int_eq(memcmp(bytes, "0123", 4), 0);
		ck_assert_int_eq(reeve_map_write(map, "AB", 2), 0);
		ck_assert_uint_eq(reeve_map_tell(map), 6);
		ck_assert_int_eq(reeve_map_write(map, "12345", 5), -ERANGE);
		ck_assert_uint_eq(reeve_map_tell(map), 6);
		ck_assert_int_eq(reeve_map_read(map, bytes, sizeof bytes), 4);
		ck_assert_int_eq(memcmp(bytes, "6789", 4), 0);
		ck_assert_int_eq(reeve_map_read(map, bytes, sizeof bytes), 0);
		check_bytes(0, "0123AB6789");

		ck_assert_int_eq(reeve_map_seek(map, -3, SEEK_END), 0);
		ck_assert_uint_eq(reeve_map_tell(map), 7);
		ck_assert_int_eq(reeve_map_seek(map, 3, SEEK_CUR), 0);
		ck_assert_uint_eq(reeve_map_tell(map), 10);
		ck_assert_int_eq(reeve_map_seek(map, 1, SEEK_CUR), -ERANGE);
		ck_assert_int_eq(reeve_map_seek(map, -11, SEEK_END), -ERANGE);
		ck_assert_int_eq(reeve_map_seek(map, INT64_MAX, SEEK_CUR), -ERANGE);
		ck_assert_int_eq(reeve_map_seek(map, INT64_MIN, SEEK_SET), -ERANGE);
		ck_assert_int_eq(reeve_map_seek(map, 0, 9), -EINVAL);
		ck_assert_uint_eq(reeve_map_tell(map), 10);
		ck_assert_int_eq(reeve_map_seek(map, 2, SEEK_SET), 0);
		ck_assert_uint_eq(reeve_map_tell(map), 2);
	}
}
END_TEST

START_TEST(lines_come_one_by_one)
{
	static const char *const lines[] = { "first\n", "\n", "third line\n", "last" };
	char line[64];

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "first\n\nthird line\nlast");
		for (int i = 0; i < 4; i++) {
			ck_assert_int_eq(
				reeve_map_read_line(map, line, sizeof line), (int)strlen(lines[i]));
			ck_assert_int_eq(memcmp(line, lines[i], strlen(lines[i])), 0);
		}
		ck_assert_int_eq(reeve_map_read_line(map, line, sizeof line), 0);
	}
}
END_TEST

START_TEST(a_line_longer_than_the_room_comes_in_pieces)
{
	char line[4];

	for (int kind = 0; kind < KINDS; kind++) {
		map_kind(kind, "1234567\n89");
		ck_assert_int_eq(reeve_map_read_line(map, line, 4), 4);
		ck_assert_int_eq(memcmp(line, "1234", 4), 0);
		ck_assert_int_eq(reeve_map_read_line(map, line, 4), 4);
		ck_assert_int_eq(memcmp(line, "567\n", 4), 0);
		ck_assert_int_eq(reeve_map_read_line(map, line, 4), 2);
	}
}
END_TEST

START_TEST(lines_of_every_length_up_to_many_guesses)
{
	static char line[100000];

	size_file(1000 * 1001 / 2 + 90000);
	map_file(REEVE_MAP_WRITE);
	for (size_t i = 1, at = 0; i <= 1000; at += i, i++)
		((char *)reeve_map_data(map))[at + i - 1] = '\n';
	for (int i = 1; i <= 1000; i++)
		ck_assert_int_eq(reeve_map_read_line(map, line, sizeof line), i);
	ck_assert_int_eq(reeve_map_read_line(map, line, sizeof line), 90000);
}
END_TEST

/* Changing. */

START_TEST(resizing_a_file)
{
	fill_file("0123456789");
	map_file(REEVE_MAP_WRITE);
	ck_assert_int_eq(reeve_map_seek(map, 0, SEEK_END), 0);
	ck_assert_int_eq(reeve_map_resize(map, 4), 0);
	ck_assert_int_eq(file_size(), 4);
	ck_assert_uint_eq(reeve_map_tell(map), 4);
	ck_assert_uint_eq(reeve_map_size(map), 4);
	ck_assert_int_eq(reeve_map_resize(map, 100 * page), 0);
	ck_assert_int_eq(file_size(), (long)(100 * page));
	check_bytes(0, "0123");
	ck_assert_int_eq(((char *)reeve_map_data(map))[4], 0);
	ck_assert_int_eq(reeve_map_put(map, 100 * page - 3, "end", 3), 0);
	ck_assert_int_eq(reeve_map_resize(map, 50 * page + 1), 0);
	ck_assert_int_eq(file_size(), (long)(50 * page + 1));
	ck_assert_int_eq(reeve_map_resize(map, 0), -EINVAL);
	ck_assert_int_eq(reeve_map_resize(map, SIZE_MAX), -EFBIG);
	ck_assert_uint_eq(reeve_map_size(map), 50 * page + 1);
}
END_TEST

START_TEST(growing_a_part_keeps_the_rest_of_the_file)
{
	size_file((off_t)(9 * page));
	ck_assert_int_eq(reeve_map_file(path, REEVE_MAP_WRITE, page + 1, 10, &map), 0);
	ck_assert_int_eq(reeve_map_put(map, 0, "0123456789", 10), 0);
	ck_assert_int_eq(reeve_map_resize(map, 2 * page), 0);
	ck_assert_int_eq(file_size(), (long)(9 * page));
	check_bytes(0, "0123456789");
	ck_assert_int_eq(reeve_map_resize(map, 2), 0);
	ck_assert_int_eq(file_size(), (long)(page + 3));
}
END_TEST

START_TEST(a_map_follows_what_others_did)
{
	fill_file("0123456789");
	map_file(REEVE_MAP_READ);
	size_file((off_t)(3 * page));
	ck_assert_uint_eq(reeve_map_size(map), 10);
	ck_assert_int_eq(reeve_map_refresh(map), 0);
	ck_assert_uint_eq(reeve_map_size(map), 3 * page);
	check_bytes(0, "0123456789");
	size_file(5);
	ck_assert_int_eq(reeve_map_refresh(map), 0);
	ck_assert_uint_eq(reeve_map_size(map), 5);
	check_bytes(0, "01234");
	size_file(0);
	ck_assert_int_eq(reeve_map_refresh(map), -ENODATA);
	ck_assert_uint_eq(reeve_map_size(map), 5);
}
END_TEST

START_TEST(advice_locks_and_flushing_take_any_offset)
{
	size_file((off_t)(3 * page));
	map_file(REEVE_MAP_WRITE);
	ck_assert_int_eq(reeve_map_advise(map, 1, 0, MADV_SEQUENTIAL), 0);
	ck_assert_int_eq(reeve_map_advise(map, page + 1, 2, MADV_WILLNEED), 0);
	ck_assert_int_eq(reeve_map_advise(map, 0, 0, -1), -EINVAL);
	ck_assert_int_eq(reeve_map_flush(map, page - 1, 2), 0);
	ck_assert_int_eq(reeve_map_lock(map, 1, page), 0);
	ck_assert_int_eq(reeve_map_unlock(map, 1, page), 0);
	size_file(1);
	ck_assert_int_eq(reeve_map_lock(map, 2 * page, 1), -ENOMEM);
	ck_assert_int_eq(reeve_map_unlock(map, 0, 0), 0);
}
END_TEST

/* Truncation. */

/* Each checked call, on what is there, across the end, and past it: whole pages away and within a page. */
START_TEST(a_truncated_file_is_an_error_and_no_signal)
{
	static const enum reeve_map_access accesses[] = { REEVE_MAP_WRITE, REEVE_MAP_COPY };
	static char bytes[1 << 16];
	size_t at, size = 4 * page;

	for (int i = 0; i < 2; i++) {
		size_file((off_t)size);
		map_file(accesses[i]);
		size_file((off_t)(page + 10));
		ck_assert_int_eq(reeve_map_get(map, page, bytes, 10), 0);
		ck_assert_int_eq(reeve_map_get(map, page, bytes, 11), -ENODATA);
		ck_assert_int_eq(reeve_map_get(map, 0, bytes, size), -ENODATA);
		ck_assert_int_eq(reeve_map_get(map, size - 1, bytes, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_put(map, page, bytes, 10), 0);
		ck_assert_int_eq(reeve_map_put(map, page + 10, bytes, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_put(map, 3 * page, bytes, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_move(map, 0, 2 * page, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_move(map, 2 * page, 0, 1), -ENODATA);
		ck_assert_int_eq(reeve_map_find(map, "x", 1, 0, page, &at), -ENOENT);
		ck_assert_int_eq(reeve_map_find(map, "x", 1, 0, SIZE_MAX, &at), -ENODATA);
		ck_assert_int_eq(reeve_map_rfind(map, "x", 1, 0, SIZE_MAX, &at), -ENODATA);
		ck_assert_int_eq(reeve_map_read(map, bytes, size), -ENODATA);
		ck_assert_int_eq(reeve_map_read_line(map, bytes, sizeof bytes), -ENODATA);
		ck_assert_uint_eq(reeve_map_tell(map), 0);
		ck_assert_int_eq(reeve_map_seek(map, (int64_t)page, SEEK_SET), 0);
		ck_assert_int_eq(reeve_map_write(map, bytes, 11), -ENODATA);
		ck_assert_uint_eq(reeve_map_tell(map), page);
		ck_assert_int_eq(file_size(), (long)(page + 10));
	}
}
END_TEST

static atomic_bool racing;

static void *truncate_and_extend(void *unused)
{
	while (atomic_load(&racing)) {
		size_file(1);
		size_file((off_t)(64 * page));
	}
	return NULL;
}

/* The same while it happens: were there a gap between looking and touching, this would die of SIGBUS. */
START_TEST(truncation_races_with_the_checked_calls)
{
	static char bytes[1 << 18];
	reeve_nsec end = reeve_now() + 2 * REEVE_SEC;
	unsigned answers[2] = { 0 };
	pthread_t thread;
	size_t at;

	size_file((off_t)(64 * page));
	map_file(REEVE_MAP_WRITE);
	atomic_store(&racing, true);
	ck_assert_int_eq(pthread_create(&thread, NULL, truncate_and_extend, NULL), 0);
	while (reeve_now() < end || !answers[0] || !answers[1]) {
		int results[] = {
			reeve_map_get(map, 0, bytes, 64 * page),
			reeve_map_put(map, 63 * page, bytes, page),
			reeve_map_move(map, page + 1, page, 60 * page),
			reeve_map_find(map, "x", 1, 0, SIZE_MAX, &at),
			reeve_map_rfind(map, "x", 1, 0, SIZE_MAX, &at),
		};

		for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
			/* -EIO: gone when it was touched, back when it was looked at */
			ck_assert_msg(results[i] == 0 || results[i] == -ENODATA ||
					      results[i] == -ENOENT || results[i] == -EIO,
				"call %zu said %d", i, results[i]);
			answers[results[i] == 0 || results[i] == -ENOENT]++;
		}
	}
	atomic_store(&racing, false);
	pthread_join(thread, NULL);
}
END_TEST

static void *get_after_the_first_thread(void *main_thread)
{
	char byte;

	pthread_join(*(pthread_t *)main_thread, NULL);
	_exit(-reeve_map_get(map, 0, &byte, 1));
}

/* A process whose first thread has ended has no memory under its own pid. */
START_TEST(checked_calls_outlive_the_first_thread)
{
	int status;
	pid_t child;

	size_file(100);
	map_file(REEVE_MAP_READ);
	child = fork();
	if (child == 0) {
		static pthread_t self, thread;

		self = pthread_self();
		pthread_create(&thread, NULL, get_after_the_first_thread, &self);
		pthread_exit(NULL);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("map");
	TCase *tcase = leakproof_case("map");

	tcase_add_checked_fixture(tcase, make_file, remove_file);
	tcase_add_test(tcase, anonymous_memory_is_zero_and_shared_with_children);
	tcase_add_test(tcase, an_anonymous_map_grows_but_never_shrinks);
	tcase_add_test(tcase, sizes_that_cannot_be_are_refused);
	tcase_add_test(tcase, a_map_of_a_file_is_the_file);
	tcase_add_test(tcase, a_private_copy_leaves_the_file_alone);
	tcase_add_test(tcase, a_map_for_reading_refuses_to_be_written);
	tcase_add_test(tcase, a_part_of_a_file);
	tcase_add_test(tcase, past_the_end_of_the_file_there_is_no_data);
	tcase_add_test(tcase, what_cannot_be_mapped_is_refused);
	tcase_add_test(tcase, a_descriptor_is_only_borrowed_and_gives_no_more_than_it_may);
	tcase_add_test(tcase, memory_is_used_when_it_is_touched);
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
	tcase_add_test(tcase, nothing_outside_the_map_is_touched);
	tcase_add_test(tcase, moving_inside_a_map_equals_memmove);
	tcase_add_test(tcase, finding_in_a_small_map);
	tcase_add_test(tcase, finding_in_a_large_map);
	tcase_add_test(tcase, the_cursor_reads_writes_and_seeks);
	tcase_add_test(tcase, lines_come_one_by_one);
	tcase_add_test(tcase, a_line_longer_than_the_room_comes_in_pieces);
	tcase_add_test(tcase, lines_of_every_length_up_to_many_guesses);
	tcase_add_test(tcase, resizing_a_file);
	tcase_add_test(tcase, growing_a_part_keeps_the_rest_of_the_file);
	tcase_add_test(tcase, a_map_follows_what_others_did);
	tcase_add_test(tcase, advice_locks_and_flushing_take_any_offset);
	tcase_add_test(tcase, a_truncated_file_is_an_error_and_no_signal);
	tcase_add_test(tcase, truncation_races_with_the_checked_calls);
	tcase_add_test(tcase, checked_calls_outlive_the_first_thread);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
