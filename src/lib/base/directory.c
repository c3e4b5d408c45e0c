#include "lib/base/directory.h"

#include <errno.h>

#include "lib/base/sys.h"

/* Some dozens of entries at a time; each has its own size. */
#define BUFFER_SIZE 2048

int directory_each(int fd, int (*call)(void *data, const char *name), void *data)
{
	union {
		struct kernel_dirent first; /* for its alignment */
		char bytes[BUFFER_SIZE];
	} buffer;
	long size;
	int r = 0;

	while (r == 0 && (size = sys_getdents(fd, buffer.bytes, sizeof buffer)) != 0) {
		const struct kernel_dirent *entry;

		if (size < 0)
			return -errno;
		for (long at = 0; r == 0 && at < size; at += entry->size) {
			entry = (const struct kernel_dirent *)(const void *)(buffer.bytes + at);
			r = call(data, entry->name);
		}
	}
	return r;
}
