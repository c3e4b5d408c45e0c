/* What a role is born with. The keeper forks it; main/ says which function it then is.
 *
 * Everything here was the keeper's a moment ago, so a role that starts in place of one that was killed finds
 * its descriptors and the keeper's memory where the keeper has them: nothing has to be sent back. */
#ifndef BOARD_ROLES_H
#define BOARD_ROLES_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "board/board.h"
#include "board/messages.h"
#include "config/config.h"

/* The descriptors that the keeper holds for one row, each plus 1; 0: none. (The memory begins as zeroes.) */
struct kept_row {
	int32_t stdout_pipe[2], stderr_pipe[2], stdin_pipe, socket; /* pipes: read end, write end */
	int32_t channel, sending[2]; /* of an event listener */
};

/* What the keeper must not forget, of fixed size, all of it made before the first role starts. */
#define KEEPER_EXITS_MAX 4096
struct keeper_memory {
	struct kept_row rows[BOARD_ROWS_MAX];
	int32_t readings[READINGS_MAX]; /* of the configuration, each plus 1; 0: no such one */
	int32_t next_snapshot;		/* the one that a new beginning is to have, likewise */

	/* Exits that were reaped and are not on the board yet: numbers [first, next), in a ring. */
	struct message_exited exits[KEEPER_EXITS_MAX];
	uint64_t exits_first, exits_next;
};

/* How the daemon was started: the same for all roles, as long as it lives. */
struct role_settings {
	const struct config_request *request; /* how the configuration was asked for */
	struct rlimit program_files;	      /* RLIMIT_NOFILE for programs; ours is as high as can be */
	bool in_foreground;
	int log_level;

	/* Memory that outlives any of them; NULL: none. */
	struct event_memory *events; /* core/event_memory.h */
	struct feed *feed;	     /* board/feed.h */
};

struct role_start {
	struct board *board;
	struct keeper_memory *memory; /* a copy, as it was then */
	int keeper;	/* the channel to the keeper */
	int peers[ROLES]; /* the channel to each of the other roles; negative: there is no such role */
	int log_read;	/* the supervisor's own log: the scribe reads */
	int log_write;	/* and all write */
	bool again;	/* in place of one that was killed: the board has rows to be taken over */
	const struct role_settings *settings;
};

/* The gateway is a program of its own, which finds what it is born with at these descriptors. */
enum gateway_descriptor {
	GATEWAY_SETTINGS = 3, /* a sealed memfd: JSON, see main/gateway.c */
	GATEWAY_BOARD,
	GATEWAY_KEEPER, /* channels */
	GATEWAY_CORE,
	GATEWAY_SCRIBE,
	GATEWAY_LOG,	 /* the supervisor's own log, to write to */
	GATEWAY_SERVERS, /* the listening sockets, from here on */
};

/* A core that finds its keeper dead returns this, with all it knows entered in `memory`: its process is then to be
 * the keeper, and to start a new core. */
#define ROLE_ORPHANED 100

/* What a role does until it ends; returns its exit status, or ROLE_ORPHANED. */
typedef int role_main(const struct role_start *start);

#endif
