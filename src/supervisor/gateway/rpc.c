/* POST /RPC2: the call is read, made, and answered; several, one after the other, where it is system.multicall. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "gateway/browser.h"
#include "gateway/call.h"
#include "gateway/http.h"
#include "gateway/log_stream.h"
#include "text/xmlrpc_write.h"

#define CONTENT_TYPE "text/xml"

/* So many calls of a multicall at a time: then others have their turn. */
#define CALLS_AT_ONCE 64

struct rpc {
	struct exchange *exchange;
	struct xmlrpc_reader *reader;
	struct buffer answer;
	struct call call;

	bool is_multicall;
	const struct xmlrpc_value *next; /* of a multicall's calls */
	bool stepping, call_is_over;
	struct reeve_loop_source *later; /* deferred: the next step */
	struct log_stream *stream;	 /* the answer, where it is long */
};

static void answer(struct rpc *rpc);
static void step(struct rpc *rpc);

/* ---- its life ---- */

/* A reader is worth keeping, but not the memory of one that has read much. */
#define READER_KEPT ((size_t)64 << 10)

static struct xmlrpc_reader *take_reader(struct http *http)
{
	struct xmlrpc_reader *reader = http->spare_reader;

	http->spare_reader = NULL;
	return reader ? reader : xmlrpc_reader_new();
}

static void give_reader_back(struct rpc *rpc)
{
	struct http *http = exchange_gateway(rpc->exchange)->http;
	size_t length;

	exchange_body(rpc->exchange, &length);
	if (http->spare_reader || length > READER_KEPT)
		xmlrpc_reader_free(rpc->reader);
	else
		http->spare_reader = rpc->reader;
}

static void rpc_free(void *data)
{
	struct rpc *rpc = data;

	call_deinit(&rpc->call);
	reeve_loop_source_free(rpc->later);
	buffer_deinit(&rpc->answer);
	log_stream_free(rpc->stream);
	give_reader_back(rpc);
	free(rpc);
}

static struct rpc *rpc_new(struct exchange *exchange)
{
	struct rpc *rpc = calloc(1, sizeof *rpc);

	if (!rpc)
		return NULL;
	rpc->exchange = exchange;
	rpc->answer = (struct buffer)BUFFER(CALL_ANSWER_MAX);
	rpc->call.stream_fd = -1;
	rpc->reader = take_reader(exchange_gateway(exchange)->http);
	if (!rpc->reader) {
		free(rpc);
		return NULL;
	}
	exchange_attach(exchange, rpc, rpc_free);
	return rpc;
}

/* ---- several calls ---- */

static void fault_in_place(struct rpc *rpc, size_t start, const char *text, int fault)
{
	buffer_cut(&rpc->answer, start);
	xmlrpc_add_fault(&rpc->answer, fault, text);
}

static void over(struct call *call)
{
	struct rpc *rpc = (struct rpc *)((char *)call - offsetof(struct rpc, call));

	rpc->call_is_over = true;
	if (!rpc->stepping)
		step(rpc);
}

/* What keeps one of a multicall's calls from being made; NULL: nothing does. */
static const char *wrong_with(const struct xmlrpc_value *name, const struct xmlrpc_value *parameters)
{
	if (!name)
		return "INCORRECT_PARAMETERS: No methodName";
	if (name->kind != XMLRPC_STRING || strlen(name->text) != name->length ||
		(parameters && parameters->kind != XMLRPC_ARRAY))
		return "INCORRECT_PARAMETERS";
	if (strcmp(name->text, "system.multicall") == 0)
		return "INCORRECT_PARAMETERS: Recursive system.multicall forbidden";
	return NULL;
}

static void begin_one(struct rpc *rpc, const struct xmlrpc_value *each)
{
	const struct xmlrpc_value *name = xmlrpc_member(each, "methodName");
	const struct xmlrpc_value *parameters = xmlrpc_member(each, "params");

	const char *wrong = wrong_with(name, parameters);

	rpc->call.over = over;
	rpc->call_is_over = false;
	if (wrong) {
		fault_in_place(rpc, rpc->answer.length, wrong, FAULT_INCORRECT_PARAMETERS);
		rpc->call_is_over = true;
		rpc->call.fault = FAULT_SUCCESS;
		return;
	}
	call_begin(&rpc->call, exchange_gateway(rpc->exchange), name->text,
		parameters ? parameters->first : NULL, parameters ? parameters->count : 0, &rpc->answer);
}

static void end_one(struct rpc *rpc)
{
	if (rpc->call.fault != FAULT_SUCCESS)
		fault_in_place(
			rpc, rpc->call.start, buffer_text(&rpc->call.fault_text), rpc->call.fault);
	call_deinit(&rpc->call);
}

static void on_later(struct reeve_loop_source *source, void *data)
{
	(void)source;
	step(data);
}

/* The rest has to wait for its turn. False: it cannot. */
static bool go_on_later(struct rpc *rpc)
{
	if (rpc->later)
		return reeve_loop_deferred_schedule(rpc->later) == 0;
	return reeve_loop_defer(exchange_gateway(rpc->exchange)->loop, on_later, rpc, &rpc->later) == 0;
}

/* On from where the last call has ended. */
static void step(struct rpc *rpc)
{
	rpc->stepping = true;
	for (int i = 0; rpc->is_multicall && rpc->call_is_over; i++) {
		const struct xmlrpc_value *each = rpc->next;

		if (i == CALLS_AT_ONCE && go_on_later(rpc)) {
			rpc->stepping = false;
			return;
		}
		if (rpc->call.over)
			end_one(rpc);
		if (!each || rpc->answer.error) /* of what is too large the rest need not be made */
			break;
		rpc->next = each->next;
		begin_one(rpc, each);
	}
	rpc->stepping = false;
	if (rpc->call_is_over)
		answer(rpc);
}

static void begin_many(struct rpc *rpc, const struct xmlrpc_document *document)
{
	xmlrpc_answer_begin(&rpc->answer);
	xmlrpc_array_begin(&rpc->answer);
	rpc->is_multicall = true;
	rpc->next = document->values->first;
	rpc->call_is_over = true;
	step(rpc);
}

/* ---- the answer ---- */

static void answer_fault(struct rpc *rpc, int fault, const char *text)
{
	buffer_clear(&rpc->answer);
	xmlrpc_answer_fault(&rpc->answer, fault, text);
	exchange_answer(rpc->exchange, 200, CONTENT_TYPE, &rpc->answer);
}

static void answer(struct rpc *rpc)
{
	struct call *call = &rpc->call;

	if (!rpc->is_multicall && call->fault != FAULT_SUCCESS) {
		answer_fault(rpc, call->fault, buffer_text(&call->fault_text));
		return;
	}
	if (call->stream_fd >= 0) {
		rpc->stream = log_stream_answer(
			rpc->exchange, call->stream_fd, call->stream_from, call->stream_to);
		return;
	}
	if (rpc->is_multicall)
		xmlrpc_array_end(&rpc->answer);
	xmlrpc_answer_end(&rpc->answer);
	if (rpc->answer.error) {
		exchange_answer_status(rpc->exchange, rpc->answer.error == -E2BIG ? 413 : 503);
		return;
	}
	exchange_answer(rpc->exchange, 200, CONTENT_TYPE, &rpc->answer);
}

/* ---- the request ---- */

static bool is_multicall(const struct xmlrpc_document *document)
{
	return strcmp(document->method, "system.multicall") == 0 && document->count == 1 &&
	       document->values->kind == XMLRPC_ARRAY;
}

static void begin(struct rpc *rpc, const struct xmlrpc_document *document)
{
	if (is_multicall(document)) {
		begin_many(rpc, document);
		return;
	}
	xmlrpc_answer_begin(&rpc->answer);
	rpc->call.over = over;
	rpc->call.may_stream = true;
	rpc->stepping = true;
	call_begin(&rpc->call, exchange_gateway(rpc->exchange), document->method, document->values,
		document->count, &rpc->answer);
	rpc->stepping = false;
	if (rpc->call_is_over)
		answer(rpc);
}

void rpc_handle(struct exchange *exchange)
{
	struct browser_signs signs = browser_signs(exchange);
	struct xmlrpc_document document;
	const char *body;
	struct rpc *rpc;
	size_t length;
	int r;

	if (exchange_method(exchange) != METHOD_POST) {
		exchange_answer_status(exchange, 400);
		return;
	}
	if (browser_is_foreign(&signs)) {
		exchange_answer_status(exchange, 403);
		return;
	}
	rpc = rpc_new(exchange);
	if (!rpc) {
		exchange_answer_status(exchange, 503);
		return;
	}
	body = exchange_body(exchange, &length);
	r = xmlrpc_read(rpc->reader, body, length, &document);
	if (r == 0 && (document.kind != XMLRPC_CALL || !document.method[0]))
		r = -EBADMSG;
	if (r < 0) {
		log_line(LOG_ERROR, "XML-RPC request data is invalid: %s",
			r == -EBADMSG ? "it is no call of a method" : "it is too large or too deep");
		exchange_answer_status(exchange, r == -ENOMEM ? 503 : 400);
		return;
	}
	log_line(LOG_TRACE, "XML-RPC method called: %s()", document.method);
	begin(rpc, &document);
}
