#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "unit/map_fixture.h"

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
	ck_assert_int_eq(reeve_map_unlock(map, 0, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("map");
	TCase *tcase = map_case("map");

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
	tcase_add_test(tcase, resizing_a_file);
	tcase_add_test(tcase, growing_a_part_keeps_the_rest_of_the_file);
	tcase_add_test(tcase, a_map_follows_what_others_did);
	tcase_add_test(tcase, advice_locks_and_flushing_take_any_offset);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
