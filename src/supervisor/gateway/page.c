#include "gateway/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/describe.h"
#include "gateway/description.h"
#include "gateway/live.h"
#include "gateway/page_assets.h"
#include "gateway/words.h"

/* Nothing but what comes from here is loaded or run, nobody may show this page inside another one, and other sites are not told
 * addresses of this one. */
static void add_headers(struct exchange *exchange)
{
	exchange_add_header(exchange, "Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
	exchange_add_header(exchange, "X-Content-Type-Options", "nosniff");
	exchange_add_header(exchange, "X-Frame-Options", "DENY");
	exchange_add_header(exchange, "Referrer-Policy", "same-origin");
	exchange_add_header(exchange, "Cross-Origin-Resource-Policy", "same-origin");
}

/* ---- files, templates ---- */

void assets_handle(struct exchange *exchange)
{
	const char *path = exchange_path(exchange), *seen = exchange_header(exchange, "If-None-Match");
	const struct page_asset *asset = page_asset_find(strrchr(path, '/') + 1);

	if (!asset || strncmp(path, "/page/", 6) != 0 || strchr(path + 6, '/')) {
		exchange_answer_status(exchange, 404);
		return;
	}
	add_headers(exchange);
	exchange_add_header(exchange, "Cache-Control", "no-cache");
	exchange_add_header(exchange, "ETag", asset->tag);
	if (seen && strcmp(seen, asset->tag) == 0)
		exchange_answer_static(exchange, 304, asset->type, "", 0);
	else
		exchange_answer_static(exchange, 200, asset->type, asset->bytes, asset->size);
}

void icon_handle(struct exchange *exchange)
{
	const struct page_asset *asset = page_asset_find("icon.svg");

	add_headers(exchange);
	exchange_answer_static(exchange, 200, asset->type, asset->bytes, asset->size);
}

static const char *value_of(const struct page_value *values, const char *name, size_t length)
{
	for (; values->name; values++)
		if (strlen(values->name) == length && memcmp(values->name, name, length) == 0)
			return values->html;
	return "";
}

void page_answer(struct exchange *exchange, unsigned status, const char *asset, const struct page_value *values)
{
	const char *at = page_asset_find(asset)->bytes, *mark, *end;
	struct buffer body = BUFFER((size_t)256 << 20);

	while ((mark = strstr(at, "{{")) && (end = strstr(mark, "}}"))) {
		buffer_add(&body, at, (size_t)(mark - at));
		buffer_add_text(&body, value_of(values, mark + 2, (size_t)(end - mark - 2)));
		at = end + 2;
	}
	buffer_add_text(&body, at);
	add_headers(exchange);
	exchange_add_header(exchange, "Cache-Control", "no-store");
	exchange_answer(exchange, status, "text/html;charset=utf-8", &body);
	buffer_deinit(&body);
}

/* ---- the form ---- */

char *page_field(const struct exchange *exchange, const char *name)
{
	const char *value, *end, *stop;
	size_t length, name_length = strlen(name);
	const char *at = exchange_body(exchange, &length);

	for (end = at + length; at < end; at = stop + 1) {
		char *decoded;

		stop = memchr(at, '&', (size_t)(end - at));
		if (!stop)
			stop = end;
		value = memchr(at, '=', (size_t)(stop - at));
		if (!value || (size_t)(value - at) != name_length || memcmp(at, name, name_length) != 0)
			continue;
		decoded = malloc((size_t)(stop - value));
		if (decoded && words_decode(value + 1, (size_t)(stop - value - 1), 1, decoded) < 0) {
			free(decoded);
			decoded = NULL;
		}
		return decoded;
	}
	value = exchange_argument(exchange, name);
	return value ? strdup(value) : NULL;
}

/* ---- the table ---- */

static void add_button(struct buffer *rows, const char *action, const char *words)
{
	buffer_print(rows, "<button name=\"action\" value=\"%s\">%s</button>\n", action, words);
}

static void add_actions(struct buffer *rows, const struct gateway *gateway, const struct board_record *record, const char *id)
{
	buffer_print(rows,
		"<form method=\"post\" action=\"/index.html\">"
		"<input type=\"hidden\" name=\"token\" value=\"%s\"><input type=\"hidden\" name=\"processname\" value=\"",
		live_token(gateway));
	words_html(rows, id);
	buffer_add_text(rows, "\">\n");
	if (record->state == STATE_RUNNING) {
		add_button(rows, "restart", "Restart");
		add_button(rows, "stop", "Stop");
	} else if (record->state == STATE_STOPPED || record->state == STATE_EXITED || record->state == STATE_FATAL) {
		add_button(rows, "start", "Start");
	}
	add_button(rows, "clearlog", "Clear Log");
	buffer_add_text(rows, "</form>\n<a href=\"/logtail/");
	words_url(rows, id);
	buffer_add_text(rows, "\">Tail -f Stdout</a> <a href=\"/logtail/");
	words_url(rows, id);
	buffer_add_text(rows, "/stderr\">Tail -f Stderr</a>");
}

static void add_row(struct buffer *rows, const struct gateway *gateway, const struct board_record *record)
{
	char id[DESCRIPTION_ID_SIZE], description[DESCRIPTION_SIZE];
	const char *state = process_state_name(record->state);

	description_id(record, id);
	description_write(record, reeve_now(), description);
	buffer_add_text(rows, "<tr><td><span class=\"state ");
	for (const char *c = state; c && *c; c++)
		buffer_add_char(rows, (char)(*c | 0x20));
	buffer_print(rows, "\">%s</span></td><td>", state ? state : "UNKNOWN");
	words_html(rows, description);
	buffer_add_text(rows, "</td><td><a href=\"/tail.html?processname=");
	words_url(rows, id);
	buffer_add_text(rows, "\">");
	words_html(rows, id);
	buffer_add_text(rows, "</a></td><td><div class=\"acts\">");
	add_actions(rows, gateway, record, id);
	buffer_add_text(rows, "</div></td></tr>\n");
}

void page_answer_table(struct exchange *exchange, unsigned status, const struct table *table, const char *message)
{
	const struct gateway *gateway = exchange_gateway(exchange);
	struct buffer rows = BUFFER((size_t)128 << 20), identifier = BUFFER(8192), said = BUFFER((size_t)1 << 20);
	struct board_record record;

	words_html(&identifier, gateway->settings->identifier);
	if (message) {
		buffer_add_text(&said, "<p class=\"message\" role=\"status\">");
		words_html(&said, message);
		buffer_add_text(&said, "</p>");
	}
	for (size_t i = 0; i < table->count; i++)
		if (describe_read(gateway, table->by_name[i]->row, &record))
			add_row(&rows, gateway, &record);
	if (table->count == 0)
		buffer_add_text(&rows, "<tr><td colspan=\"4\">No programs to manage</td></tr>");
	page_answer(exchange, rows.error || said.error ? 500 : status, "index.html",
		(struct page_value[]){
			{ "identifier", buffer_text(&identifier) },
			{ "token", live_token(gateway) },
			{ "version", REEVE_VERSION },
			{ "message", buffer_text(&said) },
			{ "rows", buffer_text(&rows) },
			{ 0 },
		});
	buffer_deinit(&rows);
	buffer_deinit(&identifier);
	buffer_deinit(&said);
}

/* ---- / and /index.html ---- */

/* A view that waits for the table. */
struct view {
	struct exchange *exchange;
	struct table_waiter waiter;
	bool waits;
};

static void view_is_over(void *data)
{
	struct view *view = data;

	if (view->waits)
		table_stop_waiting(exchange_gateway(view->exchange), &view->waiter);
	free(view);
}

static void answer_view(struct exchange *exchange, const struct table *table)
{
	char *message = page_field(exchange, "message");

	page_answer_table(exchange, 200, table, message);
	free(message);
}

static void table_is_here(struct table_waiter *waiter, const struct table *table)
{
	struct view *view = (struct view *)((char *)waiter - offsetof(struct view, waiter));

	view->waits = false;
	if (table)
		answer_view(view->exchange, table);
	else
		exchange_answer_status(view->exchange, 503);
}

static void show(struct exchange *exchange)
{
	struct gateway *gateway = exchange_gateway(exchange);
	const struct table *table = table_now(gateway);
	struct view *view;

	if (table) {
		answer_view(exchange, table);
		return;
	}
	view = calloc(1, sizeof *view);
	if (!view) {
		exchange_answer_status(exchange, 500);
		return;
	}
	view->exchange = exchange;
	view->waiter.here = table_is_here;
	view->waits = true;
	exchange_attach(exchange, view, view_is_over);
	table_wait(gateway, &view->waiter);
}

void page_handle(struct exchange *exchange)
{
	char *action = page_field(exchange, "action");

	if (action && action[0]) {
		page_act_consume(exchange, action, page_field(exchange, "processname"));
		return;
	}
	free(action);
	show(exchange);
}
