/* The gateway's HTTP servers: libmicrohttpd, one instance a listening socket, inside the gateway's loop.
 *
 * What a client can cost is bounded here. A connection has a deadline for each phase that waits for its client; when there
 * are too many, those that have asked for nothing yet go first, the oldest at first. */
#ifndef GATEWAY_HTTP_H
#define GATEWAY_HTTP_H

#include <microhttpd.h>
#include <stdbool.h>

#include "gateway/authorize.h"
#include "gateway/exchange.h"

/* Connections of all servers; less where the limit of descriptors is low. Each may follow one file. */
#define HTTP_CONNECTIONS_MAX 2048

/* Of one connection: its request's line and headers, and what is sent next. */
#define HTTP_CONNECTION_MEMORY ((size_t)32 << 10)

/* The body of one XML-RPC call: far more than any call needs, and as much as one wants to type into a process. And of all
 * bodies that are in memory at a time. */
#define HTTP_CALL_MAX ((size_t)4 << 20)
#define HTTP_BODIES_MAX ((size_t)32 << 20)

/* How long a client may take: for its first request's head, for a request's body, until it asks again, to read an answer.
 * Clients of supervisor keep a connection for half an hour, so must we. */
#define HTTP_HEAD_LONGEST (30 * REEVE_SEC)
#define HTTP_BODY_LONGEST (60 * REEVE_SEC)
#define HTTP_IDLE_LONGEST (3600 * REEVE_SEC)
#define HTTP_WRITE_LONGEST (3600 * REEVE_SEC)

/* What a connection is doing. */
#define PHASES(ROW)                                                                                \
	ROW(HEAD, HTTP_HEAD_LONGEST)   /* nothing was asked yet */                                 \
	ROW(BODY, HTTP_BODY_LONGEST)   /* a request's head is there */                             \
	ROW(WORK, REEVE_FOREVER)       /* the request is there, the answer is not; or is a stream */ \
	ROW(WRITE, HTTP_WRITE_LONGEST) /* the answer is on its way */                              \
	ROW(IDLE, HTTP_IDLE_LONGEST)   /* waits for the next request */

enum phase {
#define ROW(name, longest) PHASE_##name,
	PHASES(ROW)
#undef ROW
	PHASE_COUNT,
};

struct connection {
	struct connection *older, *newer; /* in the same phase */
	struct http_server *server;
	enum phase phase;
	reeve_nsec since; /* when the phase began */
	int fd;
	struct exchange *exchange; /* its request's, or NULL */
};

struct phase_list {
	struct connection *oldest, *newest;
};

struct http_server {
	struct http *http;
	const struct gateway_server *settings;
	struct credentials credentials;
	struct MHD_Daemon *daemon;
	struct reeve_loop_source *source;
};

struct http {
	struct gateway *gateway;
	struct http_server *servers;
	size_t server_count;

	struct phase_list phases[PHASE_COUNT];
	size_t connection_count, connections_max;
	struct reeve_loop_source *deadline; /* a timer: the next one that may be over */

	struct xmlrpc_reader *spare_reader; /* rpc.c's; or NULL */

	size_t body_bytes;  /* of all requests */
	size_t staying;	    /* answers that don't end by themselves */
	size_t answers;	    /* that are being written, streams aside */
	bool ends;	    /* the supervisor ends */
	struct reeve_loop_source *again; /* deferred: libmicrohttpd has more to do */
};

/* ---- http.c ---- */

/* Begin to serve. Returns 0 or a negative errno. */
int http_start(struct gateway *gateway);

/* Break all connections and release everything; NULL and what was not started too. */
void http_stop(struct gateway *gateway);

/* An answer was written, or its client is gone. */
void http_answer_over(struct http *http);

/* ---- connection.c ---- */

int connections_init(struct http *http);
void connections_deinit(struct http *http);
void connection_notify(void *server, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code);
struct connection *connection_of(struct MHD_Connection *connection);
void connection_enter(struct connection *connection, enum phase phase);

/* ---- exchange.c ---- */

enum MHD_Result exchange_take(void *server, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **context);
/* The servers end: nobody is left to answer to. */
void exchange_abandon(struct exchange *exchange);
void exchange_completed(void *server, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code);

#endif
