/* Things done to processes and groups: start, stop, restart, signal, clear. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api.h"
#include "reeve/signal.h"

/* Rows that a job is to be done to. */
struct rows {
	const struct table_row **list;
	size_t count;
};

/* ---- what the body says ---- */

static bool read_signal(struct api_call *call, struct job_request *request)
{
	const json_t *signal = json_object_get(call->body, "signal");
	int number = -1;

	if (json_is_integer(signal) && json_integer_value(signal) > 0 && json_integer_value(signal) < 65)
		number = (int)json_integer_value(signal);
	else if (json_is_string(signal))
		number = reeve_signal_number(json_string_value(signal));
	if (number <= 0) {
		api_fail(call, FAULT_BAD_SIGNAL, "");
		return false;
	}
	request->signal = number;
	return true;
}

/* False: answered, it can't be meant. */
static bool read_request(struct api_call *call, const char *verb, struct job_request *request)
{
	const json_t *wait = json_object_get(call->body, "wait");
	int kind = job_kind_of(verb);

	if (kind < 0) {
		api_fail(call, FAULT_UNKNOWN_METHOD, "");
		return false;
	}
	if (wait && !json_is_boolean(wait)) {
		api_fail(call, FAULT_BAD_ARGUMENTS, "\"wait\" is true or false");
		return false;
	}
	*request = (struct job_request){ .kind = (enum job_kind)kind, .wait = !json_is_false(wait) };
	return kind != JOB_SIGNAL || read_signal(call, request);
}

/* ---- one, a group, several, all ---- */

static void answer_many(void *data, struct job *job)
{
	struct api_call *call = data;

	call->job = NULL;
	api_answer(call, 200, json_pack("{so}", "results", job_json(job)));
}

static void answer_one(void *data, struct job *job)
{
	struct api_call *call = data;
	struct job_result result = job_result(job, 0);
	json_t *results;

	call->job = NULL;
	if (result.fault != FAULT_SUCCESS) {
		api_fail(call, result.fault, result.text);
		return;
	}
	results = job_json(job);
	api_answer(call, 200, json_incref(json_array_get(results, 0)));
	json_decref(results);
}

static void begin(struct api_call *call, struct job_request *request, const struct table_row *const *rows,
	size_t count, job_callback *callback)
{
	request->rows = rows;
	request->count = count;
	if (job_start(call->gateway, request, callback, call, &call->job) < 0)
		api_fail(call, FAULT_FAILED, "out of memory");
}

static void act_on_process(struct api_call *call, const struct table *table)
{
	const struct table_row *row = api_find_process(call, table);
	struct job_request request;

	if (row && read_request(call, call->parts[2], &request))
		begin(call, &request, &row, 1, answer_one);
}

void api_act_on_process(struct api_call *call)
{
	api_with_table(call, act_on_process);
}

/* Those of `wanted`, by row of `table`, in start order. */
static struct rows in_start_order(const struct table *table, const bool *wanted)
{
	struct rows rows = { .list = calloc(table->count + 1, sizeof *rows.list) };

	for (size_t i = 0; rows.list && i < table->count; i++)
		if (!wanted || wanted[i])
			rows.list[rows.count++] = &table->rows[i];
	return rows;
}

static void begin_rows(struct api_call *call, struct job_request *request, struct rows rows)
{
	if (rows.list)
		begin(call, request, rows.list, rows.count, answer_many);
	else
		api_fail(call, FAULT_FAILED, "out of memory");
	free(rows.list);
}

/* Mark what `id` names. False: nothing. */
static bool mark(const struct table *table, const char *id, bool *wanted)
{
	char group[BOARD_NAME_SIZE], name[BOARD_NAME_SIZE];
	const struct table_row *row, *const *rows = &row;
	size_t count;

	if (api_split_name(id, group, name) < 0)
		return false;
	if (name[0]) {
		row = table_find(table, group, name);
		count = row != NULL;
	} else {
		count = table_find_group(table, group, &rows);
	}
	for (size_t i = 0; i < count; i++)
		wanted[rows[i] - table->rows] = true;
	return count > 0;
}

static void act_on_group(struct api_call *call, const struct table *table)
{
	const struct table_row *const *members;
	size_t count = api_find_group(call, table, &members);
	struct job_request request;
	bool *wanted;

	if (count == 0 || !read_request(call, call->parts[2], &request))
		return;
	wanted = calloc(table->count + 1, sizeof *wanted);
	for (size_t i = 0; wanted && i < count; i++)
		wanted[members[i] - table->rows] = true;
	begin_rows(call, &request, wanted ? in_start_order(table, wanted) : (struct rows){ 0 });
	free(wanted);
}

static void group_changed(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	struct api_call *call = data;

	call->request = NULL;
	if (reply->fault == FAULT_SUCCESS)
		api_answer(call, 200, json_pack("{ss}", "status", "SUCCESS"));
	else
		api_fail(call, reply->fault, reply->text);
}

void api_act_on_group(struct api_call *call)
{
	struct message_request request = { 0 };
	char name[BOARD_NAME_SIZE];

	if (strcmp(call->parts[2], "add") == 0)
		request.kind = REQUEST_ADD_GROUP;
	else if (strcmp(call->parts[2], "remove") == 0)
		request.kind = REQUEST_REMOVE_GROUP;
	if (!request.kind) {
		api_with_table(call, act_on_group);
	} else if (api_split_name(call->parts[1], request.group, name) < 0) {
		api_fail(call, FAULT_BAD_NAME, call->parts[1]);
	} else if (request_send(call->gateway, &request, NULL, 0, group_changed, call, &call->request) < 0) {
		api_fail(call, FAULT_FAILED, "too many requests wait for an answer");
	}
}

static void act_on_processes(struct api_call *call, const struct table *table)
{
	json_t *names = json_object_get(call->body, "names");
	struct job_request request;
	bool *wanted;
	size_t i;
	json_t *name;

	if (!read_request(call, call->parts[1], &request))
		return;
	if (!names) {
		begin_rows(call, &request, in_start_order(table, NULL));
		return;
	}
	if (!json_is_array(names)) {
		api_fail(call, FAULT_BAD_ARGUMENTS, "\"names\" is an array of names");
		return;
	}
	wanted = calloc(table->count + 1, sizeof *wanted);
	if (!wanted) {
		api_fail(call, FAULT_FAILED, "out of memory");
		return;
	}
	json_array_foreach(names, i, name)
	{
		const char *id = json_string_value(name);

		if (!id || !mark(table, id, wanted)) {
			free(wanted);
			api_fail(call, FAULT_BAD_NAME, id ? id : "");
			return;
		}
	}
	begin_rows(call, &request, in_start_order(table, wanted));
	free(wanted);
}

void api_act_on_processes(struct api_call *call)
{
	api_with_table(call, act_on_processes);
}
