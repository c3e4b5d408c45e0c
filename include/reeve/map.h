/* reeve/map.h - memory that is shared between processes, or is a file.
 *
 *	struct reeve_map *map;
 *
 *	reeve_map_file("words", REEVE_MAP_READ, 0, 0, &map);
 *	while ((length = reeve_map_read_line(map, line, sizeof line)) > 0)
 *		...
 *	map = reeve_map_free(map);
 *
 * There are two ways to the bytes. The pointer of reeve_map_data() and reeve_map_slice() is the
 * memory itself: as fast as memory is, and as dangerous, for if somebody truncates the file,
 * touching what is gone raises SIGBUS. The checked calls (get, put, move, find, rfind, read,
 * write, read_line) copy, keep to the bounds, and answer -ENODATA where the file has been
 * truncated: even if that happens while they run. A map that cannot shrink (reeve_map_anonymous,
 * or REEVE_MAP_SEAL_SHRINK) has neither the danger nor the price, which is a system call or two
 * for each checked call: there they are plain memory copies.
 *
 * How it is done: where the memory may go away, the kernel does the copying
 * (process_vm_readv(2)), and answers EFAULT where the processor would have raised the signal. No
 * signal handler is installed, and no state is kept. The price is that a sandbox which forbids
 * that call makes checked calls fail with -EPERM or -ENOSYS.
 *
 * A map is inherited through fork(2), its memory being shared unless it is REEVE_MAP_COPY; its
 * cursor and its size are each process's own. The calls that take an offset may be made by
 * several threads at once; those that move the cursor, and resize, refresh and seal, may not.
 * What other processes write at the same time is seen as mixed as memory always is: locks are
 * the caller's. */
#ifndef REEVE_MAP_H
#define REEVE_MAP_H

#include <sys/types.h>

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_map;

enum reeve_map_access {
	REEVE_MAP_READ,  /* writing is -EACCES; through a pointer SIGSEGV */
	REEVE_MAP_WRITE, /* reads and writes what everybody else sees */
	REEVE_MAP_COPY,  /* reads the file; what is written stays in this process */
};

/* What nobody may do to a memfd any more; irrevocable. See F_ADD_SEALS, fcntl(2). */
#define REEVE_MAP_SEAL_SEAL 0x01u   /* add seals */
#define REEVE_MAP_SEAL_SHRINK 0x02u /* make it smaller: pointers into it are safe from SIGBUS */
#define REEVE_MAP_SEAL_GROW 0x04u   /* make it larger */
#define REEVE_MAP_SEAL_WRITE 0x08u  /* write into it */
#define REEVE_MAP_SEAL_FUTURE_WRITE 0x10u /* write into it but through maps that exist already */

/* For reeve_map_named(). */
#define REEVE_MAP_CREATE 0x01u    /* make it if it is not there */
#define REEVE_MAP_EXCLUSIVE 0x02u /* with CREATE: -EEXIST if it is there */

/* Making and ending.
 *
 * Those that make a map return 0 and a map in `ret`, to be released with reeve_map_free(), or
 * -EINVAL, -ENOMEM, -EMFILE, -ENFILE, and what is named with each. `size` and `offset` are
 * bytes; no alignment is asked for. */

/* `size` bytes of zeroes, shared with the processes forked from now on. Pages cost memory when
 * they are first touched. It can grow but not shrink. */
REEVE_API int reeve_map_anonymous(size_t size, struct reeve_map **ret);

/* A part of a file: `size` bytes from `offset`, or all that follows `offset` where size is 0.
 *
 * -ENODATA (the file ends before that), -ENODEV (not a regular file), -EOVERFLOW (larger than
 * the address space), or as open(2). */
REEVE_API int reeve_map_file(const char *path, enum reeve_map_access access, uint64_t offset,
	size_t size, struct reeve_map **ret);

/* The same of a file that is open already. `fd` is borrowed for the call: the map keeps a copy.
 *
 * In addition -EBADF, -EACCES (opened in a way that `access` does not allow). */
REEVE_API int reeve_map_descriptor(
	int fd, enum reeve_map_access access, uint64_t offset, size_t size, struct reeve_map **ret);

/* A memfd of `size` bytes of zeroes with these seals (REEVE_MAP_SEAL_*, but not WRITE or
 * FUTURE_WRITE, which are for reeve_map_seal() when it has been filled), to be shared by passing
 * reeve_map_fd() over a channel. Pages cost memory when they are first touched, so a generous
 * size costs address space alone.
 *
 *   name   shown in /proc/PID/maps, for debugging; NULL: "reeve" */
REEVE_API int reeve_map_memory(
	const char *name, size_t size, unsigned seals, struct reeve_map **ret);

/* The whole of a memfd or file that came from another process, which need not be trusted. `fd`
 * is borrowed.
 *
 *   minimum   bytes that it must have at least
 *   seals     that it must have, all of them. Unless REEVE_MAP_SEAL_SHRINK is among them the other
 *             side can truncate it at any time
 *
 * -EPERM (a seal is missing), -ENODATA (smaller than `minimum`, or empty), -ENODEV (not a
 * regular file or memfd), -EACCES (not open in a way that `access` allows, or sealed against
 * it), -EBADF. */
REEVE_API int reeve_map_received(int fd, enum reeve_map_access access, size_t minimum,
	unsigned seals, struct reeve_map **ret);

/* Memory with a name, that lives until it is removed or the machine restarts; as shm_open(3). A
 * new one appears under its name in one step, with its size and mode.
 *
 *   name     1 to 255 bytes without a slash but one in front, which may be left out
 *   flags    REEVE_MAP_CREATE, REEVE_MAP_EXCLUSIVE or 0
 *   mode     of a new one, whatever the umask
 *   size     of a new one; one that exists must have as much, and that much is mapped; 0: all it
 *            has
 *
 * -ENOENT, -EEXIST, -EACCES (its mode), -ENODATA (smaller than `size`), -ENAMETOOLONG, -ENODEV,
 * -ENOSPC. */
REEVE_API int reeve_map_named(const char *name, enum reeve_map_access access, unsigned flags,
	mode_t mode, size_t size, struct reeve_map **ret);

/* Remove the name. Maps that exist go on. Returns 0, -ENOENT, -EACCES, -EINVAL, -ENAMETOOLONG. */
REEVE_API int reeve_map_unlink(const char *name);

/* Unmap. Returns NULL; NULL is fine. */
REEVE_API struct reeve_map *reeve_map_free(struct reeve_map *map);

/* Looking at it. */

REEVE_API size_t reeve_map_size(const struct reeve_map *map);

/* The memory itself, reeve_map_size() bytes; good until resize, refresh or free. */
REEVE_API void *reeve_map_data(const struct reeve_map *map);

/* As reeve_map_data(), of `size` bytes at `offset`. Returns 0, or -ERANGE (not wholly inside the
 * map). */
REEVE_API int reeve_map_slice(const struct reeve_map *map, size_t offset, size_t size, void **ret);

/* The descriptor beneath, borrowed: to pass on, never to close. */
REEVE_API int reeve_map_fd(const struct reeve_map *map);

/* A new descriptor of what is beneath that can only be read, for those who are to look but not
 * touch; close-on-exec, the caller's to close. A process of the same user can still open it anew
 * for writing through /proc, unless its mode forbids. Needs /proc. Returns it, or -ENOENT,
 * -EACCES, -EMFILE, -ENFILE. */
REEVE_API int reeve_map_open_readonly(const struct reeve_map *map);

/* Checked access. Nothing is done by halves but for -ENODATA and -EIO (an error of the disk, or
 * none of it left for a hole), of which some bytes may have been copied. A map of REEVE_MAP_READ
 * answers writing with -EACCES. */

/* Copy bytes out. Returns 0, -ERANGE (not wholly inside the map), -ENODATA (the file no longer
 * reaches that far), -EIO. */
REEVE_API int reeve_map_get(const struct reeve_map *map, size_t offset, void *data, size_t size);

/* Copy bytes in. Returns 0, -ERANGE, -EACCES, -ENODATA, -EIO. */
REEVE_API int reeve_map_put(struct reeve_map *map, size_t offset, const void *data, size_t size);

/* Copy `size` bytes inside the map; the two places may overlap. Returns as reeve_map_put(). */
REEVE_API int reeve_map_move(struct reeve_map *map, size_t to, size_t from, size_t size);

/* Find the first (the last) occurrence of `size` bytes that lies wholly between `start` and
 * `end`; `end` past the map means its end. Where size is 0, that is at `start` (rfind: at
 * `end`).
 *
 * Returns 0 and its offset in `ret`; -ENOENT; -ERANGE (start is past the end); -ENODATA, -EIO,
 * -ENOMEM. */
REEVE_API int reeve_map_find(const struct reeve_map *map, const void *data, size_t size,
	size_t start, size_t end, size_t *ret);
REEVE_API int reeve_map_rfind(const struct reeve_map *map, const void *data, size_t size,
	size_t start, size_t end, size_t *ret);

/* The cursor: an offset that reading and writing move; 0 at first. */

REEVE_API size_t reeve_map_tell(const struct reeve_map *map);

/* Move it; `whence` is SEEK_SET, SEEK_CUR or SEEK_END. Its end is a place, too; what is past it
 * -ERANGE, and another whence -EINVAL. Returns 0. */
REEVE_API int reeve_map_seek(struct reeve_map *map, int64_t offset, int whence);

/* Read up to `size` bytes. Returns how many, 0 at the end, -ENODATA, -EIO. */
REEVE_API ssize_t reeve_map_read(struct reeve_map *map, void *data, size_t size);

/* Write `size` bytes. Returns 0; -ERANGE if not all fit: then nothing was written; -EACCES,
 * -ENODATA, -EIO. */
REEVE_API int reeve_map_write(struct reeve_map *map, const void *data, size_t size);

/* Read up to and including the next newline, but `size` bytes at most: a longer line comes in
 * pieces, of which only the last ends with the newline. No zero byte is added. Returns how many,
 * 0 at the end, -ENODATA, -EIO. */
REEVE_API ssize_t reeve_map_read_line(struct reeve_map *map, void *data, size_t size);

/* Changing it. */

/* Give the map another size. Where it grows, the file beneath is made longer if need be, with
 * zeroes; where it shrinks, the file is cut at the map's new end. Pointers into the map are
 * invalid afterwards; a cursor past the end is put at the end. Other processes follow with
 * reeve_map_refresh().
 *
 * Returns 0, -EACCES (not REEVE_MAP_WRITE), -EINVAL (size 0), -EPERM (a seal forbids it, or it
 * is anonymous and would shrink), -EFBIG, -ENOSPC, -ENOMEM. On failure the map is as before; the
 * file may be longer. */
REEVE_API int reeve_map_resize(struct reeve_map *map, size_t size);

/* Follow a change that somebody else made: from now on the map ends where what is beneath it
 * ends. Returns 0, -ENODATA (nothing is left), -EOVERFLOW, -ENOMEM. On failure nothing has
 * changed. */
REEVE_API int reeve_map_refresh(struct reeve_map *map);

/* Add seals to a map of reeve_map_memory(). With WRITE the map becomes one of REEVE_MAP_READ.
 * Returns 0, -EPERM (sealed against seals, or not a memfd), -EBUSY (WRITE, while another map or
 * write of it is going on), -EACCES (not REEVE_MAP_WRITE), -EINVAL, -ENOMEM. */
REEVE_API int reeve_map_seal(struct reeve_map *map, unsigned seals);

/* The seals it has: REEVE_MAP_SEAL_*; 0 for an ordinary file. */
REEVE_API unsigned reeve_map_seals(const struct reeve_map *map);

/* For the next three the pages that `size` bytes at `offset` touch are meant, size 0: all from
 * `offset` on; -ERANGE where that is not inside the map. */

/* Wait until what was written is on the disk; see msync(2). Returns 0, -EIO, -ENOMEM, -ERANGE. */
REEVE_API int reeve_map_flush(struct reeve_map *map, size_t offset, size_t size);

/* Say how it will be used; `advice` is one of MADV_* of <sys/mman.h>, see madvise(2). Returns 0,
 * or as there. */
REEVE_API int reeve_map_advise(struct reeve_map *map, size_t offset, size_t size, int advice);

/* Keep it in memory, and undo that; see mlock(2). Returns 0, -ENOMEM or -EPERM (RLIMIT_MEMLOCK),
 * -EAGAIN, or -ENOMEM too where the file no longer reaches that far. */
REEVE_API int reeve_map_lock(struct reeve_map *map, size_t offset, size_t size);
REEVE_API int reeve_map_unlock(struct reeve_map *map, size_t offset, size_t size);

#ifdef __cplusplus
}
#endif

#endif
