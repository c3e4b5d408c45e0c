/* What is only looked at. */
#include "gateway/api.h"
#include "gateway/describe.h"
#include "gateway/live.h"
#include "gateway/page_assets.h"

void api_description(struct api_call *call)
{
	const struct page_asset *asset = page_asset_find("openapi.json");

	exchange_answer_static(call->exchange, 200, asset->type, asset->bytes, asset->size);
}

void api_supervisor(struct api_call *call)
{
	api_answer(call, 200, describe_supervisor(call->gateway));
}

static void answer_processes(struct api_call *call, const struct table *table)
{
	api_answer(call, 200, json_pack("{so}", "processes", describe_processes(call->gateway, table)));
}

void api_processes(struct api_call *call)
{
	api_with_table(call, answer_processes);
}

static void answer_process(struct api_call *call, const struct table *table)
{
	const struct table_row *row = api_find_process(call, table);
	struct board_record record;

	if (!row)
		return;
	if (describe_read(call->gateway, row->row, &record))
		api_answer(call, 200, describe_process(&record, row));
	else
		api_refuse(call, 503, "UNAVAILABLE", "the supervisor is just writing this; try again");
}

void api_process(struct api_call *call)
{
	api_with_table(call, answer_process);
}

static void answer_groups(struct api_call *call, const struct table *table)
{
	api_answer(call, 200, json_pack("{so}", "groups", describe_groups(call->gateway, table)));
}

void api_groups(struct api_call *call)
{
	api_with_table(call, answer_groups);
}

static void answer_group(struct api_call *call, const struct table *table)
{
	const struct table_row *const *rows;
	size_t count = api_find_group(call, table, &rows);

	if (count > 0)
		api_answer(call, 200, describe_group(call->gateway, rows, count));
}

void api_group(struct api_call *call)
{
	api_with_table(call, answer_group);
}

void api_events(struct api_call *call)
{
	api_answer(call, 200, json_pack("{so}", "events", live_events(call->gateway)));
}

void api_history(struct api_call *call)
{
	api_answer(call, 200, live_history(call->gateway));
}

static void config_came(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	struct api_call *call = data;

	call->request = NULL;
	if (reply->fault != FAULT_SUCCESS)
		api_fail(call, reply->fault, reply->text);
	else
		api_answer(call, 200, json_pack("{so}", "programs", json_loadb(bytes, size, 0, NULL)));
}

void api_config(struct api_call *call)
{
	struct message_request request = { .kind = REQUEST_CONFIG };

	if (request_send(call->gateway, &request, NULL, 0, config_came, call, &call->request) < 0)
		api_fail(call, FAULT_FAILED, "too many requests wait for an answer");
}
