/* What the API says of itself, and of the supervisor. */
#include <stdlib.h>
#include <string.h>

#include "gateway/call.h"
#include "text/xmlrpc_write.h"

/* The API is that of this version; clients look at it. */
#define API_VERSION "3.0"
#define SUPERVISOR_VERSION "4.2.5"

static void return_text(struct call *call, const char *text)
{
	xmlrpc_add_string(call->answer, text);
	call_done(call);
}

void method_api_version(struct call *call)
{
	return_text(call, API_VERSION);
}

void method_supervisor_version(struct call *call)
{
	return_text(call, SUPERVISOR_VERSION);
}

void method_identification(struct call *call)
{
	return_text(call, call->gateway->settings->identifier);
}

void method_state(struct call *call)
{
	int mood = call->gateway->board.header->mood;
	const char *name = mood_name(mood);

	xmlrpc_struct_begin(call->answer);
	xmlrpc_member_begin(call->answer, "statecode");
	xmlrpc_add_int(call->answer, mood);
	xmlrpc_member_end(call->answer);
	xmlrpc_add_member(call->answer, "statename", name ? name : "UNKNOWN");
	xmlrpc_struct_end(call->answer);
	call_done(call);
}

void method_pid(struct call *call)
{
	xmlrpc_add_int(call->answer, call->gateway->board.header->keeper_pid);
	call_done(call);
}

/* ---- introspection ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_names(struct buffer *names, const char *namespace, enum method_space space)
{
	for (size_t i = 0; i < method_count; i++)
		if (methods[i].space == space) {
			buffer_print(names, "%s.%s", namespace, methods[i].name);
			buffer_add_char(names, '\0');
		}
}

void method_list_methods(struct call *call)
{
	const struct gateway_settings *settings = call->gateway->settings;
	struct buffer names = BUFFER(1 << 20);
	size_t count = 0;
	const char **list;

	add_names(&names, "system", SPACE_SYSTEM);
	for (size_t i = 0; i < settings->namespace_count; i++)
		add_names(&names, settings->namespaces[i], SPACE_SUPERVISOR);
	list = calloc(names.length + 1, sizeof *list);
	for (size_t at = 0; list && at < names.length; at += strlen(names.data + at) + 1)
		list[count++] = names.data + at;
	if (list && !names.error) {
		qsort(list, count, sizeof *list, compare_names);
		xmlrpc_array_begin(call->answer);
		for (size_t i = 0; i < count; i++)
			xmlrpc_add_string(call->answer, list[i]);
		xmlrpc_array_end(call->answer);
	}
	free(list);
	buffer_deinit(&names);
	if (count == 0)
		call_fault(call, FAULT_FAILED, "out of memory");
	else
		call_done(call);
}

/* The method that the argument names. NULL: there is none, and the call is over. */
static const struct method *named_method(struct call *call)
{
	const struct xmlrpc_value *value = call_argument(call, 0);
	const struct method *method = NULL;

	if (value->kind == XMLRPC_STRING && strlen(value->text) == value->length)
		method = method_find(call->gateway->settings, value->text);
	if (!method)
		call_fault(call, FAULT_SIGNATURE_UNSUPPORTED, NULL);
	return method;
}

void method_help(struct call *call)
{
	const struct method *method = named_method(call);

	if (method)
		return_text(call, method->help);
}

void method_signature(struct call *call)
{
	const struct method *method = named_method(call);

	if (!method)
		return;
	xmlrpc_array_begin(call->answer);
	for (const char *word = method->signature; *word;) {
		size_t length = strcspn(word, " ");

		xmlrpc_add_bytes(call->answer, word, length);
		word += length + (word[length] == ' ');
	}
	xmlrpc_array_end(call->answer);
	call_done(call);
}

/* rpc.c makes the calls; what comes here is not an array of them. */
void method_multicall(struct call *call)
{
	call_fault(call, FAULT_INCORRECT_PARAMETERS, NULL);
}
