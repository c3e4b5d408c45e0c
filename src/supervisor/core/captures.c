/* What programs write, as events: the scribe puts it into the feed, piece by piece.
 *
 * A piece of a capture is kept in the memory of events until the capture ends. Each item of the feed leads to one
 * record there at most, which says where in the feed the item ended; then it is taken off the feed. So a new core
 * can tell whether its predecessor was killed before or after it had kept the item that is next. */
#include <errno.h>
#include <stdlib.h>

#include "board/log.h"
#include "core/event_text.h"
#include "core/events.h"
#include "reeve/error.h"

/* One that has begun; its pieces are in the order in which they came. */
struct capture {
	struct capture *next;
	uint32_t stream;
	uint32_t first, last; /* linked in events->next */
	size_t size;
};

static bool is_stderr(uint32_t stream)
{
	return stream % 2 != 0;
}

static struct process *process_of(const struct core *core, uint32_t stream)
{
	for (size_t g = 0; g < core->group_count; g++)
		for (size_t p = 0; p < core->groups[g]->process_count; p++)
			if (core->groups[g]->processes[p].row == stream / 2)
				return &core->groups[g]->processes[p];
	return NULL;
}

static size_t capture_max(const struct process *process, uint32_t stream)
{
	const struct config_log *log =
		is_stderr(stream) ? &process->settings->stderr_log : &process->settings->stdout_log;
	int64_t most = log->capture_maxbytes;

	return most <= 0 ? 0 : most < (int64_t)EVENT_SIZE_MAX / 8 ? (size_t)most : EVENT_SIZE_MAX / 8;
}

/* ---- pieces ---- */

static struct capture *find(struct events *events, uint32_t stream)
{
	struct capture *capture = events->captures;

	while (capture && capture->stream != stream)
		capture = capture->next;
	return capture;
}

static struct capture *find_or_begin(struct events *events, uint32_t stream)
{
	struct capture *capture = find(events, stream);

	if (capture)
		return capture;
	capture = malloc(sizeof *capture);
	if (!capture)
		return NULL;
	*capture = (struct capture){ events->captures, stream, NO_EVENT, NO_EVENT, 0 };
	events->captures = capture;
	return capture;
}

static void append(struct events *events, struct capture *capture, uint32_t number)
{
	events->next[number] = NO_EVENT;
	if (capture->first == NO_EVENT)
		capture->first = number;
	else
		events->next[capture->last] = number;
	capture->last = number;
	capture->size += event_head(events, number)->size;
}

static void drop_first(struct events *events, struct capture *capture)
{
	uint32_t number = capture->first;

	capture->first = events->next[number];
	capture->size -= event_head(events, number)->size;
	event_blocks_drop(&events->blocks, number);
}

void captures_forget(struct events *events, uint32_t stream)
{
	struct capture **at = &events->captures, *capture = find(events, stream);

	if (!capture)
		return;
	while (*at != capture)
		at = &(*at)->next;
	*at = capture->next;
	while (capture->first != NO_EVENT)
		drop_first(events, capture);
	free(capture);
}

/* ---- items ---- */

static void take_log(struct events *events, const struct process *process, const struct feed_item *item,
	const char *data, uint64_t end)
{
	enum event_type type =
		is_stderr(item->stream) ? EVENT_PROCESS_LOG_STDERR : EVENT_PROCESS_LOG_STDOUT;
	struct event_process about = { process_name(process), process->group->settings->name,
		events_pid_of(events, process) };
	CLEANUP_BUFFER struct buffer payload = BUFFER(EVENT_SIZE_MAX);

	if (!events_wanted(events, type))
		return;
	event_text_log(&payload, &about, is_stderr(item->stream), data, item->size);
	events_tell_text(events, type, end, &payload);
}

/* The oldest bytes go as soon as there is enough without their piece. */
static void take_piece(struct events *events, const struct process *process, const struct feed_item *item,
	const char *data, uint64_t end)
{
	struct capture *capture = find_or_begin(events, item->stream);
	struct event_head head = { .pool = item->stream, .source = end, .type = EVENT_PROCESS_COMMUNICATION };
	size_t most = capture_max(process, item->stream);
	int64_t number = -ENOMEM;

	if (capture)
		number = event_blocks_put(&events->blocks, &head, EVENT_PIECE, data, item->size);
	if (number < 0) {
		log_line(LOG_ERROR, "'%s': part of what it communicates is lost: %s", process_name(process),
			reeve_error_text((int)number));
		return;
	}
	append(events, capture, (uint32_t)number);
	while (capture->size - event_head(events, capture->first)->size >= most && capture->first != capture->last)
		drop_first(events, capture);
}

static void tell_capture(struct events *events, const struct process *process, const struct capture *capture,
	uint32_t stream, uint64_t end)
{
	enum event_type type =
		is_stderr(stream) ? EVENT_PROCESS_COMMUNICATION_STDERR : EVENT_PROCESS_COMMUNICATION_STDOUT;
	struct event_process about = { process_name(process), process->group->settings->name,
		events_pid_of(events, process) };
	CLEANUP_BUFFER struct buffer data = BUFFER(EVENT_SIZE_MAX), payload = BUFFER(EVENT_SIZE_MAX);
	size_t most = capture_max(process, stream), skip;

	for (uint32_t number = capture ? capture->first : NO_EVENT; number != NO_EVENT; number = events->next[number])
		buffer_add(&data, events->memory->data[number], event_head(events, number)->size);
	skip = data.length > most ? data.length - most : 0;
	if (events_wanted(events, type)) {
		event_text_communication(&payload, &about, buffer_text(&data) + skip, data.length - skip);
		events_tell_text(events, type, end, &payload);
	}
	log_line(LOG_DEBUG, "'%s' %s emitted a comm event", process_name(process),
		is_stderr(stream) ? "stderr" : "stdout");
}

/* `is_kept`: a core that was killed had kept what the item leads to. */
static void take(struct events *events, const struct feed_item *item, const char *data, uint64_t end, bool is_kept)
{
	struct process *process = process_of(events->core, item->stream);
	struct capture *capture = find(events, item->stream);

	if (!process)
		return;
	switch (item->kind) {
	case FEED_LOG:
		if (!is_kept)
			take_log(events, process, item, data, end);
		break;
	case FEED_CAPTURE:
		if (!is_kept)
			take_piece(events, process, item, data, end);
		break;
	case FEED_CAPTURE_ENDS:
		if (!is_kept)
			tell_capture(events, process, capture, item->stream, end);
		captures_forget(events, item->stream);
		break;
	case FEED_CAPTURE_DROPPED:
		captures_forget(events, item->stream);
		break;
	}
}

static bool has_source(const struct events *events, uint64_t end)
{
	for (int64_t number = -1; (number = event_blocks_next(&events->blocks, number)) >= 0;)
		if (event_head(events, (uint32_t)number)->source == end)
			return true;
	return false;
}

static void take_all(struct events *events, bool is_first)
{
	static char data[FEED_ITEM_MAX];
	struct feed_item item;
	uint64_t position = feed_begin(events->feed);
	bool writer_waits = is_first;

	while (feed_get(events->feed, &position, &item, data)) {
		take(events, &item, data, position, is_first && has_source(events, position));
		is_first = false;
		writer_waits |= feed_taken(events->feed, position);
	}
	writer_waits |= feed_taken(events->feed, position); /* also what made no sense */
	if (writer_waits)
		outbox_send(&events->core->scribe, &(union message){ .plain = { MESSAGE_LOG_ROOM } }, -1);
}

void events_feed(struct core *core)
{
	if (core->events && core->events->feed)
		take_all(core->events, false);
}

/* ---- beginning and end ---- */

static int compare_sources(const void *a, const void *b, void *context)
{
	const struct events *events = context;
	uint64_t left = event_head(events, *(const uint32_t *)a)->source;
	uint64_t right = event_head(events, *(const uint32_t *)b)->source;

	return (left > right) - (left < right);
}

/* Pieces that a core left which was killed. */
static void recover(struct events *events)
{
	uint32_t *pieces = NULL;
	size_t count = 0;

	for (int64_t number = -1; (number = event_blocks_next(&events->blocks, number)) >= 0;) {
		uint32_t *more;

		if (event_head(events, (uint32_t)number)->kind != EVENT_PIECE)
			continue;
		more = reallocarray(pieces, count + 1, sizeof *pieces);
		if (!more)
			break;
		pieces = more;
		pieces[count++] = (uint32_t)number;
	}
	if (count > 0)
		qsort_r(pieces, count, sizeof *pieces, compare_sources, events);
	for (size_t i = 0; i < count; i++) {
		struct capture *capture = find_or_begin(events, event_head(events, pieces[i])->pool);

		if (capture)
			append(events, capture, pieces[i]);
	}
	free(pieces);
}

void captures_begin(struct events *events)
{
	if (!events->feed)
		return;
	recover(events);
	take_all(events, true);
}

void captures_end(struct events *events)
{
	while (events->captures) {
		struct capture *capture = events->captures;

		events->captures = capture->next;
		free(capture); /* its pieces stay: another core may go on */
	}
}
