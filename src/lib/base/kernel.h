/* System calls that no libc offers in the form that is needed here. Result and errno as any other
 * call's. */
#ifndef LIB_BASE_KERNEL_H
#define LIB_BASE_KERNEL_H

#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

struct epoll_event;
struct iovec;

/* clone3(2) or clone(2), by its number: `run(argument)` is called in the child, on the stack that
 * the arguments name, and what it returns is the child's exit status. Arguments as the kernel takes
 * them in registers. */
long kernel_clone(long number, const long arguments[5], int (*run)(void *argument), void *argument);

/* The same without errno, in assembly: a negative errno, or the child's pid. */
long clone_call(long number, const long arguments[5], int (*run)(void *argument), void *argument);

/* Any system call, without errno, which a child that shares memory shares with the thread that made it: what
 * the kernel returned. In assembly. */
long kernel_child_call(long number, long a, long b, long c, long d, long e);

/* waitid(2) with the child's resource usage. */
int kernel_waitid(int type, id_t id, siginfo_t *info, int options, struct rusage *usage);

/* sigprocmask(2) of all 64 signals, those that libc keeps for itself too. */
int kernel_set_mask(const uint64_t *set, uint64_t *old);

int kernel_pidfd_open(pid_t pid, unsigned flags);
int kernel_pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned flags);
/* signalfd(2), of a set with bit n-1 for signal n. */
int kernel_signalfd(int fd, uint64_t set, int flags);

int kernel_tgkill(pid_t pid, pid_t tid, int signal);
int kernel_rt_sigqueueinfo(pid_t pid, int signal, siginfo_t *info);
int kernel_rt_tgsigqueueinfo(pid_t pid, pid_t tid, int signal, siginfo_t *info);
int kernel_execveat(
	int fd, const char *path, char *const argv[], char *const environment[], int flags);

/* FUTEX_WAIT until a point on CLOCK_MONOTONIC, within the process. */
int kernel_futex_wait(const _Atomic uint32_t *word, uint32_t value, const struct timespec *until);
/* The same for a word that processes share. */
int kernel_futex_wait_shared(
	const _Atomic uint32_t *word, uint32_t value, const struct timespec *until);

/* membarrier(2). */
int kernel_membarrier(int command, unsigned flags);

/* preadv2(2) and pwritev2(2), which not every libc has. */
ssize_t kernel_preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags);
ssize_t kernel_pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags);

/* getdents64(2), and an entry as it has them. */
struct kernel_dirent {
	uint64_t inode;
	int64_t next;
	uint16_t size; /* of the entry */
	uint8_t type;
	char name[];
};
long kernel_getdents(int fd, void *buffer, size_t size);

int kernel_close_range(unsigned first, unsigned last, unsigned flags);

/* epoll_wait(2) with nanoseconds, from Linux 5.11 on. */
int kernel_epoll_pwait2(
	int epoll_fd, struct epoll_event *events, int size, const struct timespec *timeout);

#endif
