/* What the tests of maps share: a file, and a map, for each of them. */
#ifndef TESTS_UNIT_MAP_FIXTURE_H
#define TESTS_UNIT_MAP_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reeve/map.h"
#include "support/harness.h"

static char path[64];         /* an empty file for each test */
static struct reeve_map *map; /* released after it */
static size_t page;

static inline void make_file(void)
{
	int fd;

	page = (size_t)sysconf(_SC_PAGESIZE);
	snprintf(path, sizeof path, "/tmp/reeve-map-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static inline void remove_file(void)
{
	map = reeve_map_free(map);
	unlink(path);
}

static inline void fill_file(const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static inline void size_file(off_t size)
{
	ck_assert_int_eq(truncate(path, size), 0);
}

static inline off_t file_size(void)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	return status.st_size;
}

static inline void map_file(enum reeve_map_access access)
{
	map = reeve_map_free(map);
	ck_assert_int_eq(reeve_map_file(path, access, 0, 0, &map), 0);
}

static inline void check_bytes(size_t offset, const char *text)
{
	char bytes[64] = { 0 };

	ck_assert_uint_lt(strlen(text), sizeof bytes);
	ck_assert_int_eq(reeve_map_get(map, offset, bytes, strlen(text)), 0);
	ck_assert_str_eq(bytes, text);
}

/* Each kind of map for the laws that hold for all: what can shrink, and what can't. */
static inline void map_kind(int kind, const char *text)
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

static inline TCase *map_case(const char *name)
{
	TCase *tcase = leakproof_case(name);

	tcase_add_checked_fixture(tcase, make_file, remove_file);
	return tcase;
}

#endif
