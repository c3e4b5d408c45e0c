/* The core's end of a channel to a role that may keep it waiting: the scribe, which may be waiting for a disk, the
 * gateway, which anybody may keep busy. What the channel has no room for waits here, so that the core never does;
 * and while too much waits, nothing more is taken from the other side. */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "board/messages.h"
#include "reeve/loop.h"

/* While so many messages wait, the other side is not listened to. */
#define OUTBOX_PATIENCE 1024

struct outbox_entry;

/* The other side has said this, or (NULL) has gone: the channel is closed by then. The descriptor (negative: none) is
 * the callee's. Returns whether it made sense. */
typedef bool outbox_take(void *data, const union message *message, int fd_consume);

struct outbox {
	struct reeve_loop *loop;
	const char *peer; /* what the log calls it */
	outbox_take *take;
	void *data;
	int channel; /* negative: nobody is there, and what is sent goes nowhere */
	struct reeve_loop_source *source;
	struct outbox_entry *first, **last;
	size_t waiting;
};

/* `peer` is borrowed for as long as the outbox lives. */
void outbox_init(struct outbox *outbox, struct reeve_loop *loop, const char *peer, outbox_take *take, void *data);

/* Drop what waits, and close the channel. */
void outbox_deinit(struct outbox *outbox);

/* From now on to this channel, which is the outbox's own; what waited for the old one is dropped. */
int outbox_connect_take(struct outbox *outbox, int channel);

/* Send, or keep until there is room. The descriptor (negative: none) is borrowed. -ENOMEM, -EMFILE. */
int outbox_send(struct outbox *outbox, const union message *message, int fd);

#endif
