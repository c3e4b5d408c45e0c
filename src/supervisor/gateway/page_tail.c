/* /tail.html?processname=NAME&limit=BYTES: the end of a process's standard output, as supervisor shows it. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/api.h"
#include "gateway/page.h"
#include "gateway/words.h"

#define LIMIT_DEFAULT 1024
#define LIMIT_MAX (1 << 20)

struct tail {
	struct exchange *exchange;
	char *name;
	long limit;
	struct table_waiter waiter;
	bool waits;
	struct log_ask *ask;
};

static void tail_is_over(void *data)
{
	struct tail *tail = data;

	if (tail->waits)
		table_stop_waiting(exchange_gateway(tail->exchange), &tail->waiter);
	if (tail->ask)
		log_file_cancel(tail->ask);
	free(tail->name);
	free(tail);
}

static void answer(struct tail *tail, const char *text)
{
	const char *identifier = exchange_gateway(tail->exchange)->settings->identifier;
	struct buffer name = BUFFER(65536), refresh = BUFFER((size_t)1 << 20), words = BUFFER((size_t)8 << 20), self = BUFFER(8192);

	words_html(&name, tail->name ? tail->name : "");
	words_html(&words, text);
	words_html(&self, identifier);
	if (tail->name) {
		buffer_add_text(&refresh, "<a class=\"button\" href=\"/tail.html?processname=");
		words_url(&refresh, tail->name);
		buffer_print(&refresh, "&amp;limit=%ld\">Refresh</a>", tail->limit);
	}
	page_answer(tail->exchange, 200, "tail.html",
		(struct page_value[]){
			{ "name", buffer_text(&name) },
			{ "identifier", buffer_text(&self) },
			{ "refresh", buffer_text(&refresh) },
			{ "tail", buffer_text(&words) },
			{ 0 },
		});
	buffer_deinit(&name);
	buffer_deinit(&refresh);
	buffer_deinit(&words);
	buffer_deinit(&self);
}

static void answer_fault(struct tail *tail, int fault)
{
	char text[2 * BOARD_NAME_SIZE + 128];

	if (fault == FAULT_NO_FILE)
		snprintf(text, sizeof text, "No file for %.320s", tail->name);
	else
		snprintf(text, sizeof text, "ERROR: unexpected rpc fault [%d] %s: %.320s", fault, fault_name(fault),
			tail->name);
	answer(tail, text);
}

static void answer_end(struct tail *tail, int fd)
{
	char *bytes = malloc((size_t)tail->limit + 1);
	struct stat file;
	ssize_t got = -1;

	if (bytes && fstat(fd, &file) == 0)
		got = pread(fd, bytes, (size_t)tail->limit, file.st_size > tail->limit ? file.st_size - tail->limit : 0);
	if (got < 0) {
		answer_fault(tail, FAULT_FAILED);
	} else {
		/* A NUL would end it. */
		for (ssize_t i = 0; i < got; i++)
			if (bytes[i] == '\0')
				bytes[i] = ' ';
		bytes[got] = '\0';
		answer(tail, bytes);
	}
	free(bytes);
}

static void file_is_here(void *data, int fd)
{
	struct tail *tail = data;

	tail->ask = NULL;
	if (fd < 0) {
		answer_fault(tail, fd == -ENOENT ? FAULT_NO_FILE : FAULT_FAILED);
		return;
	}
	answer_end(tail, fd);
	close(fd);
}

static void find(struct tail *tail, const struct table *table)
{
	struct gateway *gateway = exchange_gateway(tail->exchange);
	char group[BOARD_NAME_SIZE], name[BOARD_NAME_SIZE];
	const struct table_row *row = NULL;

	if (api_split_name(tail->name, group, name) == 0)
		row = table_find(table, group, name);
	if (!row)
		answer_fault(tail, FAULT_BAD_NAME);
	else if (log_file_ask(gateway, STREAM_OF(row->row, 0), file_is_here, tail, &tail->ask) < 0)
		answer_fault(tail, FAULT_FAILED);
}

static void table_is_here(struct table_waiter *waiter, const struct table *table)
{
	struct tail *tail = (struct tail *)((char *)waiter - offsetof(struct tail, waiter));

	tail->waits = false;
	if (table)
		find(tail, table);
	else
		exchange_answer_status(tail->exchange, 503);
}

static long read_limit(const char *text)
{
	long limit = text && text[0] && strspn(text, "0123456789") == strlen(text) ? strtol(text, NULL, 10) : 0;

	if (limit < LIMIT_DEFAULT)
		return LIMIT_DEFAULT;
	return limit > LIMIT_MAX ? LIMIT_MAX : limit;
}

void tail_handle(struct exchange *exchange)
{
	struct gateway *gateway = exchange_gateway(exchange);
	const struct table *table = table_now(gateway);
	struct tail *tail = calloc(1, sizeof *tail);
	char *limit;

	if (!tail) {
		exchange_answer_status(exchange, 500);
		return;
	}
	limit = page_field(exchange, "limit");
	tail->exchange = exchange;
	tail->limit = read_limit(limit);
	free(limit);
	tail->name = page_field(exchange, "processname");
	exchange_attach(exchange, tail, tail_is_over);
	if (!tail->name || !tail->name[0]) {
		answer(tail, "No process name found");
	} else if (table) {
		find(tail, table);
	} else {
		tail->waiter.here = table_is_here;
		tail->waits = true;
		table_wait(gateway, &tail->waiter);
	}
}
