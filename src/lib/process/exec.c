/* The plain calls: fork, exec, and what exec would find. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/sys.h"
#include "lib/process/path_search.h"
#include "reeve/process.h"

/* execve(2) writes to none of them, but its prototype is older than const. */
static char *const *words(const char *const *list)
{
	return (char *const *)(uintptr_t)list;
}

static char *const *environment_or_own(const char *const *environment)
{
	return environment ? words(environment) : environ;
}

pid_t reeve_process_fork(void)
{
	pid_t pid = sys_fork();

	return pid < 0 ? -errno : pid;
}

int reeve_process_exec(const char *path, const char *const *argv, const char *const *environment)
{
	sys_execve(path, words(argv), environment_or_own(environment));
	return -errno;
}

int reeve_process_exec_search(
	const char *name, const char *const *argv, const char *const *environment)
{
	const char *path = path_search_variable((const char *const *)environ);
	char candidate[PATH_MAX];
	bool refused = false;
	int r;

	if (!path_search_applies(name))
		return reeve_process_exec(name, argv, environment);
	while (path_search_next(&path, name, candidate, sizeof candidate)) {
		r = reeve_process_exec(candidate, argv, environment);
		if (!path_search_goes_on(r))
			return r;
		refused |= r == -EACCES;
	}
	return refused ? -EACCES : -ENOENT;
}

int reeve_process_exec_fd(int fd, const char *const *argv, const char *const *environment)
{
	sys_execveat(fd, "", words(argv), environment_or_own(environment), AT_EMPTY_PATH);
	return -errno;
}

/* What stands in the way of executing this file; -ENOENT where there is none. */
static int examine(const char *path)
{
	struct stat file;

	if (sys_fstatat(AT_FDCWD, path, &file, 0) < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (S_ISDIR(file.st_mode))
		return -EISDIR;
	if (!S_ISREG(file.st_mode))
		return -EACCES;
	return sys_faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int tell(const char *found, int result, char *buffer, size_t size)
{
	size_t length = strlen(found);

	if (length >= size)
		return -ENAMETOOLONG;
	memcpy(buffer, found, length + 1);
	return result;
}

int reeve_process_find_executable(const char *name, const char *path, char *buffer, size_t size)
{
	char candidate[PATH_MAX], in_the_way[PATH_MAX];
	int r, problem = -ENOENT;

	if (!*name)
		return -EINVAL;
	if (strchr(name, '/')) {
		r = examine(name);
		return r == -ENOENT ? r : tell(name, r, buffer, size);
	}
	if (!path)
		path = path_search_variable((const char *const *)environ);
	while (path_search_next(&path, name, candidate, sizeof candidate)) {
		r = examine(candidate);
		if (r == 0)
			return tell(candidate, 0, buffer, size);
		if (r != -ENOENT && problem == -ENOENT) {
			problem = r;
			memcpy(in_the_way, candidate, sizeof candidate);
		}
	}
	return problem == -ENOENT ? problem : tell(in_the_way, problem, buffer, size);
}
