/* Finding a file without a name, a memfd, in the hands of some process. */
#ifndef LIB_ARENA_NAME_FINDER_H
#define LIB_ARENA_NAME_FINDER_H

#include <stdint.h>

struct file_identity {
	uint64_t device;
	uint64_t inode;
};

/* Who has it, as which descriptor. */
struct file_holder {
	int32_t pid;
	int32_t fd;
};

/* Open, for reading and writing, the file that the holder has, if it is the one looked for. Returns
 * a descriptor; -ESRCH (it is not, or it cannot be seen), -EMFILE, -ENFILE, -ENOMEM. */
int find_at(const struct file_identity *identity, const struct file_holder *holder);

/* The same of every process that there is; tells where it was. -ENOENT: /proc is not mounted. */
int find_anywhere(const struct file_identity *identity, struct file_holder *ret);

#endif
