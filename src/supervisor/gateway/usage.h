/* CPU and memory of processes, from /proc: of the process itself, without its children. Samples are kept while somebody looks. */
#ifndef GATEWAY_USAGE_H
#define GATEWAY_USAGE_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "reeve/base.h"

#define USAGE_SAMPLES 60

struct usage {
	double cpu_seconds;    /* since the process began */
	int64_t memory;	       /* resident, in bytes */
	int64_t virtual_memory;
};

/* Returns 0, -ENOENT where there is no such process, or what reading says. */
int usage_read(pid_t pid, struct usage *ret);

/* The text of /proc/PID/stat. -EBADMSG: it is none. */
int usage_parse(const char *text, struct usage *ret);

/* Samples of every row. */
struct usage_history;

struct usage_history *usage_history_new(void);
struct usage_history *usage_history_free(struct usage_history *history);

/* Look at a row's process (0: it has none), which was started `starts` times. Returns [CPU in percent of one processor, resident
 * bytes], null for what is not known; NULL: out of memory. */
json_t *usage_sample(struct usage_history *history, uint32_t row, pid_t pid, uint64_t starts, reeve_nsec now);

/* {"cpu": [...], "memory": [...]} of a row, oldest first. */
json_t *usage_history_json(const struct usage_history *history, uint32_t row);

/* Nobody looks any more. */
void usage_history_clear(struct usage_history *history);

#endif
