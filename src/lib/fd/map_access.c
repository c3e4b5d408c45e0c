/* Checked access: copying in and out of a map, searching it, its cursor.
 *
 * A file can be truncated at any moment, and what the processor then touches raises SIGBUS.
 * Looking at the size first is no cure, for it may change in between. Handling the signal would
 * be one, at the price of a handler that the whole process shares and that every other user of
 * SIGBUS must know of. So the kernel is asked to copy: process_vm_readv(2) and
 * process_vm_writev(2) on ourselves go through the same page tables, and a page that is gone is
 * EFAULT. Inside the last page, where nothing faults, the size is looked at after the copy: if
 * it was cut before the copy, that shows.
 *
 * What is sealed against shrinking has no such pages: memcpy(3). */
#include "reeve/map.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "lib/base/cleanup.h"
#include "lib/base/sys.h"
#include "lib/fd/map_object.h"

/* Bytes that are copied out at a time, to be looked at: for moving on the stack, for searching
 * on the heap. */
#define MOVE_SIZE 8192
#define WINDOW_SIZE 65536

/* The length at which a line is first guessed; it grows fourfold. */
#define LINE_GUESS 256

typedef ssize_t copy_call(pid_t pid, const struct iovec *local, unsigned long local_count,
	const struct iovec *remote, unsigned long remote_count, unsigned long flags);

/* The thread's id, not the process's: that of a first thread that has ended finds no memory. */
static int copy_by_kernel(
	copy_call *call, const struct reeve_map *map, size_t offset, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		struct iovec local = { (char *)data + done, size - done };
		struct iovec remote = { map->data + offset + done, size - done };
		ssize_t n = call(gettid(), &local, 1, &remote, 1, 0);

		if (n < 0 && errno == EFAULT) {
			int r = map_check_end(map, offset + size);

			return r < 0 ? r : -EIO;
		}
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

static int copy_out(const struct reeve_map *map, size_t offset, void *data, size_t size)
{
	if (map->can_shrink)
		return copy_by_kernel(sys_process_vm_readv, map, offset, data, size);
	memcpy(data, map->data + offset, size);
	return 0;
}

static int copy_in(struct reeve_map *map, size_t offset, const void *data, size_t size)
{
	if (map->can_shrink)
		return copy_by_kernel(
			sys_process_vm_writev, map, offset, (void *)(uintptr_t)data, size);
	memcpy(map->data + offset, data, size);
	return 0;
}

/* Whether what has been copied, all before `end`, was still there. */
static int confirm(const struct reeve_map *map, size_t end)
{
	return map->can_shrink ? map_check_end(map, end) : 0;
}

static int get(const struct reeve_map *map, size_t offset, void *data, size_t size)
{
	int r = copy_out(map, offset, data, size);

	return r < 0 ? r : confirm(map, offset + size);
}

static int put(struct reeve_map *map, size_t offset, const void *data, size_t size)
{
	int r = copy_in(map, offset, data, size);

	return r < 0 ? r : confirm(map, offset + size);
}

int reeve_map_get(const struct reeve_map *map, size_t offset, void *data, size_t size)
{
	return map_contains(map, offset, size) ? get(map, offset, data, size) : -ERANGE;
}

int reeve_map_put(struct reeve_map *map, size_t offset, const void *data, size_t size)
{
	if (map->access == REEVE_MAP_READ)
		return -EACCES;
	return map_contains(map, offset, size) ? put(map, offset, data, size) : -ERANGE;
}

/* Piece by piece, from the side on which nothing is overwritten that is still to be copied. */
static int move_by_pieces(struct reeve_map *map, size_t to, size_t from, size_t size)
{
	char piece[MOVE_SIZE];
	size_t end = (to > from ? to : from) + size;
	size_t left = size;

	while (left > 0) {
		size_t n = left < sizeof piece ? left : sizeof piece;
		size_t at = to > from ? left - n : size - left;
		int r = copy_out(map, from + at, piece, n);

		if (r == 0)
			r = copy_in(map, to + at, piece, n);
		if (r < 0)
			return r;
		left -= n;
	}
	return confirm(map, end);
}

int reeve_map_move(struct reeve_map *map, size_t to, size_t from, size_t size)
{
	if (map->access == REEVE_MAP_READ)
		return -EACCES;
	if (!map_contains(map, to, size) || !map_contains(map, from, size))
		return -ERANGE;
	if (map->can_shrink)
		return move_by_pieces(map, to, from, size);
	memmove(map->data + to, map->data + from, size);
	return 0;
}

/* Searching. A finder looks in plain memory: for the first, or for the last. */

typedef const char *finder(const char *in, size_t in_size, const void *data, size_t size);

static const char *find_first(const char *in, size_t in_size, const void *data, size_t size)
{
	return memmem(in, in_size, data, size);
}

static const char *find_last(const char *in, size_t in_size, const void *data, size_t size)
{
	size_t starts = in_size - size + 1;

	while (starts > 0) {
		const char *at = memrchr(in, *(const char *)data, starts);

		if (!at || memcmp(at, data, size) == 0)
			return at;
		starts = (size_t)(at - in);
	}
	return NULL;
}

static int find_in_memory(const struct reeve_map *map, finder *find, const void *data, size_t size,
	size_t start, size_t end, size_t *ret)
{
	const char *at = find(map->data + start, end - start, data, size);

	if (!at)
		return -ENOENT;
	*ret = (size_t)(at - map->data);
	return 0;
}

/* Copy out a window after the other, each overlapping the one before by a byte less than what is
 * sought. */
static int find_in_windows(const struct reeve_map *map, finder *find, const void *data, size_t size,
	size_t start, size_t end, size_t *ret)
{
	size_t window_size = size > WINDOW_SIZE / 2 ? 2 * size : WINDOW_SIZE;
	CLEANUP_FREE char *window = NULL;

	if (window_size > end - start)
		window_size = end - start;
	window = sys_malloc(window_size);
	if (!window)
		return -ENOMEM;
	for (;;) {
		size_t n = end - start < window_size ? end - start : window_size;
		size_t from = find == find_first ? start : end - n;
		const char *at;
		int r = get(map, from, window, n);

		if (r < 0)
			return r;
		at = find(window, n, data, size);
		if (at) {
			*ret = from + (size_t)(at - window);
			return 0;
		}
		if (n == end - start)
			return -ENOENT;
		if (find == find_first)
			start += n - size + 1;
		else
			end -= n - size + 1;
	}
}

static int find_in(const struct reeve_map *map, finder *find, const void *data, size_t size,
	size_t start, size_t end, size_t *ret)
{
	if (end > map->size)
		end = map->size;
	if (start > end)
		return -ERANGE;
	if (size > end - start)
		return -ENOENT;
	if (size == 0) {
		*ret = find == find_first ? start : end;
		return 0;
	}
	return map->can_shrink ? find_in_windows(map, find, data, size, start, end, ret)
			       : find_in_memory(map, find, data, size, start, end, ret);
}

int reeve_map_find(const struct reeve_map *map, const void *data, size_t size, size_t start,
	size_t end, size_t *ret)
{
	return find_in(map, find_first, data, size, start, end, ret);
}

int reeve_map_rfind(const struct reeve_map *map, const void *data, size_t size, size_t start,
	size_t end, size_t *ret)
{
	return find_in(map, find_last, data, size, start, end, ret);
}

/* The cursor. */

size_t reeve_map_tell(const struct reeve_map *map)
{
	return map->cursor;
}

int reeve_map_seek(struct reeve_map *map, int64_t offset, int whence)
{
	int64_t target;

	switch (whence) {
	case SEEK_SET: target = 0; break;
	case SEEK_CUR: target = (int64_t)map->cursor; break;
	case SEEK_END: target = (int64_t)map->size; break;
	default: return -EINVAL;
	}
	if (__builtin_add_overflow(target, offset, &target) || target < 0 ||
		(uint64_t)target > map->size)
		return -ERANGE;
	map->cursor = (size_t)target;
	return 0;
}

static size_t clip_to_rest(const struct reeve_map *map, size_t size)
{
	size_t rest = map->size - map->cursor;

	return size < rest ? size : rest;
}

ssize_t reeve_map_read(struct reeve_map *map, void *data, size_t size)
{
	int r;

	size = clip_to_rest(map, size);
	r = get(map, map->cursor, data, size);
	if (r < 0)
		return r;
	map->cursor += size;
	return (ssize_t)size;
}

int reeve_map_write(struct reeve_map *map, const void *data, size_t size)
{
	int r = reeve_map_put(map, map->cursor, data, size);

	if (r == 0)
		map->cursor += size;
	return r;
}

ssize_t reeve_map_read_line(struct reeve_map *map, void *data, size_t size)
{
	size_t done = 0, guess = LINE_GUESS;
	bool ended = false;

	size = clip_to_rest(map, size);
	while (done < size && !ended) {
		size_t n = size - done < guess ? size - done : guess;
		char *piece = (char *)data + done, *newline;
		int r = get(map, map->cursor + done, piece, n);

		if (r < 0)
			return r;
		newline = memchr(piece, '\n', n);
		ended = newline;
		done += newline ? (size_t)(newline - piece) + 1 : n;
		guess *= 4;
	}
	map->cursor += done;
	return (ssize_t)done;
}
