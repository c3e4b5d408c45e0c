#include "ctl/rpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "board/faults.h"
#include "ctl/output.h"
#include "text/xmlrpc_write.h"

#define API_VERSION "3.0"

/* ---- the request ---- */

static void write_request(struct buffer *buffer, const char *method, const struct rpc_parameter *parameters, size_t count)
{
	buffer_add_text(buffer, "<?xml version='1.0'?>\n<methodCall>\n<methodName>");
	xmlrpc_escape(buffer, method, strlen(method));
	buffer_add_text(buffer, "</methodName>\n<params>\n");
	for (size_t i = 0; i < count; i++) {
		buffer_add_text(buffer, "<param>\n");
		if (parameters[i].text)
			xmlrpc_add_string(buffer, parameters[i].text);
		else
			xmlrpc_add_int(buffer, parameters[i].number);
		buffer_add_text(buffer, "</param>\n");
	}
	buffer_add_text(buffer, "</params>\n</methodCall>\n");
}

static int connect_server(struct session *session)
{
	int r;

	if (session_find_server(session) < 0)
		return -1;
	if (http_is_usable(&session->http))
		return 0;
	http_close(&session->http);
	r = http_open(&session->http, &session->server, RPC_CONNECT_PATIENCE);
	return r < 0 ? session_fail_errno(session, r) : 0;
}

int rpc_send(struct session *session, const char *method, const struct rpc_parameter *parameters, size_t count)
{
	CLEANUP_BUFFER struct buffer request = BUFFER(SIZE_MAX / 2);
	int r;

	fflush(stdout); /* what was told so far is not to wait for the server */
	if (connect_server(session) < 0)
		return -1;
	write_request(&request, method, parameters, count);
	if (request.error)
		return session_fail_errno(session, request.error);
	r = http_send(&session->http, &session->server, "/RPC2", request.data, request.length, RPC_PATIENCE);
	/* Who refuses a request before it has read it may have told why. */
	if (r == -EPIPE || r == -ECONNRESET)
		return 0;
	if (r < 0) {
		http_close(&session->http);
		return session_fail_errno(session, r);
	}
	return 0;
}

/* ---- the answer ---- */

static int receive_body(struct session *session, reeve_nsec patience)
{
	char bytes[16384];
	ssize_t got;

	buffer_clear(&session->answer);
	for (;;) {
		got = http_receive_body(&session->http, bytes, sizeof bytes, patience);
		if (got <= 0)
			return (int)got;
		buffer_add(&session->answer, bytes, (size_t)got);
		if (session->answer.error)
			return session->answer.error;
	}
}

/* Logs may have what no XML may hold, and supervisord sends it on as it is. */
static void replace_control_characters(struct buffer *answer)
{
	for (size_t i = 0; i < answer->length; i++) {
		unsigned char c = (unsigned char)answer->data[i];

		if (c < ' ' && c != '\t' && c != '\n' && c != '\r')
			answer->data[i] = '?';
	}
}

static int read_answer(struct session *session, struct xmlrpc_document *document)
{
	struct buffer *answer = &session->answer;
	int r = xmlrpc_read(session->reader, buffer_text(answer), answer->length, document);

	if (r == -EBADMSG && answer->length > 0) {
		replace_control_characters(answer);
		r = xmlrpc_read(session->reader, answer->data, answer->length, document);
	}
	if (r == 0 && document->kind == XMLRPC_CALL)
		r = -EBADMSG;
	return r;
}

static int refused(struct session *session)
{
	int status = session->http.status;

	session_fail(session, "xmlrpc.client.ProtocolError", "<ProtocolError for 127.0.0.1/RPC2: %d %s>", status,
		session->http.reason);
	session->failure.http_status = status;
	http_close(&session->http);
	return -1;
}

int rpc_receive(struct session *session, reeve_nsec patience, const struct xmlrpc_value **ret)
{
	struct xmlrpc_document document;
	int r = http_receive_head(&session->http, patience);

	if (r == 0 && session->http.status != 200)
		return refused(session);
	if (r == 0)
		r = receive_body(session, patience);
	if (r == 0)
		r = read_answer(session, &document);
	if (r < 0) {
		http_close(&session->http);
		return session_fail_errno(session, r);
	}
	if (document.kind == XMLRPC_FAULT) {
		session->fault = (int)rpc_number(document.values, "faultCode");
		session->fault_text = rpc_text(document.values, "faultString");
		return RPC_FAULT;
	}
	*ret = document.values;
	return 0;
}

int rpc_ask(struct session *session, const char *method, const struct rpc_parameter *parameters, size_t count,
	reeve_nsec patience, const struct xmlrpc_value **ret)
{
	int r = rpc_send(session, method, parameters, count);

	return r < 0 ? r : rpc_receive(session, patience, ret);
}

/* ---- values ---- */

const char *rpc_text(const struct xmlrpc_value *value, const char *name)
{
	const struct xmlrpc_value *member = xmlrpc_member(value, name);

	return member && member->kind == XMLRPC_STRING ? member->text : "";
}

int64_t rpc_number(const struct xmlrpc_value *value, const char *name)
{
	const struct xmlrpc_value *member = xmlrpc_member(value, name);

	return member && (member->kind == XMLRPC_INT || member->kind == XMLRPC_BOOLEAN) ? member->integer : 0;
}

static json_t *json_array_of(const struct xmlrpc_value *value)
{
	json_t *array = json_array();

	for (const struct xmlrpc_value *item = value->first; item; item = item->next)
		json_array_append_new(array, rpc_json(item));
	return array;
}

static json_t *json_object_of(const struct xmlrpc_value *value)
{
	json_t *object = json_object();

	for (const struct xmlrpc_value *member = value->first; member; member = member->next)
		json_object_set_new(object, member->name, rpc_json(member));
	return object;
}

json_t *rpc_json(const struct xmlrpc_value *value)
{
	switch (value->kind) {
	case XMLRPC_INT: return json_integer(value->integer);
	case XMLRPC_BOOLEAN: return json_boolean(value->integer);
	case XMLRPC_DOUBLE: return json_real(value->real);
	case XMLRPC_ARRAY: return json_array_of(value);
	case XMLRPC_STRUCT: return json_object_of(value);
	case XMLRPC_NIL: return json_null();
	default: return json_stringn(value->text, value->length);
	}
}

/* ---- is it there? ---- */

static int server_is_away(struct session *session)
{
	if (session->failure.error == ECONNREFUSED) {
		complain(session, "%s refused connection", session->serverurl);
		session->exit_status = STATUS_REFUSED;
		return 0;
	}
	if (session->failure.error == ENOENT) {
		complain(session, "%s no such file", session->serverurl);
		session->exit_status = STATUS_NOT_RUNNING;
		return 0;
	}
	return -1;
}

int rpc_check_server(struct session *session)
{
	const struct xmlrpc_value *answer;
	int r;

	if (session->has_checked)
		return 1;
	r = RPC_NO_ARGUMENTS(session, &answer, "supervisor.getVersion");
	if (r < 0)
		return server_is_away(session);
	if (r == RPC_FAULT && session->fault != FAULT_UNKNOWN_METHOD)
		return session_fail_fault(session);
	if (r == RPC_FAULT) {
		complain(session, "Sorry, supervisord responded but did not recognize the supervisor namespace commands that "
				  "supervisorctl uses to control it.  Please check that the [rpcinterface:supervisor] section "
				  "is enabled in the configuration file (see sample.conf).");
		session->exit_status = STATUS_NO_NAMESPACE;
		return 0;
	}
	if (answer->kind != XMLRPC_STRING || strcmp(answer->text, API_VERSION) != 0) {
		complain(session, "Sorry, this version of supervisorctl expects to talk to a server with API version %s, but "
				  "the remote version is %s.",
			API_VERSION, answer->kind == XMLRPC_STRING ? answer->text : "not told");
		session->exit_status = STATUS_WRONG_VERSION;
		return 0;
	}
	session->has_checked = true;
	return 1;
}
