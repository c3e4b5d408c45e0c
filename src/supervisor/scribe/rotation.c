#include "scribe/rotation.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* PATH.number, with room for the longest of both. */
#define BACKUP_PATH_SIZE (PATH_MAX + 12)

static void backup_path(char *ret, const char *path, int number)
{
	snprintf(ret, BACKUP_PATH_SIZE, "%s.%d", path, number);
}

static int move(const char *from, const char *to)
{
	return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

int rotation_shift(const char *path, int backups)
{
	char from[BACKUP_PATH_SIZE], to[BACKUP_PATH_SIZE];
	int r;

	if (backups <= 0)
		return 0;
	if (backups > ROTATION_BACKUPS_MAX)
		backups = ROTATION_BACKUPS_MAX;
	for (int i = backups - 1; i > 0; i--) {
		backup_path(from, path, i);
		backup_path(to, path, i + 1);
		r = move(from, to);
		if (r < 0)
			return r;
	}
	backup_path(to, path, 1);
	return move(path, to);
}

size_t rotation_cut(const char *data, size_t size, long long position, long long max_bytes)
{
	size_t left, limit;
	const char *newline;

	if (max_bytes <= 0 || position + (long long)size < max_bytes)
		return size;
	left = position < max_bytes ? (size_t)(max_bytes - position) : 1;
	limit = size - left > ROTATION_OVERSHOOT ? left + ROTATION_OVERSHOOT : size;
	newline = memchr(data + left - 1, '\n', limit - (left - 1));
	return newline ? (size_t)(newline - data) + 1 : limit;
}
