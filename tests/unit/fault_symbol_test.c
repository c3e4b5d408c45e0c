#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/daemon/fault_symbol.h"
#include "support/harness.h"

__attribute__((noinline)) static int a_function_of_this_file(int x)
{
	return x * 3 + 1;
}

static int (*volatile function)(int) = a_function_of_this_file;

START_TEST(a_function_is_found_by_any_address_in_it)
{
	for (uintptr_t offset = 0; offset < 3; offset++) {
		uintptr_t address = (uintptr_t)function + offset;
		struct fault_module module;
		struct fault_symbol symbol;

		ck_assert(module_find(address, &module));
		symbol_find(&module, address, &symbol);
		ck_assert_str_eq(symbol.name, "a_function_of_this_file");
		ck_assert_uint_eq(symbol.offset, offset);
		ck_assert(symbol.has_address);
	}
}
END_TEST

START_TEST(functions_of_shared_libraries_are_found)
{
	struct fault_module module;
	struct fault_symbol symbol;

	ck_assert(module_find((uintptr_t)qsort, &module));
	symbol_find(&module, (uintptr_t)qsort, &symbol);
	ck_assert_ptr_nonnull(strstr(symbol.name, "qsort"));
}
END_TEST

START_TEST(what_is_no_code_is_in_no_module)
{
	struct fault_module module;

	ck_assert(!module_find(0, &module));
	ck_assert(!module_find((uintptr_t)&function, &module));
	ck_assert(!module_find(UINTPTR_MAX, &module));
}
END_TEST

/* A file that is not the one that was mapped is not believed. */
START_TEST(a_file_that_was_replaced_has_no_symbols)
{
	struct fault_module module;
	struct fault_symbol symbol;

	ck_assert(module_find((uintptr_t)function, &module));
	module.inode++;
	symbol_find(&module, (uintptr_t)function, &symbol);
	ck_assert_str_eq(symbol.name, "");
	ck_assert(!symbol.has_address);
}
END_TEST

static int copy_of_this_program(size_t *ret_size)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = memfd_create("copy", MFD_CLOEXEC);
	char buffer[65536];
	ssize_t size;

	*ret_size = 0;
	while ((size = read(from, buffer, sizeof buffer)) > 0) {
		ck_assert_int_eq(write(to, buffer, (size_t)size), size);
		*ret_size += (size_t)size;
	}
	close(from);
	return to;
}

static void look_up(int fd, uint64_t offset)
{
	struct fault_symbol symbol;

	memset(&symbol, '#', sizeof symbol);
	symbol_find_in_file(fd, offset, &symbol);
	ck_assert_uint_lt(strnlen(symbol.name, sizeof symbol.name), sizeof symbol.name);
}

/* Headers and tables with random damage, and files cut anywhere: any answer will do, but an answer. */
START_TEST(a_damaged_file_is_survived)
{
	struct fault_module module;
	uint64_t offset;
	size_t size;
	int fd = copy_of_this_program(&size);
	unsigned char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	srandom((unsigned)_i + 1);
	ck_assert(module_find((uintptr_t)function, &module));
	offset = (uintptr_t)function - module.start + module.offset;
	for (int round = 0; round < 300; round++) {
		size_t at = random() % 2 ? (size_t)random() % 64 : (size_t)random() % size;
		unsigned char before = map[at];

		map[at] = (unsigned char)random();
		look_up(fd, offset);
		look_up(fd, (uint64_t)random() << 33);
		if (random() % 4)
			map[at] = before;
	}
	munmap(map, size);
	for (int round = 0; round < 20; round++) {
		size = (size_t)random() % (size + 1);
		ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
		look_up(fd, offset);
	}
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_symbol");
	TCase *tcase = leakproof_case("fault_symbol");

	tcase_add_test(tcase, a_function_is_found_by_any_address_in_it);
	tcase_add_test(tcase, functions_of_shared_libraries_are_found);
	tcase_add_test(tcase, what_is_no_code_is_in_no_module);
	tcase_add_test(tcase, a_file_that_was_replaced_has_no_symbols);
	tcase_add_loop_test(tcase, a_damaged_file_is_survived, 0, 4);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
