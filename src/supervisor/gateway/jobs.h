/* One thing done to some processes: each is asked for by a request of its own, and when all have answered the job is done. What fails
 * for one does not keep the others from it. */
#ifndef GATEWAY_JOBS_H
#define GATEWAY_JOBS_H

#include <jansson.h>

#include "gateway/gateway.h"

enum job_kind {
	JOB_START,
	JOB_STOP,
	JOB_RESTART, /* stop those that run; then start all */
	JOB_CLEAR,
	JOB_SIGNAL,
};

struct job;

/* What became of one. */
struct job_result {
	const char *group, *name;
	int fault;
	const char *text; /* after the fault's name, or "" */
};

typedef void job_callback(void *data, struct job *job);

struct job_request {
	enum job_kind kind;
	bool wait;
	int signal; /* of JOB_SIGNAL */
	const struct table_row *const *rows; /* borrowed for the call; done in this order */
	size_t count;
};

/* Begin. `callback` is called once, from a later round of the loop; the job is void after it. Returns 0, -ENOMEM. */
int job_start(struct gateway *gateway, const struct job_request *request, job_callback *callback, void *data,
	struct job **ret);

/* Nobody wants to know any more. What was asked for is done all the same. Takes NULL, returns NULL. */
struct job *job_cancel(struct job *job);

size_t job_count(const struct job *job);
struct job_result job_result(const struct job *job, size_t index);

/* [{id, name, group, status, fault, message}, ...] */
json_t *job_json(const struct job *job);

/* "started", "stopped", ... */
const char *job_word(enum job_kind kind);

/* "start" and so on; -EINVAL. */
int job_kind_of(const char *verb);

#endif
