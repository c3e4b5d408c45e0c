/* The configuration, and the supervisor as a whole. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/call.h"
#include "text/xmlrpc_write.h"

static void ask_plain(struct call *call, enum request_kind kind)
{
	struct message_request request = { .kind = kind };

	call_ask(call, &request, NULL, 0, NULL);
}

void method_shutdown(struct call *call)
{
	ask_plain(call, REQUEST_SHUTDOWN);
}

void method_restart(struct call *call)
{
	ask_plain(call, REQUEST_RESTART);
}

void method_clear_own_log(struct call *call)
{
	ask_plain(call, REQUEST_CLEAR_LOG);
}

/* ---- events ---- */

/* The type, a NUL, the data. */
void method_remote_event(struct call *call)
{
	struct message_request request = { .kind = REQUEST_REMOTE_EVENT };
	struct buffer bytes = BUFFER(REQUEST_DATA_MAX);
	const struct xmlrpc_value *data = call_argument(call, 1);
	const char *type, *text;

	if (!call_text(call, 0, &type) || !call_text(call, 1, &text))
		return;
	buffer_add_text(&bytes, type);
	buffer_add_char(&bytes, '\0');
	buffer_add(&bytes, text, data->length);
	if (bytes.error)
		call_fault(call, FAULT_FAILED, "out of memory");
	else
		call_ask(call, &request, bytes.data, bytes.length, NULL);
	buffer_deinit(&bytes);
}

/* ---- groups ---- */

static void ask_group(struct call *call, enum request_kind kind)
{
	struct message_request request = { .kind = kind };
	const char *name;

	if (!call_text(call, 0, &name))
		return;
	if (strlen(name) > CONFIG_NAME_MAX || strlen(name) != call_argument(call, 0)->length) {
		call_fault(call, FAULT_BAD_NAME, name);
		return;
	}
	snprintf(request.group, sizeof request.group, "%s", name);
	call_ask(call, &request, NULL, 0, NULL);
}

void method_add_group(struct call *call)
{
	ask_group(call, REQUEST_ADD_GROUP);
}

void method_remove_group(struct call *call)
{
	ask_group(call, REQUEST_REMOVE_GROUP);
}

/* Names with a mark before and a NUL behind each: those of one mark. */
static void add_marked(struct buffer *answer, const char *bytes, size_t size, char mark)
{
	xmlrpc_array_begin(answer);
	for (size_t at = 0; at < size;) {
		size_t length = strnlen(bytes + at, size - at);

		if (length > 0 && bytes[at] == mark)
			xmlrpc_add_bytes(answer, bytes + at + 1, length - 1);
		at += length + 1;
	}
	xmlrpc_array_end(answer);
}

static void on_reread(struct call *call, const struct message_reply *reply, const char *bytes, size_t size)
{
	(void)reply;
	xmlrpc_array_begin(call->answer);
	xmlrpc_array_begin(call->answer);
	for (const char *mark = "+~-"; *mark; mark++)
		add_marked(call->answer, bytes, bytes ? size : 0, *mark);
	xmlrpc_array_end(call->answer);
	xmlrpc_array_end(call->answer);
	call_done(call);
}

void method_reload_config(struct call *call)
{
	struct message_request request = { .kind = REQUEST_REREAD };

	call_ask(call, &request, NULL, 0, on_reread);
}

/* ---- what is configured ---- */

static void add_json(struct buffer *answer, const json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		xmlrpc_struct_begin(answer);
		/* jansson wants it writable to go through it, and leaves it as it is. */
		json_object_foreach((json_t *)(uintptr_t)value, key, member) {
			xmlrpc_member_begin(answer, key);
			add_json(answer, member);
			xmlrpc_member_end(answer);
		}
		xmlrpc_struct_end(answer);
		break;
	case JSON_ARRAY:
		xmlrpc_array_begin(answer);
		json_array_foreach(value, i, member)
			add_json(answer, member);
		xmlrpc_array_end(answer);
		break;
	case JSON_INTEGER: xmlrpc_add_int(answer, json_integer_value(value)); break;
	case JSON_TRUE:
	case JSON_FALSE: xmlrpc_add_boolean(answer, json_is_true(value)); break;
	case JSON_STRING:
		xmlrpc_add_bytes(answer, json_string_value(value), json_string_length(value));
		break;
	default: xmlrpc_add_string(answer, "none"); break;
	}
}

static void on_config(struct call *call, const struct message_reply *reply, const char *bytes, size_t size)
{
	json_t *all = bytes ? json_loadb(bytes, size, JSON_ALLOW_NUL, NULL) : NULL;

	(void)reply;
	if (!json_is_array(all)) {
		json_decref(all);
		call_fault(call, FAULT_FAILED, "what is configured cannot be read");
		return;
	}
	add_json(call->answer, all);
	json_decref(all);
	call_done(call);
}

void method_all_config_info(struct call *call)
{
	struct message_request request = { .kind = REQUEST_CONFIG };

	call_ask(call, &request, NULL, 0, on_config);
}
