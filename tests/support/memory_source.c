#include "support/memory_source.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "text/units.h"

const struct memory_file *memory_files;
int memory_questions;

static int answer(const char *bytes, size_t length, struct config_answer *ret)
{
	char *copy = malloc(length + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, length);
	copy[length] = '\0';
	*ret = (struct config_answer){ copy, length };
	return 0;
}

static int memory_read(void *context, const char *path, struct config_answer *ret)
{
	memory_questions++;
	for (const struct memory_file *file = memory_files; file->path; file++)
		if (strcmp(file->path, path) == 0)
			return file->text ? answer(file->text, strlen(file->text), ret) : -EACCES;
	return -ENOENT;
}

/* The table is in the order of the paths. */
static int memory_glob(void *context, const char *pattern, struct config_answer *ret)
{
	char found[1024];
	size_t length = 0;

	memory_questions++;
	for (const struct memory_file *file = memory_files; file->path; file++) {
		size_t size = strlen(file->path) + 1;

		if (fnmatch(pattern, file->path, FNM_PATHNAME) != 0 || length + size > sizeof found)
			continue;
		memcpy(found + length, file->path, size);
		length += size;
	}
	return answer(found, length, ret);
}

static const struct {
	const char *name, *number, *home;
	uid_t uid;
	gid_t gid;
	bool is_group;
} identities[] = {
	{ "root", "0", "/root", 0, 0, false },
	{ "app", "1000", "/home/app", 1000, 100, false },
	{ "wheel", "10", NULL, 0, 10, true },
};

static int fill_identity(size_t i, struct config_identity *ret)
{
	const char *home = identities[i].home;
	struct config_identity identity = {
		.name = strdup(identities[i].name),
		.home = home ? strdup(home) : NULL,
		.uid = identities[i].uid,
		.gid = identities[i].gid,
	};

	if (!identity.name || (home && !identity.home)) {
		free(identity.name);
		free(identity.home);
		return -ENOMEM;
	}
	*ret = identity;
	return 0;
}

static int find_identity(const char *name, bool is_group, struct config_identity *ret)
{
	memory_questions++;
	for (size_t i = 0; i < sizeof identities / sizeof *identities; i++) {
		if (identities[i].is_group != is_group ||
			(strcmp(identities[i].name, name) != 0 &&
				strcmp(identities[i].number, name) != 0))
			continue;
		return fill_identity(i, ret);
	}
	return -ENOENT;
}

static int memory_find_user(void *context, const char *name, struct config_identity *ret)
{
	return find_identity(name, false, ret);
}

static int memory_find_group(void *context, const char *name, struct config_identity *ret)
{
	return find_identity(name, true, ret);
}

static int memory_is_directory(void *context, const char *path)
{
	static const char *const directories[] = { "/", "/d", "/tmp", "/log" };

	memory_questions++;
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		if (strcmp(directories[i], path) == 0)
			return 1;
	return 0;
}

const struct config_source memory_source = {
	.read = memory_read,
	.glob = memory_glob,
	.find_user = memory_find_user,
	.find_group = memory_find_group,
	.is_directory = memory_is_directory,
	.is_writable_directory = memory_is_directory,
};

struct config_request memory_request(const char *path)
{
	static const char *const environment[] = { "HOME=/home/app", "X=xval", "PATH=/bin", NULL };
	static const uid_t reader = 0;

	return (struct config_request){
		.path = path,
		.source = &memory_source,
		.environment = environment,
		.host_name = "host",
		.working_directory = "/d",
		.uid = &reader,
	};
}

int read_text(const char *text, struct config **ret, struct report *report)
{
	const struct memory_file files[] = { { "/d/main.conf", text }, { 0 } };
	const struct config_request request = memory_request("/d/main.conf");
	int r;

	memory_files = files;
	r = config_read(&request, ret, report);
	memory_files = NULL;
	return r;
}
