/* A client of HTTP/1.1, over a Unix or TCP socket: one request at a time, the connection kept where the server keeps it.
 *
 * No function waits longer than its timeout between two pieces of an answer. A failed connection is of no further use but to be
 * opened again. */
#ifndef CTL_HTTP_H
#define CTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reeve/base.h"

#define HTTP_BUFFER_SIZE ((size_t)64 << 10) /* also the longest line of a head */
#define HTTP_HEADERS_MAX 200

struct http_server {
	const char *path;       /* of a Unix socket; NULL: it is host and port */
	char host[256], port[8];
	const char *authorization; /* the header's value; NULL: none is sent */
};

enum http_stage { HTTP_IDLE, HTTP_STATUS_LINE, HTTP_HEADERS, HTTP_BODY, HTTP_FAILED };
enum http_framing { HTTP_LENGTH, HTTP_CHUNKED, HTTP_TO_THE_END };

struct http {
	int fd; /* non-blocking; -1: not open. Readable: there may be more of an answer */
	enum http_stage stage;
	enum http_framing framing;
	uint64_t left;          /* of the body, or of its chunk */
	bool in_chunk;          /* its data, or the end of its line, is still to come */
	bool in_trailer;
	bool keep;
	unsigned headers;
	size_t start, end;      /* of what was received and not yet taken */
	char *buffer;
	int status;             /* of the answer */
	char reason[64];
};

#define HTTP_CLOSED { .fd = -1 }

/* Connect.
 *
 * Returns 0, -EAI_x - 1000 (see http_resolver_error()), or what connect(2) says, -ETIMEDOUT, -ENOMEM. */
int http_open(struct http *http, const struct http_server *server, reeve_nsec timeout);

/* The getaddrinfo(3) error in http_open()'s result; 0: it is none. */
int http_resolver_error(int result);

void http_close(struct http *http);

/* Whether a kept connection can take another request: nothing came, and the server has not closed it. */
bool http_is_usable(const struct http *http);

/* Send a request; `body` NULL: a GET, else a POST of XML. -EPIPE, -ECONNRESET, -ETIMEDOUT, ... */
int http_send(struct http *http, const struct http_server *server, const char *target,
	const char *body, size_t length, reeve_nsec timeout);

/* Receive the answer's head: `status` and `reason`. 0, -ETIMEDOUT (may be called again), -ENODATA (closed before it began),
 * -ECONNRESET, -EPROTO (that is no HTTP). */
int http_receive_head(struct http *http, reeve_nsec timeout);

/* Receive some of the body. Returns how much, 0 at its end, -ETIMEDOUT (may be called again), -ECONNRESET (ended in the middle),
 * -EPROTO. */
ssize_t http_receive_body(struct http *http, char *bytes, size_t size, reeve_nsec timeout);

#endif
