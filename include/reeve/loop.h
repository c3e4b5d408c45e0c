/* reeve/loop.h - one small event loop over epoll: descriptors, timers, signals, deferred calls.
 *
 * A loop belongs to the thread that runs it: one loop, one thread at a time. What it watches are sources; each
 * has a callback, and reeve_loop_run() calls them, one at a time, in rounds. A round is:
 *
 *   1. wait until a descriptor is ready, a timer is due or a deferred call is outstanding;
 *   2. call each descriptor's source that is ready, once;
 *   3. call each timer that was due when the wait ended, once, by deadline, equal ones in the order in which
 *      they were started;
 *   4. call what is deferred (by the callbacks of this very round, too), once, in order.
 *
 * What becomes due in the course of a round waits for the next one, so no source can starve another. A loop
 * with nothing to do sleeps: it has no tick.
 *
 * Changing sources from callbacks. Any callback may add, change or free any source of the loop, itself
 * included, and may free the loop: a source that is freed, stopped or paused is not called again, not even
 * where it was ready in the same round, and its memory is released at once.
 *
 * Fork. An epoll instance is shared across fork(2), so a child must not touch its parent's: there every
 * function but reeve_loop_free() and reeve_loop_source_free() (which release the child's copy and leave the
 * parent's loop as it is) fails with -ECHILD. A child that wants a loop makes its own.
 *
 * Not async-signal-safe. See epoll(7), reeve_loop(3). */
#ifndef REEVE_LOOP_H
#define REEVE_LOOP_H

#include "reeve/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_loop;
struct reeve_loop_source;

/* --- the loop ------------------------------------------------------------------------------------------ */

/* Make a loop without sources. Returns 0, or -ENOMEM, -EMFILE, -ENFILE. */
REEVE_API int reeve_loop_new(struct reeve_loop **ret);

/* Release the loop and every source that it still has: pointers to them are void from then on. Descriptors
 * that were watched are not closed. Legal inside a callback: then reeve_loop_run() returns -ECANCELED as soon
 * as that callback has. Takes NULL; returns NULL. */
REEVE_API struct reeve_loop *reeve_loop_free(struct reeve_loop *loop);

/* Run rounds until reeve_loop_stop(). A stop that came before the call is honoured: no round is run then.
 *
 * Returns the `result` given to reeve_loop_stop(); or -EBUSY inside a callback of the same loop, -ECANCELED
 * where the loop was freed by a callback, -ECHILD in a forked child, -EINTR where a signal that is registered
 * as interrupting was handled, or what epoll_wait(2) or reeve_signal_dispatch() failed with. After -EINTR it may be called again. */
REEVE_API int reeve_loop_run(struct reeve_loop *loop);

/* Run one round, waiting for it until `timeout` is over (0: only what is ready now).
 *
 * Returns how many callbacks were called, 0 where the timeout ended first; or a negative errno as from
 * reeve_loop_run(), -EINVAL for an invalid timeout. While a stop is outstanding it does not wait, so a loop
 * driven by this call alone ends on a condition of its own. */
REEVE_API int reeve_loop_run_once(struct reeve_loop *loop, reeve_nsec timeout);

/* Make reeve_loop_run() return `result` once the round in progress is finished. The last call counts. To be
 * called by the loop's own thread (a callback, a deferred signal handler): from another thread write to a
 * descriptor that the loop watches. */
REEVE_API void reeve_loop_stop(struct reeve_loop *loop, int result);

/* The time at which the wait of this round ended, on CLOCK_MONOTONIC: cheap, equal for all callbacks of one
 * round. Before the first round: when the loop was made. */
REEVE_API reeve_nsec reeve_loop_now(const struct reeve_loop *loop);

/* A descriptor that is readable whenever reeve_loop_run_once(loop, 0) has something to do, timers and deferred
 * calls included: for embedding the loop into another one. It stays the loop's: never read or close it.
 *
 * Returns the descriptor, the same each time; or -EMFILE, -ENFILE, -ENOMEM, -ECHILD. */
REEVE_API int reeve_loop_fd(struct reeve_loop *loop);

/* --- sources ------------------------------------------------------------------------------------------- */

/* Every reeve_loop_add_...() takes `data` for its callback and writes the new source to *ret. `ret` may be
 * NULL: the source is then released with the loop (a deferred call as soon as it has been called).
 *
 * All may return -ENOMEM, and -ECHILD in a forked child; -EINVAL for a missing callback. */

/* Take the source off its loop and release it; its callback is not called again. Free the source of a
 * descriptor before you close that descriptor. Takes NULL; returns NULL. */
REEVE_API struct reeve_loop_source *reeve_loop_source_free(struct reeve_loop_source *source);

/* The loop that the source is on. */
REEVE_API struct reeve_loop *reeve_loop_source_loop(const struct reeve_loop_source *source);

/* --- descriptors --------------------------------------------------------------------------------------- */

enum reeve_loop_events {
	REEVE_LOOP_READABLE = 1 << 0,      /* EPOLLIN: a read will not block */
	REEVE_LOOP_WRITABLE = 1 << 1,      /* EPOLLOUT */
	REEVE_LOOP_PRIORITY = 1 << 2,      /* EPOLLPRI: urgent data, a changed cgroup or sysfs file */
	REEVE_LOOP_READ_HANGUP = 1 << 3,   /* EPOLLRDHUP: the peer of a stream socket will send no more */
	REEVE_LOOP_HANGUP = 1 << 4,        /* EPOLLHUP: told unasked */
	REEVE_LOOP_ERROR = 1 << 5          /* EPOLLERR: told unasked; a pipe without readers */
};

/* `events`: what is ready, an OR of enum reeve_loop_events, never 0. */
typedef void reeve_loop_fd_callback(struct reeve_loop_source *source, int fd, unsigned events, void *data);

/* Watch `fd`, level-triggered: the callback is called in every round in which one of `events` holds. Hangup
 * and error are always watched, but with `events` 0, which pauses the source: nothing at all is told then.
 * The descriptor is borrowed: it must stay open until the source is freed.
 *
 * Returns 0, or -EBADF, -EPERM for a descriptor that epoll can't watch (a regular file, a directory: those
 * are always ready), -EEXIST where this loop has a source for `fd` already, -ENOSPC at the limit of
 * /proc/sys/fs/epoll/max_user_watches, -EINVAL for unknown events or the loop's own descriptor, -ELOOP for
 * loops that watch one another.
 *
 * A descriptor that is closed while its source lives: the source goes silent (or, where another process or a
 * duplicate still holds what was behind it, is called on), and the number is not free for another source
 * (-EEXIST). Once the source is freed it is not called again in either case. */
REEVE_API int reeve_loop_add_fd(struct reeve_loop *loop, int fd, unsigned events,
	reeve_loop_fd_callback *callback, void *data, struct reeve_loop_source **ret);

/* Watch for other events from now on; what was ready in this round but is no longer asked for is not told.
 * No system call is made where nothing changes.
 *
 * Returns 0; or -EINVAL for unknown events or a source of another kind, -EBADF or -ENOENT where the
 * descriptor was closed, -ENOSPC, -ENOMEM, -ECHILD: the source is as it was. Pausing fails only with
 * -EINVAL or -ECHILD. */
REEVE_API int reeve_loop_fd_set_events(struct reeve_loop_source *source, unsigned events);

/* --- timers -------------------------------------------------------------------------------------------- */

/* `expirations`: 1, or for a repeating timer how many of its deadlines have passed since it was last called
 * (the call is made once, and the deadlines stay on their grid: no drift, no burst after a delay). */
typedef void reeve_loop_timer_callback(struct reeve_loop_source *source, uint64_t expirations, void *data);

/* Make a timer that is not running. It runs on CLOCK_MONOTONIC: setting the clock does not touch it, and time
 * in which the system is suspended is not counted. */
REEVE_API int reeve_loop_add_timer(struct reeve_loop *loop, reeve_loop_timer_callback *callback, void *data,
	struct reeve_loop_source **ret);

/* Start, or start again, `after` nanoseconds from this call (not from the round's beginning), then every
 * `interval` nanoseconds (0: once). 0 means the next round. What would overflow is clipped to the far future.
 * O(log n) with n timers running; allocates nothing.
 *
 * Returns 0, or -EINVAL for a negative argument or a source of another kind, -ECHILD. Where the loop is
 * embedded (reeve_loop_fd()) also what timerfd_settime(2) fails with: the timer runs nevertheless. */
REEVE_API int reeve_loop_timer_start(struct reeve_loop_source *source, reeve_nsec after, reeve_nsec interval);

/* As reeve_loop_timer_start(), at a point on CLOCK_MONOTONIC; one in the past means the next round. */
REEVE_API int reeve_loop_timer_start_at(struct reeve_loop_source *source, reeve_nsec deadline,
	reeve_nsec interval);

/* Stop the timer, running or not; it can be started again. Returns 0, -EINVAL for a source of another kind,
 * -ECHILD. */
REEVE_API int reeve_loop_timer_stop(struct reeve_loop_source *source);

/* When the timer will be called next, on CLOCK_MONOTONIC: a time that may have passed, or REEVE_FOREVER where
 * it is not running. -EINVAL for a source of another kind. */
REEVE_API reeve_nsec reeve_loop_timer_deadline(const struct reeve_loop_source *source);

/* --- signals ------------------------------------------------------------------------------------------- */

struct reeve_signal_event; /* reeve/signal.h */

typedef void reeve_loop_signal_callback(struct reeve_loop_source *source, const struct reeve_signal_event *event,
	void *data);

/* Subscribe to a signal: the callback is called for each arrival, in order, with what the sender said, as
 * reeve_signal_subscribe() has it. All sources for signals are called wherever signals are dispatched: by the loop
 * whose turn it is, and inside libreeve calls that block in the main thread. So let one loop have them, that of
 * the main thread. Every mode of reeve_signal_set_mode() will do.
 *
 * Returns 0; or what reeve_signal_subscribe() and reeve_signal_fd() fail with: -EINVAL, -EPERM, -EBUSY for what can't
 * be handled, -EMFILE, -ENFILE, -EAGAIN. */
REEVE_API int reeve_loop_add_signal(struct reeve_loop *loop, int signo, reeve_loop_signal_callback *callback,
	void *data, struct reeve_loop_source **ret);

/* --- deferred calls ------------------------------------------------------------------------------------ */

typedef void reeve_loop_deferred_callback(struct reeve_loop_source *source, void *data);

/* Call `callback` once, when the descriptors and timers of this round have had their turn; outside a round or
 * from a deferred call, in the next one, which then does not wait. With `ret`, the source stays until it is
 * freed and can be scheduled again. */
REEVE_API int reeve_loop_defer(struct reeve_loop *loop, reeve_loop_deferred_callback *callback, void *data,
	struct reeve_loop_source **ret);

/* Schedule it again; no-op while it is outstanding. Allocates nothing. Returns 0, -EINVAL for a source of
 * another kind, -ECHILD; where the loop is embedded also what timerfd_settime(2) fails with. */
REEVE_API int reeve_loop_deferred_schedule(struct reeve_loop_source *source);

#ifdef __cplusplus
}
#endif

#endif
