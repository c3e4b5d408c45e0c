/* What a loop is made of: shared by the files of this layer.
 *
 * A source is in up to three places: its loop's list of all sources, the queue of those to be called in this
 * round (or the next, for deferred calls), and what its kind keeps (the table of descriptors, the heap of timers).
 * source_free() takes it out of all three; nothing else remembers a source, so that is all that freeing takes. In
 * particular epoll never holds a pointer to one: see descriptor.c. */
#ifndef LIB_LOOP_SOURCE_H
#define LIB_LOOP_SOURCE_H

#include "lib/base/list.h"
#include "lib/loop/timer_heap.h"
#include "reeve/loop.h"

struct source_kind {
	/* Call back. The source was taken off the queue; it may be gone afterwards, and so may the loop. */
	void (*call)(struct reeve_loop_source *source);

	/* Forget the source. `live`: the kernel has to be told, too; not where the loop ends with it, or belongs to
	 * the parent. */
	void (*detach)(struct reeve_loop_source *source, bool live);
};

struct reeve_loop_source {
	struct reeve_loop *loop;
	const struct source_kind *kind;
	struct list in_loop;
	struct list queued;
	void *data;
	union {
		struct {
			reeve_loop_fd_callback *callback;
			int fd;
			unsigned registration; /* which report of epoll is about us; see descriptor.c */
			unsigned events;
			unsigned ready;
		} descriptor;
		struct {
			reeve_loop_timer_callback *callback;
			struct timer_node node;
			reeve_nsec interval;
		} timer;
		struct {
			reeve_loop_deferred_callback *callback;
			bool floating; /* nobody holds it: released when it was called */
			struct reeve_loop_source **in_call; /* to be set to NULL when it is freed meanwhile */
		} deferred;
		struct {
			reeve_loop_signal_callback *callback;
			struct reeve_signal_subscription *subscription;
		} signal;
	};
};

struct reeve_loop {
	int epoll_fd;
	unsigned generation; /* of the process that it was made in: lib/base/fork.h */
	bool running;
	bool stopping;
	int result;
	bool *freed; /* while running: set when the loop is freed */
	reeve_nsec now;
	struct list sources;
	struct list ready;    /* to be called in this round */
	struct list deferred; /* to be called after it */

	struct reeve_loop_source **descriptors; /* by number */
	size_t descriptors_size;
	unsigned last_registration;
	bool haunted; /* epoll reported what we are no longer watching */

	struct timer_heap timers;
	size_t timer_count; /* of sources, running or not */

	struct reeve_loop_source *signal_watch; /* while there are sources for signals */
	size_t signal_count;
	int signal_calls; /* of callbacks, since the round began */
	int signal_error; /* from dispatching them, likewise */

	int embed_fd; /* an epoll of epoll_fd and timer_fd; all three below are -1 until asked for */
	int timer_fd;
	reeve_nsec armed; /* what timer_fd is set to */
};

/* --- source.c --- */

/* A source in no queue, its kind's part all zero. Returns 0, -ECHILD, -ENOMEM. */
int source_new(struct reeve_loop *loop, const struct source_kind *kind, void *data,
	struct reeve_loop_source **ret);

void source_free(struct reeve_loop_source *source, bool live);

/* 0, -EINVAL where the source is of another kind, -ECHILD in a forked child. */
int source_check(const struct reeve_loop_source *source, const struct source_kind *kind);

/* Whether this is the process that the loop was made in. */
bool loop_is_ours(const struct reeve_loop *loop);

/* --- descriptor.c --- */

struct epoll_event;

/* Queue the sources that `reports` are about. */
void descriptors_collect(struct reeve_loop *loop, const struct epoll_event *reports, int count);

/* Get rid of registrations that can't be removed any more. Returns 0, or a negative errno: to be tried again. */
int descriptors_exorcise(struct reeve_loop *loop);

/* --- timer.c --- */

/* Queue the timers that are due at loop->now. */
void timers_collect(struct reeve_loop *loop);

/* --- embed.c --- */

/* Make timer_fd expire when the loop has something to do. To be called whenever that may have changed outside of a
 * round. Returns 0, or what timerfd_settime(2) failed with. */
int embed_update(struct reeve_loop *loop);

/* Watch `new_epoll` in place of loop->epoll_fd. Returns 0 or a negative errno: nothing changed. */
int embed_replace(struct reeve_loop *loop, int new_epoll);

#endif
