/* A way in which signals get to the dispatcher: what the three have in common. */
#ifndef LIB_SIGNAL_MODE_H
#define LIB_SIGNAL_MODE_H

#include "reeve/signal.h"

/* What take() found. */
enum {
	TAKEN_NONE,
	TAKEN,
	TAKEN_LAST, /* an event, and it is known that no more waits */
	TAKEN_SOME, /* an event of several at hand: take the others before the turn ends */
};

struct signal_mode {
	/* Get and give back what the mode lives on. start() may be called again, in a forked
	 * child too, to get what is missing. The registry is locked. */
	int (*start)(void);
	void (*stop)(void);

	/* In a forked child: replace or drop what is the parent's, with nothing but system
	 * calls. */
	int (*forked)(void);

	/* Let a signal in, or no longer. The registry is locked. */
	int (*watch)(int signo);
	void (*unwatch)(int signo);

	/* Readable when there is something to take, once armed. */
	int (*fd)(void);

	/* Somebody sleeps on the descriptor, or may at any time, until the disarm that undoes
	 * it. */
	void (*arm)(void);
	void (*disarm)(void);

	/* Whether there is something to take, if it can be told without a system call. */
	bool (*is_due)(void);

	/* Make the descriptor readable: something was left to take. */
	void (*wake)(void);

	/* The dispatcher's: it begins (may be NULL); the next event: TAKEN_..., or negative
	 * errno. */
	void (*begin)(void);
	int (*take)(struct reeve_signal_event *ret);
};

extern const struct signal_mode handler_mode;
extern const struct signal_mode thread_mode;
extern const struct signal_mode fd_mode;

#endif
