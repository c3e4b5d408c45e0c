/* The directory that a user's names lie in, and the right to change it.
 *
 * That right is a record lock that belongs to the process (F_SETLK, fcntl(2)), of the file
 * ".lock": a process that is killed has let go of it, and one that was forked meanwhile never
 * has it. Since such a lock does not keep threads apart, there is a word in the process as well. */
#ifndef LIB_ARENA_NAME_DIRECTORY_H
#define LIB_ARENA_NAME_DIRECTORY_H

#include <errno.h>

#include "reeve/base.h"

struct name_directory {
	int fd;
	int lock_fd;
};

#define NAME_DIRECTORY_NONE                                                                        \
	{                                                                                          \
		.fd = -EBADF, .lock_fd = -EBADF                                                    \
	}

/* Where the directory lies: "/dev/shm". Tests put another in its place. */
extern const char *name_directory_parent;

/* Make the directory if need be, and wait for the right to change it. Returns 0; -EPERM (it is
 * not this user's alone), -ETIMEDOUT, -EINTR, or as mkdir(2), open(2), fcntl(2). */
int name_directory_enter(reeve_nsec deadline, struct name_directory *ret);
/* Also of one that is none. */
void name_directory_leave(struct name_directory *directory);

/* Have `call` see the name of each file in it but those that begin with a dot; it returns 0, 1 to be
 * counted, or a negative errno, at which it ends. Returns the count or a negative errno. */
int name_directory_each(struct name_directory *directory,
	int (*call)(struct name_directory *directory, const char *name));

#endif
