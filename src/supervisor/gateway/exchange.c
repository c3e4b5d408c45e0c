/* An exchange is made when a request's head is there, gathers the body, is handled, and ends when libmicrohttpd says that
 * the request is completed. An answer is an MHD response, kept until libmicrohttpd asks for it: at once, or after
 * a connection that was suspended is resumed. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/http.h"

#define SERVER_NAME "reeve/" REEVE_VERSION

/* How many of all connections may be kept by answers that don't end: one in so many. */
#define STAYING_PART 4

struct exchange {
	struct connection *connection;
	struct MHD_Connection *handle;
	const struct route *route;
	enum http_method method;
	char *path;
	struct buffer body;
	unsigned refused; /* the status to answer with once the body is over, or 0 */
	bool was_handled;

	struct MHD_Response *response; /* to be queued */
	unsigned status;
	bool is_queued, is_stream, stays;

	bool is_suspended;
	bool is_gone;				/* while it was suspended */
	struct reeve_loop_source *hangup;	/* while it is suspended */

	struct header {
		struct header *next;
		char *name, *value;
	} *headers;

	exchange_read *read;
	void *read_data;

	void *data;
	void (*over)(void *data);
};

static struct http *http_of(const struct exchange *exchange)
{
	return exchange->connection->server->http;
}

/* ---- suspending ---- */

static void resume(struct exchange *exchange)
{
	if (!exchange->is_suspended)
		return;
	exchange->is_suspended = false;
	exchange->hangup = reeve_loop_source_free(exchange->hangup);
	MHD_resume_connection(exchange->handle);
	/* libmicrohttpd acts on it when it is run, and nothing else makes it run. */
	reeve_loop_deferred_schedule(http_of(exchange)->again);
}

/* A client that says no more while it waits has gone: supervisor sees it the same way. */
static void on_hangup(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct exchange *exchange = data;

	(void)source;
	(void)fd;
	(void)events;
	exchange->is_gone = true;
	resume(exchange);
}

static void suspend(struct exchange *exchange)
{
	exchange->is_suspended = true;
	MHD_suspend_connection(exchange->handle);
	/* Without it the client's end would be noticed later: no reason to fail. */
	reeve_loop_add_fd(http_of(exchange)->gateway->loop, exchange->connection->fd,
		REEVE_LOOP_READ_HANGUP, on_hangup, exchange, &exchange->hangup);
}

/* ---- answers ---- */

static const char *status_words(unsigned status)
{
	const char *words = MHD_get_reason_phrase_for(status);

	return words ? words : "Unknown";
}

static void free_headers(struct exchange *exchange)
{
	for (struct header *header = exchange->headers, *next; header; header = next) {
		next = header->next;
		free(header->name);
		free(header->value);
		free(header);
	}
	exchange->headers = NULL;
}

void exchange_add_header(struct exchange *exchange, const char *name, const char *value)
{
	struct header *header = calloc(1, sizeof *header);

	if (!header)
		return;
	header->next = exchange->headers;
	exchange->headers = header;
	header->name = strdup(name);
	header->value = strdup(value);
}

/* The response is complete: hand it over, now or when libmicrohttpd asks. */
static void answer(struct exchange *exchange, unsigned status, const char *type, struct MHD_Response *response)
{
	if (exchange->response || exchange->is_queued) { /* the second answer to one request */
		if (response)
			MHD_destroy_response(response);
		return;
	}
	if (!response) {
		exchange->is_gone = true; /* out of memory: the connection is all there is to give up */
		resume(exchange);
		return;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_SERVER, SERVER_NAME);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (struct header *header = exchange->headers; header; header = header->next)
		if (header->name && header->value)
			MHD_add_response_header(response, header->name, header->value);
	exchange->response = response;
	exchange->status = status;
	resume(exchange);
}

void exchange_answer(struct exchange *exchange, unsigned status, const char *type, struct buffer *body)
{
	size_t length = body->length;
	char *text = buffer_take(body);

	if (!text) {
		buffer_deinit(body);
		exchange_answer_status(exchange, 500);
		return;
	}
	answer(exchange, status, type,
		MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE));
}

void exchange_answer_static(
	struct exchange *exchange, unsigned status, const char *type, const void *bytes, size_t size)
{
	/* With MHD_RESPMEM_PERSISTENT it is only read. */
	answer(exchange, status, type,
		MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_PERSISTENT));
}

void exchange_answer_status(struct exchange *exchange, unsigned status)
{
	struct buffer text = BUFFER(1024);

	buffer_print(&text, "%u %s\n", status, status_words(status));
	if (text.error) {
		buffer_deinit(&text);
		answer(exchange, status, "text/plain", NULL);
		return;
	}
	exchange_answer(exchange, status, "text/plain", &text);
}

static ssize_t read_stream(void *data, uint64_t position, char *bytes, size_t room)
{
	struct exchange *exchange = data;
	ssize_t count;

	(void)position;
	if (exchange->is_gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	count = exchange->read(exchange->read_data, bytes, room);
	if (count == EXCHANGE_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (count == EXCHANGE_NOTHING_YET)
		suspend(exchange);
	return count;
}

void exchange_answer_stream(
	struct exchange *exchange, unsigned status, const char *type, exchange_read *read, void *data)
{
	exchange->is_stream = true;
	exchange->read = read;
	exchange->read_data = data;
	answer(exchange, status, type,
		MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, HTTP_CONNECTION_MEMORY / 2, read_stream, exchange, NULL));
}

bool exchange_stay(struct exchange *exchange)
{
	struct http *http = http_of(exchange);

	if (http->staying >= http->connections_max / STAYING_PART)
		return false;
	http->staying++;
	exchange->stays = true;
	return true;
}

void exchange_wake(struct exchange *exchange)
{
	if (exchange->is_queued)
		resume(exchange);
}

void exchange_attach(struct exchange *exchange, void *data, void (*over)(void *data))
{
	exchange->data = data;
	exchange->over = over;
}

/* ---- what was asked ---- */

struct gateway *exchange_gateway(const struct exchange *exchange)
{
	return http_of(exchange)->gateway;
}

const struct gateway_server *exchange_server(const struct exchange *exchange)
{
	return exchange->connection->server->settings;
}

enum http_method exchange_method(const struct exchange *exchange)
{
	return exchange->method;
}

const char *exchange_path(const struct exchange *exchange)
{
	return exchange->path;
}

const char *exchange_argument(const struct exchange *exchange, const char *name)
{
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(exchange->handle, MHD_GET_ARGUMENT_KIND, name, strlen(name),
		    &value, NULL) == MHD_NO)
		return NULL;
	return value ? value : "";
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->handle, MHD_HEADER_KIND, name);
}

const char *exchange_body(const struct exchange *exchange, size_t *ret_length)
{
	*ret_length = exchange->body.length;
	return buffer_text(&exchange->body);
}

/* ---- its life ---- */

static enum http_method method_of(const char *text)
{
	return strcmp(text, "GET") == 0	   ? METHOD_GET
	       : strcmp(text, "POST") == 0 ? METHOD_POST
	       : strcmp(text, "HEAD") == 0 ? METHOD_HEAD
					   : METHOD_OTHER;
}

/* The length that the client announces; 0 where it announces none. */
static uint64_t announced_length(const struct exchange *exchange)
{
	const char *text = exchange_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return text ? strtoull(text, NULL, 10) : 0;
}

static bool is_chunked(const struct exchange *exchange)
{
	return exchange_header(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

/* What is wrong with a request as far as its head tells; 0: nothing. */
static unsigned check_head(struct exchange *exchange)
{
	uint64_t length = announced_length(exchange);
	unsigned status = credentials_check(&exchange->connection->server->credentials,
		exchange_header(exchange, MHD_HTTP_HEADER_AUTHORIZATION));

	if (status)
		return status;
	if (!exchange->route)
		return 404;
	if (!(exchange->route->methods & exchange->method))
		return 405;
	if (exchange->method == METHOD_POST && !is_chunked(exchange) &&
		!exchange_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH))
		return 411;
	if (length > exchange->route->body_max)
		return 413;
	if (length > HTTP_BODIES_MAX - http_of(exchange)->body_bytes)
		return 503;
	return 0;
}

/* Queue the answer, if there is one by now, or wait for it. */
static enum MHD_Result go_on(struct exchange *exchange)
{
	struct MHD_Response *response = exchange->response;
	enum MHD_Result done;

	if (exchange->is_gone)
		return MHD_NO;
	if (!response) {
		suspend(exchange);
		return MHD_YES;
	}
	exchange->response = NULL;
	exchange->is_queued = true;
	http_of(exchange)->answers += !exchange->is_stream;
	connection_enter(exchange->connection, exchange->is_stream ? PHASE_WORK : PHASE_WRITE);
	done = MHD_queue_response(exchange->handle, exchange->status, response);
	MHD_destroy_response(response);
	return done;
}

static enum MHD_Result refuse(struct exchange *exchange, unsigned status)
{
	if (status == 401)
		exchange_add_header(exchange, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"default\"");
	if (status == 401 || announced_length(exchange) > HTTP_CALL_MAX)
		exchange_add_header(exchange, MHD_HTTP_HEADER_CONNECTION, "close");
	exchange->was_handled = true;
	exchange_answer_status(exchange, status);
	return go_on(exchange);
}

static enum MHD_Result begin(struct http_server *server, struct MHD_Connection *handle, const char *url,
	const char *method, void **context)
{
	struct connection *connection = connection_of(handle);
	struct exchange *exchange = connection ? calloc(1, sizeof *exchange) : NULL;
	unsigned status;

	if (!exchange)
		return MHD_NO;
	*context = exchange;
	connection->exchange = exchange;
	exchange->connection = connection;
	exchange->handle = handle;
	exchange->method = method_of(method);
	exchange->path = strdup(url);
	if (!exchange->path)
		return MHD_NO;
	exchange->route = route_find(exchange->path);
	exchange->body = (struct buffer)BUFFER(exchange->route ? exchange->route->body_max : 0);
	(void)server;
	connection_enter(connection, PHASE_BODY);
	status = check_head(exchange);
	/* A body is taken and dropped before the answer: who is sending it would else be told of a broken connection, and
	 * never read why. One that is too long is not waited for. */
	if (status && announced_length(exchange) > HTTP_CALL_MAX)
		return refuse(exchange, status);
	exchange->refused = status;
	return MHD_YES;
}

static void take_body(struct exchange *exchange, const char *bytes, size_t size)
{
	struct http *http = http_of(exchange);

	if (exchange->refused)
		return;
	if (size > HTTP_BODIES_MAX - http->body_bytes)
		exchange->refused = 503;
	else {
		buffer_add(&exchange->body, bytes, size);
		if (exchange->body.error)
			exchange->refused = exchange->body.error == -E2BIG ? 413 : 503;
		else
			http->body_bytes += size;
	}
	if (exchange->refused) {
		http->body_bytes -= exchange->body.length;
		buffer_deinit(&exchange->body);
	}
}

enum MHD_Result exchange_take(void *server, struct MHD_Connection *handle, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **context)
{
	struct exchange *exchange = *context;

	(void)version;
	if (!exchange)
		return begin(server, handle, url, method, context);
	if (*upload_size > 0) {
		take_body(exchange, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (exchange->is_queued)
		return MHD_YES;
	if (exchange->refused && !exchange->was_handled)
		return refuse(exchange, exchange->refused);
	if (!exchange->was_handled) {
		exchange->was_handled = true;
		connection_enter(exchange->connection, PHASE_WORK);
		exchange->route->handle(exchange);
	}
	return go_on(exchange);
}

void exchange_abandon(struct exchange *exchange)
{
	exchange->is_gone = true;
	resume(exchange);
}

void exchange_completed(void *server, struct MHD_Connection *handle, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *context;
	struct http *http;

	(void)server;
	(void)handle;
	(void)code;
	if (!exchange)
		return;
	*context = NULL;
	http = http_of(exchange);
	if (exchange->over)
		exchange->over(exchange->data);
	reeve_loop_source_free(exchange->hangup);
	if (exchange->response)
		MHD_destroy_response(exchange->response);
	http->body_bytes -= exchange->body.length;
	buffer_deinit(&exchange->body);
	free_headers(exchange);
	free(exchange->path);
	http->staying -= exchange->stays;
	exchange->connection->exchange = NULL;
	connection_enter(exchange->connection, PHASE_IDLE);
	if (exchange->is_queued && !exchange->is_stream) {
		http->answers--;
		http_answer_over(http);
	}
	free(exchange);
}
