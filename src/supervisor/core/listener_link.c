#include "core/listener_link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "core/result_handler.h"
#include "reeve/error.h"
#include "reeve/pipe.h"

/* ---- its state ---- */

const struct listener *link_now(const struct listener_link *link)
{
	return listener_now(link->memory);
}

/* The next state in the making, as a copy of this one. */
struct listener *link_begin_next(struct listener_link *link)
{
	struct listener *next = listener_next(link->memory);

	*next = *link_now(link);
	return next;
}

void link_settle_event(struct listener_link *link, enum listener_fate fate)
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

/* Make `next`, begun with link_begin_next(), good, with what `event` makes of it. What becomes of the listener's event
 * comes first: a core that is killed in between finds the old state, takes the same step, and has no event then. */
void link_apply(struct listener_link *link, struct listener *next, enum listener_event event)
{
	enum listener_state from = (enum listener_state)link_now(link)->state;
	struct listener_step step;

	if (!listener_step(from, event, &step)) {
		next->size = 0;
		listener_turn(link->memory);
		return;
	}
	link_settle_event(link, step.fate);
	if (event == LISTENER_STARTED || event == LISTENER_ENDED || step.to == LISTENER_UNKNOWN)
		next->size = next->in_result = 0;
	next->state = step.to;
	listener_turn(link->memory);
	tell_change(link, from, step.to);
	events_schedule(link->events);
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
	switch (link->result_is_cut ? LISTENER_SAYS_FAIL : result_judge(link->pool->group->settings, next, &link->result)) {
	case LISTENER_SAYS_OK:
		log_line(LOG_DEBUG, "%s: event was processed", name);
		link_apply(link, next, LISTENER_SAYS_OK);
		break;
	case LISTENER_SAYS_FAIL:
		log_line(LOG_WARN, "%s: event was rejected", name);
		link_apply(link, next, LISTENER_SAYS_FAIL);
		break;
	default:
		log_line(LOG_WARN, "%s: event caused an error", name);
		link_apply(link, next, LISTENER_BAD_RESULT);
	}
	buffer_clear(&link->result);
}

/* Returns false when more is needed. */
static bool parse_one(struct listener_link *link)
{
	struct listener *next = link_begin_next(link);
	const char *part;
	size_t size;

	switch (listener_scan(link_now(link), next, &part, &size)) {
	case TOKEN_NONE:
		return false;
	case TOKEN_READY:
		link_apply(link, next, LISTENER_SAYS_READY);
		return true;
	case TOKEN_RESULT_LINE:
		buffer_clear(&link->result);
		link->result_is_cut = false;
		listener_turn(link->memory);
		return true;
	case TOKEN_RESULT_PART:
	case TOKEN_RESULT:
		take_result(link, next, part, size, next->result_left == 0);
		return true;
	case TOKEN_BAD_LINE:
		log_line(LOG_WARN, "%s: bad result line: '%.*s'", process_name(link->process), (int)size, part);
		link_apply(link, next, LISTENER_BAD_LINE);
		return true;
	case TOKEN_NOISE:
		link_apply(link, next, LISTENER_NOISE);
		return true;
	}
	return false;
}

/* What it says of an event that it does not have yet stays where it is. */
void link_parse(struct listener_link *link)
{
	while (!link_is_sending(link) && parse_one(link))
		;
	if (link->readable && link_now(link)->size < LISTENER_INPUT_SIZE)
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
	struct listener *next = link_begin_next(link);
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
	uint32_t size = reading / 2, before = link_now(link)->size;
	struct listener *next = &link->memory->copies[reading % 2];

	atomic_store(&link->memory->reading, 0);
	if (size == 0 || next == link_now(link) || size > LISTENER_INPUT_SIZE - before || next->size != before)
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
		link_parse(link);
}

/* ---- the life of its process ---- */

bool link_is_free(const struct listener_link *link)
{
	return process_state(link->process) == STATE_RUNNING && link_now(link)->state == LISTENER_READY && !link->deaf &&
	       link->input >= 0;
}

bool link_is_alive(const struct listener_link *link)
{
	return process_state(link->process) == STATE_RUNNING && link_now(link)->state != LISTENER_UNKNOWN && !link->deaf;
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

/* Before there is a child: one whose core is killed must not be taken for the one before. */
static void begin_anew(struct listener_link *link)
{
	link_empty_pipe(link);
	atomic_store(&link->memory->reading, 0);
	link->deaf = false;
	link_apply(link, link_begin_next(link), LISTENER_STARTED);
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
	begin_anew(process->listener);
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
		r = reeve_loop_add_fd(loop, link->input, 0, link_writable, link, &link->writable);
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

void listener_attach(struct process *process)
{
	if (process->listener)
		reconnect(process->listener);
}

void listener_resume(struct process *process)
{
	struct listener_link *link = process->listener;

	if (!link)
		return;
	finish_reading(link);
	link->result_is_cut = link_now(link)->in_result && result_is_looked_at(link->pool->group->settings);
	if (process_record(process)->pid <= 0) {
		listener_ended(process);
		return;
	}
	reconnect(link);
	if (link->event != NO_EVENT)
		link_give_again(link, link->event);
	else
		link_parse(link);
}

void listener_ended(struct process *process)
{
	struct listener_link *link = process->listener;
	ssize_t left;

	if (!link)
		return;
	link_stop_sending(link); /* what it said last counts, whatever it had yet to read */
	link_parse(link);
	left = process->channel >= 0 ? reeve_pipe_available(process->channel) : 0;
	while (left > 0) {
		size_t n = read_some(link, (size_t)left);

		if (n == 0)
			break;
		left -= (ssize_t)n;
		link_parse(link);
	}
	disconnect(link);
	link_apply(link, link_begin_next(link), LISTENER_ENDED);
	link_settle_event(link, FATE_REJECTED); /* a core was killed between giving it the event and saying so */
	link_empty_pipe(link);
}
