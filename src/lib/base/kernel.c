#include "lib/base/kernel.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

long kernel_clone(long number, const long arguments[5], int (*run)(void *argument), void *argument)
{
	long r = clone_call(number, arguments, run, argument);

	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

int kernel_waitid(int type, id_t id, siginfo_t *info, int options, struct rusage *usage)
{
	return (int)syscall(SYS_waitid, type, id, info, options, usage);
}

int kernel_set_mask(const uint64_t *set, uint64_t *old)
{
	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, set, old, sizeof *set);
}

int kernel_pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

int kernel_pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags);
}

int kernel_execveat(
	int fd, const char *path, char *const argv[], char *const environment[], int flags)
{
	return (int)syscall(SYS_execveat, fd, path, argv, environment, flags);
}

int kernel_signalfd(int fd, uint64_t set, int flags)
{
	return (int)syscall(SYS_signalfd4, fd, &set, sizeof set, flags);
}

int kernel_tgkill(pid_t pid, pid_t tid, int signal)
{
	return (int)syscall(SYS_tgkill, pid, tid, signal);
}

int kernel_rt_sigqueueinfo(pid_t pid, int signal, siginfo_t *info)
{
	return (int)syscall(SYS_rt_sigqueueinfo, pid, signal, info);
}

int kernel_rt_tgsigqueueinfo(pid_t pid, pid_t tid, int signal, siginfo_t *info)
{
	return (int)syscall(SYS_rt_tgsigqueueinfo, pid, tid, signal, info);
}

int kernel_futex_wait(const _Atomic uint32_t *word, uint32_t value, const struct timespec *until)
{
	return (int)syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

int kernel_futex_wait_shared(
	const _Atomic uint32_t *word, uint32_t value, const struct timespec *until)
{
	return (int)syscall(
		SYS_futex, word, FUTEX_WAIT_BITSET, value, until, NULL, FUTEX_BITSET_MATCH_ANY);
}

int kernel_membarrier(int command, unsigned flags)
{
	return (int)syscall(SYS_membarrier, command, flags, 0);
}

/* The offset goes in two halves; on a 64-bit machine the first holds all of it. */
ssize_t kernel_preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	return syscall(SYS_preadv2, fd, parts, count, (long)offset, 0L, flags);
}

ssize_t kernel_pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	return syscall(SYS_pwritev2, fd, parts, count, (long)offset, 0L, flags);
}

long kernel_getdents(int fd, void *buffer, size_t size)
{
	return syscall(SYS_getdents64, fd, buffer, size);
}

int kernel_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

int kernel_epoll_pwait2(
	int epoll_fd, struct epoll_event *events, int size, const struct timespec *timeout)
{
	return (int)syscall(SYS_epoll_pwait2, epoll_fd, events, size, timeout, NULL, 0);
}
