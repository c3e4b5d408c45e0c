/* Making an arena, and believing one that came from elsewhere. */
#include "lib/arena/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/interrupt.h"
#include "lib/base/sys.h"
#include "lib/arena/lock.h"
#include "reeve/map.h"
#include "reeve/process.h"

#define SEALS (REEVE_MAP_SEAL_SEAL | REEVE_MAP_SEAL_SHRINK | REEVE_MAP_SEAL_GROW)

_Static_assert(
	ATOMIC_LLONG_LOCK_FREE == 2, "shared words need no lock that a process could die with");

/* What both sides of an arena must have in common: the size of a word, the processor, and libc,
 * whose mutexes differ. */
static uint32_t abi(void)
{
#if defined(__x86_64__)
	const uint32_t processor = 1;
#elif defined(__aarch64__)
	const uint32_t processor = 2;
#else
	const uint32_t processor = 255;
#endif
#if defined(__GLIBC__)
	const uint32_t libc = 1;
#else
	const uint32_t libc = 2;
#endif
	return processor << 24 | libc << 16 | (uint32_t)sizeof(pthread_mutex_t) << 8 |
	       (uint32_t)sizeof(void *);
}

int arena_check_name(const char *name)
{
	if (!name)
		return -EFAULT;
	if (!*name)
		return -EINVAL;
	return strnlen(name, ARENA_NAME_SIZE) > REEVE_ARENA_NAME_MAX ? -ENAMETOOLONG : 0;
}

int arena_at(const struct reeve_arena *arena, uint64_t offset, uint64_t size, uint64_t alignment,
	void **ret)
{
	if (offset < layout_room(arena->participants, arena->objects) || offset > arena->size ||
		size > arena->size - offset || offset % alignment)
		return -EUCLEAN;
	*ret = arena->base + offset;
	return 0;
}

/* Map it, and be able to lock it. `fd` is consumed. */
static int arena_map_consume(int fd, const struct arena_header *header, struct reeve_arena **ret)
{
	CLEANUP_FD int owned = fd;
	CLEANUP_FREE struct reeve_arena *arena = sys_calloc(1, sizeof *arena);
	void *base;
	int r;

	if (!arena)
		return -ENOMEM;
	base = sys_mmap(NULL, (size_t)header->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return errno == EPERM ? -EACCES : -errno;
	arena->base = base;
	arena->size = header->size;
	arena->participants = header->participants;
	arena->objects = header->objects;
	arena->fd = fd;
	arena->lock_fd = -EBADF;
	arena->name_fd = -EBADF;
	atomic_init(&arena->pulse, &arena->idle);
	pthread_mutex_init(&arena->mutex, NULL);
	list_init(&arena->link);
	r = arena_lock_open(arena);
	if (r < 0) {
		munmap(base, (size_t)header->size);
		return r;
	}
	(void)TAKE_FD(owned);
	*ret = TAKE_PTR(arena);
	return 0;
}

static int check_spec(const struct reeve_arena_spec *spec)
{
	if (spec->size == 0 || spec->participants == 0)
		return -EINVAL;
	if (spec->size > REEVE_ARENA_SIZE_MAX ||
		spec->participants > REEVE_ARENA_PARTICIPANTS_MAX ||
		spec->objects > REEVE_ARENA_OBJECTS_MAX)
		return -EOVERFLOW;
	return spec->label ? arena_check_name(spec->label) : 0;
}

/* Take the memory of the tables now: later there is no error to return. */
static int write_header(int fd, const struct arena_header *header)
{
	off_t tables = (off_t)layout_room(header->participants, header->objects);
	int r;

	do
		r = sys_fallocate(fd, 0, 0, tables);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return sys_pwrite(fd, header, sizeof *header, 0) < 0 ? -errno : 0;
}

int reeve_arena_new(const struct reeve_arena_spec *spec, struct reeve_arena **ret)
{
	struct arena_header header = {
		.magic = ARENA_MAGIC, .version = ARENA_VERSION, .abi = abi()
	};
	struct reeve_map *map;
	CLEANUP_FD int fd = -EBADF;
	int r;

	if (!spec || !ret)
		return -EFAULT;
	r = check_spec(spec);
	if (r < 0)
		return r;
	header.participants = spec->participants;
	header.objects = spec->objects ? spec->objects : REEVE_ARENA_OBJECTS_DEFAULT;
	header.fresh = layout_room(header.participants, header.objects);
	header.size =
		header.fresh + ((uint64_t)spec->size + ARENA_GRAIN - 1) / ARENA_GRAIN * ARENA_GRAIN;
	r = reeve_map_memory(
		spec->label ? spec->label : "reeve-arena", (size_t)header.size, SEALS, &map);
	if (r < 0)
		return r;
	fd = sys_fcntl(reeve_map_fd(map), F_DUPFD_CLOEXEC, 0);
	r = fd < 0 ? -errno : write_header(fd, &header);
	reeve_map_free(map);
	return r < 0 ? r : arena_map_consume(TAKE_FD(fd), &header, ret);
}

/* Whether a header, copied out of shared memory, is that of an arena of this size that this
 * program can use. */
static int check_header(const struct arena_header *header, uint64_t size)
{
	if (header->magic != ARENA_MAGIC)
		return -EMEDIUMTYPE;
	if (header->version != ARENA_VERSION)
		return -EPROTONOSUPPORT;
	if (header->abi != abi())
		return -ENOEXEC;
	if (header->size != size || header->participants == 0 || header->objects == 0 ||
		header->participants > REEVE_ARENA_PARTICIPANTS_MAX ||
		header->objects > REEVE_ARENA_OBJECTS_MAX ||
		layout_room(header->participants, header->objects) >= size || size % ARENA_GRAIN)
		return -EUCLEAN;
	return 0;
}

/* Size and seals, the seals first: so the size that is seen is one that stays. */
static int check_file(int fd, uint64_t *ret_size)
{
	struct stat status;
	int seals = sys_fcntl(fd, F_GET_SEALS, 0);

	if (seals < 0)
		return errno == EINVAL ? -EMEDIUMTYPE : -errno;
	if (sys_fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof(struct arena_header))
		return -EMEDIUMTYPE;
	*ret_size = (uint64_t)status.st_size;
	return ((unsigned)seals & SEALS) == SEALS ? 0 : -EPERM;
}

static int read_header(int fd, uint64_t size, struct arena_header *ret)
{
	ssize_t n = sys_pread(fd, ret, sizeof *ret, 0);

	if (n < 0)
		return errno == EBADF ? -EACCES : -errno; /* open for writing alone */
	return n < (ssize_t)sizeof *ret ? -EMEDIUMTYPE : check_header(ret, size);
}

int reeve_arena_open(int fd, struct reeve_arena **ret)
{
	struct arena_header header;
	uint64_t size = 0;
	int r, file, copy;

	if (!ret)
		return -EFAULT;
	file = check_file(fd, &size);
	if (file < 0 && file != -EPERM)
		return file;
	r = read_header(fd, size, &header);
	if (r == -EMEDIUMTYPE || file == 0)
		file = r;
	if (file < 0)
		return file;
	copy = sys_fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? -errno : arena_map_consume(copy, &header, ret);
}

struct reeve_arena *reeve_arena_free(struct reeve_arena *arena)
{
	if (arena) {
		reeve_arena_recover_before_reap(arena, false);
		if (atomic_load(&arena->self))
			(void)reeve_arena_detach(arena, 0); /* else it is as if it had died */
		arena_lock_close(arena);
		arena_name_release(arena);
		munmap(arena->base, (size_t)arena->size);
		close_fd(arena->fd);
		pthread_mutex_destroy(&arena->mutex);
		free(arena);
	}
	return NULL;
}

int reeve_arena_fd(const struct reeve_arena *arena)
{
	return arena ? arena->fd : -EFAULT;
}

unsigned reeve_arena_participants(const struct reeve_arena *arena)
{
	return arena ? arena->participants : 0;
}

static void recover_before_reap(pid_t pid, void *data)
{
	(void)reeve_arena_recover(data, 0);
}

int reeve_arena_recover_before_reap(struct reeve_arena *arena, bool on)
{
	int r = 0;

	if (!arena)
		return -EFAULT;
	pthread_mutex_lock(&arena->mutex);
	if (on && !arena->recovers_before_reap)
		r = reeve_process_before_reap(recover_before_reap, arena);
	else if (!on && arena->recovers_before_reap)
		reeve_process_before_reap_remove(recover_before_reap, arena);
	if (r == 0)
		arena->recovers_before_reap = on;
	pthread_mutex_unlock(&arena->mutex);
	return r;
}
