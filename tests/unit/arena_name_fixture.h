/* What tests of arenas' names share: a directory of their own for them, parent and all. */
#ifndef TESTS_UNIT_ARENA_NAME_FIXTURE_H
#define TESTS_UNIT_ARENA_NAME_FIXTURE_H

#include <dirent.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/arena/name_directory.h"
#include "unit/arena_fixture.h"

static const struct reeve_arena_spec names_spec = { .size = 4096, .participants = 8, .objects = 4 };

static char names_parent[] = "/tmp/reeve-names-XXXXXX";
static char name_path_text[PATH_MAX];

static inline void names_begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(names_parent));
	name_directory_parent = names_parent;
}

static inline const char *name_path(const char *name)
{
	snprintf(name_path_text, sizeof name_path_text, "%s/reeve-%u/%s", names_parent,
		(unsigned)geteuid(), name);
	return name_path_text;
}

/* How many files of names there are. */
static inline int names_files(void)
{
	DIR *directory = opendir(name_path(""));
	struct dirent *entry;
	int count = 0;

	while (directory && (entry = readdir(directory)))
		count += entry->d_name[0] != '.';
	if (directory)
		closedir(directory);
	return count;
}

static inline void names_end(void)
{
	if (fork() == 0)
		execl("/bin/rm", "rm", "-rf", names_parent, (char *)NULL);
	wait(NULL);
}

static inline struct reeve_arena *published(const char *name)
{
	struct reeve_arena *arena = small_arena(8, 4);

	ck_assert_int_eq(reeve_arena_publish(arena, name, 0), 0);
	return arena;
}

static inline int connect_to(const char *name, struct reeve_arena **ret)
{
	return reeve_arena_connect(name, NULL, 10 * REEVE_SEC, ret);
}

/* The number in an arena's block: two handles are of the same arena if both see it. */
static inline _Atomic int *number_in(struct reeve_arena *arena)
{
	void *block;
	int r = reeve_arena_block_new(arena, "number", sizeof(int), REEVE_FOREVER, &block);

	if (r == -EEXIST)
		r = reeve_arena_block_open(arena, "number", &block, NULL);
	ck_assert_int_eq(r, 0);
	return block;
}

#endif
