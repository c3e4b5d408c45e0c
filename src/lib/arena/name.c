/* Arenas by name.
 *
 * A name is a small file. Each holder keeps a shared lock on it, of an open file description
 * (F_OFD_SETLK): it is inherited by fork(2) together with the arena's own descriptor, and the
 * kernel lets go of it when the last process that has it closes it or dies. So whether a name
 * lives is the kernel's to say, and nothing has to be counted. The file tells which memfd it is,
 * and where some holders had it when they came: where none of those is left, all processes are
 * looked at (a forked child of a dead holder stands in no file).
 *
 * A holder has the arena open before it takes the lock, and lets go of the lock first; the file is
 * whole before it is locked. All that changes files is done in the directory's lock
 * (name_directory.h). Killed anywhere, a maker leaves a file that nobody holds, which is the same
 * as none. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/arena/arena.h"
#include "lib/arena/name_directory.h"
#include "lib/arena/name_finder.h"

#define NAME_MAGIC UINT64_C(0x656d616e72616e61) /* "anarname" */
#define HOLDERS 31

/* A process that is being killed shows its descriptors no more just before it lets go of them. So
 * long is waited before a name that is held is said to be out of reach. */
#define GRACE REEVE_SEC
/* So long freeing an arena waits for its turn to remove the file. */
#define RELEASE_PATIENCE (100 * REEVE_MSEC)

#define FIRST_PAUSE REEVE_MSEC
#define LONGEST_PAUSE (50 * REEVE_MSEC)

struct name_record {
	uint64_t magic;
	struct file_identity identity;
	struct file_holder holders[HOLDERS]; /* hints; pid 0: nobody */
};

static int check_name(const char *name)
{
	int r = arena_check_name(name);

	if (r < 0)
		return r;
	return name[0] == '.' || strchr(name, '/') ? -EINVAL : 0;
}

/* --- One name's file -------------------------------------------------------------------------- */

/* Returns a descriptor; -ENOENT; -EUCLEAN (no file of ours). */
static int open_name(const struct name_directory *directory, const char *name)
{
	CLEANUP_FD int fd = sys_openat(
		directory->fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	struct stat status;

	if (fd < 0)
		return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EUCLEAN : -errno;
	if (sys_fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_nlink != 1)
		return -EUCLEAN;
	return TAKE_FD(fd);
}

/* 1, 0, or a negative errno. */
static int is_held(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (sys_fcntl(fd, F_OFD_GETLK, (long)&whole) < 0)
		return -errno;
	return whole.l_type != F_UNLCK;
}

static int hold(int fd)
{
	struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return sys_fcntl(fd, F_OFD_SETLK, (long)&whole) < 0 ? -errno : 0;
}

static int read_record(int fd, struct name_record *ret)
{
	ssize_t n = sys_pread(fd, ret, sizeof *ret, 0);

	if (n < 0)
		return -errno;
	return n < (ssize_t)sizeof *ret || ret->magic != NAME_MAGIC ? -EUCLEAN : 0;
}

static int write_record(int fd, const struct name_record *record)
{
	ssize_t n = sys_pwrite(fd, record, sizeof *record, 0);

	if (n < 0)
		return -errno;
	return n < (ssize_t)sizeof *record ? -ENOSPC : 0;
}

static struct file_holder self(const struct reeve_arena *arena)
{
	return (struct file_holder){ .pid = getpid(), .fd = arena->fd };
}

static int write_first_record(int fd, const struct reeve_arena *arena)
{
	struct name_record record = { .magic = NAME_MAGIC, .holders = { self(arena) } };
	struct stat status;

	if (sys_fstat(arena->fd, &status) < 0)
		return -errno;
	record.identity.device = status.st_dev;
	record.identity.inode = status.st_ino;
	return write_record(fd, &record);
}

/* Open the name if it lives. Returns a descriptor; -ENOENT (its file, if there was one, is
 * removed). */
static int open_living(struct name_directory *directory, const char *name)
{
	CLEANUP_FD int fd = open_name(directory, name);
	int r;

	if (fd < 0)
		return fd;
	r = is_held(fd);
	if (r < 0)
		return r;
	if (r > 0)
		return TAKE_FD(fd);
	return sys_unlinkat(directory->fd, name, 0) < 0 ? -errno : -ENOENT;
}

/* 1: nobody held it, and it is removed. What is no file of ours stays. */
static int remove_dead(struct name_directory *directory, const char *name)
{
	CLEANUP_FD int fd = open_living(directory, name);

	return fd == -ENOENT ? 1 : fd < 0 && fd != -EUCLEAN ? fd : 0;
}

static void keep_name(struct reeve_arena *arena, int fd, const char *name)
{
	arena->name_fd = fd;
	memcpy(arena->name, name, strlen(name) + 1);
}

/* Make the file of a name that does not live. */
static int make_name(struct name_directory *directory, const char *name, struct reeve_arena *arena)
{
	CLEANUP_FD int fd = -EBADF;
	int r;

	(void)name_directory_each(directory, remove_dead);
	fd = sys_openat(directory->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		S_IRUSR | S_IWUSR);
	if (fd < 0)
		return -errno;
	r = write_first_record(fd, arena);
	if (r == 0)
		r = hold(fd);
	if (r < 0) {
		(void)sys_unlinkat(directory->fd, name, 0);
		return r;
	}
	keep_name(arena, TAKE_FD(fd), name);
	return 0;
}

/* --- Connecting ------------------------------------------------------------------------------- */

/* Open what the record describes. `ret_free` is a hint that leads nowhere; HOLDERS: all do. Who was
 * found without a hint has the first one then. Returns a descriptor, or as find_anywhere(). */
static int find_memory(struct name_record *record, unsigned *ret_free)
{
	int fd = -ESRCH;

	*ret_free = HOLDERS;
	for (unsigned i = 0; i < HOLDERS && fd == -ESRCH; i++) {
		fd = find_at(&record->identity, &record->holders[i]);
		if (fd == -ESRCH && *ret_free == HOLDERS)
			*ret_free = i;
	}
	if (fd == -ESRCH) {
		fd = find_anywhere(&record->identity, &record->holders[0]);
		*ret_free = 1;
	}
	return fd;
}

/* -ESRCH: nobody was found that has it. */
static int join_name(int fd, const char *name, struct reeve_arena **ret)
{
	struct name_record record;
	CLEANUP_FD int memory = -EBADF;
	unsigned index;
	int r = read_record(fd, &record);

	if (r < 0)
		return r;
	memory = find_memory(&record, &index);
	if (memory < 0)
		return memory;
	r = reeve_arena_open(memory, ret);
	if (r < 0)
		return r;
	r = hold(fd);
	if (r < 0) {
		*ret = reeve_arena_free(*ret);
		return r;
	}
	if (index < HOLDERS) {
		record.holders[index] = self(*ret);
		(void)write_record(fd, &record); /* without it others have more to look through */
	}
	keep_name(*ret, fd, name);
	return 0;
}

static int create(struct name_directory *directory, const char *name,
	const struct reeve_arena_spec *spec, struct reeve_arena **ret)
{
	struct reeve_arena_spec named = *spec;
	int r;

	if (!named.label)
		named.label = name;
	r = reeve_arena_new(&named, ret);
	if (r < 0)
		return r;
	r = make_name(directory, name, *ret);
	if (r < 0) {
		*ret = reeve_arena_free(*ret);
		return r;
	}
	return 1;
}

static int connect_once(const char *name, const struct reeve_arena_spec *spec, reeve_nsec deadline,
	struct reeve_arena **ret)
{
	CLEANUP(name_directory_leave) struct name_directory directory = NAME_DIRECTORY_NONE;
	CLEANUP_FD int fd = -EBADF;
	int r = name_directory_enter(deadline, &directory);

	if (r < 0)
		return r;
	fd = open_living(&directory, name);
	if (fd == -ENOENT && spec)
		return create(&directory, name, spec, ret);
	if (fd < 0)
		return fd;
	r = join_name(fd, name, ret);
	if (r == 0)
		(void)TAKE_FD(fd);
	return r;
}

int reeve_arena_connect(const char *name, const struct reeve_arena_spec *spec, reeve_nsec timeout,
	struct reeve_arena **ret)
{
	reeve_nsec deadline, grace = reeve_now() + GRACE, pause = FIRST_PAUSE;
	struct reeve_arena *arena;
	int r = check_name(name);

	if (r == 0)
		r = ret ? deadline_from(timeout, &deadline) : -EFAULT;
	if (r < 0)
		return r;
	while ((r = connect_once(name, spec, deadline, &arena)) == -ESRCH) {
		if (deadline_left(deadline) != 0 && reeve_now() >= grace)
			return -EACCES;
		r = back_off(&pause, LONGEST_PAUSE, deadline);
		if (r < 0)
			return r;
	}
	if (r >= 0)
		*ret = arena;
	return r;
}

/* --- The others ------------------------------------------------------------------------------- */

/* Whether the handle's name still leads to it: 1, 0, or a negative errno. */
static int has_name(struct reeve_arena *arena)
{
	struct stat status;

	if (arena->name_fd < 0)
		return 0;
	if (sys_fstat(arena->name_fd, &status) < 0)
		return -errno;
	return status.st_nlink > 0;
}

static int publish(struct name_directory *directory, struct reeve_arena *arena, const char *name)
{
	CLEANUP_FD int living = -EBADF;
	int r = has_name(arena);

	if (r != 0)
		return r < 0 ? r : -EALREADY;
	living = open_living(directory, name);
	if (living != -ENOENT)
		return living < 0 ? living : -EEXIST;
	arena->name_fd = close_fd(arena->name_fd);
	return make_name(directory, name, arena);
}

int reeve_arena_publish(struct reeve_arena *arena, const char *name, reeve_nsec timeout)
{
	CLEANUP(name_directory_leave) struct name_directory directory = NAME_DIRECTORY_NONE;
	reeve_nsec deadline;
	int r = arena ? check_name(name) : -EFAULT;

	if (r == 0)
		r = deadline_from(timeout, &deadline);
	if (r == 0)
		r = name_directory_enter(deadline, &directory);
	return r < 0 ? r : publish(&directory, arena, name);
}

static int unpublish(struct name_directory *directory, const char *name)
{
	CLEANUP_FD int fd = open_living(directory, name);

	if (fd < 0)
		return fd;
	return sys_unlinkat(directory->fd, name, 0) < 0 ? -errno : 0;
}

int reeve_arena_unpublish(const char *name, reeve_nsec timeout)
{
	CLEANUP(name_directory_leave) struct name_directory directory = NAME_DIRECTORY_NONE;
	reeve_nsec deadline;
	int r = check_name(name);

	if (r == 0)
		r = deadline_from(timeout, &deadline);
	if (r == 0)
		r = name_directory_enter(deadline, &directory);
	return r < 0 ? r : unpublish(&directory, name);
}

int reeve_arena_names_clean(reeve_nsec timeout)
{
	CLEANUP(name_directory_leave) struct name_directory directory = NAME_DIRECTORY_NONE;
	reeve_nsec deadline;
	int r = deadline_from(timeout, &deadline);

	if (r == 0)
		r = name_directory_enter(deadline, &directory);
	return r < 0 ? r : name_directory_each(&directory, remove_dead);
}

/* Where the directory cannot be had soon, the file is left to whoever next makes a name. */
void arena_name_release(struct reeve_arena *arena)
{
	struct name_directory directory = NAME_DIRECTORY_NONE;
	int entered;

	if (arena->name_fd < 0)
		return;
	entered = name_directory_enter(reeve_now() + RELEASE_PATIENCE, &directory);
	arena->name_fd = close_fd(arena->name_fd);
	if (entered == 0) {
		(void)remove_dead(&directory, arena->name);
		name_directory_leave(&directory);
	}
}
