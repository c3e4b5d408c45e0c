#include "gateway/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/browser.h"
#include "gateway/live.h"
#include "gateway/refusal.h"
#include "gateway/words.h"

#define ROOT "/api/v1/"

/* An address: "*" stands for one part. */
static const struct {
	enum http_method method;
	const char *parts[4];
	void (*handle)(struct api_call *call);
} addresses[] = {
	{ METHOD_GET, { "openapi.json" }, api_description },
	{ METHOD_GET, { "supervisor" }, api_supervisor },
	{ METHOD_GET, { "supervisor", "log" }, api_supervisor_log },
	{ METHOD_POST, { "supervisor", "*" }, api_act_on_supervisor },
	{ METHOD_GET, { "processes" }, api_processes },
	{ METHOD_POST, { "processes", "*" }, api_act_on_processes },
	{ METHOD_GET, { "processes", "*" }, api_process },
	{ METHOD_POST, { "processes", "*", "*" }, api_act_on_process },
	{ METHOD_GET, { "processes", "*", "log", "*" }, api_process_log },
	{ METHOD_GET, { "groups" }, api_groups },
	{ METHOD_GET, { "groups", "*" }, api_group },
	{ METHOD_POST, { "groups", "*", "*" }, api_act_on_group },
	{ METHOD_GET, { "events" }, api_events },
	{ METHOD_GET, { "history" }, api_history },
	{ METHOD_GET, { "config" }, api_config },
};

#define PARTS_MAX (sizeof addresses[0].parts / sizeof addresses[0].parts[0])

/* ---- a call's life ---- */

static void call_is_over(void *data)
{
	struct api_call *call = data;

	if (call->waits_for_table)
		table_stop_waiting(call->gateway, &call->waiter);
	if (call->request)
		request_cancel(call->request);
	if (call->log_ask)
		log_file_cancel(call->log_ask);
	job_cancel(call->job);
	update_free(call->update);
	json_decref(call->body);
	free(call->path);
	free(call);
}

static void table_is_here(struct table_waiter *waiter, const struct table *table)
{
	struct api_call *call = (struct api_call *)((char *)waiter - offsetof(struct api_call, waiter));

	call->waits_for_table = false;
	if (table)
		call->step(call, table);
	else
		api_refuse(call, 503, "UNAVAILABLE", "the supervisor does not answer now; try again");
}

void api_with_table(struct api_call *call, api_step *step)
{
	const struct table *table = table_now(call->gateway);

	if (table) {
		step(call, table);
		return;
	}
	call->step = step;
	call->waiter.here = table_is_here;
	call->waits_for_table = true;
	table_wait(call->gateway, &call->waiter);
}

/* ---- answers ---- */

static int add_bytes(const char *bytes, size_t size, void *data)
{
	buffer_add(data, bytes, size);
	return 0;
}

void api_answer(struct api_call *call, unsigned status, json_t *json)
{
	struct buffer body = BUFFER((size_t)256 << 20);

	if (!json || json_dump_callback(json, add_bytes, &body, JSON_COMPACT) < 0)
		body.error = -ENOMEM;
	json_decref(json);
	buffer_add_char(&body, '\n');
	exchange_add_header(call->exchange, "Cache-Control", "no-store");
	exchange_add_header(call->exchange, "X-Content-Type-Options", "nosniff");
	exchange_answer(call->exchange, status, "application/json", &body);
	buffer_deinit(&body);
}

void api_fail(struct api_call *call, int fault, const char *text)
{
	const char *name = fault_name(fault);

	api_answer(call, refusal_status(fault),
		json_pack("{s{si ss so}}", "error", "fault", fault, "name", name ? name : "FAILED", "message",
			refusal_json(fault, text)));
}

void api_refuse(struct api_call *call, unsigned status, const char *name, const char *message)
{
	api_answer(call, status,
		json_pack("{s{sn ss ss}}", "error", "fault", "name", name, "message", message));
}

/* ---- names ---- */

static int take_name(const char *from, size_t length, char *to)
{
	if (length >= BOARD_NAME_SIZE)
		return -EINVAL;
	memcpy(to, from, length);
	to[length] = '\0';
	return 0;
}

int api_split_name(const char *id, char *group, char *name)
{
	const char *colon = strchr(id, ':');

	if (!colon)
		return take_name(id, strlen(id), group) < 0 ? -EINVAL : take_name(id, strlen(id), name);
	if (take_name(id, (size_t)(colon - id), group) < 0)
		return -EINVAL;
	colon++;
	return take_name(colon, strcmp(colon, "*") == 0 ? 0 : strlen(colon), name);
}

const struct table_row *api_find_process(struct api_call *call, const struct table *table)
{
	char group[BOARD_NAME_SIZE], name[BOARD_NAME_SIZE];
	const struct table_row *row = NULL;

	if (api_split_name(call->parts[1], group, name) == 0)
		row = table_find(table, group, name);
	if (!row)
		api_fail(call, FAULT_BAD_NAME, call->parts[1]);
	return row;
}

size_t api_find_group(struct api_call *call, const struct table *table, const struct table_row *const **ret)
{
	size_t count = table_find_group(table, call->parts[1], ret);

	if (count == 0)
		api_fail(call, FAULT_BAD_NAME, call->parts[1]);
	return count;
}

/* ---- from a request to its function ---- */

/* Cut the path at its slashes. More parts than there can be: the last is NULL, and the first too. */
static void cut(struct api_call *call)
{
	char *at = call->path;
	size_t count = 0;

	while (at && count < PARTS_MAX) {
		call->parts[count++] = at;
		at = strchr(at, '/');
		if (at)
			*at++ = '\0';
	}
	if (at)
		call->parts[0] = "";
}

static bool matches(const char *const *pattern, const struct api_call *call)
{
	for (size_t i = 0; i < PARTS_MAX; i++) {
		if (!pattern[i] || !call->parts[i])
			return pattern[i] == call->parts[i];
		if (strcmp(pattern[i], "*") == 0 ? !call->parts[i][0] : strcmp(pattern[i], call->parts[i]) != 0)
			return false;
	}
	return true;
}

static bool read_body(struct api_call *call)
{
	size_t length;
	const char *bytes = exchange_body(call->exchange, &length);

	call->body = length ? json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL) : json_object();
	return json_is_object(call->body);
}

static void act(struct api_call *call, void (*handle)(struct api_call *call))
{
	struct browser_signs signs = browser_signs(call->exchange);

	if (!browser_may_act(&signs, live_token(call->gateway), exchange_header(call->exchange, "X-Reeve-Token")))
		api_refuse(call, 403, "FORBIDDEN",
			"a browser may do this from the supervisor's own page alone; load it anew");
	else if (!read_body(call))
		api_refuse(call, 400, "BAD_JSON", "the body is no JSON object");
	else
		handle(call);
}

static void dispatch(struct api_call *call)
{
	enum http_method method = exchange_method(call->exchange);
	bool known = false;

	if (method == METHOD_HEAD)
		method = METHOD_GET;
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		if (!matches(addresses[i].parts, call))
			continue;
		known = true;
		if (addresses[i].method != method)
			continue;
		if (method == METHOD_POST)
			act(call, addresses[i].handle);
		else
			addresses[i].handle(call);
		return;
	}
	if (known)
		api_refuse(call, 405, "METHOD_NOT_ALLOWED", "this address has other methods");
	else
		api_fail(call, FAULT_UNKNOWN_METHOD, "");
}

void api_handle(struct exchange *exchange)
{
	struct api_call *call = calloc(1, sizeof *call);
	const char *path = exchange_path(exchange);

	if (!call) {
		exchange_answer_status(exchange, 500);
		return;
	}
	call->exchange = exchange;
	call->gateway = exchange_gateway(exchange);
	call->path = strdup(strncmp(path, ROOT, strlen(ROOT)) == 0 ? path + strlen(ROOT) : "");
	exchange_attach(exchange, call, call_is_over);
	if (!call->path) {
		exchange_answer_status(exchange, 500);
		return;
	}
	cut(call);
	dispatch(call);
}
