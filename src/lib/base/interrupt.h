/* What a blocking call does when a signal interrupted it (PEP 475): run the handlers that are due,
 * then go on with the time that is left.
 *
 * The signal layer stands above the calls that block, so it is reached through a hook that it
 * installs. */
#ifndef LIB_BASE_INTERRUPT_H
#define LIB_BASE_INTERRUPT_H

#include <poll.h>

#include "reeve/base.h"

/* What the hook returns where another thread is running handlers: they are in good hands. */
#define INTERRUPT_BUSY 1

/* Runs the handlers that are due. 0 to go on, -EINTR where an interrupting signal was handled,
 * or INTERRUPT_BUSY. */
typedef int interrupt_hook(void);

/* NULL removes it. */
void interrupt_set_hook(interrupt_hook *hook);

/* What tells a sleeping call that handlers are due, if it isn't EINTR: signals that came just
 * before the sleep, and those that interrupt nothing. */
struct interrupt_watch {
	/* Before a sleep: a descriptor that becomes readable when handlers are due in this
	 * thread, or a negative number if none ever are. After each that is none of those,
	 * end(). */
	int (*begin)(void);
	void (*end)(void);
};

/* Static; NULL removes it. */
void interrupt_set_watch(const struct interrupt_watch *watch);

/* To be called after EINTR: 0 to go on, negative errno to give up. */
int interrupt_run(void);

/* The point on CLOCK_MONOTONIC at which `timeout` ends: REEVE_FOREVER stays; -EINVAL for other
 * negatives; what would overflow is clipped to the far future. */
int deadline_from(reeve_nsec timeout, reeve_nsec *ret);

/* What is left until `deadline`: never negative but for REEVE_FOREVER. */
reeve_nsec deadline_left(reeve_nsec deadline);

/* poll(2) until `deadline`, running handlers that are due and going on. Returns the number of
 * ready ones, 0 at the deadline. */
int poll_until(struct pollfd *fds, nfds_t count, reeve_nsec deadline);

/* Sleep for *pause, but no longer than until `deadline`, and double it up to `longest` for the next
 * time: for what has to be tried again and again. Returns 0, -ETIMEDOUT (the deadline had come
 * already), -EINTR. */
int back_off(reeve_nsec *pause, reeve_nsec longest, reeve_nsec deadline);

/* Wait until `fd` has one of `events`: 0, or -ETIMEDOUT, or another negative errno. */
int wait_fd(int fd, short events, reeve_nsec deadline);

#endif
