/* Finding a file without a name, a memfd, in the hands of some process. */
#ifndef LIB_IPC_NAME_FINDER_H
#define LIB_IPC_NAME_FINDER_H

#include <stdint.h>

struct file_identity {
	uint64_t device;
	uint64_t inode;
};

/* Open, for reading and writing, the file that process `pid` has as its descriptor `fd`, if it is
 * the one looked for. Returns a descriptor; -ESRCH (it is not, or it cannot be seen), -EMFILE,
 * -ENFILE, -ENOMEM. */
int find_at(const struct file_identity *identity, int pid, int fd);

/* The same of every process that there is. -ENOENT: /proc is not mounted. */
int find_anywhere(const struct file_identity *identity);

#endif
