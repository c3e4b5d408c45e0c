/* Things done to the supervisor itself. */
#include <string.h>

#include "gateway/api.h"

static void done(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	struct api_call *call = data;

	call->request = NULL;
	if (reply->fault == FAULT_SUCCESS)
		api_answer(call, 200, json_pack("{ss}", "status", "SUCCESS"));
	else
		api_fail(call, reply->fault, reply->text);
}

static void ask(struct api_call *call, enum request_kind kind)
{
	struct message_request request = { .kind = kind };

	if (request_send(call->gateway, &request, NULL, 0, done, call, &call->request) < 0)
		api_fail(call, FAULT_FAILED, "too many requests wait for an answer");
}

void api_act_on_supervisor(struct api_call *call)
{
	const char *verb = call->parts[1];

	if (strcmp(verb, "reread") == 0)
		api_update(call, false);
	else if (strcmp(verb, "update") == 0)
		api_update(call, true);
	else if (strcmp(verb, "restart") == 0)
		ask(call, REQUEST_RESTART);
	else if (strcmp(verb, "shutdown") == 0)
		ask(call, REQUEST_SHUTDOWN);
	else if (strcmp(verb, "clear") == 0)
		ask(call, REQUEST_CLEAR_LOG);
	else
		api_fail(call, FAULT_UNKNOWN_METHOD, "");
}
