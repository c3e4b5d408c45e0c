#include "ctl/session.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/repr.h"
#include "text/units.h"

#define ANSWER_MAX ((size_t)1 << 30)

static int copy(char **to, const char *text)
{
	char *made = text ? strdup(text) : NULL;

	if (text && !made)
		return -ENOMEM;
	free(*to);
	*to = made;
	return 0;
}

int session_init(struct session *session, const char *serverurl, const char *username, const char *password,
	const char *prompt, const char *history_file)
{
	*session = (struct session){ .http = HTTP_CLOSED, .answer = BUFFER(ANSWER_MAX) };
	session->reader = xmlrpc_reader_new();
	if (!session->reader || copy(&session->serverurl, serverurl ? serverurl : "http://localhost:9001") < 0 ||
		copy(&session->username, username) < 0 || copy(&session->password, password) < 0 ||
		copy(&session->prompt, prompt ? prompt : "supervisor") < 0 ||
		copy(&session->history_file, history_file) < 0)
		return -ENOMEM;
	return 0;
}

void session_deinit(struct session *session)
{
	free(session->serverurl);
	free(session->username);
	free(session->password);
	free(session->prompt);
	free(session->history_file);
	free(session->authorization);
	http_close(&session->http);
	xmlrpc_reader_free(session->reader);
	buffer_deinit(&session->answer);
	json_decref(session->document);
}

static void forget_server(struct session *session)
{
	http_close(&session->http);
	session->server_known = false;
}

int session_set_server(struct session *session, const char *serverurl)
{
	forget_server(session);
	return copy(&session->serverurl, serverurl);
}

int session_set_user(struct session *session, const char *username, const char *password)
{
	int r = copy(&session->username, username);

	forget_server(session);
	return r < 0 ? r : copy(&session->password, password);
}

/* ---- who the server is ---- */

static char *basic_authorization(const char *username, const char *password)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	CLEANUP_BUFFER struct buffer plain = BUFFER(SIZE_MAX / 2);
	CLEANUP_BUFFER struct buffer header = BUFFER(SIZE_MAX / 2);

	buffer_add_text(&plain, username);
	buffer_add_char(&plain, ':');
	buffer_add_text(&plain, password);
	buffer_add_text(&header, "Basic ");
	if (plain.error)
		return NULL;
	for (size_t i = 0; i < plain.length; i += 3) {
		size_t there = plain.length - i < 3 ? plain.length - i : 3;
		uint32_t bits = 0;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (j < there ? (unsigned char)plain.data[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			buffer_add_char(&header, j <= there ? letters[bits >> (18 - 6 * j) & 63] : '=');
	}
	return buffer_take(&header);
}

/* "user@HOST:PORT/anything". */
static int find_inet(struct session *session, const char *text)
{
	struct http_server *server = &session->server;
	const char *end = text + strcspn(text, "/?#"), *at = memrchr(text, '@', (size_t)(end - text));
	const char *host = at ? at + 1 : text, *host_end, *port;
	uint16_t number = 80;

	if (*host == '[' && memchr(host, ']', (size_t)(end - host))) {
		host++;
		host_end = memchr(host, ']', (size_t)(end - host));
		port = host_end + 1;
	} else {
		host_end = memchr(host, ':', (size_t)(end - host));
		host_end = port = host_end ? host_end : end;
	}
	if (port < end && *port == ':' && port + 1 < end) {
		char digits[8];

		snprintf(digits, sizeof digits, "%.*s", (int)(end - port - 1), port + 1);
		if (end - port > 6 || parse_port(digits, &number) < 0)
			return session_fail(session, "ValueError", "no port number: %.*s", (int)(end - port - 1), port + 1);
	}
	if (host_end == host || (size_t)(host_end - host) >= sizeof server->host)
		return session_fail(session, "ValueError", "no host name in %s", session->serverurl);
	snprintf(server->host, sizeof server->host, "%.*s", (int)(host_end - host), host);
	snprintf(server->port, sizeof server->port, "%u", number);
	return 0;
}

int session_find_server(struct session *session)
{
	if (session->server_known)
		return 0;
	free(session->authorization);
	session->authorization = NULL;
	session->server = (struct http_server){ 0 };
	if (strncmp(session->serverurl, "unix://", 7) == 0)
		session->server.path = session->serverurl + 7;
	else if (strncmp(session->serverurl, "http://", 7) != 0)
		return session_fail(
			session, "ValueError", "Unknown protocol for serverurl %s", session->serverurl);
	else if (find_inet(session, session->serverurl + 7) < 0)
		return -1;
	if (session->username && session->password) {
		session->authorization = basic_authorization(session->username, session->password);
		if (!session->authorization)
			return session_fail_errno(session, -ENOMEM);
	}
	session->server.authorization = session->authorization;
	session->server_known = true;
	return 0;
}

/* ---- what went wrong ---- */

int session_fail(struct session *session, const char *type, const char *format, ...)
{
	va_list arguments;

	session->failure.type = type;
	session->failure.error = 0;
	session->failure.http_status = 0;
	va_start(arguments, format);
	vsnprintf(session->failure.text, sizeof session->failure.text, format, arguments);
	va_end(arguments);
	return -1;
}

/* What Python calls an OSError with this number. */
static const char *exception_of(int error)
{
	switch (error) {
	case ECONNREFUSED: return "ConnectionRefusedError";
	case ENOENT: return "FileNotFoundError";
	case EACCES:
	case EPERM: return "PermissionError";
	case ECONNRESET: return "ConnectionResetError";
	case EPIPE: return "BrokenPipeError";
	case ETIMEDOUT: return "TimeoutError";
	case ENOMEM: return "MemoryError";
	default: return "OSError";
	}
}

int session_fail_errno(struct session *session, int result)
{
	int resolver = http_resolver_error(result);

	if (resolver)
		return session_fail(session, "socket.gaierror", "[Errno %d] %s", resolver, gai_strerror(resolver));
	if (result == -ENODATA)
		return session_fail(session, "http.client.RemoteDisconnected",
			"Remote end closed connection without response");
	if (result == -EPROTO)
		return session_fail(session, "http.client.HTTPException", "the answer is no HTTP/1.1");
	if (result == -EBADMSG)
		return session_fail(session, "xml.parsers.expat.ExpatError", "the answer is no XML-RPC");
	if (result == -E2BIG)
		return session_fail(session, "ValueError", "the answer is too large");
	session_fail(session, exception_of(-result), "[Errno %d] %s", -result, strerror(-result));
	session->failure.error = -result;
	return -1;
}

int session_fail_fault(struct session *session)
{
	char text[FAILURE_TEXT_SIZE / 2];

	repr(session->fault_text, text, sizeof text);
	return session_fail(session, "xmlrpc.client.Fault", "<Fault %d: %s>", session->fault, text);
}
