/* Connections by what they are doing, in the order in which they began to: so the next deadline of a phase is that of its
 * oldest, and who has to go is found at once. A connection is ended by shutting its socket down: libmicrohttpd finds it
 * closed. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "gateway/http.h"

static const reeve_nsec longest[PHASE_COUNT] = {
#define ROW(name, longest_) [PHASE_##name] = longest_,
	PHASES(ROW)
#undef ROW
};

static void leave(struct connection *connection)
{
	struct phase_list *list = &connection->server->http->phases[connection->phase];

	if (connection->older)
		connection->older->newer = connection->newer;
	else
		list->oldest = connection->newer;
	if (connection->newer)
		connection->newer->older = connection->older;
	else
		list->newest = connection->older;
}

static void join(struct connection *connection, enum phase phase)
{
	struct phase_list *list = &connection->server->http->phases[phase];

	connection->phase = phase;
	connection->since = reeve_loop_now(connection->server->http->gateway->loop);
	connection->older = list->newest;
	connection->newer = NULL;
	if (list->newest)
		list->newest->newer = connection;
	else
		list->oldest = connection;
	list->newest = connection;
}

/* Not later than the phase's end. Only ever earlier: a call for nothing costs less than a timer moved at each request. */
static void watch_deadline(struct http *http, enum phase phase, reeve_nsec since)
{
	if (longest[phase] != REEVE_FOREVER &&
		since + longest[phase] < reeve_loop_timer_deadline(http->deadline))
		reeve_loop_timer_start_at(http->deadline, since + longest[phase], 0);
}

void connection_enter(struct connection *connection, enum phase phase)
{
	leave(connection);
	join(connection, phase);
	watch_deadline(connection->server->http, phase, connection->since);
}

/* It stays in its list until libmicrohttpd has seen it: as the newest of a phase without a deadline. */
static void drop(struct connection *connection)
{
	shutdown(connection->fd, SHUT_RDWR);
	leave(connection);
	join(connection, PHASE_WORK);
}

static void on_deadline(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct http *http = data;
	reeve_nsec now = reeve_loop_now(http->gateway->loop);

	(void)source;
	(void)expirations;
	for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
		struct phase_list *list = &http->phases[phase];

		if (longest[phase] == REEVE_FOREVER)
			continue;
		while (list->oldest && list->oldest->since + longest[phase] <= now)
			drop(list->oldest);
		if (list->oldest)
			watch_deadline(http, phase, list->oldest->since);
	}
}

/* Who has asked for nothing goes first, then who does not come to the end of a question, then who may ask again. */
static void make_room(struct http *http, struct connection *newest)
{
	static const enum phase first[] = { PHASE_HEAD, PHASE_BODY, PHASE_IDLE };
	struct connection *victim = NULL;

	for (size_t i = 0; i < sizeof first / sizeof first[0] && !victim; i++) {
		victim = http->phases[first[i]].oldest;
		if (victim == newest)
			victim = NULL;
	}
	drop(victim ? victim : newest);
}

static void begin(struct http_server *server, struct MHD_Connection *handle, void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *connection = calloc(1, sizeof *connection);
	struct http *http = server->http;

	if (!connection) {
		shutdown(info->connect_fd, SHUT_RDWR);
		return;
	}
	connection->server = server;
	connection->fd = info->connect_fd;
	join(connection, PHASE_HEAD);
	watch_deadline(http, PHASE_HEAD, connection->since);
	*context = connection;
	if (++http->connection_count > http->connections_max)
		make_room(http, connection);
}

void connection_notify(void *server, struct MHD_Connection *handle, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct connection *connection = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		begin(server, handle, context);
	else if (connection) {
		leave(connection);
		connection->server->http->connection_count--;
		free(connection);
	}
}

struct connection *connection_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

int connections_init(struct http *http)
{
	struct rlimit limit;

	http->connections_max = HTTP_CONNECTIONS_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < http->connections_max)
		http->connections_max = limit.rlim_cur / 4;
	return reeve_loop_add_timer(http->gateway->loop, on_deadline, http, &http->deadline);
}

void connections_deinit(struct http *http)
{
	http->deadline = reeve_loop_source_free(http->deadline);
}
