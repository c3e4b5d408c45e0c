/* The eventfd that is readable when events wait in the ring, written only when somebody sleeps on
 * it.
 *
 * A sleeper arms it, looks at the ring once more, and sleeps; a producer fills the ring, and
 * writes if it is armed. Both orders are sequentially consistent, so one of the two sees the
 * other. */
#ifndef LIB_SIGNAL_WAKER_H
#define LIB_SIGNAL_WAKER_H

#include <stdbool.h>

/* 0, or -EMFILE, -ENFILE, -ENOMEM. */
int waker_open(void);

/* Those that may sleep on it are forgotten, too. */
void waker_close(void);

/* In a forked child: another eventfd behind the same number, for the old one is the parent's. As
 * waker_open(). */
int waker_reopen(void);

/* The descriptor, or -EBADF. */
int waker_fd(void);

/* Somebody sleeps on it, or may at any time, from now until the disarm that undoes this. */
void waker_arm(void);
void waker_disarm(void);

/* In a forked child: so many are left of those that sleep. */
void waker_set_sleepers(unsigned count);

/* There is something: make it readable if it is armed. Async-signal-safe. */
void waker_wake(void);

/* The consumer is up and about to look: make it unreadable. */
void waker_clear(void);

#endif
