#include "ctl/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 1024

/* What stands behind the command's name, which may have anything in it. */
enum { FIELD_STATE = 3, FIELD_UTIME = 14, FIELD_STIME = 15, FIELD_STARTTIME = 22 };

static bool take_number(const char **text, uint64_t *ret)
{
	const char *digits = *text + strspn(*text, " ");
	char *end;

	if (*digits < '0' || *digits > '9')
		return false;
	*ret = strtoull(digits, &end, 10);
	*text = end;
	return true;
}

int usage_parse(const char *stat, const char *statm, long page, long ticks, struct usage *ret)
{
	const char *at = strrchr(stat, ')');
	uint64_t user = 0, kernel = 0, started = 0, size, resident;

	if (!at)
		return -EPROTO;
	at++;
	for (int field = FIELD_STATE; field <= FIELD_STARTTIME; field++) {
		at += strspn(at, " ");
		if (!*at)
			return -EPROTO;
		if ((field == FIELD_UTIME && !take_number(&at, &user)) ||
			(field == FIELD_STIME && !take_number(&at, &kernel)) ||
			(field == FIELD_STARTTIME && !take_number(&at, &started)))
			return -EPROTO;
		at += strcspn(at, " ");
	}
	if (!take_number(&statm, &size) || !take_number(&statm, &resident))
		return -EPROTO;
	ret->started = started;
	ret->cpu = (double)(user + kernel) / (double)ticks;
	ret->memory = resident * (uint64_t)page;
	return 0;
}

static int read_text(pid_t pid, const char *name, char text[TEXT_MAX])
{
	char path[64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	length = read(fd, text, TEXT_MAX - 1);
	close(fd);
	if (length < 0)
		return -ENOENT;
	text[length] = '\0';
	return 0;
}

int usage_read(pid_t pid, struct usage *ret)
{
	char stat[TEXT_MAX], statm[TEXT_MAX];
	struct usage usage = { .pid = pid };
	int r = read_text(pid, "stat", stat);

	if (r == 0)
		r = read_text(pid, "statm", statm);
	if (r == 0)
		r = usage_parse(stat, statm, sysconf(_SC_PAGESIZE), sysconf(_SC_CLK_TCK), &usage);
	if (r == 0)
		*ret = usage;
	return r;
}

const struct usage *usages_find(const struct usages *usages, const struct usage *now)
{
	for (size_t i = 0; i < usages->count; i++)
		if (usages->list[i].pid == now->pid && usages->list[i].started == now->started)
			return &usages->list[i];
	return NULL;
}

int usages_add(struct usages *usages, const struct usage *usage)
{
	if (usages->count == usages->capacity) {
		size_t capacity = usages->capacity ? usages->capacity * 2 : 64;
		struct usage *list = reallocarray(usages->list, capacity, sizeof *list);

		if (!list)
			return -ENOMEM;
		usages->list = list;
		usages->capacity = capacity;
	}
	usages->list[usages->count++] = *usage;
	return 0;
}

void usages_deinit(struct usages *usages)
{
	free(usages->list);
	*usages = (struct usages){ 0 };
}
