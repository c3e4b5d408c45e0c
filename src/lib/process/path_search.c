#include "lib/process/path_search.h"

#include <errno.h>
#include <string.h>

bool path_search_applies(const char *name)
{
	return *name && !strchr(name, '/');
}

const char *path_search_variable(const char *const *environment)
{
	for (; environment && *environment; environment++)
		if (strncmp(*environment, "PATH=", 5) == 0)
			return *environment + 5;
	return PATH_SEARCH_DEFAULT;
}

bool path_search_next(const char **path, const char *name, char *buffer, size_t size)
{
	size_t name_length = strlen(name);

	while (*path) {
		const char *directory = *path, *end = strchr(directory, ':');
		size_t length = end ? (size_t)(end - directory) : strlen(directory);
		size_t slash = length > 0;

		*path = end ? end + 1 : NULL;
		if (length >= size || name_length >= size - length - slash)
			continue;
		memcpy(buffer, directory, length);
		if (slash)
			buffer[length] = '/';
		memcpy(buffer + length + slash, name, name_length + 1);
		return true;
	}
	return false;
}

bool path_search_goes_on(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -EACCES:
	case -ENODEV:
	case -ESTALE:
	case -ETIMEDOUT: return true;
	default: return false;
	}
}
