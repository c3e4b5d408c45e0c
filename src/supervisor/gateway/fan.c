/* Many processes, one call: the core is asked for each of them, and the answer, an array, is written when the last reply is
 * there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/call.h"
#include "gateway/process_info.h"
#include "text/xmlrpc_write.h"

struct fan_item {
	struct fan *fan;
	const struct table_row *row;
	struct request *request; /* NULL: answered */
	int fault;
	char *extra; /* behind the fault's name, or NULL */
};

struct fan {
	struct call *call;
	size_t count, unanswered;
	struct fan_item items[];
};

void fan_free(struct fan *fan)
{
	if (!fan)
		return;
	for (size_t i = 0; i < fan->count; i++) {
		if (fan->items[i].request)
			request_cancel(fan->items[i].request);
		free(fan->items[i].extra);
	}
	free(fan);
}

static void write_item(struct buffer *buffer, const struct fan_item *item)
{
	const char *name = fault_name(item->fault);

	xmlrpc_struct_begin(buffer);
	xmlrpc_add_member(buffer, "name", item->row->name);
	xmlrpc_add_member(buffer, "group", item->row->group);
	xmlrpc_member_begin(buffer, "status");
	xmlrpc_add_int(buffer, item->fault);
	xmlrpc_member_end(buffer);
	if (item->fault == FAULT_SUCCESS)
		xmlrpc_add_member(buffer, "description", "OK");
	else {
		struct buffer text = BUFFER(8192);

		buffer_print(&text, "%s%s%s", name ? name : "UNKNOWN", item->extra ? ": " : "",
			item->extra ? item->extra : "");
		xmlrpc_add_member(buffer, "description", buffer_text(&text));
		buffer_deinit(&text);
	}
	xmlrpc_struct_end(buffer);
}

static void finish(struct fan *fan)
{
	struct call *call = fan->call;

	xmlrpc_array_begin(call->answer);
	for (size_t i = 0; i < fan->count; i++)
		write_item(call->answer, &fan->items[i]);
	xmlrpc_array_end(call->answer);
	call_done(call);
}

static void on_reply(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	struct fan_item *item = data;
	struct fan *fan = item->fan;

	(void)bytes;
	(void)size;
	item->request = NULL;
	item->fault = reply->fault;
	if (reply->text[0])
		item->extra = strdup(reply->text);
	if (--fan->unanswered == 0)
		finish(fan);
}

/* Those that are picked. NULL: out of memory. */
static struct fan *fan_new(struct call *call, const struct table_row *const *rows, size_t count,
	bool (*picks)(enum process_state state))
{
	struct fan *fan = calloc(1, sizeof *fan + count * sizeof *fan->items);
	struct board_record record;

	if (!fan)
		return NULL;
	fan->call = call;
	call->fan = fan;
	for (size_t i = 0; i < count; i++) {
		int r = row_read(call->gateway, rows[i], &record);

		/* A row that cannot be read now is asked for: the core knows. */
		if (r == -EAGAIN || (r == 0 && (!picks || picks((enum process_state)record.state))))
			fan->items[fan->count++] = (struct fan_item){ .fan = fan, .row = rows[i] };
	}
	return fan;
}

void call_ask_each(struct call *call, const struct message_request *request,
	const struct table_row *const *rows, size_t count, bool (*picks)(enum process_state state))
{
	struct message_request each = *request;
	struct fan *fan = fan_new(call, rows, count, picks);

	if (!fan) {
		call_fault(call, FAULT_FAILED, "out of memory");
		return;
	}
	for (size_t i = 0; i < fan->count; i++) {
		struct fan_item *item = &fan->items[i];

		snprintf(each.group, sizeof each.group, "%s", item->row->group);
		snprintf(each.name, sizeof each.name, "%s", item->row->name);
		if (request_send(call->gateway, &each, NULL, 0, on_reply, item, &item->request) == 0)
			fan->unanswered++;
		else {
			item->fault = FAULT_FAILED;
			item->extra = strdup("too many requests are under way");
		}
	}
	if (fan->unanswered == 0)
		finish(fan);
}

void call_fault_each(struct call *call, int fault, const char *extra, const struct table_row *const *rows,
	size_t count, bool (*picks)(enum process_state state))
{
	struct fan *fan = fan_new(call, rows, count, picks);

	if (!fan) {
		call_fault(call, FAULT_FAILED, "out of memory");
		return;
	}
	for (size_t i = 0; i < fan->count; i++) {
		fan->items[i].fault = fault;
		fan->items[i].extra = extra ? strdup(extra) : NULL;
	}
	finish(fan);
}
