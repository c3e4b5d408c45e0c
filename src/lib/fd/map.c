/* Making maps and changing them.
 *
 * Every map has a descriptor beneath it, an anonymous one as well (a memfd): so each can be
 * resized, passed on, and asked for its size. */
#include "reeve/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/fd/map_object.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

_Static_assert(REEVE_MAP_SEAL_SEAL == F_SEAL_SEAL, "the seals are the kernel's");
_Static_assert(REEVE_MAP_SEAL_SHRINK == F_SEAL_SHRINK, "the seals are the kernel's");
_Static_assert(REEVE_MAP_SEAL_GROW == F_SEAL_GROW, "the seals are the kernel's");
_Static_assert(REEVE_MAP_SEAL_WRITE == F_SEAL_WRITE, "the seals are the kernel's");
_Static_assert(REEVE_MAP_SEAL_FUTURE_WRITE == F_SEAL_FUTURE_WRITE, "the seals are the kernel's");

#define SIZE_SEALS (REEVE_MAP_SEAL_SEAL | REEVE_MAP_SEAL_SHRINK | REEVE_MAP_SEAL_GROW)
#define ALL_SEALS (SIZE_SEALS | REEVE_MAP_SEAL_WRITE | REEVE_MAP_SEAL_FUTURE_WRITE)

/* What memfd_create(2) takes as a name. */
#define MEMORY_NAME_MAX 249

static unsigned seals_of(int fd)
{
	int seals = sys_fcntl(fd, F_GET_SEALS, 0);

	return seals < 0 ? 0 : (unsigned)seals & ALL_SEALS;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static char *first_page(const struct reeve_map *map)
{
	return map->data - map->lead;
}

/* How much is mapped for `size` bytes, in whole pages; 0 where that is more than there can be. */
static size_t span(const struct reeve_map *map, size_t size)
{
	size_t span;

	if (__builtin_add_overflow(size, map->lead + page_size() - 1, &span) || span > PTRDIFF_MAX)
		return 0;
	return span & ~(page_size() - 1);
}

static int flags_for(enum reeve_map_access access, unsigned seals)
{
	/* Before Linux 6.7 what is sealed against writing can't be mapped shared. */
	return access == REEVE_MAP_COPY || seals & REEVE_MAP_SEAL_WRITE ? MAP_PRIVATE : MAP_SHARED;
}

static int protection_for(enum reeve_map_access access)
{
	return access == REEVE_MAP_READ ? PROT_READ : PROT_READ | PROT_WRITE;
}

/* A regular file's size; a memfd is one. */
static int size_of(int fd, uint64_t *ret)
{
	struct stat status;

	if (sys_fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -ENODEV;
	*ret = (uint64_t)status.st_size;
	return 0;
}

int map_check_end(const struct reeve_map *map, size_t end)
{
	uint64_t file_size;
	int r = size_of(map->fd, &file_size);

	if (r < 0)
		return r;
	return file_size < map->offset + end ? -ENODATA : 0;
}

/* How many bytes from `offset` on are meant by `size`, of a file of `file_size`. */
static int resolve_size(uint64_t file_size, uint64_t offset, size_t size, size_t *ret)
{
	if (offset > file_size || size > file_size - offset || file_size == offset)
		return -ENODATA;
	if (size == 0) {
		if (file_size - offset > PTRDIFF_MAX)
			return -EOVERFLOW;
		size = (size_t)(file_size - offset);
	}
	*ret = size;
	return 0;
}

static int map_pages(struct reeve_map *map, unsigned seals)
{
	size_t length = span(map, map->size);
	char *pages;

	if (length == 0)
		return -EOVERFLOW;
	if (seals & REEVE_MAP_SEAL_WRITE && map->access == REEVE_MAP_WRITE)
		return -EACCES;
	pages = sys_mmap(NULL, length, protection_for(map->access), flags_for(map->access, seals),
		map->fd, (off_t)(map->offset - map->lead));
	if (pages == MAP_FAILED)
		return errno == EPERM ? -EACCES : -errno;
	map->data = pages + map->lead;
	return 0;
}

/* Map a part of a file. `fd` is consumed: the map's afterwards, or closed. */
static int map_consume(
	int fd, enum reeve_map_access access, uint64_t offset, size_t size, struct reeve_map **ret)
{
	CLEANUP_FREE struct reeve_map *map = NULL;
	CLEANUP_FD int owned = fd;
	unsigned seals = seals_of(fd);
	uint64_t file_size;
	int r;

	if ((unsigned)access > REEVE_MAP_COPY)
		return -EINVAL;
	r = size_of(fd, &file_size);
	if (r == 0)
		r = resolve_size(file_size, offset, size, &size);
	if (r < 0)
		return r;
	map = sys_malloc(sizeof *map);
	if (!map)
		return -ENOMEM;
	*map = (struct reeve_map){
		.size = size,
		.lead = (size_t)(offset % page_size()),
		.offset = offset,
		.fd = fd,
		.access = access,
		.can_shrink = !(seals & REEVE_MAP_SEAL_SHRINK),
	};
	r = map_pages(map, seals);
	if (r < 0)
		return r;
	(void)TAKE_FD(owned);
	*ret = TAKE_PTR(map);
	return 0;
}

/* O_NONBLOCK and O_NOCTTY: what is no regular file is refused, not waited for. */
int reeve_map_file(const char *path, enum reeve_map_access access, uint64_t offset, size_t size,
	struct reeve_map **ret)
{
	int mode = access == REEVE_MAP_WRITE ? O_RDWR : O_RDONLY;
	int fd = sys_open(path, mode | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);

	return fd < 0 ? -errno : map_consume(fd, access, offset, size, ret);
}

int reeve_map_descriptor(
	int fd, enum reeve_map_access access, uint64_t offset, size_t size, struct reeve_map **ret)
{
	int copy = sys_fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : map_consume(copy, access, offset, size, ret);
}

/* The seals are looked at before the size: so the size that is seen is one that stays. */
int reeve_map_received(int fd, enum reeve_map_access access, size_t minimum, unsigned seals,
	struct reeve_map **ret)
{
	uint64_t size;
	int r;

	if (seals & ~ALL_SEALS)
		return -EINVAL;
	r = size_of(fd, &size);
	if (r < 0)
		return r;
	if ((seals_of(fd) & seals) != seals)
		return -EPERM;
	r = size_of(fd, &size);
	if (r < 0)
		return r;
	if (size < minimum)
		return -ENODATA;
	return reeve_map_descriptor(fd, access, 0, 0, ret);
}

static int create_memory(const char *name)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = sys_memfd_create(name, flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* Linux before 6.3 */
		fd = sys_memfd_create(name, flags);
	return fd < 0 ? -errno : fd;
}

int reeve_map_memory(const char *name, size_t size, unsigned seals, struct reeve_map **ret)
{
	CLEANUP_FD int fd = -EBADF;

	if (!name)
		name = "reeve";
	if (size == 0 || size > PTRDIFF_MAX || seals & ~SIZE_SEALS ||
		strlen(name) > MEMORY_NAME_MAX)
		return -EINVAL;
	fd = create_memory(name);
	if (fd < 0)
		return fd;
	if (sys_ftruncate(fd, (off_t)size) < 0)
		return -errno;
	if (seals && sys_fcntl(fd, F_ADD_SEALS, (long)seals) < 0)
		return -errno;
	return map_consume(TAKE_FD(fd), REEVE_MAP_WRITE, 0, size, ret);
}

int reeve_map_anonymous(size_t size, struct reeve_map **ret)
{
	return reeve_map_memory(NULL, size, REEVE_MAP_SEAL_SHRINK, ret);
}

struct reeve_map *reeve_map_free(struct reeve_map *map)
{
	if (map) {
		munmap(first_page(map), span(map, map->size));
		close_fd(map->fd);
		free(map);
	}
	return NULL;
}

size_t reeve_map_size(const struct reeve_map *map)
{
	return map->size;
}

void *reeve_map_data(const struct reeve_map *map)
{
	return map->data;
}

int reeve_map_slice(const struct reeve_map *map, size_t offset, size_t size, void **ret)
{
	if (!map_contains(map, offset, size))
		return -ERANGE;
	*ret = map->data + offset;
	return 0;
}

int reeve_map_fd(const struct reeve_map *map)
{
	return map->fd;
}

int reeve_map_open_readonly(const struct reeve_map *map)
{
	char path[32];
	int fd;

	snprintf(path, sizeof path, "/proc/self/fd/%d", map->fd);
	fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

unsigned reeve_map_seals(const struct reeve_map *map)
{
	return seals_of(map->fd);
}

/* Have `size` bytes mapped instead; what is beneath already has as many. Cannot fail to shrink. */
static int remap(struct reeve_map *map, size_t size)
{
	size_t old_span = span(map, map->size), new_span = span(map, size);

	if (new_span == 0)
		return -EOVERFLOW;
	if (new_span < old_span) {
		munmap(first_page(map) + new_span, old_span - new_span);
	} else if (new_span > old_span) {
		char *pages = sys_mremap(first_page(map), old_span, new_span, MREMAP_MAYMOVE, NULL);

		if (pages == MAP_FAILED)
			return -errno;
		map->data = pages + map->lead;
	}
	map->size = size;
	if (map->cursor > size)
		map->cursor = size;
	return 0;
}

/* Make the file at least `end` bytes long. fallocate(2) never shortens what another process has
 * made longer meanwhile, as ftruncate(2) would; of what it adds only the last page takes up
 * room. */
static int extend(int fd, uint64_t end)
{
	if (sys_fallocate(fd, 0, (off_t)end - 1, 1) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -errno;
	return sys_ftruncate(fd, (off_t)end) < 0 ? -errno : 0;
}

static int shrink(struct reeve_map *map, size_t size)
{
	if (sys_ftruncate(map->fd, (off_t)(map->offset + size)) < 0)
		return -errno;
	return remap(map, size);
}

static int grow(struct reeve_map *map, size_t size)
{
	uint64_t before;
	int r = size_of(map->fd, &before);

	if (r < 0)
		return r;
	if (before < map->offset + size) {
		r = extend(map->fd, map->offset + size);
		if (r < 0)
			return r;
	}
	return remap(map, size);
}

int reeve_map_resize(struct reeve_map *map, size_t size)
{
	if (map->access != REEVE_MAP_WRITE)
		return -EACCES;
	if (size == 0)
		return -EINVAL;
	if (span(map, size) == 0 || map->offset + size > INT64_MAX)
		return -EFBIG;
	return size < map->size ? shrink(map, size) : grow(map, size);
}

int reeve_map_refresh(struct reeve_map *map)
{
	uint64_t file_size;
	size_t size = 0;
	int r = size_of(map->fd, &file_size);

	if (r == 0)
		r = resolve_size(file_size, map->offset, 0, &size);
	return r < 0 ? r : remap(map, size);
}

/* Put what is mapped anew, at the same place. */
static int remap_in_place(struct reeve_map *map, int protection, int flags)
{
	size_t length = span(map, map->size);
	void *pages = sys_mmap(first_page(map), length, protection, flags | MAP_FIXED, map->fd,
		(off_t)(map->offset - map->lead));

	return pages == MAP_FAILED ? -errno : 0;
}

/* A shared map, even one for reading, counts as a writer: so it has to be a private one before
 * the seal. */
static int seal_against_writing(struct reeve_map *map, unsigned seals)
{
	int r = remap_in_place(map, PROT_READ, MAP_PRIVATE);

	if (r < 0)
		return r;
	if (sys_fcntl(map->fd, F_ADD_SEALS, (long)seals) == 0) {
		map->access = REEVE_MAP_READ;
		return 0;
	}
	r = -errno;
	if (remap_in_place(map, PROT_READ | PROT_WRITE, MAP_SHARED) < 0)
		map->access = REEVE_MAP_READ;
	return r;
}

int reeve_map_seal(struct reeve_map *map, unsigned seals)
{
	int r;

	if (seals & ~ALL_SEALS)
		return -EINVAL;
	if (map->access != REEVE_MAP_WRITE)
		return -EACCES;
	if (seals & REEVE_MAP_SEAL_WRITE)
		r = seal_against_writing(map, seals);
	else
		r = sys_fcntl(map->fd, F_ADD_SEALS, (long)seals) < 0 ? -errno : 0;
	if (r < 0)
		return r == -EINVAL ? -EPERM : r; /* EINVAL: a file that can't be sealed at all */
	if (seals & REEVE_MAP_SEAL_SHRINK)
		map->can_shrink = false;
	return 0;
}

/* The pages that a part of the map touches. */
static int pages_of(
	const struct reeve_map *map, size_t offset, size_t size, char **ret_at, size_t *ret_length)
{
	size_t into_page;

	if (size == 0 && offset <= map->size)
		size = map->size - offset;
	if (!map_contains(map, offset, size))
		return -ERANGE;
	into_page = (uintptr_t)(map->data + offset) % page_size();
	*ret_at = map->data + offset - into_page;
	*ret_length = size + into_page;
	return 0;
}

int reeve_map_flush(struct reeve_map *map, size_t offset, size_t size)
{
	char *at;
	int r = pages_of(map, offset, size, &at, &size);

	if (r < 0)
		return r;
	return sys_msync(at, size, MS_SYNC) < 0 ? -errno : 0;
}

int reeve_map_advise(struct reeve_map *map, size_t offset, size_t size, int advice)
{
	char *at;
	int r = pages_of(map, offset, size, &at, &size);

	if (r < 0)
		return r;
	return sys_madvise(at, size, advice) < 0 ? -errno : 0;
}

int reeve_map_lock(struct reeve_map *map, size_t offset, size_t size)
{
	char *at;
	int r = pages_of(map, offset, size, &at, &size);

	if (r < 0)
		return r;
	return sys_mlock(at, size) < 0 ? -errno : 0;
}

int reeve_map_unlock(struct reeve_map *map, size_t offset, size_t size)
{
	char *at;
	int r = pages_of(map, offset, size, &at, &size);

	if (r < 0)
		return r;
	return sys_munlock(at, size) < 0 ? -errno : 0;
}
