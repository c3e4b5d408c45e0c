/* Resources that release themselves when their scope ends, so that an error path is a bare return. */
#ifndef LIB_BASE_CLEANUP_H
#define LIB_BASE_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* close(2) that keeps errno and is at ease with "none" (negative). Returns "none". */
static inline int close_fd(int fd)
{
	if (fd >= 0) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return -EBADF;
}

static inline void cleanup_fd(int *fd)
{
	close_fd(*fd);
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

#define CLEANUP(function) __attribute__((cleanup(function)))
#define CLEANUP_FD CLEANUP(cleanup_fd)
#define CLEANUP_FREE CLEANUP(cleanup_free)

/* Hand over what a CLEANUP variable holds: its value is returned, the variable forgets it. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *take_ = &(fd), value_ = *take_;                                               \
		*take_ = -EBADF;                                                                   \
		value_;                                                                            \
	})
#define TAKE_PTR(pointer)                                                                          \
	({                                                                                         \
		__typeof__(pointer) *take_ = &(pointer), value_ = *take_;                          \
		*take_ = NULL;                                                                     \
		value_;                                                                            \
	})

#endif
