/* What the keeper's files share. */
#ifndef KEEPER_STATE_H
#define KEEPER_STATE_H

#include "keeper/keeper.h"
#include "reeve/loop.h"
#include "reeve/process.h"
#include "reeve/signal.h"

/* How many signals the keeper acts on. */
#define WATCHED 6

/* A signal that came, until the core has acted on it: what a core that is killed was told of, its successor is told
 * again. One of each kind; those that come before the core is told of the first are one. */
struct keeper_signal {
	struct message_signalled message;
	bool sent, again; /* again: another one came after this one was sent */
};

/* One of the other roles, as the keeper sees it. */
struct keeper_role {
	pid_t pid; /* 0: it does not run */
	int channel; /* the keeper's end; negative: none */
	int new_peers[ROLES]; /* its ends of channels to other roles that it has not got yet; negative: none */
	reeve_nsec started;
	unsigned starts;
	unsigned quick_deaths; /* in a row */
	struct reeve_loop_source *source;  /* on the channel */
	struct reeve_loop_source *restart; /* timer */
};

struct keeper {
	const struct keeper_setup *setup;
	struct keeper_memory *memory;
	struct reeve_loop *loop;
	struct reeve_signal_subscription *subscriptions[WATCHED];
	struct reeve_loop_source *signal_source, *reaper, *overdue;
	struct keeper_role roles[ROLES];

	bool is_ready;	 /* the core has been up once */
	bool reaps;	 /* there is a core that hears of exits */
	bool finishing;	 /* the core has said that it is over */
	bool failed;	 /* it never came up, and has said why */
	bool begins_anew; /* ... and that a new beginning is wanted */
	uint64_t exits_sent; /* the next exit that the core is to be told */
	struct keeper_signal signals[WATCHED]; /* in the order they came in */
	unsigned signal_count;
};

/* roles.c */

/* Make what they need. Returns 0 or a negative errno. */
int roles_prepare(struct keeper *keeper);

/* Start all that are needed. Returns 0 or a negative errno: some of them may run then. */
int roles_start(struct keeper *keeper);

/* The keeper cannot begin: end those that run. */
void roles_kill(struct keeper *keeper);

/* The role's process has ended: start it again, now or in a while, or end with it. */
void roles_ended(struct keeper *keeper, enum role role, const struct reeve_process_outcome *outcome);

/* The core has said that it is over: see that the others end, one after the other, and the loop then. */
void roles_finish(struct keeper *keeper);

const char *role_name(enum role role);

/* mail.c */

/* A channel has something to read, or room again. */
void keeper_mail_ready(struct reeve_loop_source *source, int fd, unsigned events, void *data);

/* Take all that a role still said which has ended. */
void mail_drain(struct keeper *keeper, enum role role);

/* Send the role all that it has not been told yet, as far as its channel has room. */
void mail_flush(struct keeper *keeper, enum role role);

/* Tell the core of a signal. */
void mail_signal(struct keeper *keeper, int signo, pid_t pid, uid_t uid);

/* There is a new core, which knows of no signal yet. */
void mail_signals_unsent(struct keeper *keeper);

/* keeper.c */

/* In a role's process: act on signals no more, and don't die of them either. */
void keeper_leave_signals(struct keeper *keeper);

/* Collect every child that has ended and may be told. */
void keeper_reap(struct keeper *keeper);

#endif
