#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/buffer.h"
#include "text/units.h"

static int read_all(int fd, struct buffer *buffer)
{
	char block[16384];

	for (;;) {
		ssize_t n = read(fd, block, sizeof block);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		buffer_add(buffer, block, (size_t)n);
		if (buffer->error)
			return buffer->error == -E2BIG ? -EFBIG : buffer->error;
	}
}

static int take_answer(struct buffer *buffer, struct config_answer *ret)
{
	size_t length = buffer->length;
	char *bytes = buffer_take(buffer);

	if (!bytes)
		return -ENOMEM;
	*ret = (struct config_answer){ bytes, length };
	return 0;
}

static int machine_read(void *context, const char *path, struct config_answer *ret)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER(CONFIG_FILE_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), r;

	if (fd < 0)
		return -errno;
	r = read_all(fd, &buffer);
	close(fd);
	return r < 0 ? r : take_answer(&buffer, ret);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* glob(7) without its escapes, which Python's glob has not. Also like Python's, a directory that
 * cannot be read finds nothing. */
static int machine_glob(void *context, const char *pattern, struct config_answer *ret)
{
	CLEANUP_BUFFER struct buffer buffer = BUFFER(SIZE_MAX / 2);
	glob_t found;
	int r = glob(pattern, GLOB_NOESCAPE | GLOB_NOSORT, NULL, &found);

	if (r == GLOB_NOMATCH)
		return take_answer(&buffer, ret);
	if (r != 0)
		return r == GLOB_NOSPACE ? -ENOMEM : -EIO;
	if (found.gl_pathc > CONFIG_INCLUDED_MAX) {
		globfree(&found);
		return -E2BIG;
	}
	qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_paths);
	for (size_t i = 0; i < found.gl_pathc; i++)
		buffer_add(&buffer, found.gl_pathv[i], strlen(found.gl_pathv[i]) + 1);
	globfree(&found);
	return take_answer(&buffer, ret);
}

static int fill_identity(struct config_identity identity, const char *name, const char *home,
	struct config_identity *ret)
{
	identity.name = strdup(name);
	identity.home = home ? strdup(home) : NULL;
	if (!identity.name || (home && !identity.home)) {
		free(identity.name);
		free(identity.home);
		return -ENOMEM;
	}
	*ret = identity;
	return 0;
}

/* Numbers that can be a user's or group's. */
static bool is_id(int64_t number)
{
	return number >= 0 && number < UINT32_MAX;
}

static int lookup_failure(void)
{
	return errno == ENOMEM ? -ENOMEM : -ENOENT;
}

static int machine_find_user(void *context, const char *name, struct config_identity *ret)
{
	const struct passwd *entry;
	int64_t number;
	int r = parse_integer(name, &number);

	if (r == -ERANGE || (r == 0 && !is_id(number)))
		return -ENOENT;
	errno = 0;
	entry = r == 0 ? getpwuid((uid_t)number) : getpwnam(name);
	if (!entry)
		return lookup_failure();
	return fill_identity((struct config_identity){ .uid = entry->pw_uid, .gid = entry->pw_gid },
		entry->pw_name, entry->pw_dir, ret);
}

static int machine_find_group(void *context, const char *name, struct config_identity *ret)
{
	const struct group *entry;
	int64_t number;
	int r = parse_integer(name, &number);

	if (r == -ERANGE || (r == 0 && !is_id(number)))
		return -ENOENT;
	errno = 0;
	entry = r == 0 ? getgrgid((gid_t)number) : getgrnam(name);
	if (!entry)
		return lookup_failure();
	return fill_identity(
		(struct config_identity){ .gid = entry->gr_gid }, entry->gr_name, NULL, ret);
}

static int machine_is_directory(void *context, const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int machine_is_writable_directory(void *context, const char *path)
{
	return machine_is_directory(NULL, path) && access(path, W_OK | X_OK) == 0;
}

const struct config_source config_source_machine = {
	.read = machine_read,
	.glob = machine_glob,
	.find_user = machine_find_user,
	.find_group = machine_find_group,
	.is_directory = machine_is_directory,
	.is_writable_directory = machine_is_writable_directory,
};

/* On trust: a number is taken for what it says, root is 0, and any other name has a number that is
 * not known. */
static int assume_identity(const char *name, struct config_identity *ret)
{
	struct config_identity identity = { 0 };
	int64_t number;
	int r = parse_integer(name, &number);

	if (r == -ERANGE || (r == 0 && !is_id(number)) || !*name)
		return -ENOENT;
	if (r == 0)
		identity.uid = identity.gid = (uid_t)number;
	else
		identity.id_assumed = strcmp(name, "root") != 0;
	identity.primary_assumed = identity.id_assumed || identity.uid != 0;
	return fill_identity(identity, name, NULL, ret);
}

static int assume_find_user(void *context, const char *name, struct config_identity *ret)
{
	struct config_identity known;
	int r = assume_identity(name, ret);

	if (r == 0 && machine_find_user(NULL, name, &known) == 0) {
		ret->home = known.home;
		free(known.name);
	}
	return r;
}

static int assume_find_group(void *context, const char *name, struct config_identity *ret)
{
	return assume_identity(name, ret);
}

static int assume_is_directory(void *context, const char *path)
{
	return 1;
}

const struct config_source config_source_assume = {
	.read = machine_read,
	.glob = machine_glob,
	.find_user = assume_find_user,
	.find_group = assume_find_group,
	.is_directory = assume_is_directory,
	.is_writable_directory = machine_is_writable_directory,
};
