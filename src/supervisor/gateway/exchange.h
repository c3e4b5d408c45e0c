/* One HTTP request and its answer, as the handlers of routes see it (routes.def has the routes).
 *
 * A handler is called once the whole request is there. It answers at once, or keeps the exchange and answers from a
 * later callback of the loop; meanwhile the connection is suspended and costs nothing but itself. Whatever it keeps it
 * announces by exchange_attach(), and is told when the exchange is over: answered to the end, or its client gone. After
 * that the exchange is void.
 *
 * Strings that come from the client live as long as the exchange. They are UTF-8 or not, as the client pleased. */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "gateway/gateway.h"
#include "text/buffer.h"

struct exchange;

enum http_method {
	METHOD_GET = 1 << 0,
	METHOD_HEAD = 1 << 1, /* answered as GET is; the body is left out by itself */
	METHOD_POST = 1 << 2,
	METHOD_OTHER = 1 << 3,
};

#define METHOD_ANY (METHOD_GET | METHOD_HEAD | METHOD_POST | METHOD_OTHER)

/* ---- what was asked ---- */

struct gateway *exchange_gateway(const struct exchange *exchange);
const struct gateway_server *exchange_server(const struct exchange *exchange);
enum http_method exchange_method(const struct exchange *exchange);
const char *exchange_path(const struct exchange *exchange); /* without the query; %XX decoded */

/* NULL: there is none of that name. Of the query string, "" where it has no value; of the request's headers. */
const char *exchange_argument(const struct exchange *exchange, const char *name);
const char *exchange_header(const struct exchange *exchange, const char *name);

/* Never NULL, and with a NUL behind its end; at most the route's body_max. */
const char *exchange_body(const struct exchange *exchange, size_t *ret_length);

/* ---- the answer: one of these, once ---- */

/* A header of the answer, before the answer. */
void exchange_add_header(struct exchange *exchange, const char *name, const char *value);

/* The buffer's text, which is taken: the buffer is empty afterwards. A failed buffer answers 500. */
void exchange_answer(struct exchange *exchange, unsigned status, const char *type, struct buffer *body);

/* Bytes that live as long as the program. */
void exchange_answer_static(struct exchange *exchange, unsigned status, const char *type, const void *bytes, size_t size);

/* A short page that says the status in words, as every error does. */
void exchange_answer_status(struct exchange *exchange, unsigned status);

/* An answer that comes by and by, chunked (with HTTP/1.0: until the connection closes).
 *
 * `read` is called when there is room: it returns how many bytes it wrote to `bytes`, EXCHANGE_NOTHING_YET (it is
 * called again after exchange_wake()) or EXCHANGE_END. */
#define EXCHANGE_NOTHING_YET 0
#define EXCHANGE_END (-1)
typedef ssize_t exchange_read(void *data, char *bytes, size_t room);
void exchange_answer_stream(
	struct exchange *exchange, unsigned status, const char *type, exchange_read *read, void *data);

/* The answer is to follow something, and will not end by itself. False: a quarter of all connections do that
 * already, and the others are for those who ask and go. */
bool exchange_stay(struct exchange *exchange);

/* There is more to read. No-op where it is not waited for. */
void exchange_wake(struct exchange *exchange);

/* `over` is called with `data` when the exchange ends, in whatever way; not after exchange_attach(exchange, NULL, NULL). */
void exchange_attach(struct exchange *exchange, void *data, void (*over)(void *data));

/* ---- routes ---- */

struct route {
	const char *path; /* with `is_prefix` whatever begins so */
	bool is_prefix;
	unsigned methods; /* others are answered 405 */
	size_t body_max;  /* longer ones are answered 413 */
	void (*handle)(struct exchange *exchange);
};

/* The first one that matches; NULL: none does. */
const struct route *route_find(const char *path);

#define ROUTE(path, is_prefix, methods, body_max, handler) void handler(struct exchange *exchange);
#include "gateway/routes.def"
#undef ROUTE

#endif
