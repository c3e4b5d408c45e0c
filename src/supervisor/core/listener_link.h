/* The core's end of a listener: its standard output, which is read here, and its standard input.
 *
 * An event goes to it through a pipe of our own, which the keeper holds as well: it is put in there, and moved on
 * by splice(2). So a core that is killed at any moment leaves behind what of the event has not gone out, in the
 * kernel: no byte is sent twice, and none is left out. */
#ifndef CORE_LISTENER_LINK_H
#define CORE_LISTENER_LINK_H

#include "core/events.h"
#include "text/buffer.h"

struct listener_link {
	struct events *events;
	struct pool *pool;
	struct process *process;
	struct listener_memory *memory;
	struct reeve_loop_source *readable, *writable;
	int input; /* our own descriptor of its standard input; negative: none */
	bool deaf; /* it has closed its standard input */
	uint32_t event; /* that it has, or NO_EVENT */
	struct buffer line; /* before the event's payload */
	struct buffer result; /* so far, where its handler wants to see it */
	bool result_is_cut; /* its beginning died with another core: the event is to come again */
};

void link_init(struct listener_link *link, struct events *events, struct pool *pool, struct process *process);
void link_deinit(struct listener_link *link);

/* Can it be given an event now? */
bool link_is_free(const struct listener_link *link);

/* Will it ever be done with what it has, or be given more, as things stand? */
bool link_is_alive(const struct listener_link *link);

/* It has this event now. */
void link_give(struct listener_link *link, uint32_t number);

/* It has had this event since before we were started. */
void link_give_again(struct listener_link *link, uint32_t number);

/* ---- the life of its process; nothing for one that is no listener ---- */

/* Before it is started: a pipe for its standard output, whose write end, for the child, is the caller's to close. */
int listener_prepare(struct process *process, int *ret_output);

/* It has been started. */
void listener_attach(struct process *process);

/* It was another core's, which was killed. */
void listener_resume(struct process *process);

/* It has ended. */
void listener_ended(struct process *process);

/* ---- for its own files ---- */

const struct listener *link_now(const struct listener_link *link);

/* The next state in the making, as a copy of this one. */
struct listener *link_begin_next(struct listener_link *link);

/* Make `next`, begun so, good, with what `event` makes of it. */
void link_apply(struct listener_link *link, struct listener *next, enum listener_event event);
void link_settle_event(struct listener_link *link, enum listener_fate fate);

/* Understand what it has said. */
void link_parse(struct listener_link *link);

bool link_is_sending(const struct listener_link *link);
void link_stop_sending(struct listener_link *link);
void link_empty_pipe(struct listener_link *link);
reeve_loop_fd_callback link_writable;

#endif
