/* Reread, and update: the configuration is read again; then groups that are no more are stopped and removed, those that changed
 * stopped, removed and added, and new ones added, in this order and one after the other. What fails for one group is told and does
 * not keep the others from it. */
#include <stdlib.h>
#include <string.h>

#include "gateway/api.h"
#include "gateway/refusal.h"
#include "gateway/words.h"

/* What is done to one group; the table of steps is in what_follows(). */
enum phase {
	PHASE_STOP,
	PHASE_REMOVE,
	PHASE_ADD,
	PHASE_DONE,
};

struct group {
	char sign; /* '-', '~', '+' */
	char name[BOARD_NAME_SIZE];
};

struct update {
	struct group *groups;
	size_t count, at;
	enum phase phase;
	json_t *errors;
};

void update_free(struct update *update)
{
	if (!update)
		return;
	json_decref(update->errors);
	free(update->groups);
	free(update);
}

static void go_on(struct api_call *call);

/* ---- the answer ---- */

static json_t *names_of(const struct update *update, char sign)
{
	json_t *names = json_array();

	for (size_t i = 0; i < update->count; i++)
		if (update->groups[i].sign == sign)
			json_array_append_new(names, words_json(update->groups[i].name));
	return names;
}

static void answer(struct api_call *call)
{
	struct update *update = call->update;

	api_answer(call, 200,
		json_pack("{so so so sO}", "added", names_of(update, '+'), "changed", names_of(update, '~'), "removed",
			names_of(update, '-'), "errors", update->errors));
}

static void note_error(struct api_call *call, int fault, const char *text)
{
	const struct group *group = &call->update->groups[call->update->at];
	const char *name = fault_name(fault);

	json_array_append_new(call->update->errors,
		json_pack("{so si ss so}", "group", words_json(group->name), "fault", fault, "name",
			name ? name : "FAILED", "message", refusal_json(fault, text)));
}

/* ---- step by step ---- */

/* A step is done: what comes next for the group, or the next group. */
static void step_done(struct api_call *call, bool failed)
{
	struct update *update = call->update;
	char sign = update->groups[update->at].sign;

	if (failed || update->phase == PHASE_ADD || (update->phase == PHASE_REMOVE && sign == '-'))
		update->phase = PHASE_DONE;
	else
		update->phase++;
	go_on(call);
}

static void stopped(void *data, struct job *job)
{
	struct api_call *call = data;

	call->job = NULL;
	/* What could not be stopped is told by the removal. */
	step_done(call, false);
}

static void stop(struct api_call *call, const struct table *table)
{
	const struct group *group = &call->update->groups[call->update->at];
	struct job_request request = { .kind = JOB_STOP, .wait = true };

	request.count = table_find_group(table, group->name, &request.rows);
	if (job_start(call->gateway, &request, stopped, call, &call->job) < 0) {
		note_error(call, FAULT_FAILED, "out of memory");
		step_done(call, true);
	}
}

static void group_changed(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	struct api_call *call = data;
	bool failed = reply->fault != FAULT_SUCCESS;

	call->request = NULL;
	if (failed)
		note_error(call, reply->fault, reply->text);
	step_done(call, failed);
}

static void change_group(struct api_call *call, enum request_kind kind)
{
	struct message_request request = { .kind = kind };

	snprintf(request.group, sizeof request.group, "%s", call->update->groups[call->update->at].name);
	if (request_send(call->gateway, &request, NULL, 0, group_changed, call, &call->request) < 0) {
		note_error(call, FAULT_FAILED, "too many requests wait for an answer");
		step_done(call, true);
	}
}

static void go_on(struct api_call *call)
{
	struct update *update = call->update;

	if (update->phase == PHASE_DONE) {
		update->at++;
		update->phase = update->at < update->count && update->groups[update->at].sign == '+' ?
			PHASE_ADD :
			PHASE_STOP;
	}
	if (update->at >= update->count)
		answer(call);
	else if (update->phase == PHASE_STOP)
		api_with_table(call, stop);
	else
		change_group(call, update->phase == PHASE_REMOVE ? REQUEST_REMOVE_GROUP : REQUEST_ADD_GROUP);
}

/* ---- what the core found ---- */

static int compare(const void *a, const void *b)
{
	static const char order[] = "-~+";
	const struct group *one = a, *other = b;
	const char *first = strchr(order, one->sign), *second = strchr(order, other->sign);

	return first != second ? (first < second ? -1 : 1) : strcmp(one->name, other->name);
}

static struct update *read_update(const char *bytes, size_t size)
{
	struct update *update = calloc(1, sizeof *update);
	const char *end = bytes + size;

	if (!update)
		return NULL;
	update->errors = json_array();
	update->groups = calloc(size / 2 + 1, sizeof *update->groups);
	if (!update->errors || !update->groups) {
		update_free(update);
		return NULL;
	}
	while (bytes < end) {
		size_t length = strnlen(bytes, (size_t)(end - bytes));
		struct group *group = &update->groups[update->count];

		if (length > 1 && length <= sizeof group->name && strchr("-~+", bytes[0])) {
			group->sign = bytes[0];
			memcpy(group->name, bytes + 1, length - 1);
			update->count++;
		}
		bytes += length + 1;
	}
	qsort(update->groups, update->count, sizeof *update->groups, compare);
	return update;
}

static void reread(struct api_call *call, const struct message_reply *reply, const char *bytes, size_t size, bool apply)
{
	call->request = NULL;
	if (reply->fault != FAULT_SUCCESS) {
		api_fail(call, reply->fault, reply->text);
		return;
	}
	call->update = read_update(bytes, bytes ? size : 0);
	if (!call->update) {
		api_fail(call, FAULT_FAILED, "out of memory");
		return;
	}
	/* Where nothing is to be done, or there is no group, this answers. */
	if (!apply) {
		answer(call);
		return;
	}
	call->update->phase = call->update->count && call->update->groups[0].sign == '+' ? PHASE_ADD : PHASE_STOP;
	go_on(call);
}

static void read_again(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	reread(data, reply, bytes, size, false);
}

static void read_to_apply(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	reread(data, reply, bytes, size, true);
}

void api_update(struct api_call *call, bool apply)
{
	struct message_request request = { .kind = REQUEST_REREAD };

	if (request_send(call->gateway, &request, NULL, 0, apply ? read_to_apply : read_again, call,
		    &call->request) < 0)
		api_fail(call, FAULT_FAILED, "too many requests wait for an answer");
}
