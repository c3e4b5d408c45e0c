/* The event bus: what happens is told to the pools of event listeners that asked for it.
 *
 * What nobody asked for costs a bit test. Nothing here fails towards whoever tells of something: an event that
 * cannot be had is a line in the log. */
#ifndef CORE_EVENTS_H
#define CORE_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "board/feed.h"
#include "core/event_memory.h"
#include "core/state.h"
#include "text/buffer.h"

#define NO_EVENT UINT32_MAX

/* A group of listeners. */
struct pool {
	struct pool *next;
	struct group *group;
	uint64_t wanted; /* a bit for each type, parents resolved */
	uint32_t row;	 /* of its first process: the pool's own name in the memory */
	uint32_t first, last, count; /* events that wait, by pool_serial; linked in events->next */
	struct listener_link *links; /* one a process */
	reeve_nsec ends_by;	     /* a shutdown waits for it no longer than until then; 0: it has not begun to */
};

struct events {
	struct core *core;
	struct event_memory *memory;
	struct feed *feed;
	struct event_blocks blocks;
	uint32_t *next;	     /* the event that waits behind each */
	struct pool *pools;  /* in the order of their groups */
	uint64_t wanted;     /* of all */
	struct reeve_loop_source *dispatcher, *ticker, *ending;
	struct capture *captures; /* captures.c's: those that have begun */
};

/* ---- for the rest of the core. Each may be called where there are no events: core->events is NULL ---- */

/* After groups_make(): pools of the groups there are, and what a predecessor left to them. -ENOMEM. */
int events_begin(struct core *core, struct event_memory *memory, struct feed *feed);
void events_end(struct core *core);

/* The first core is about to start what is to be started. */
void events_running(struct core *core);

/* All of it is to stop. */
void events_stopping(struct core *core);

/* A process has entered the state that is on the board, from that one. */
void events_state(struct process *process, enum process_state from);

/* After the core was killed: tell of what the last one had entered, but had not told. */
void events_catch_up(struct process *process);

/* A client says something to listeners. */
void events_remote(struct core *core, const char *type, const char *data, size_t size);

/* A group was added, or is about to be freed, all its processes stopped. */
void events_group_added(struct core *core, struct group *group);
void events_group_removed(struct core *core, struct group *group);

/* Does anybody want what this process writes; what it captures? */
bool events_wants_log(const struct core *core, bool is_stderr);
bool events_wants_communication(const struct core *core, bool is_stderr);

/* The scribe has put something into the feed. */
void events_feed(struct core *core);

/* Everything is to stop: is this pool still to be waited for? */
bool events_has_work(struct group *group);

/* ---- for the files of the bus ---- */

static inline bool events_wanted(const struct events *events, enum event_type type)
{
	return events && (events->wanted >> type & 1);
}

struct event_source {
	const struct process *about; /* of PROCESS_STATE_*: its row and state go along */
	uint64_t feed;		     /* 0, or where in the feed it ended */
};

/* Tell all pools that want it. */
void events_tell(struct events *events, enum event_type type, const struct event_source *from, const char *payload,
	size_t size);

/* The same, of what came from the feed, where it ended at `feed`. */
void events_tell_text(struct events *events, enum event_type type, uint64_t feed, struct buffer *payload);

/* Something may be given to somebody now. */
void events_schedule(struct events *events);

struct event_head *event_head(const struct events *events, uint32_t number);

/* pool.c */
int pool_add(struct events *events, struct group *group);
void pool_remove(struct events *events, struct pool *pool);
void pool_free(struct events *events, struct pool *pool);
void pool_accept(struct events *events, struct pool *pool, const struct event_head *head, const char *payload, size_t size);
void pool_put_back(struct events *events, struct pool *pool, uint32_t number);
void pool_recover(struct events *events, struct pool *pool);
void pool_dispatch(struct events *events, struct pool *pool);

/* captures.c: what comes from the scribe */
void captures_begin(struct events *events);
void captures_end(struct events *events);

/* Its process is to be freed. */
void captures_forget(struct events *events, uint32_t stream);

/* The pid of a process, or, where it has ended, the one that it had. */
int events_pid_of(const struct events *events, const struct process *process);

/* ticks.c */
void ticks_begin(struct events *events);

/* The beginning of the period that `now` is in. */
int64_t tick_begin(int64_t period, int64_t now);

#endif
