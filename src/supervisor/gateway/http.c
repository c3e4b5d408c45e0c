#include "gateway/http.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "board/log.h"
#include "text/xmlrpc.h"

/* Let libmicrohttpd do what there is to do; and again, in the loop's next round, where it has more. */
static void turn(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	MHD_run(server->daemon);
	if (MHD_get_timeout(server->daemon, &timeout) == MHD_YES && timeout == 0)
		reeve_loop_deferred_schedule(server->http->again);
}

static void on_ready(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	(void)source;
	(void)fd;
	(void)events;
	turn(data);
}

static void on_again(struct reeve_loop_source *source, void *data)
{
	struct http *http = data;

	(void)source;
	for (size_t i = 0; i < http->server_count; i++)
		turn(&http->servers[i]);
}

__attribute__((format(printf, 2, 0))) static void log_trouble(
	void *data, const char *format, va_list arguments)
{
	struct buffer text = BUFFER(1024);

	(void)data;
	buffer_vprint(&text, format, arguments);
	while (text.length && text.data[text.length - 1] == '\n')
		text.data[--text.length] = '\0';
	log_line(LOG_DEBUG, "http: %s", buffer_text(&text));
	buffer_deinit(&text);
}

static int start_server(struct http *http, struct http_server *server, const struct gateway_server *settings)
{
	const union MHD_DaemonInfo *info;
	int r;

	server->http = http;
	server->settings = settings;
	credentials_set(&server->credentials, settings->username, settings->password);
	server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
		0, NULL, NULL, exchange_take, server,
		MHD_OPTION_EXTERNAL_LOGGER, log_trouble, NULL,
		MHD_OPTION_LISTEN_SOCKET, (MHD_socket)settings->fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)http->connections_max + 16,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, connection_notify, server,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, server,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 0,
		MHD_OPTION_END);
	if (!server->daemon)
		return -ENOMEM;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	r = reeve_loop_add_fd(http->gateway->loop, info->epoll_fd, REEVE_LOOP_READABLE, on_ready,
		server, &server->source);
	if (r == 0)
		reeve_loop_deferred_schedule(http->again);
	return r;
}

static void stop_server(struct http_server *server)
{
	reeve_loop_source_free(server->source);
	if (server->daemon)
		MHD_stop_daemon(server->daemon); /* closes the listening socket, too */
}

/* ---- the end ---- */

void http_answer_over(struct http *http)
{
	if (http->ends && http->answers == 0)
		gateway_end(http->gateway);
}

/* What has its answer is let read it; others will never have one. */
static void finish(struct gateway *gateway)
{
	struct http *http = gateway->http;

	http->ends = true;
	for (size_t i = 0; i < http->server_count; i++)
		turn(&http->servers[i]);
	http_answer_over(http);
}

int http_start(struct gateway *gateway)
{
	size_t count = gateway->settings->server_count;
	struct http *http = calloc(1, sizeof *http);
	int r;

	if (!http)
		return -ENOMEM;
	gateway->http = http;
	http->gateway = gateway;
	http->servers = calloc(count, sizeof *http->servers);
	if (!http->servers)
		return -ENOMEM;
	/* Answers of some hundred KiB come and go: not by a mapping each. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 2 << 20);
	r = reeve_loop_defer(gateway->loop, on_again, http, &http->again);
	if (r == 0)
		r = connections_init(http);
	while (r == 0 && http->server_count < count) {
		size_t i = http->server_count++;

		r = start_server(http, &http->servers[i], &gateway->settings->servers[i]);
	}
	gateway->finish = finish;
	return r;
}

/* Connections that wait would keep libmicrohttpd from ending. */
static void abandon_all(struct http *http)
{
	for (enum phase phase = 0; phase < PHASE_COUNT; phase++)
		for (struct connection *each = http->phases[phase].oldest; each; each = each->newer)
			if (each->exchange)
				exchange_abandon(each->exchange);
}

void http_stop(struct gateway *gateway)
{
	struct http *http = gateway->http;

	if (!http)
		return;
	abandon_all(http);
	for (size_t i = 0; i < http->server_count; i++)
		stop_server(&http->servers[i]);
	gateway->http = NULL;
	gateway->finish = NULL;
	connections_deinit(http);
	xmlrpc_reader_free(http->spare_reader);
	reeve_loop_source_free(http->again);
	free(http->servers);
	free(http);
}
