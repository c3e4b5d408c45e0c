/* Where a configuration comes from. Everything the reader learns from the machine (bytes of files,
 * what a glob finds, users, groups, directories) it asks of a source, so that the same reading can
 * be done on the machine, on trust (`--assume`), or again from a snapshot without a look at the
 * disk. */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CONFIG_FILE_MAX ((size_t)16 << 20)  /* bytes of one file */
#define CONFIG_INCLUDED_MAX ((size_t)10000) /* files that one pattern may find */

struct config_answer {
	char *bytes; /* to be freed by the asker; ends in a NUL that `length` does not count */
	size_t length;
};

struct config_identity {
	char *name; /* to be freed by the asker */
	char *home; /* of a user, may be NULL; to be freed by the asker */
	uid_t uid;
	gid_t gid;            /* a user's primary group, or the group itself */
	bool id_assumed;      /* on trust: the user's or group's own number is not known */
	bool primary_assumed; /* on trust: the user's group is not known */
};

struct config_source {
	/* A whole file. -ENOENT, -EACCES, -EISDIR, -EFBIG, ... */
	int (*read)(void *context, const char *path, struct config_answer *ret);

	/* What glob(7) finds, sorted by byte value, as strings that each end in a NUL, one after
	 * the other. Nothing found is success with length 0. -E2BIG beyond CONFIG_INCLUDED_MAX. */
	int (*glob)(void *context, const char *pattern, struct config_answer *ret);

	/* A user or a group by name or number. -ENOENT: there is none. */
	int (*find_user)(void *context, const char *name, struct config_identity *ret);
	int (*find_group)(void *context, const char *name, struct config_identity *ret);

	/* 1, or 0 if there is nothing or no directory at this path. */
	int (*is_directory)(void *context, const char *path);

	/* 1, or 0 if it is none that files can be made in. */
	int (*is_writable_directory)(void *context, const char *path);

	void *context;
};

/* This machine. */
extern const struct config_source config_source_machine;

/* This machine's files, but every user, group and directory exists. */
extern const struct config_source config_source_assume;

#endif
