/* System calls that not every C library has a function for: what rows of sys.def lead to. */
#ifndef LIB_BASE_RAW_H
#define LIB_BASE_RAW_H

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static inline int raw_epoll_pwait2(
	int epoll_fd, struct epoll_event *events, int size, const struct timespec *timeout)
{
	return (int)syscall(SYS_epoll_pwait2, epoll_fd, events, size, timeout, NULL, 0);
}

#endif
