/* os.path of Python, with the machine left out: home directories come from the source. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"

/* Collapse slashes, "." and ".."; two leading slashes stay two. */
static void normalize(const char *path, struct buffer *result)
{
	size_t root = strspn(path, "/");
	size_t base;

	root = root == 2 ? 2 : root > 0;
	buffer_fill(result, '/', root);
	base = result->length;
	while (*(path += strspn(path, "/"))) {
		size_t length = strcspn(path, "/");

		if (length == 2 && path[0] == '.' && path[1] == '.') {
			const char *slash = result->length > base
						    ? memrchr(result->data, '/', result->length)
						    : NULL;
			size_t parent = slash && (size_t)(slash - result->data) >= base
						? (size_t)(slash - result->data)
						: base;

			if (result->length > base)
				result->data[result->length = parent] = '\0';
		} else if (length != 1 || *path != '.') {
			if (result->length > base)
				buffer_add_char(result, '/');
			buffer_add(result, path, length);
		}
		path += length;
	}
}

static const char *keep(struct reader *reader, struct buffer *buffer)
{
	return buffer->error ? NULL
			     : arena_intern(reader->arena, buffer_text(buffer), buffer->length);
}

const char *absolute_path(struct reader *reader, const char *path)
{
	CLEANUP_BUFFER struct buffer joined = BUFFER(SIZE_MAX / 2);
	CLEANUP_BUFFER struct buffer result = BUFFER(SIZE_MAX / 2);

	if (*path != '/') {
		buffer_add_text(&joined, reader->working_directory);
		buffer_add_char(&joined, '/');
	}
	buffer_add_text(&joined, path);
	if (joined.error)
		return NULL;
	normalize(buffer_text(&joined), &result);
	return keep(reader, &result);
}

/* The home directory of `~` or `~user`, to be freed; NULL with 0 if nobody knows it. */
static int home_directory(struct reader *reader, const char *user, char **ret)
{
	struct config_identity identity = { 0 };
	char number[16];
	int r;

	if (!*user && reader->home) {
		*ret = strdup(reader->home);
		return *ret ? 0 : -ENOMEM;
	}
	snprintf(number, sizeof number, "%u", (unsigned)reader->uid);
	r = reader->source->find_user(reader->source->context, *user ? user : number, &identity);
	free(identity.name);
	*ret = identity.home;
	return r == -ENOMEM ? r : 0;
}

const char *user_path(struct reader *reader, const char *path)
{
	CLEANUP_BUFFER struct buffer result = BUFFER(SIZE_MAX / 2);
	size_t name_length = strcspn(path, "/");
	char *user, *home;
	int r;

	if (*path != '~')
		return arena_intern_text(reader->arena, path);
	user = strndup(path + 1, name_length - 1);
	if (!user)
		return NULL;
	r = home_directory(reader, user, &home);
	free(user);
	if (r < 0)
		return NULL;
	if (!home)
		return arena_intern_text(reader->arena, path);
	buffer_add_text(&result, home);
	free(home);
	while (result.length && result.data[result.length - 1] == '/')
		result.data[--result.length] = '\0';
	buffer_add_text(&result, path + name_length);
	if (!result.length)
		buffer_add_char(&result, '/');
	return keep(reader, &result);
}

const char *normal_path(struct reader *reader, const char *path)
{
	path = user_path(reader, path);
	return path ? absolute_path(reader, path) : NULL;
}

const char *directory_name(struct reader *reader, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash + 1 - path) : 0;
	size_t trimmed = length;

	while (trimmed && path[trimmed - 1] == '/')
		trimmed--;
	return arena_intern(reader->arena, path, trimmed ? trimmed : length);
}
