/* What processes of this machine use, as /proc tells it. */
#ifndef CTL_USAGE_H
#define CTL_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
	pid_t pid;
	uint64_t started; /* clock ticks since boot: with the pid, who it is */
	double cpu;	  /* seconds, of user and system */
	uint64_t memory;  /* resident bytes */
};

/* Look at a process. -ENOENT: there is none of that pid; -EPROTO: that is not what /proc should say. */
int usage_read(pid_t pid, struct usage *ret);

/* The same from the text of /proc/PID/stat and statm, of which pages are `page` bytes and a second `ticks` ticks. -EPROTO. */
int usage_parse(const char *stat, const char *statm, long page, long ticks, struct usage *ret);

/* What was seen last, by pid. */
struct usages {
	struct usage *list;
	size_t count, capacity;
};

/* NULL: it was not seen, or the pid is somebody else's by now. */
const struct usage *usages_find(const struct usages *usages, const struct usage *now);

/* -ENOMEM. */
int usages_add(struct usages *usages, const struct usage *usage);

void usages_deinit(struct usages *usages);

#endif
