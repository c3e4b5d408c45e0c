/* From the command of a program to the file to execute, by supervisord's rules and in its words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/state.h"
#include "text/repr.h"
#include "text/shell_words.h"

/* Where there is no PATH at all. */
#define DEFAULT_PATH "/bin:/usr/bin:/usr/local/bin"

static const char *search_path(const struct process *process)
{
	const struct config_environment *environment = process->settings->environment;
	const char *own = getenv("PATH");

	for (size_t i = 0; i < environment->count; i++)
		if (strncmp(environment->variables[i].text, "PATH=", 5) == 0)
			return environment->variables[i].text + 5;
	return own && *own ? own : DEFAULT_PATH;
}

/* The first that is there at all, in the directories of PATH: an execvp(3) would pass over what is not
 * executable, supervisord does not. NULL with errno 0: none. To be freed. */
static char *search(const char *name, const char *path, struct stat *ret)
{
	for (const char *directory = path;; directory++) {
		size_t length = strcspn(directory, ":");
		char *file;

		if (asprintf(&file, "%.*s%s%s", (int)length, directory,
			    length > 0 && directory[length - 1] != '/' ? "/" : "", name) < 0) {
			errno = ENOMEM;
			return NULL;
		}
		if (stat(file, ret) == 0)
			return file;
		free(file);
		directory += length;
		if (*directory == '\0')
			break;
	}
	errno = 0;
	return NULL;
}

static int find(const struct process *process, const char *name, struct stat *status, char **ret)
{
	char *file;

	if (!strchr(name, '/')) {
		file = search(name, search_path(process), status);
		if (!file)
			return errno ? -errno : -ENOENT;
	} else {
		if (stat(name, status) < 0)
			return -ENOENT;
		file = strdup(name);
		if (!file)
			return -ENOMEM;
	}
	*ret = file;
	return 0;
}

/* `format` has one %s, for the value as Python shows it. */
#define EXPLAIN(why, size, before, value, after)                                                   \
	do {                                                                                       \
		char shown_[BOARD_TEXT_SIZE];                                                      \
                                                                                                   \
		repr(value, shown_, sizeof shown_);                                                \
		snprintf(why, size, "%s%s%s", before, shown_, after);                              \
	} while (0)

static int check(const char *file, const struct stat *status, char *why, size_t size)
{
	if (S_ISDIR(status->st_mode)) {
		EXPLAIN(why, size, "command at ", file, " is a directory");
		return -EACCES;
	}
	if (!(status->st_mode & 0111)) {
		EXPLAIN(why, size, "command at ", file, " is not executable");
		return -EACCES;
	}
	if (access(file, X_OK) < 0) {
		EXPLAIN(why, size, "no permission to run command ", file, "");
		return -EACCES;
	}
	return 0;
}

static int split(const char *command, char ***ret, char *why, size_t size)
{
	const char *reason;
	size_t count;
	int r = shell_words_split(command, ret, &count, &reason);

	if (r == -EINVAL) {
		char after[64];

		snprintf(after, sizeof after, ": %s", reason);
		EXPLAIN(why, size, "can't parse command ", command, after);
		return r;
	}
	if (r < 0) {
		snprintf(why, size, "out of memory");
		return r;
	}
	if (count == 0) {
		free(*ret);
		snprintf(why, size, "command is empty");
		return -EINVAL;
	}
	return 0;
}

int command_resolve(const struct process *process, char ***ret_argv, char **ret_file, char *why,
	size_t why_size)
{
	struct stat status;
	char **argv, *file = NULL;
	int r;

	r = split(process->settings->command, &argv, why, why_size);
	if (r < 0)
		return r;
	r = find(process, argv[0], &status, &file);
	if (r == -ENOENT)
		EXPLAIN(why, why_size, "can't find command ", argv[0], "");
	else if (r < 0)
		snprintf(why, why_size, "out of memory");
	else
		r = check(file, &status, why, why_size);
	if (r < 0) {
		free(file);
		free(argv);
		return r;
	}
	*ret_argv = argv;
	*ret_file = file;
	return 0;
}
