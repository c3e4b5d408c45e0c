#include "core/listener_link.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "board/log.h"
#include "core/event_text.h"
#include "core/result_handler.h"
#include "reeve/error.h"
#include "reeve/pipe.h"

/* ---- its state ---- */

static const struct listener *now_of(const struct listener_link *link)
{
	return listener_now(link->memory);
}

/* The next state in the making, as a copy of this one. */
static struct listener *begin_next(struct listener_link *link)
{
	struct listener *next = listener_next(link->memory);

	*next = *now_of(link);
	return next;
}

static void settle_event(struct listener_link *link, enum listener_fate fate)
{
	uint32_t number = link->event;

	if (number == NO_EVENT || fate == FATE_STAYS)
		return;
	link->event = NO_EVENT;
	if (fate == FATE_DONE)
		event_blocks_drop(&link->events->blocks, number);
	else
		pool_put_back(link->events, link->pool, number);
}

static void tell_change(const struct listener_link *link, enum listener_state from, enum listener_state to)
{
	const char *name = process_name(link->process);

	if (from == to || from == LISTENER_NONE || to == LISTENER_NONE)
		return;
	log_line(LOG_DEBUG, "%s: %s -> %s", name, listener_state_name(from), listener_state_name(to));
	if (to == LISTENER_UNKNOWN)
		log_line(LOG_WARN,
			"%s: has entered the UNKNOWN state and will no longer receive events, this usually indicates "
			"the process violated the eventlistener protocol",
			name);
}

/* Make `next`, begun with begin_next(), good, with what `event` makes of it. What becomes of the listener's event
 * comes first: a core that is killed in between finds the old state, takes the same step, and has no event then. */
static void apply(struct listener_link *link, struct listener *next, enum listener_event event)
{
	enum listener_state from = (enum listener_state)now_of(link)->state;
	struct listener_step step;

	if (!listener_step(from, event, &step))
		return;
	settle_event(link, step.fate);
	if (event == LISTENER_STARTED || event == LISTENER_ENDED || step.to == LISTENER_UNKNOWN)
		next->size = next->in_result = 0;
	next->state = step.to;
	listener_turn(link->memory);
	tell_change(link, from, step.to);
	events_schedule(link->events);
}

/* ---- what goes to it ---- */

static bool is_sending(const struct listener_link *link)
{
	return link->line.length > 0;
}

static void stop_sending(struct listener_link *link)
{
	buffer_clear(&link->line);
	if (link->writable)
		reeve_loop_fd_set_events(link->writable, 0);
}

static void empty_pipe(struct listener_link *link)
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

static void parse(struct listener_link *link);

static void gone_deaf(struct listener_link *link)
{
	struct listener *next = begin_next(link);

	log_line(LOG_DEBUG, "epipe occurred while sending event %" PRIu64 " to listener %s",
		event_head(link->events, link->event)->serial, process_name(link->process));
	link->deaf = true;
	stop_sending(link);
	empty_pipe(link);
	settle_event(link, FATE_REJECTED);
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
			stop_sending(link);
			parse(link); /* it may have answered before it had all */
			return;
		}
	}
	if (r == -ETIMEDOUT)
		reeve_loop_fd_set_events(link->writable, REEVE_LOOP_WRITABLE);
	else
		gone_deaf(link);
}

static void on_writable(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct listener_link *link = data;

	if (is_sending(link))
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
	empty_pipe(link);
	atomic_store(&event_head(link->events, number)->owner, link->process->row + 1);
	atomic_store(&link->memory->put, 0);
	apply(link, begin_next(link), LISTENER_GIVEN);
	log_line(LOG_DEBUG, "event %" PRIu64 " sent to listener %s", event_head(link->events, number)->serial,
		process_name(link->process));
	send_on(link);
}

void link_give_again(struct listener_link *link, uint32_t number)
{
	if (now_of(link)->state != LISTENER_BUSY) {
		link_give(link, number);
		return;
	}
	make_line(link);
	if (atomic_load(&link->memory->put) % 2) { /* killed while filling: none of that has gone out */
		empty_pipe(link);
		atomic_fetch_sub(&link->memory->put, 1);
	}
	send_on(link);
}

/* ---- what comes from it ---- */

static void take_result(struct listener_link *link, struct listener *next, const char *part, size_t size, bool is_last)
{
	const char *name = process_name(link->process);

	if (result_is_looked_at(link->pool->group->settings))
		buffer_add(&link->result, part, size);
	if (!is_last) {
		listener_turn(link->memory);
		return;
	}
	switch (result_judge(link->pool->group->settings, next, &link->result)) {
	case LISTENER_SAYS_OK:
		log_line(LOG_DEBUG, "%s: event was processed", name);
		apply(link, next, LISTENER_SAYS_OK);
		break;
	case LISTENER_SAYS_FAIL:
		log_line(LOG_WARN, "%s: event was rejected", name);
		apply(link, next, LISTENER_SAYS_FAIL);
		break;
	default:
		log_line(LOG_WARN, "%s: event caused an error", name);
		apply(link, next, LISTENER_BAD_RESULT);
	}
	buffer_clear(&link->result);
}

/* Returns false when more is needed. */
static bool parse_one(struct listener_link *link)
{
	struct listener *next = begin_next(link);
	const char *part;
	size_t size;

	switch (listener_scan(now_of(link), next, &part, &size)) {
	case TOKEN_NONE:
		return false;
	case TOKEN_READY:
		apply(link, next, LISTENER_SAYS_READY);
		return true;
	case TOKEN_RESULT_LINE:
		buffer_clear(&link->result);
		listener_turn(link->memory);
		return true;
	case TOKEN_RESULT_PART:
	case TOKEN_RESULT:
		take_result(link, next, part, size, next->result_left == 0);
		return true;
	case TOKEN_BAD_LINE:
		log_line(LOG_WARN, "%s: bad result line: '%.*s'", process_name(link->process), (int)size, part);
		apply(link, next, LISTENER_BAD_LINE);
		return true;
	case TOKEN_NOISE:
		apply(link, next, LISTENER_NOISE);
		return true;
	}
	return false;
}

/* What it says of an event that it does not have yet stays where it is. */
static void parse(struct listener_link *link)
{
	while (!is_sending(link) && parse_one(link))
		;
	if (link->readable && now_of(link)->size < LISTENER_INPUT_SIZE)
		reeve_loop_fd_set_events(link->readable, REEVE_LOOP_READABLE);
}

/* Stands where bytes are about to be read, so that it can be seen whether they were. */
static const char untouched[] = { '\xff', '\xfe', '\xfd', '\xfc' };

static void copy_to_log(const struct process *process, const char *data, size_t size)
{
	const struct config_log *log = &process->settings->stdout_log;

	if ((log->kind != CONFIG_LOG_NONE || log->syslog) && process->stdout_pipe[1] >= 0)
		reeve_pipe_write(process->stdout_pipe[1], data, size, 0); /* a full pipe is the scribe's to empty */
}

/* Take up to `most` bytes of what is there. Returns how many. */
static size_t read_some(struct listener_link *link, size_t most)
{
	struct listener *next = begin_next(link);
	uint32_t copy = (uint32_t)(next - link->memory->copies);
	size_t room = LISTENER_INPUT_SIZE - next->size;
	ssize_t n;

	if (most > room)
		most = room;
	if (most == 0)
		return 0;
	memcpy(next->input + next->size, untouched, most < sizeof untouched ? most : sizeof untouched);
	atomic_store(&link->memory->reading, (uint32_t)most * 2 + copy);
	n = reeve_pipe_read(link->process->channel, next->input + next->size, most, 0);
	if (n > 0) {
		copy_to_log(link->process, next->input + next->size, (size_t)n);
		next->size += (uint32_t)n;
		listener_turn(link->memory);
	}
	atomic_store(&link->memory->reading, 0);
	return n > 0 ? (size_t)n : 0;
}

/* A core was killed while it read: was it before, or after? So many bytes were there that all were read, or none. */
static void finish_reading(struct listener_link *link)
{
	uint32_t reading = atomic_load(&link->memory->reading);
	uint32_t size = reading / 2, before = now_of(link)->size;
	struct listener *next = &link->memory->copies[reading % 2];

	atomic_store(&link->memory->reading, 0);
	if (size == 0 || next == now_of(link) || size > LISTENER_INPUT_SIZE - before || next->size != before)
		return;
	if (memcmp(next->input + before, untouched, size < sizeof untouched ? size : sizeof untouched) == 0)
		return;
	next->size += size;
	listener_turn(link->memory);
}

static void on_readable(struct reeve_loop_source *source, int fd, unsigned events, void *data)
{
	struct listener_link *link = data;
	ssize_t available = reeve_pipe_available(fd);

	if (available <= 0 || read_some(link, (size_t)available) == 0)
		reeve_loop_fd_set_events(source, 0); /* its end; or there is no room until it has all of its event */
	else
		parse(link);
}

/* ---- the life of its process ---- */

bool link_is_free(const struct listener_link *link)
{
	return process_state(link->process) == STATE_RUNNING && now_of(link)->state == LISTENER_READY && !link->deaf &&
	       link->input >= 0;
}

bool link_is_alive(const struct listener_link *link)
{
	return process_state(link->process) == STATE_RUNNING && now_of(link)->state != LISTENER_UNKNOWN && !link->deaf;
}

void link_init(struct listener_link *link, struct events *events, struct pool *pool, struct process *process)
{
	*link = (struct listener_link){
		.events = events,
		.pool = pool,
		.process = process,
		.memory = &events->memory->listeners[process->row],
		.input = -EBADF,
		.event = NO_EVENT,
		.line = BUFFER(EVENT_SIZE_MAX),
		.result = BUFFER(RESULT_SHOWN_MAX),
	};
	process->listener = link;
	if (!listener_is_sound(&link->memory->copies[0]) || !listener_is_sound(&link->memory->copies[1]))
		memset(link->memory->copies, 0, sizeof link->memory->copies);
}

static void disconnect(struct listener_link *link)
{
	link->readable = reeve_loop_source_free(link->readable);
	link->writable = reeve_loop_source_free(link->writable);
	if (link->input >= 0)
		close(link->input);
	link->input = -EBADF;
	buffer_clear(&link->line);
	buffer_clear(&link->result);
}

void link_deinit(struct listener_link *link)
{
	disconnect(link);
	buffer_deinit(&link->line);
	buffer_deinit(&link->result);
	link->process->listener = NULL;
}

static int keep(struct process *process, enum kept kind, const int *fds, size_t count)
{
	struct message_keep message = { .type = MESSAGE_KEEP, .row = process->row, .kind = kind };

	return mail_to_keeper(process->group->core, &message, fds, count);
}

static int make_sending_pipe(struct process *process)
{
	int r;

	if (process->sending[0] >= 0)
		return 0;
	r = reeve_pipe_open(REEVE_PIPE_NONBLOCKING_WRITE, process->sending);
	return r < 0 ? r : keep(process, KEPT_SENDING, process->sending, 2);
}

int listener_prepare(struct process *process, int *ret_output)
{
	int ends[2], r;

	r = make_sending_pipe(process);
	if (r == 0)
		r = reeve_pipe_open(0, ends);
	if (r < 0)
		return r;
	r = keep(process, KEPT_CHANNEL, &ends[0], 1);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	if (process->channel >= 0)
		close(process->channel);
	process->channel = ends[0];
	*ret_output = ends[1];
	return 0;
}

static int connect_to(struct listener_link *link)
{
	struct process *process = link->process;
	struct reeve_loop *loop = link->events->core->loop;
	int r;

	/* A descriptor of our own: others may watch the process's. */
	link->input = fcntl(process->stdin_pipe, F_DUPFD_CLOEXEC, 3);
	if (link->input < 0)
		return -errno;
	r = reeve_loop_add_fd(loop, process->channel, REEVE_LOOP_READABLE, on_readable, link, &link->readable);
	if (r == 0)
		r = reeve_loop_add_fd(loop, link->input, 0, on_writable, link, &link->writable);
	return r;
}

static void reconnect(struct listener_link *link)
{
	int r;

	disconnect(link);
	r = connect_to(link);
	if (r < 0)
		log_line(LOG_ERROR, "cannot listen to '%s': %s", process_name(link->process), reeve_error_text(r));
}

void listener_started(struct process *process)
{
	struct listener_link *link = process->listener;

	if (!link)
		return;
	empty_pipe(link);
	atomic_store(&link->memory->reading, 0);
	link->deaf = false;
	apply(link, begin_next(link), LISTENER_STARTED);
	reconnect(link);
}

void listener_resumed(struct process *process)
{
	struct listener_link *link = process->listener;

	if (!link)
		return;
	finish_reading(link);
	if (process_record(process)->pid <= 0) {
		listener_ended(process);
		return;
	}
	reconnect(link);
	if (link->event != NO_EVENT)
		link_give_again(link, link->event);
	else
		parse(link);
}

void listener_ended(struct process *process)
{
	struct listener_link *link = process->listener;
	ssize_t left;

	if (!link)
		return;
	stop_sending(link); /* what it said last counts, whatever it had yet to read */
	parse(link);
	left = process->channel >= 0 ? reeve_pipe_available(process->channel) : 0;
	while (left > 0) {
		size_t n = read_some(link, (size_t)left);

		if (n == 0)
			break;
		left -= (ssize_t)n;
		parse(link);
	}
	disconnect(link);
	apply(link, begin_next(link), LISTENER_ENDED);
	empty_pipe(link);
}
