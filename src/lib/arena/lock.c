/* The description that the locks hang on is this process's own, opened anew through /proc.
 * fork(2) would share it with the child, and the lock would outlive its holder: so the child
 * closes it before it runs anything of its own. */
#include "lib/arena/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"

#define FIRST_PAUSE (50 * REEVE_USEC)
#define LONGEST_PAUSE (5 * REEVE_MSEC)

/* A leaf: nothing else is locked while it is held. Held across fork(2), so that a child sees
 * either no description or one that it can close. */
static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list handles = { &handles, &handles };

static void before_fork(void)
{
	pthread_mutex_lock(&handles_lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&handles_lock);
}

static void after_fork_in_child(void)
{
	for (struct list *link = handles.next; link != &handles; link = link->next) {
		struct reeve_arena *arena = LIST_ENTRY(link, struct reeve_arena, link);

		arena->lock_fd = close_fd(arena->lock_fd);
		atomic_store(&arena->self, 0);
		atomic_store(&arena->pulse, &arena->idle);
		pthread_mutex_init(&arena->mutex, NULL);
	}
	pthread_mutex_unlock(&handles_lock);
}

static int watch_forks(void)
{
	static bool watching;
	int error = 0;

	if (!watching)
		error = sys_pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
	watching = !error;
	return -error;
}

static int open_description(struct reeve_arena *arena)
{
	char path[32];

	if (arena->lock_fd >= 0)
		return 0;
	snprintf(path, sizeof path, "/proc/self/fd/%d", arena->fd);
	arena->lock_fd = sys_open(path, O_RDWR | O_CLOEXEC, 0);
	return arena->lock_fd < 0 ? -errno : 0;
}

int arena_lock_open(struct reeve_arena *arena)
{
	int r;

	pthread_mutex_lock(&handles_lock);
	r = watch_forks();
	if (r == 0)
		r = open_description(arena);
	if (r == 0)
		list_append(&handles, &arena->link);
	pthread_mutex_unlock(&handles_lock);
	return r;
}

void arena_lock_close(struct reeve_arena *arena)
{
	pthread_mutex_lock(&handles_lock);
	list_remove(&arena->link);
	arena->lock_fd = close_fd(arena->lock_fd);
	pthread_mutex_unlock(&handles_lock);
}

/* A forked child has none at first. */
static int need_description(struct reeve_arena *arena)
{
	int r;

	if (arena->lock_fd >= 0)
		return 0;
	pthread_mutex_lock(&handles_lock);
	r = open_description(arena);
	pthread_mutex_unlock(&handles_lock);
	return r;
}

static struct flock one_byte(unsigned byte, short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
}

int arena_lock_try(struct reeve_arena *arena, unsigned byte, short type)
{
	struct flock lock = one_byte(byte, type);
	int r = need_description(arena);

	if (r < 0)
		return r;
	if (sys_fcntl(arena->lock_fd, F_OFD_SETLK, (long)&lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

int arena_lock_until(struct reeve_arena *arena, unsigned byte, short type, reeve_nsec deadline)
{
	reeve_nsec pause = FIRST_PAUSE;
	int r;

	while ((r = arena_lock_try(arena, byte, type)) == -EAGAIN) {
		r = back_off(&pause, LONGEST_PAUSE, deadline);
		if (r < 0)
			break;
	}
	return r;
}

void arena_unlock(struct reeve_arena *arena, unsigned byte)
{
	struct flock lock = one_byte(byte, F_UNLCK);

	fcntl(arena->lock_fd, F_OFD_SETLK, &lock);
}

int arena_lock_is_held(struct reeve_arena *arena, unsigned byte)
{
	struct flock lock = one_byte(byte, F_WRLCK);
	int r = need_description(arena);

	if (r < 0)
		return r;
	if (sys_fcntl(arena->lock_fd, F_OFD_GETLK, (long)&lock) < 0)
		return -errno;
	return lock.l_type != F_UNLCK;
}
