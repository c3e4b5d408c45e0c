#include "gateway/live.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/browser.h"
#include "gateway/describe.h"
#include "gateway/description.h"
#include "gateway/exchange.h"
#include "gateway/past.h"
#include "gateway/usage.h"
#include "gateway/words.h"

/* How long after a change the board is looked at, so that many changes are one look: while somebody watches, and while nobody
 * does but the past is kept. */
#define LOOK_SOON (50 * REEVE_MSEC)
#define LOOK_LATER REEVE_SEC

/* Between two samples of a process, and how many are taken in one round of the loop. */
#define SAMPLE_EVERY (2 * REEVE_SEC)
#define SAMPLE_SLICE 256
#define SAMPLE_PAUSE (5 * REEVE_MSEC)
/* So long after the last viewer the samples are kept: a page that is loaded anew has its plots. */
#define SAMPLES_KEPT (60 * REEVE_SEC)

#define OUT_MAX ((size_t)256 << 20)

/* One stream. */
struct viewer {
	struct viewer *next;
	struct live *live;
	struct exchange *exchange;
	struct buffer out;
	size_t sent, hello_size;
	bool greeted, over;
};

/* The supervisor's own, as told last. */
struct self {
	int32_t mood, keeper, core, scribe;
};

struct live {
	struct gateway *gateway;
	char token[BROWSER_TOKEN_SIZE];
	struct past *past;
	uint64_t told; /* the newest event that the viewers know of */
	struct usage_history *usage;
	struct viewer *viewers;
	size_t viewer_count;

	struct watcher watcher;
	struct reeve_loop_source *look_timer, *sample_timer;
	struct self self;
	uint32_t rows;
	bool look_due;

	/* The table changed: `processes` is sent when the new one is here. */
	struct table_waiter waiter;
	bool waiting;

	uint32_t sample_row; /* where the round of samples is */
	json_t *samples;     /* of this round */
};

static int64_t wall_now(void)
{
	return (int64_t)time(NULL);
}

/* ---- to the viewers ---- */

static size_t waiting_in(const struct viewer *viewer)
{
	return viewer->out.length - viewer->sent;
}

static void send_text(struct viewer *viewer, const char *name, const char *text)
{
	if (viewer->over)
		return;
	if (viewer->sent == viewer->out.length) {
		buffer_clear(&viewer->out);
		viewer->sent = 0;
	}
	buffer_print(&viewer->out, "event: %s\ndata: ", name);
	buffer_add_text(&viewer->out, text);
	buffer_add_text(&viewer->out, "\n\n");
	if (viewer->out.error || waiting_in(viewer) > viewer->hello_size + LIVE_WAITING_MAX)
		viewer->over = true;
	exchange_wake(viewer->exchange);
}

/* Takes `json`. */
static void publish(struct live *live, const char *name, json_t *json)
{
	char *text = json && live->viewers ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	for (struct viewer *viewer = live->viewers; text && viewer; viewer = viewer->next)
		if (viewer->greeted)
			send_text(viewer, name, text);
	free(text);
}

static json_t *samples_json(struct live *live, const struct table *table)
{
	json_t *processes = json_object();
	struct board_record record;
	char id[DESCRIPTION_ID_SIZE];

	for (size_t i = 0; i < table->count; i++) {
		if (!describe_read(live->gateway, table->rows[i].row, &record))
			continue;
		description_id(&record, id);
		words_set(processes, id, usage_history_json(live->usage, table->rows[i].row));
	}
	return json_pack("{si so}", "interval", (int)(SAMPLE_EVERY / REEVE_SEC), "processes", processes);
}

static void greet(struct live *live, const struct table *table)
{
	char *text = NULL;

	for (struct viewer *viewer = live->viewers; viewer; viewer = viewer->next) {
		if (viewer->greeted)
			continue;
		if (!text) {
			json_t *hello = json_pack("{so ss so so so so}", "supervisor",
				describe_supervisor(live->gateway), "token", live->token, "processes",
				describe_processes(live->gateway, table), "events",
				past_events_json(live->past), "history", past_json(live->past, wall_now()),
				"usage", samples_json(live, table));

			text = hello ? json_dumps(hello, JSON_COMPACT) : NULL;
			json_decref(hello);
		}
		viewer->greeted = true;
		viewer->hello_size = text ? strlen(text) : 0;
		viewer->over = !text;
		send_text(viewer, "hello", text ? text : "");
		exchange_wake(viewer->exchange);
	}
	free(text);
}

/* ---- looks at the board ---- */

static void table_is_here(struct table_waiter *waiter, const struct table *table)
{
	struct live *live = (struct live *)((char *)waiter - offsetof(struct live, waiter));

	live->waiting = false;
	if (!table) {
		/* No core to tell it: the next look asks again. */
		reeve_loop_timer_start(live->look_timer, LOOK_LATER, 0);
		return;
	}
	if (live->viewers)
		publish(live, "processes", describe_processes(live->gateway, table));
	greet(live, table);
}

static void want_table(struct live *live)
{
	if (live->waiting || !live->viewers)
		return;
	live->waiting = true;
	live->waiter.here = table_is_here;
	table_wait(live->gateway, &live->waiter);
}

/* Those that nobody was told of yet. */
static void tell_events(struct live *live)
{
	while (live->told < past_newest(live->past)) {
		live->told++;
		if (live->viewers)
			publish(live, "event", past_event_json(live->past, live->told));
	}
}

static void look_at_self(struct live *live)
{
	const struct board_header *header = live->gateway->board.header;
	struct self self = {
		.mood = atomic_load(&header->mood),
		.keeper = atomic_load(&header->keeper_pid),
		.core = atomic_load(&header->core_pid),
		.scribe = atomic_load(&header->scribe_pid),
	};

	if (memcmp(&self, &live->self, sizeof self) == 0)
		return;
	if (self.mood != live->self.mood && live->self.keeper) {
		past_mood(live->past, live->self.mood, self.mood, wall_now());
		tell_events(live);
	}
	live->self = self;
	if (live->viewers)
		publish(live, "supervisor", describe_supervisor(live->gateway));
}

static void tell_process(struct live *live, const struct board_record *record)
{
	const struct table *table = live->viewers ? table_now(live->gateway) : NULL;
	const struct table_row *row = table ? table_find(table, record->group, record->name) : NULL;

	if (row)
		publish(live, "process", describe_process(record, row));
	else
		want_table(live);
}

/* False: the row has to be looked at again. */
static bool look_at_row(struct live *live, uint32_t row)
{
	struct board_record record;
	int r = board_read(&live->gateway->board, row, &record);

	if (r == -ENOENT && past_gone(live->past, row))
		want_table(live);
	if (r < 0)
		return r != -EAGAIN;
	switch (past_look(live->past, row, &record)) {
	case PAST_SAME:
		break;
	case PAST_STATE:
		tell_events(live);
		tell_process(live, &record);
		break;
	case PAST_DETAIL:
		tell_process(live, &record);
		break;
	case PAST_ANOTHER:
		want_table(live);
		break;
	}
	return true;
}

static void look(struct live *live)
{
	uint32_t rows = atomic_load(&live->gateway->board.header->rows);
	bool whole = true;

	if (rows > BOARD_ROWS_MAX)
		rows = BOARD_ROWS_MAX;
	look_at_self(live);
	for (uint32_t row = 0; row < rows || row < live->rows; row++)
		whole &= look_at_row(live, row);
	live->rows = rows;
	for (const struct viewer *viewer = live->viewers; viewer; viewer = viewer->next)
		if (!viewer->greeted)
			want_table(live);
	if (!whole)
		reeve_loop_timer_start(live->look_timer, LOOK_LATER, 0);
}

static void time_to_look(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct live *live = data;

	live->look_due = false;
	look(live);
}

static void board_changed(struct watcher *watcher)
{
	struct live *live = (struct live *)((char *)watcher - offsetof(struct live, watcher));

	if (live->look_due)
		return;
	live->look_due = true;
	reeve_loop_timer_start(live->look_timer, live->viewers ? LOOK_SOON : LOOK_LATER, 0);
}

/* ---- samples ---- */

static void sample_row(struct live *live, uint32_t row)
{
	struct board_record record;
	char id[DESCRIPTION_ID_SIZE];
	json_t *sample;

	if (!describe_read(live->gateway, row, &record))
		return;
	sample = usage_sample(live->usage, row, record.pid, record.starts, reeve_now());
	description_id(&record, id);
	if (sample)
		words_set(live->samples, id, sample);
}

static void time_to_sample(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	struct live *live = data;
	uint32_t end = live->sample_row + SAMPLE_SLICE;

	if (!live->viewers) {
		usage_history_clear(live->usage);
		return;
	}
	if (!live->samples)
		live->samples = json_object();
	for (; live->sample_row < live->rows && live->sample_row < end; live->sample_row++)
		sample_row(live, live->sample_row);
	if (live->sample_row < live->rows) {
		reeve_loop_timer_start(live->sample_timer, SAMPLE_PAUSE, 0);
		return;
	}
	live->sample_row = 0;
	publish(live, "usage", live->samples);
	live->samples = NULL;
	reeve_loop_timer_start(live->sample_timer, SAMPLE_EVERY, 0);
}

/* ---- /events ---- */

static ssize_t read_stream(void *data, char *bytes, size_t room)
{
	struct viewer *viewer = data;
	size_t waiting = waiting_in(viewer);

	if (viewer->over)
		return EXCHANGE_END;
	if (room > waiting)
		room = waiting;
	memcpy(bytes, buffer_text(&viewer->out) + viewer->sent, room);
	viewer->sent += room;
	return (ssize_t)room;
}

static void stream_is_over(void *data)
{
	struct viewer *viewer = data, **at = &viewer->live->viewers;
	struct live *live = viewer->live;

	while (*at != viewer)
		at = &(*at)->next;
	*at = viewer->next;
	live->viewer_count--;
	buffer_deinit(&viewer->out);
	free(viewer);
	if (!live->viewers)
		reeve_loop_timer_start(live->sample_timer, SAMPLES_KEPT, 0);
}

void events_handle(struct exchange *exchange)
{
	struct gateway *gateway = exchange_gateway(exchange);
	struct live *live = gateway->live;
	struct viewer *viewer;

	viewer = live->viewer_count < LIVE_VIEWERS_MAX ? calloc(1, sizeof *viewer) : NULL;
	if (!viewer || !exchange_stay(exchange)) {
		free(viewer);
		exchange_answer_status(exchange, 503);
		return;
	}
	*viewer = (struct viewer){
		.next = live->viewers,
		.live = live,
		.exchange = exchange,
		.out = BUFFER(OUT_MAX),
	};
	live->viewers = viewer;
	live->viewer_count++;
	exchange_add_header(exchange, "Cache-Control", "no-store");
	exchange_add_header(exchange, "X-Accel-Buffering", "no");
	exchange_attach(exchange, viewer, stream_is_over);
	exchange_answer_stream(exchange, 200, "text/event-stream", read_stream, viewer);
	if (live->viewer_count == 1) {
		reeve_loop_timer_start(live->sample_timer, 0, 0);
		reeve_loop_timer_start(live->look_timer, 0, 0);
	}
	want_table(live);
}

/* ---- what others ask ---- */

const char *live_token(const struct gateway *gateway)
{
	return gateway->live->token;
}

json_t *live_history(const struct gateway *gateway)
{
	return past_json(gateway->live->past, wall_now());
}

json_t *live_events(const struct gateway *gateway)
{
	return past_events_json(gateway->live->past);
}

int live_start(struct gateway *gateway)
{
	struct live *live = calloc(1, sizeof *live);
	int r;

	if (!live)
		return -ENOMEM;
	gateway->live = live;
	live->gateway = gateway;
	live->watcher.changed = board_changed;
	live->past = past_new(wall_now());
	live->usage = usage_history_new();
	if (!live->past || !live->usage)
		return -ENOMEM;
	r = browser_token_new(live->token);
	if (r == 0)
		r = reeve_loop_add_timer(gateway->loop, time_to_look, live, &live->look_timer);
	if (r == 0)
		r = reeve_loop_add_timer(gateway->loop, time_to_sample, live, &live->sample_timer);
	if (r < 0)
		return r;
	watch_begin(gateway, &live->watcher);
	return reeve_loop_timer_start(live->look_timer, 0, 0);
}

void live_end(struct gateway *gateway)
{
	struct live *live = gateway->live;

	if (!live)
		return;
	while (live->viewers) {
		exchange_attach(live->viewers->exchange, NULL, NULL);
		stream_is_over(live->viewers);
	}
	watch_end(gateway, &live->watcher);
	if (live->waiting)
		table_stop_waiting(gateway, &live->waiter);
	reeve_loop_source_free(live->look_timer);
	reeve_loop_source_free(live->sample_timer);
	past_free(live->past);
	usage_history_free(live->usage);
	json_decref(live->samples);
	free(live);
	gateway->live = NULL;
}
