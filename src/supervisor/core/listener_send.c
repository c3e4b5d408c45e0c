/* What goes to a listener: an event, through a pipe of our own (listener_link.h says why). */
#include <errno.h>
#include <inttypes.h>
#include <sys/uio.h>

#include "board/log.h"
#include "core/event_text.h"
#include "core/listener_link.h"
#include "reeve/pipe.h"

bool link_is_sending(const struct listener_link *link)
{
	return link->line.length > 0;
}

void link_stop_sending(struct listener_link *link)
{
	buffer_clear(&link->line);
	if (link->writable)
		reeve_loop_fd_set_events(link->writable, 0);
}

void link_empty_pipe(struct listener_link *link)
{
	char dropped[4096];

	if (link->process->sending[0] >= 0)
		while (reeve_pipe_read(link->process->sending[0], dropped, sizeof dropped, 0) > 0)
			;
}

/* Put what comes next into the pipe, which is empty. Returns how much; 0: there is no more. */
static ssize_t fill_pipe(struct listener_link *link)
{
	const struct event_head *head = event_head(link->events, link->event);
	char *payload = link->events->memory->data[link->event];
	uint64_t put = atomic_load(&link->memory->put) / 2;
	size_t line = link->line.length;
	struct iovec parts[2] = {
		{ link->line.data + (put < line ? put : line), put < line ? line - put : 0 },
		{ payload + (put < line ? 0 : put - line), put < line ? head->size : line + head->size - put },
	};
	ssize_t n;

	if (put >= line + head->size)
		return 0;
	atomic_store(&link->memory->put, put * 2 + 1);
	n = writev(link->process->sending[1], parts, 2);
	if (n > 0)
		atomic_store(&link->memory->put, (put + (uint64_t)n) * 2);
	return n < 0 ? -errno : n;
}

/* Move on what the pipe has. -ETIMEDOUT: there is no room; -EPIPE: nobody reads. */
static int move_on(struct listener_link *link)
{
	ssize_t left = reeve_pipe_available(link->process->sending[0]);

	while (left > 0) {
		ssize_t n = reeve_pipe_splice(link->process->sending[0], link->input, (size_t)left, 0);

		if (n <= 0)
			return n < 0 ? (int)n : -EPIPE;
		left -= n;
	}
	return (int)left;
}

static void gone_deaf(struct listener_link *link)
{
	struct listener *next = link_begin_next(link);

	log_line(LOG_DEBUG, "epipe occurred while sending event %" PRIu64 " to listener %s",
		event_head(link->events, link->event)->serial, process_name(link->process));
	link->deaf = true;
	link_stop_sending(link);
	link_empty_pipe(link);
	link_settle_event(link, FATE_REJECTED);
	next->state = LISTENER_READY;
	next->in_result = 0;
	listener_turn(link->memory);
}

/* Send as much as there is room for. */
static void send_on(struct listener_link *link)
{
	int r = move_on(link);

	while (r >= 0) {
		ssize_t n = fill_pipe(link);

		r = n < 0 ? (int)n : move_on(link);
		if (n == 0) {
			link_stop_sending(link);
			link_parse(link); /* it may have answered before it had all */
			return;
		}
	}
	if (r == -ETIMEDOUT)
		reeve_loop_fd_set_events(link->writable, REEVE_LOOP_WRITABLE);
	else
		gone_deaf(link);
}

void link_writable(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct listener_link *link = data;

	if (link_is_sending(link))
		send_on(link);
	else
		reeve_loop_fd_set_events(source, 0);
}

static void make_line(struct listener_link *link)
{
	const struct event_head *head = event_head(link->events, link->event);
	const struct config_group *group = link->pool->group->settings;
	struct event_line line = {
		.server = link->events->core->config->supervisord.identifier,
		.pool = group->name,
		.serial = head->serial,
		.pool_serial = head->pool_serial,
		.type = (enum event_type)head->type,
		.in_bytes = group->length_in_bytes,
		.payload = link->events->memory->data[link->event],
		.size = head->size,
	};

	buffer_clear(&link->line);
	event_text_line(&link->line, &line);
}

void link_give(struct listener_link *link, uint32_t number)
{
	link->event = number;
	make_line(link);
	if (link->line.error) {
		link->event = NO_EVENT;
		buffer_clear(&link->line);
		pool_put_back(link->events, link->pool, number);
		return;
	}
	link_empty_pipe(link);
	atomic_store(&event_head(link->events, number)->owner, link->process->row + 1);
	atomic_store(&link->memory->put, 0);
	link_apply(link, link_begin_next(link), LISTENER_GIVEN);
	log_line(LOG_DEBUG, "event %" PRIu64 " sent to listener %s", event_head(link->events, number)->serial,
		process_name(link->process));
	send_on(link);
}

void link_give_again(struct listener_link *link, uint32_t number)
{
	if (link_now(link)->state != LISTENER_BUSY) {
		link_give(link, number);
		return;
	}
	make_line(link);
	if (atomic_load(&link->memory->put) % 2) { /* killed while filling: none of that has gone out */
		link_empty_pipe(link);
		atomic_fetch_sub(&link->memory->put, 1);
	}
	send_on(link);
}
