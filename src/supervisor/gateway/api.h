/* The JSON API, /api/v1/...; page/openapi.json describes it.
 *
 * One call is one exchange: it may wait for the table, for a job, for an answer of the core or for a log file, for one of
 * them at a time, and lets go of it when its client has gone. */
#ifndef GATEWAY_API_H
#define GATEWAY_API_H

#include <jansson.h>

#include "gateway/exchange.h"
#include "gateway/gateway.h"
#include "gateway/jobs.h"

/* The longest body, and the most names in one. */
#define API_BODY_MAX ((size_t)1 << 20)

struct api_call;

/* Goes on with a call, where the table was waited for. */
typedef void api_step(struct api_call *call, const struct table *table);

struct api_call {
	struct exchange *exchange;
	struct gateway *gateway;
	json_t *body;	      /* an object; {} where there is none */
	const char *parts[4]; /* of the address behind /api/v1/; NULL from the last on */
	char *path;	      /* what they are in */

	struct table_waiter waiter;
	api_step *step;
	bool waits_for_table;
	struct job *job;
	struct request *request;
	struct log_ask *log_ask;

	/* Of the steps that need it. */
	struct update *update;
};

/* Goes on by `step` with a table that is not old; answers where that can't be had. */
void api_with_table(struct api_call *call, api_step *step);

/* Answers, with the JSON, which is taken. NULL: out of memory. */
void api_answer(struct api_call *call, unsigned status, json_t *json);

/* Answers {"error": {"fault", "name", "message"}}. `text`: what the core says besides, or "". */
void api_fail(struct api_call *call, int fault, const char *text);

/* Answers an error that is no fault of the API. */
void api_refuse(struct api_call *call, unsigned status, const char *name, const char *message);

/* The process that the address names in its second part; NULL: answered, there is none. */
const struct table_row *api_find_process(struct api_call *call, const struct table *table);

/* The same for a group; how many rows, of which *ret is the first. */
size_t api_find_group(struct api_call *call, const struct table *table, const struct table_row *const **ret);

/* "g:p" or "p" in two, of BOARD_NAME_SIZE each; -EINVAL: it is no name. A name of a group's all, "g:*" or "g:", has an
 * empty second one. */
int api_split_name(const char *id, char *group, char *name);

/* api_read.c, api_act.c, api_supervisor.c, api_update.c, api_log.c: one function an address. */
void api_supervisor(struct api_call *call);
void api_processes(struct api_call *call);
void api_process(struct api_call *call);
void api_groups(struct api_call *call);
void api_group(struct api_call *call);
void api_events(struct api_call *call);
void api_history(struct api_call *call);
void api_config(struct api_call *call);
void api_act_on_processes(struct api_call *call);
void api_act_on_process(struct api_call *call);
void api_act_on_group(struct api_call *call);
void api_act_on_supervisor(struct api_call *call);
void api_process_log(struct api_call *call);
void api_supervisor_log(struct api_call *call);
void api_description(struct api_call *call);

/* api_update.c */
void api_update(struct api_call *call, bool apply);
void update_free(struct update *update);

#endif
