/* What clients ask of the core, by way of the gateway: its channel, and the answers.
 *
 * A request is answered once: at once, or, where its client waits for a state, when a process enters one
 * (waiters.c). A gateway that goes takes with it what it waited for; nothing else changes. */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include <stdbool.h>

#include "board/messages.h"
#include "core/outbox.h"

struct core;
struct process;

struct control {
	struct outbox gateway;
	bool watched;			  /* the gateway wants to be told of changes */
	bool changed;			  /* there was one since it was told */
	reeve_nsec told;		  /* when that was */
	reeve_nsec wait;		  /* until it is told again */
	struct reeve_loop_source *teller; /* timer */
	size_t waiters, stop_waiters;
	struct reeve_loop_source *stop_report; /* timer */
};

/* Once the loop is there. */
int control_init(struct core *core);
void control_deinit(struct core *core);

/* There is a (new) gateway at the other end of this channel, which is ours. The old one's clients wait no more. */
void control_connect_take(struct core *core, int channel);

/* Answer. `fault` is an enum fault, `text` comes after its name, `fd` (negative: none) is borrowed. */
void control_answer(struct core *core, uint64_t number, int fault, const char *text, int fd);

/* Something on the board is not as it was. */
void control_changed(struct core *core);

#endif
