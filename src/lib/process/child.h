/* What a child does between clone and exec. It may share its parent's memory: child.c makes system
 * calls and nothing else, and all that it needs is laid out for it here beforehand. */
#ifndef LIB_PROCESS_CHILD_H
#define LIB_PROCESS_CHILD_H

#include <limits.h>

#include "reeve/process.h"

/* What a child tells: memory that it shares with its parent. All zero at first. */
struct child_report {
	pid_t pid;
	bool began;
	/* Where it failed */
	int error;
	enum reeve_process_stage stage;
	size_t index;
};

struct child {
	const struct reeve_process_spec *spec;
	struct child_report *report;

	const char *const *argv;
	const char *const *environment;
	const char *executable;
	const char *search_path; /* NULL: `executable` is a path */
	char candidate[PATH_MAX];

	const struct reeve_process_descriptor *descriptors;
	size_t descriptor_count;
	int *sources; /* one for each of them: where its `from` is now */
	int executable_fd, directory_fd;

	reeve_signal_set mask;
	pid_t parent; /* who the parent must be, for the parent-death signal */
	char oom_score_adj[16];

	/* What the kernel did not do at birth. */
	bool must_clear_handlers, must_join_cgroup, must_tell_pid;
	bool must_close_rest;
	bool shares_table; /* of descriptors, with the parent: nothing may be changed in it */

	size_t index; /* of the list's entry at work */
};

/* Go through all stages and execute the program. Returns only on failure, told in the report: the
 * exit status. */
int child_run(void *child);

#endif
