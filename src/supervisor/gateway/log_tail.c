/* GET /logtail/NAME[/stdout|/stderr] and /mainlogtail: a log from shortly before its end on, and then as it grows.
 *
 * Nobody tells of a file that grows, so it is looked at, ten times a second. Which file the log goes to is asked of the scribe
 * anew when the one in hand has just stopped growing, and then once a second: so a rotation is seen, after what was written
 * to the old file before it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gateway/exchange.h"
#include "text/units.h"

#define CONTENT_TYPE "text/plain;charset=utf-8"
#define TAIL_BYTES 1024
#define TAIL_BYTES_MAX (1 << 20)
#define LOOK_EVERY (100 * REEVE_MSEC)
#define ASK_EVERY 10 /* looks */

static const char truncated[] = "==> File truncated <==\n";

struct log_tail {
	struct exchange *exchange;
	uint32_t stream;
	struct table_waiter waiter; /* for the table, before it begins */
	bool waits;
	struct log_ask *ask;
	struct reeve_loop_source *timer;
	int64_t bytes; /* before the end, to begin at */

	int fd;	     /* the file in hand */
	int next_fd; /* the one that the log goes to now, where that is another; or -1 */
	int64_t at;  /* where to go on */
	size_t notice; /* bytes still to be said of `truncated` */
	bool began;
	unsigned idle_looks; /* since it last grew */
};

static void tail_free(void *data)
{
	struct log_tail *tail = data;

	if (tail->waits)
		table_stop_waiting(exchange_gateway(tail->exchange), &tail->waiter);
	if (tail->ask)
		log_file_cancel(tail->ask);
	reeve_loop_source_free(tail->timer);
	if (tail->fd >= 0)
		close(tail->fd);
	if (tail->next_fd >= 0)
		close(tail->next_fd);
	free(tail);
}

/* ---- while it runs ---- */

static int64_t file_size(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 ? status.st_size : 0;
}

static bool is_same_file(int a, int b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static ssize_t say_notice(struct log_tail *tail, char *bytes, size_t room)
{
	size_t length = tail->notice < room ? tail->notice : room;

	memcpy(bytes, truncated + sizeof truncated - 1 - tail->notice, length);
	tail->notice -= length;
	return (ssize_t)length;
}

static ssize_t read_tail(void *data, char *bytes, size_t room)
{
	struct log_tail *tail = data;
	ssize_t count;

	if (tail->notice)
		return say_notice(tail, bytes, room);
	if (file_size(tail->fd) < tail->at) {
		tail->at = 0;
		tail->notice = sizeof truncated - 1;
		return say_notice(tail, bytes, room);
	}
	count = pread(tail->fd, bytes, room, tail->at);
	if (count > 0) {
		tail->at += count;
		return count;
	}
	if (tail->next_fd >= 0) {
		close(tail->fd);
		tail->fd = tail->next_fd;
		tail->next_fd = -1;
		tail->at = 0;
		return read_tail(data, bytes, room);
	}
	return EXCHANGE_NOTHING_YET;
}

static bool has_more(const struct log_tail *tail)
{
	return tail->notice || tail->next_fd >= 0 || file_size(tail->fd) != tail->at;
}

static void on_file(void *data, int fd);

static void on_look(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct log_tail *tail = data;

	(void)source;
	(void)expirations;
	if (has_more(tail)) {
		tail->idle_looks = 0;
		exchange_wake(tail->exchange);
	} else if (tail->idle_looks++ % ASK_EVERY == 0 && !tail->ask)
		log_file_ask(exchange_gateway(tail->exchange), tail->stream, on_file, tail, &tail->ask);
}

/* ---- its beginning ---- */

static void add_last_modified(struct exchange *exchange, int fd)
{
	char text[64];
	struct stat status;
	struct tm utc;

	if (fstat(fd, &status) < 0 || !gmtime_r(&status.st_mtime, &utc))
		return;
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
	exchange_add_header(exchange, "Last-Modified", text);
}

static int begin(struct log_tail *tail, int fd)
{
	struct reeve_loop *loop = exchange_gateway(tail->exchange)->loop;
	int64_t size = file_size(fd);
	int r = reeve_loop_add_timer(loop, on_look, tail, &tail->timer);

	if (r == 0)
		r = reeve_loop_timer_start(tail->timer, LOOK_EVERY, LOOK_EVERY);
	if (r < 0)
		return r;
	tail->began = true;
	tail->fd = fd;
	tail->at = size > tail->bytes ? size - tail->bytes : 0;
	add_last_modified(tail->exchange, fd);
	if (tail->stream != STREAM_SELF)
		exchange_add_header(tail->exchange, "X-Accel-Buffering", "no");
	exchange_answer_stream(tail->exchange, 200, CONTENT_TYPE, read_tail, tail);
	return 0;
}

static void on_file(void *data, int fd)
{
	struct log_tail *tail = data;

	tail->ask = NULL;
	if (!tail->began) {
		if (fd < 0 || begin(tail, fd) < 0) {
			exchange_answer_status(tail->exchange, fd == -ENOENT ? 404 : 503);
			if (fd >= 0)
				close(fd);
		}
		return;
	}
	if (fd < 0)
		return; /* it is away for the moment: go on with what is in hand */
	if (tail->next_fd >= 0 || is_same_file(fd, tail->fd)) {
		close(fd);
		return;
	}
	tail->next_fd = fd;
	exchange_wake(tail->exchange);
}

static void ask(struct log_tail *tail)
{
	if (log_file_ask(exchange_gateway(tail->exchange), tail->stream, on_file, tail, &tail->ask) < 0)
		exchange_answer_status(tail->exchange, 503);
}

static struct log_tail *tail_new(struct exchange *exchange)
{
	const char *limit = exchange_argument(exchange, "limit");
	struct log_tail *tail = calloc(1, sizeof *tail);

	if (!tail) {
		exchange_answer_status(exchange, 503);
		return NULL;
	}
	if (!exchange_stay(exchange)) {
		exchange_answer_status(exchange, 503);
		free(tail);
		return NULL;
	}
	tail->exchange = exchange;
	tail->fd = tail->next_fd = -1;
	tail->bytes = TAIL_BYTES;
	if (limit && (parse_integer(limit, &tail->bytes) < 0 || tail->bytes < 0))
		tail->bytes = TAIL_BYTES;
	if (tail->bytes > TAIL_BYTES_MAX)
		tail->bytes = TAIL_BYTES_MAX;
	exchange_attach(exchange, tail, tail_free);
	return tail;
}

void log_tail_handle_main(struct exchange *exchange)
{
	struct log_tail *tail;

	if (exchange_method(exchange) != METHOD_GET) {
		exchange_answer_status(exchange, 400);
		return;
	}
	tail = tail_new(exchange);
	if (!tail)
		return;
	tail->stream = STREAM_SELF;
	ask(tail);
}

/* The row and stream of "NAME", "NAME/stdout", "NAME/stderr". NULL: there is none, or no log of it. */
static const struct table_row *find(const struct table *table, const char *text, bool *ret_is_stderr)
{
	const char *slash = strchr(text, '/'), *end = slash ? slash : text + strlen(text);
	const char *colon = memchr(text, ':', (size_t)(end - text)), *name = colon ? colon + 1 : text;
	size_t group_length = (size_t)((colon ? colon : end) - text), name_length = (size_t)(end - name);
	char group[CONFIG_NAME_MAX + 1], process[CONFIG_NAME_MAX + 1];
	const struct table_row *row;

	*ret_is_stderr = slash && strcmp(slash, "/stderr") == 0;
	if (group_length > CONFIG_NAME_MAX || name_length > CONFIG_NAME_MAX ||
		(slash && !*ret_is_stderr && strcmp(slash, "/stdout") != 0))
		return NULL;
	memcpy(group, text, group_length);
	group[group_length] = '\0';
	memcpy(process, name, name_length);
	process[name_length] = '\0';
	row = table_find(table, group, process);
	return row && (*ret_is_stderr ? row->stderr_logfile : row->stdout_logfile)[0] ? row : NULL;
}

static void on_table(struct table_waiter *waiter, const struct table *table)
{
	struct log_tail *tail = (struct log_tail *)((char *)waiter - offsetof(struct log_tail, waiter));
	const char *name = exchange_path(tail->exchange) + strlen("/logtail");
	const struct table_row *row;
	bool is_stderr;

	tail->waits = false;
	if (!table) {
		exchange_answer_status(tail->exchange, 503);
		return;
	}
	row = *name == '/' ? find(table, name + 1, &is_stderr) : NULL;
	if (!row) {
		exchange_answer_status(tail->exchange, 404);
		return;
	}
	tail->stream = STREAM_OF(row->row, is_stderr);
	ask(tail);
}

void log_tail_handle(struct exchange *exchange)
{
	struct gateway *gateway = exchange_gateway(exchange);
	const struct table *table = table_now(gateway);
	struct log_tail *tail;

	if (exchange_method(exchange) != METHOD_GET) {
		exchange_answer_status(exchange, 400);
		return;
	}
	tail = tail_new(exchange);
	if (!tail)
		return;
	tail->waiter.here = on_table;
	if (table) {
		on_table(&tail->waiter, table);
		return;
	}
	tail->waits = true;
	table_wait(gateway, &tail->waiter);
}
