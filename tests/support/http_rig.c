#include "support/http_rig.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/http.h"
#include "gateway/live.h"

struct http_rig rig;

/* ---- in place of requests.c, logs.c, table.c, watch.c, gateway.c ---- */

int request_send(struct gateway *gateway, const struct message_request *request, const void *bytes,
	size_t size, request_callback *callback, void *data, struct request **ret)
{
	struct request *asked = &rig.asked[rig.asked_count];

	ck_assert_uint_lt(rig.asked_count, RIG_ASKED_MAX);
	rig.asked_count++;
	*asked = (struct request){ .message = *request, .size = size, .callback = callback, .data = data };
	if (bytes) {
		asked->bytes = malloc(size + 1);
		ck_assert_ptr_nonnull(asked->bytes);
		memcpy(asked->bytes, bytes, size);
		asked->bytes[size] = '\0';
	}
	if (ret)
		*ret = asked;
	return 0;
}

void request_cancel(struct request *request)
{
	ck_assert_ptr_nonnull(request->callback);
	request->callback = NULL;
	request->cancelled = true;
}

int log_file_ask(struct gateway *gateway, uint32_t stream, log_file_callback *callback, void *data,
	struct log_ask **ret)
{
	struct log_ask *ask = &rig.logs[rig.logs_count++ % RIG_ASKED_MAX];

	*ask = (struct log_ask){ stream, callback, data };
	if (ret)
		*ret = ask;
	return 0;
}

void log_file_cancel(struct log_ask *ask)
{
	ask->callback = NULL;
}

void watch_begin(struct gateway *gateway, struct watcher *watcher)
{
}

void watch_end(struct gateway *gateway, struct watcher *watcher)
{
}

const struct table *table_now(struct gateway *gateway)
{
	return rig.table_is_old ? NULL : &rig.table;
}

const struct table *table_keep(const struct table *table)
{
	rig.table_users++;
	return table;
}

void table_release(const struct table *table)
{
	rig.table_users--;
}

const struct table_row *table_find(const struct table *table, const char *group, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->rows[i].group, group) == 0 && strcmp(table->rows[i].name, name) == 0)
			return &table->rows[i];
	return NULL;
}

size_t table_find_group(
	const struct table *table, const char *group, const struct table_row *const **ret)
{
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->by_name[i]->group, group) == 0 && count++ == 0)
			*ret = &table->by_name[i];
	return count;
}

void table_wait(struct gateway *gateway, struct table_waiter *waiter)
{
	waiter->next = rig.waiter;
	rig.waiter = waiter;
}

void table_stop_waiting(struct gateway *gateway, struct table_waiter *waiter)
{
	struct table_waiter **at = &rig.waiter;

	while (*at && *at != waiter)
		at = &(*at)->next;
	if (*at)
		*at = waiter->next;
}

void gateway_end(struct gateway *gateway)
{
	rig.ended = true;
}

/* ---- the rig ---- */

static void add_row(const char *group, const char *name, const char *log)
{
	struct table_row *row = &rig.rows[rig.table.count];
	int number = board_add(&rig.gateway.board, group, name, 0);

	ck_assert_int_ge(number, 0);
	*row = (struct table_row){ .row = (uint32_t)number,
		.group = group,
		.name = name,
		.stdout_logfile = log,
		.stderr_logfile = "" };
	rig.by_name[rig.table.count++] = row;
}

void rig_start(const char *username, const char *password)
{
	static const char *namespaces[] = { "supervisor" };

	rig = (struct http_rig){ .log_fd = -ENOENT };
	rig.address.sun_family = AF_UNIX;
	rig.address_size = sizeof rig.address;
	rig.server = (struct gateway_server){ .section = "unix_http_server",
		.is_unix = true,
		.address = "",
		.username = username,
		.password = password,
		.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) };
	/* A name of the system's choice. */
	ck_assert_int_eq(bind(rig.server.fd, (struct sockaddr *)&rig.address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(getsockname(rig.server.fd, (struct sockaddr *)&rig.address, &rig.address_size), 0);
	ck_assert_int_eq(listen(rig.server.fd, 128), 0);
	rig.settings = (struct gateway_settings){ .identifier = "rig",
		.servers = &rig.server,
		.server_count = 1,
		.namespaces = namespaces,
		.namespace_count = 1 };
	rig.gateway.settings = &rig.settings;
	ck_assert_int_eq(board_create("rig", &rig.gateway.board), 0);
	rig.gateway.board.header->mood = MOOD_RUNNING;
	rig.table.groups = rig.groups;
	for (const char *const *name = (const char *const[]){ "a", "g", "z", "empty", NULL }; *name; name++)
		rig.groups[rig.table.group_count++].name = *name;
	rig.table.rows = rig.rows;
	rig.table.by_name = rig.by_name;
	add_row("a", "a", "/logs/a");
	add_row("g", "x", "/logs/x");
	add_row("g", "y", "/logs/y");
	add_row("z", "z", "");
	ck_assert_int_eq(reeve_loop_new(&rig.gateway.loop), 0);
	ck_assert_int_eq(http_start(&rig.gateway), 0);
	ck_assert_int_eq(live_start(&rig.gateway), 0);
}

void rig_end(void)
{
	http_stop(&rig.gateway);
	live_end(&rig.gateway);
	ck_assert_int_eq(rig.table_users, 0);
	ck_assert_ptr_null(rig.waiter);
	for (size_t i = 0; i < rig.asked_count; i++) {
		ck_assert_ptr_null(rig.asked[i].callback);
		free(rig.asked[i].bytes);
	}
	reeve_loop_free(rig.gateway.loop);
	board_close(&rig.gateway.board);
	if (rig.log_fd >= 0)
		close(rig.log_fd);
}

void rig_state(const char *name, enum process_state state)
{
	for (size_t i = 0; i < rig.table.count; i++)
		if (strcmp(rig.rows[i].name, name) == 0) {
			board_begin(&rig.gateway.board, rig.rows[i].row)->state = (int)state;
			board_end(&rig.gateway.board, rig.rows[i].row);
		}
}

void rig_reply(size_t n, int fault, const char *text, const char *bytes, size_t size)
{
	struct message_reply reply = { .fault = fault };
	request_callback *callback = rig.asked[n].callback;

	ck_assert_ptr_nonnull(callback);
	snprintf(reply.text, sizeof reply.text, "%s", text);
	rig.asked[n].callback = NULL;
	callback(rig.asked[n].data, &reply, bytes, size);
}

static void open_logs(void)
{
	for (size_t i = 0; i < RIG_ASKED_MAX; i++) {
		log_file_callback *callback = rig.logs[i].callback;
		char path[32];
		int fd = rig.log_fd;

		if (!callback)
			continue;
		if (fd >= 0) {
			snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
			fd = open(path, O_RDONLY | O_CLOEXEC);
		}
		rig.logs[i].callback = NULL;
		callback(rig.logs[i].data, fd);
	}
}

void rig_settle(void)
{
	int r;

	do {
		open_logs();
		r = reeve_loop_run_once(rig.gateway.loop, 0);
		ck_assert_int_ge(r, 0);
	} while (r > 0);
}

int rig_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&rig.address, rig.address_size), 0);
	rig_settle();
	return fd;
}

void rig_send(int fd, const char *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = send(fd, bytes + done, size - done, MSG_NOSIGNAL);

		if (n > 0)
			done += (size_t)n;
		else if (errno != EAGAIN)
			break; /* it was closed: what it was told meanwhile can still be read */
		rig_settle();
	}
	rig_settle();
}

/* Is there a whole answer? Those without a length end by their last chunk, or with the connection. */
static bool is_whole(const char *text, size_t size)
{
	const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length: ");

	if (!end)
		return false;
	if (length && length < end)
		return size >= (size_t)(end + 4 - text) + strtoul(length + 18, NULL, 10);
	return strcasestr(text, "chunked") && size >= 7 && memcmp(text + size - 7, "\r\n0\r\n\r\n", 7) == 0;
}

char *rig_receive(int fd, bool whole)
{
	size_t size = 0, room = 1 << 16;
	char *text = malloc(room + 1);
	ssize_t n;

	ck_assert_ptr_nonnull(text);
	text[0] = '\0';
	while (!whole || !is_whole(text, size)) {
		rig_settle();
		n = recv(fd, text + size, room - size, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN) || (n < 0 && !whole))
			break;
		if (n < 0)
			continue;
		size += (size_t)n;
		text[size] = '\0';
		if (size == room) {
			room *= 2;
			text = realloc(text, room + 1);
			ck_assert_ptr_nonnull(text);
		}
	}
	if (size > 0)
		return text;
	free(text);
	return NULL;
}

bool rig_is_closed(int fd)
{
	char byte;
	ssize_t n;

	rig_settle();
	n = recv(fd, &byte, 1, MSG_PEEK);
	return n == 0 || (n < 0 && errno != EAGAIN);
}

void rig_call(int fd, const char *method, const char *parameters)
{
	char *body, *request;
	int length, size;

	length = asprintf(&body, "<methodCall><methodName>%s</methodName><params>%s</params></methodCall>",
		method, parameters);
	ck_assert_int_gt(length, 0);
	size = asprintf(&request, "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", length, body);
	ck_assert_int_gt(size, 0);
	rig_send(fd, request, (size_t)size);
	free(body);
	free(request);
}

char *rig_ask(const char *method, const char *parameters)
{
	int fd = rig_connect();
	char *answer;

	rig_call(fd, method, parameters);
	answer = rig_receive(fd, true);
	close(fd);
	rig_settle();
	return answer;
}

void rig_wait_asked(size_t count)
{
	rig_settle();
	ck_assert_uint_eq(rig.asked_count, count);
}
