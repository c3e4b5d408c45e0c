#include "gateway/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/units.h"
#include "text/xmlrpc_write.h"

/* As much of a client's words is said back to it. */
#define ECHO_MAX ((size_t)4096)

/* ---- its end ---- */

static void end(struct call *call)
{
	if (call->is_over)
		return;
	call->is_over = true;
	call->over(call);
}

void call_done(struct call *call)
{
	end(call);
}

void call_fault(struct call *call, int fault, const char *extra)
{
	const char *name = fault_name(fault);

	if (call->is_over)
		return;
	call->fault = fault;
	buffer_clear(&call->fault_text);
	buffer_add_text(&call->fault_text, name ? name : "UNKNOWN");
	if (extra) {
		buffer_add_text(&call->fault_text, ": ");
		buffer_add(&call->fault_text, extra, strnlen(extra, ECHO_MAX));
	}
	end(call);
}

void call_deinit(struct call *call)
{
	call->is_over = true;
	if (call->waits)
		table_stop_waiting(call->gateway, &call->waiter);
	call->waits = false;
	if (call->request)
		request_cancel(call->request);
	call->request = NULL;
	if (call->ask)
		log_file_cancel(call->ask);
	call->ask = NULL;
	fan_free(call->fan);
	call->fan = NULL;
	if (call->table)
		table_release(call->table);
	call->table = NULL;
	if (call->stream_fd >= 0)
		close(call->stream_fd);
	call->stream_fd = -1;
	buffer_deinit(&call->fault_text);
}

/* ---- its beginning ---- */

static void on_table(struct table_waiter *waiter, const struct table *table)
{
	struct call *call = (struct call *)((char *)waiter - offsetof(struct call, waiter));

	call->waits = false;
	if (!table) {
		call_fault(call, FAULT_FAILED, "the supervisor does not answer");
		return;
	}
	call->table = table_keep(table);
	call->method->call(call);
}

static void begin_with_table(struct call *call)
{
	const struct table *table = table_now(call->gateway);

	if (table) {
		call->table = table_keep(table);
		call->method->call(call);
		return;
	}
	call->waiter.here = on_table;
	call->waits = true;
	table_wait(call->gateway, &call->waiter);
}

void call_begin(struct call *call, struct gateway *gateway, const char *method,
	const struct xmlrpc_value *arguments, size_t count, struct buffer *answer)
{
	call->gateway = gateway;
	call->arguments = arguments;
	call->argument_count = count;
	call->answer = answer;
	call->start = answer->length;
	call->is_over = false;
	call->fault = FAULT_SUCCESS;
	call->fault_text = (struct buffer)BUFFER(2 * ECHO_MAX);
	call->stream_fd = -1;
	call->row = NULL;
	call->method = method_find(gateway->settings, method);
	if (!call->method)
		call_fault(call, FAULT_UNKNOWN_METHOD, NULL);
	else if (count < call->method->least || count > method_most(call->method))
		call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
	else if ((call->method->needs & NEEDS_LIFE) && gateway->board.header->mood < MOOD_RUNNING)
		call_fault(call, FAULT_SHUTDOWN_STATE, NULL);
	else if (call->method->needs & NEEDS_TABLE)
		begin_with_table(call);
	else
		call->method->call(call);
}

/* ---- arguments ---- */

const struct xmlrpc_value *call_argument(const struct call *call, size_t n)
{
	const struct xmlrpc_value *value = call->arguments;

	if (n >= call->argument_count)
		return NULL;
	while (n-- > 0)
		value = value->next;
	return value;
}

bool call_integer(struct call *call, size_t n, int64_t *ret)
{
	const struct xmlrpc_value *value = call_argument(call, n);

	switch (value->kind) {
	case XMLRPC_INT:
	case XMLRPC_BOOLEAN: *ret = value->integer; return true;
	case XMLRPC_DOUBLE:
		if (value->real < -1e18 || value->real > 1e18)
			break;
		*ret = (int64_t)value->real;
		return true;
	case XMLRPC_STRING:
		if (strlen(value->text) == value->length && parse_integer(value->text, ret) == 0)
			return true;
		break;
	default: break;
	}
	call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
	return false;
}

bool call_text(struct call *call, size_t n, const char **ret)
{
	const struct xmlrpc_value *value = call_argument(call, n);

	if (value->kind != XMLRPC_STRING) {
		call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
		return false;
	}
	*ret = value->text;
	return true;
}

bool call_truth(const struct call *call, size_t n)
{
	const struct xmlrpc_value *value = call_argument(call, n);

	if (!value)
		return true;
	switch (value->kind) {
	case XMLRPC_INT:
	case XMLRPC_BOOLEAN: return value->integer != 0;
	case XMLRPC_DOUBLE: return value->real != 0;
	case XMLRPC_STRING: return value->length > 0;
	case XMLRPC_ARRAY:
	case XMLRPC_STRUCT: return value->count > 0;
	case XMLRPC_DATETIME: return true;
	case XMLRPC_NIL: return false;
	}
	return false;
}

/* "x" is process x of group x, "g:p" is p of g, "g:*" and "g:" are the group. False: too long to be any. */
static bool split_name(const char *text, struct name *ret)
{
	const char *colon = strchr(text, ':'), *name = colon ? colon + 1 : text;
	size_t group_length = colon ? (size_t)(colon - text) : strlen(text), name_length = strlen(name);

	if (group_length > CONFIG_NAME_MAX || name_length > CONFIG_NAME_MAX)
		return false;
	memcpy(ret->group, text, group_length);
	ret->group[group_length] = '\0';
	memcpy(ret->name, name, name_length + 1);
	if (colon && strcmp(name, "*") == 0)
		ret->name[0] = '\0';
	return true;
}

bool call_knows_group(const struct call *call, const char *name)
{
	for (size_t i = 0; i < call->table->group_count; i++)
		if (strcmp(call->table->groups[i].name, name) == 0)
			return true;
	return false;
}

bool call_process(struct call *call, size_t n, const struct table_row **ret, struct name *ret_group)
{
	const struct table_row *row = NULL;
	struct name name;
	const char *text;

	if (!call_text(call, n, &text))
		return false;
	if (split_name(text, &name)) {
		if (name.name[0])
			row = table_find(call->table, name.group, name.name);
		else if (ret_group && call_knows_group(call, name.group)) {
			*ret_group = name;
			*ret = NULL;
			return true;
		}
	}
	if (!row || call_argument(call, n)->length != strlen(text)) {
		call_fault(call, FAULT_BAD_NAME, text);
		return false;
	}
	call->row = row;
	*ret = row;
	return true;
}

/* ---- what is asked of the other roles ---- */

/* The core writes a name one way, its client may have another: that one is said back. */
static const char *spelled(const struct call *call, const char *text)
{
	const struct table_row *row = call->row;
	size_t length = row ? strlen(row->group) : 0;

	if (!row)
		return text;
	if (strcmp(row->group, row->name) == 0
			? strcmp(text, row->name) == 0
			: strncmp(text, row->group, length) == 0 && text[length] == ':' &&
				  strcmp(text + length + 1, row->name) == 0)
		return call_argument(call, 0)->text;
	return text;
}

static void on_reply(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	struct call *call = data;

	call->request = NULL;
	if (reply->fault != FAULT_SUCCESS)
		call_fault(call, reply->fault, reply->text[0] ? spelled(call, reply->text) : NULL);
	else if (call->on_reply)
		call->on_reply(call, reply, bytes, size);
	else {
		xmlrpc_add_boolean(call->answer, true);
		call_done(call);
	}
}

static void fault_of_errno(struct call *call, int error)
{
	call_fault(call, FAULT_FAILED,
		error == -EBUSY	     ? "too many requests are under way"
		: error == -EMSGSIZE ? "too much data"
				     : "out of memory or descriptors");
}

void call_ask(struct call *call, const struct message_request *request, const void *bytes, size_t size,
	void (*reply)(struct call *, const struct message_reply *, const char *, size_t))
{
	int r;

	call->on_reply = reply;
	r = request_send(call->gateway, request, bytes, size, on_reply, call, &call->request);
	if (r < 0)
		fault_of_errno(call, r);
}

static void on_file(void *data, int fd)
{
	struct call *call = data;

	call->ask = NULL;
	call->on_file(call, fd);
}

void call_ask_file(struct call *call, uint32_t stream, void (*file)(struct call *, int fd))
{
	int r;

	call->on_file = file;
	r = log_file_ask(call->gateway, stream, on_file, call, &call->ask);
	if (r < 0)
		fault_of_errno(call, r);
}
