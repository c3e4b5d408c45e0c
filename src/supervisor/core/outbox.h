/* Messages on their way to the scribe, which may be waiting for a disk: what its channel has no room for waits
 * here, so that the core never does. */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include <stddef.h>

#include "board/messages.h"
#include "reeve/loop.h"

struct outbox_entry;

struct outbox {
	struct reeve_loop *loop;
	int channel; /* negative: nobody is there, and what is sent goes nowhere */
	struct reeve_loop_source *source;
	struct outbox_entry *first, **last;
};

void outbox_init(struct outbox *outbox, struct reeve_loop *loop);

/* Drop what waits, and close the channel. */
void outbox_deinit(struct outbox *outbox);

/* From now on to this channel, which is the outbox's own; what waited for the old one is dropped. */
int outbox_connect_take(struct outbox *outbox, int channel);

/* Send, or keep until there is room. The descriptor (negative: none) is borrowed. -ENOMEM, -EMFILE. */
int outbox_send(struct outbox *outbox, const union message *message, int fd);

#endif
