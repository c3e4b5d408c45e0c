/* The scribe as its own files, and its tests, know it. */
#ifndef SCRIBE_STATE_H
#define SCRIBE_STATE_H

#include <stdbool.h>

#include "board/messages.h"
#include "reeve/loop.h"
#include "scribe/scribe.h"
#include "scribe/stream.h"
#include "scribe/syslog.h"
#include "scribe/target.h"

struct scribe {
	struct reeve_loop *loop;
	struct scribe_journal *journal;
	struct scribe_journal *own_journal; /* where none was given */
	struct target_set targets;
	struct stream_set streams;
	struct syslog_sender syslog;

	int keeper, peers[ROLES]; /* channels; negative: none */
	struct reeve_loop_source *keeper_source, *peer_sources[ROLES];
	int log_read; /* until it is a stream */

	bool knows_all; /* the core has told it of all streams */
	bool finishing, answers;
	struct reeve_loop_source *overdue;
};

/* One without channels yet. To be released with scribe_deinit(), also where it failed. */
int scribe_init(struct scribe *scribe, const struct scribe_setup *setup);
void scribe_deinit(struct scribe *scribe);

/* Do what a message of the core says that message_check() has found whole. */
void scribe_act(struct scribe *scribe, const union message *message, int fd_consume);

/* Answer the gateway. */
void scribe_answer(struct scribe *scribe, const union message *message, int fd_consume);

#endif
