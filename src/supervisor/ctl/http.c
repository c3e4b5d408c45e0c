#include "ctl/http.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "text/buffer.h"

#define RESOLVER_BASE 1000

/* ---- waiting ---- */

static reeve_nsec deadline_of(reeve_nsec timeout)
{
	return timeout < 0 ? REEVE_FOREVER : reeve_now() + timeout;
}

static int milliseconds_until(reeve_nsec deadline)
{
	reeve_nsec left = deadline < 0 ? 0 : deadline - reeve_now();

	if (deadline < 0)
		return -1;
	return left <= 0 ? 0 : left / REEVE_MSEC >= 86400000 ? 86400000 : (int)(left / REEVE_MSEC) + 1;
}

/* Wait until the socket can be read or written. */
static int wait_for(const struct http *http, short events, reeve_nsec deadline)
{
	struct pollfd poll_fd = { .fd = http->fd, .events = events };

	for (;;) {
		int r = poll(&poll_fd, 1, milliseconds_until(deadline));

		if (r > 0)
			return 0;
		if (r < 0 && (errno != EINTR || interrupt_pending()))
			return -errno;
		if (r == 0 && milliseconds_until(deadline) == 0)
			return -ETIMEDOUT;
	}
}

/* ---- the connection ---- */

static int connect_to(struct http *http, const struct sockaddr *address, socklen_t size, reeve_nsec deadline)
{
	socklen_t length = sizeof(int);
	int on = 1, error = 0, r;

	http->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (http->fd < 0)
		return -errno;
	if (address->sa_family != AF_UNIX)
		setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	/* A Unix socket whose backlog is full says EAGAIN, and poll() does not tell of its end: that one waits. */
	for (;;) {
		if (connect(http->fd, address, size) == 0)
			return 0;
		if (errno != EAGAIN || (deadline >= 0 && reeve_now() >= deadline))
			break;
		poll(NULL, 0, 5);
	}
	if (errno == EAGAIN)
		return -ETIMEDOUT;
	if (errno != EINPROGRESS)
		return -errno;
	r = wait_for(http, POLLOUT, deadline);
	if (r == 0 && getsockopt(http->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		r = -errno;
	return r < 0 ? r : -error;
}

static int open_unix(struct http *http, const char *path, reeve_nsec deadline)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect_to(http, (const struct sockaddr *)&address, sizeof address, deadline);
}

static int open_inet(struct http *http, const struct http_server *server, reeve_nsec deadline)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int error = getaddrinfo(server->host, server->port, &hints, &list), r = -EHOSTUNREACH;

	if (error)
		return error == EAI_SYSTEM ? -errno : error - RESOLVER_BASE;
	for (const struct addrinfo *each = list; each; each = each->ai_next) {
		if (http->fd >= 0)
			close(http->fd);
		r = connect_to(http, each->ai_addr, each->ai_addrlen, deadline);
		if (r == 0)
			break;
	}
	freeaddrinfo(list);
	return r;
}

int http_resolver_error(int result)
{
	return result < -RESOLVER_BASE ? result + RESOLVER_BASE : 0;
}

int http_open(struct http *http, const struct http_server *server, reeve_nsec timeout)
{
	reeve_nsec deadline = deadline_of(timeout);
	int r;

	*http = (struct http)HTTP_CLOSED;
	http->buffer = malloc(HTTP_BUFFER_SIZE);
	if (!http->buffer)
		return -ENOMEM;
	r = server->path ? open_unix(http, server->path, deadline) : open_inet(http, server, deadline);
	if (r < 0)
		http_close(http);
	return r;
}

void http_close(struct http *http)
{
	if (http->fd >= 0)
		close(http->fd);
	free(http->buffer);
	*http = (struct http)HTTP_CLOSED;
}

bool http_is_usable(const struct http *http)
{
	char byte;

	return http->fd >= 0 && http->stage == HTTP_IDLE && http->keep && http->start == http->end &&
	       recv(http->fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

/* ---- requests ---- */

static void write_head(struct buffer *head, const struct http_server *server, const char *target,
	const char *body, size_t length)
{
	buffer_print(head, "%s %s HTTP/1.1\r\nHost: ", body ? "POST" : "GET", target);
	if (server->path)
		buffer_add_text(head, "localhost");
	else
		buffer_print(head, strchr(server->host, ':') ? "[%s]:%s" : "%s:%s", server->host, server->port);
	buffer_print(head, "\r\nUser-Agent: reevectl/%s\r\n", REEVE_VERSION);
	if (server->authorization)
		buffer_print(head, "Authorization: %s\r\n", server->authorization);
	if (body)
		buffer_print(head, "Accept: text/xml\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n", length);
	else
		buffer_add_text(head, "Accept: */*\r\n");
	buffer_add_text(head, "\r\n");
}

static int send_bytes(struct http *http, const char *bytes, size_t length, reeve_nsec timeout)
{
	while (length > 0) {
		ssize_t sent = send(http->fd, bytes, length, MSG_NOSIGNAL);
		int r;

		if (sent >= 0) {
			bytes += sent;
			length -= (size_t)sent;
		} else if (errno == EAGAIN) {
			r = wait_for(http, POLLOUT, deadline_of(timeout));
			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int http_send(struct http *http, const struct http_server *server, const char *target,
	const char *body, size_t length, reeve_nsec timeout)
{
	CLEANUP_BUFFER struct buffer request = BUFFER(SIZE_MAX / 2);
	int r;

	write_head(&request, server, target, body, length);
	buffer_add(&request, body, length);
	if (request.error)
		return request.error;
	http->stage = HTTP_STATUS_LINE;
	http->keep = true;
	http->headers = 0;
	http->framing = HTTP_TO_THE_END;
	http->in_chunk = http->in_trailer = false;
	http->left = 0;
	r = send_bytes(http, request.data, request.length, timeout);
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		http->stage = HTTP_FAILED;
	return r;
}

/* ---- answers ---- */

/* Receive more behind what is there. Returns how much, 0 at the end, or an error. */
static ssize_t fill(struct http *http, reeve_nsec deadline)
{
	if (http->start > 0) {
		memmove(http->buffer, http->buffer + http->start, http->end - http->start);
		http->end -= http->start;
		http->start = 0;
	}
	if (http->end == HTTP_BUFFER_SIZE)
		return -EPROTO; /* a line that does not end */
	for (;;) {
		ssize_t got = recv(http->fd, http->buffer + http->end, HTTP_BUFFER_SIZE - http->end, 0);
		int r;

		if (got >= 0) {
			http->end += (size_t)got;
			return got;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		r = wait_for(http, POLLIN, deadline);
		if (r < 0)
			return r;
	}
}

/* Take one line, without its end, which becomes a NUL. 1, 0 where the connection ended before it, or an error. */
static int take_line(struct http *http, char **ret, reeve_nsec deadline)
{
	for (;;) {
		char *line = http->buffer + http->start;
		char *newline = memchr(line, '\n', http->end - http->start);
		ssize_t got;

		if (newline) {
			http->start = (size_t)(newline + 1 - http->buffer);
			*newline = '\0';
			if (newline > line && newline[-1] == '\r')
				newline[-1] = '\0';
			*ret = line;
			return 1;
		}
		got = fill(http, deadline);
		if (got <= 0)
			return (int)got;
	}
}

static int take_status_line(struct http *http, const char *line)
{
	if (strncmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' ||
		strspn(line + 9, "0123456789") != 3 || (line[12] && line[12] != ' '))
		return -EPROTO;
	http->keep = line[7] != '0';
	http->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	snprintf(http->reason, sizeof http->reason, "%s", line[12] ? line + 13 : "");
	http->stage = HTTP_HEADERS;
	return 0;
}

static int take_length(const char *text, unsigned base, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t value = 0;
	size_t count = 0;

	for (; *text; text++, count++) {
		char lower = *text >= 'A' && *text <= 'F' ? (char)(*text - 'A' + 'a') : *text;
		const char *digit = memchr(digits, lower, base);

		if (!digit)
			break;
		if (value > (UINT64_MAX >> 8) / base)
			return -EPROTO;
		value = value * base + (uint64_t)(digit - digits);
	}
	text += strspn(text, " \t");
	if (count == 0 || (*text && !(base == 16 && *text == ';')))
		return -EPROTO;
	*ret = value;
	return 0;
}

static int take_header(struct http *http, char *line)
{
	char *value = strchr(line, ':');

	if (!value || ++http->headers > HTTP_HEADERS_MAX)
		return -EPROTO;
	*value++ = '\0';
	value += strspn(value, " \t");
	if (strcasecmp(line, "Content-Length") == 0 && http->framing != HTTP_CHUNKED) {
		http->framing = HTTP_LENGTH;
		return take_length(value, 10, &http->left);
	}
	if (strcasecmp(line, "Transfer-Encoding") == 0) {
		if (strcasecmp(value, "chunked") != 0)
			return -EPROTO;
		http->framing = HTTP_CHUNKED;
		http->left = 0;
	}
	if (strcasecmp(line, "Connection") == 0)
		http->keep = strcasecmp(value, "close") != 0 &&
			     (http->keep || strcasecmp(value, "keep-alive") == 0);
	return 0;
}

static int failed(struct http *http, int error)
{
	if (error != -ETIMEDOUT)
		http->stage = HTTP_FAILED;
	return error;
}

int http_receive_head(struct http *http, reeve_nsec timeout)
{
	reeve_nsec deadline = deadline_of(timeout);

	for (;;) {
		char *line;
		int r = take_line(http, &line, deadline);

		if (r <= 0)
			return failed(http, r < 0 ? r
					    : http->stage == HTTP_STATUS_LINE && http->start == http->end
						    ? -ENODATA
						    : -ECONNRESET);
		if (http->stage == HTTP_STATUS_LINE) {
			r = take_status_line(http, line);
		} else if (*line) {
			r = take_header(http, line);
		} else if (http->status / 100 == 1) {
			http->stage = HTTP_STATUS_LINE; /* more to come */
			r = 0;
		} else {
			http->stage = HTTP_BODY;
			return 0;
		}
		if (r < 0)
			return failed(http, r);
	}
}

/* The line that begins a chunk, after the end of the one before. 1, 0 after the last chunk, or an error. */
static int take_chunk_head(struct http *http, reeve_nsec deadline)
{
	for (;;) {
		char *line;
		int r = take_line(http, &line, deadline);

		if (r <= 0)
			return r < 0 ? r : -ECONNRESET;
		if (http->in_trailer) {
			if (!*line)
				return 0;
		} else if (http->in_chunk) {
			if (*line)
				return -EPROTO;
			http->in_chunk = false;
		} else {
			r = take_length(line, 16, &http->left);
			if (r < 0)
				return r;
			http->in_chunk = http->left > 0;
			http->in_trailer = http->left == 0;
			if (http->in_chunk)
				return 1;
		}
	}
}

static ssize_t body_ended(struct http *http)
{
	http->stage = http->keep ? HTTP_IDLE : HTTP_FAILED;
	return 0;
}

ssize_t http_receive_body(struct http *http, char *bytes, size_t size, reeve_nsec timeout)
{
	reeve_nsec deadline = deadline_of(timeout);
	size_t taken;
	ssize_t r;

	if (http->stage != HTTP_BODY)
		return http->stage == HTTP_IDLE ? 0 : -ECONNRESET;
	if (http->framing == HTTP_CHUNKED && http->left == 0) {
		r = take_chunk_head(http, deadline);
		if (r < 0)
			return failed(http, (int)r);
		if (r == 0)
			return body_ended(http);
	}
	if (http->framing == HTTP_LENGTH && http->left == 0)
		return body_ended(http);
	if (http->start == http->end) {
		r = fill(http, deadline);
		if (r < 0)
			return failed(http, (int)r);
		if (r == 0) {
			http->keep = false;
			return http->framing == HTTP_TO_THE_END ? body_ended(http)
								: failed(http, -ECONNRESET);
		}
	}
	taken = http->end - http->start < size ? http->end - http->start : size;
	if (http->framing != HTTP_TO_THE_END) {
		taken = taken < http->left ? taken : (size_t)http->left;
		http->left -= taken;
	}
	memcpy(bytes, http->buffer + http->start, taken);
	http->start += taken;
	return (ssize_t)taken;
}
