/* Every message between the roles: fixed structs over reeve_channel (one message, one datagram), named here
 * and nowhere else.
 *
 * A receiver trusts nothing: message_check() compares the length with the type's, and each role checks what
 * a message names (rows, streams) before it acts. A message that fails is logged and dropped.
 *
 *   core -> keeper    KEEP FORGET DROP EXIT_SEEN SIGNAL_SEEN READY FINISHED
 *   keeper -> core    EXITED SIGNALLED
 *   keeper -> all     PEER_CHANGED (and the end of this channel: finish)
 *   core -> scribe    LOG_OPEN LOG_ALL LOG_CLOSE LOG_CLEAR LOG_REOPEN LOG_FINISH LOG_ROOM
 *   scribe -> core    LOG_FINISHED LOG_FED
 *   gateway -> core   REQUEST WATCH
 *   core -> gateway   REPLY CHANGED
 *   gateway -> scribe LOG_READ
 *   scribe -> gateway LOG_FILE
 */
#ifndef SUPERVISOR_BOARD_MESSAGES_H
#define SUPERVISOR_BOARD_MESSAGES_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "board/faults.h"
#include "config/config.h"
#include "reeve/base.h"

/* One list: type, its struct, how many descriptors come with it (exactly, or at most where a minimum is given). */
#define MESSAGES(ROW)                                                                              \
	/* Hold these descriptors for the row, in place of those of the same kind held so far. */  \
	ROW(KEEP, message_keep, 1, 2)                                                              \
	/* Close what is held for the row: of this kind; of every kind. */                         \
	ROW(FORGET, message_forget, 0, 0)                                                          \
	ROW(DROP, message_row, 0, 0)                                                               \
	/* All exits up to this number are on the board: forget them. */                           \
	ROW(EXIT_SEEN, message_exit_seen, 0, 0)                                                    \
	/* This signal was acted on: forget it. */                                                 \
	ROW(SIGNAL_SEEN, message_signal_seen, 0, 0)                                                \
	/* Started up: who waits for the daemon may be told. */                                    \
	ROW(READY, message_plain, 0, 0)                                                            \
	/* All programs have ended: end the other roles and yourself, or begin anew. */            \
	ROW(FINISHED, message_finished, 0, 0)                                                      \
                                                                                                   \
	ROW(EXITED, message_exited, 0, 0)                                                          \
	ROW(SIGNALLED, message_signalled, 0, 0)                                                    \
	/* Another process is this role now; the channel to it comes along. */                     \
	ROW(PEER_CHANGED, message_peer, 1, 1)                                                      \
                                                                                                   \
	/* Carry what comes out of this pipe to this log, or (the stream is known already, no      \
	 * descriptor) from now on with these settings. */                                         \
	ROW(LOG_OPEN, message_log_open, 0, 1)                                                      \
	/* A scribe that is new knows of all streams that there are: who asks for one may be answered. */ \
	ROW(LOG_ALL, message_plain, 0, 0)                                                          \
	/* Carry what is still in the pipe, then forget the stream. */                             \
	ROW(LOG_CLOSE, message_stream, 0, 0)                                                       \
	/* Remove the log file (not its backups) and begin it anew. */                             \
	ROW(LOG_CLEAR, message_stream, 0, 0)                                                       \
	/* Close and open again every log file (SIGUSR2: somebody moved them away). */             \
	ROW(LOG_REOPEN, message_plain, 0, 0)                                                       \
	/* Carry what is still in all pipes, close all files, answer LOG_FINISHED, and exit. */    \
	ROW(LOG_FINISH, message_plain, 0, 0)                                                       \
                                                                                                   \
	ROW(LOG_FINISHED, message_plain, 0, 0)                                                     \
	/* scribe to core: something is in the feed (board/feed.h); core to scribe: it has room. */ \
	ROW(LOG_FED, message_plain, 0, 0)                                                          \
	ROW(LOG_ROOM, message_plain, 0, 0)                                                         \
                                                                                                   \
	/* A client wants something done; with a sealed memfd where the request has data. Always   \
	 * answered, once. */                                                                      \
	ROW(REQUEST, message_request, 0, 1)                                                        \
	/* What came of it; with a memfd where there is more to say. */                            \
	ROW(REPLY, message_reply, 0, 1)                                                            \
	/* Tell me, or no more, of changes on the board. */                                        \
	ROW(WATCH, message_watch, 0, 0)                                                            \
	/* Something on the board is not as it was. Not sent again before the gateway has room. */ \
	ROW(CHANGED, message_plain, 0, 0)                                                          \
	/* A client wants to read a stream's log. Always answered, once. */                        \
	ROW(LOG_READ, message_log_read, 0, 0)                                                      \
	/* The file that the stream's bytes go to now, to be read only. */                         \
	ROW(LOG_FILE, message_log_file, 0, 1)

enum message_type {
	MESSAGE_NONE,
#define ROW(name, type, fds_min, fds_max) MESSAGE_##name,
	MESSAGES(ROW)
#undef ROW
	MESSAGE_TYPES
};

/* The keeper's children that are not programs. */
enum role {
	ROLE_CORE,
	ROLE_SCRIBE,
	ROLE_GATEWAY,
	ROLES,
};

/* What of a row the keeper holds, so that neither a core nor a scribe that dies takes it along. */
enum kept {
	KEPT_STDOUT, /* the pipe: read end, write end */
	KEPT_STDERR, /* the pipe: read end, write end */
	KEPT_STDIN,  /* the pipe's write end */
	KEPT_SOCKET, /* of the group's fcgi-program, with its first process */
	KEPT_CHANNEL, /* of an event listener: the read end of its standard output's pipe */
	KEPT_SENDING, /* of an event listener: the pipe that events go through; read end, write end */
	KEPT_KINDS,
};

/* The row of KEEP that means the supervisor itself. What is held is snapshots of the configuration: KEPT_NEXT, the one
 * that a new beginning is to have, and of other kinds the reading of that number. */
#define ROW_SELF UINT32_MAX
#define KEPT_NEXT 0

/* Readings of the configuration that groups live by, or are to be added from: 0 is the one that the supervisor began
 * with, which is always there. */
#define READINGS_MAX 16

/* A stream of the scribe: row * 2, plus 1 for standard error; STREAM_SELF is the supervisor's own log. */
#define STREAM_SELF UINT32_MAX
#define STREAM_OF(row, is_stderr) ((row) * 2u + ((is_stderr) ? 1u : 0u))

struct message_plain {
	uint32_t type;
};

struct message_peer {
	uint32_t type;
	uint32_t role; /* enum role */
};

struct message_row {
	uint32_t type;
	uint32_t row;
};

struct message_keep {
	uint32_t type;
	uint32_t row;
	uint32_t kind; /* enum kept */
};

struct message_forget {
	uint32_t type;
	uint32_t row;
	uint32_t kind;
};

struct message_exit_seen {
	uint32_t type;
	uint32_t unused;
	uint64_t number;
};

struct message_signal_seen {
	uint32_t type;
	int32_t signal;
};

struct message_finished {
	uint32_t type;
	uint32_t again; /* 1: begin anew with the configuration that is kept now (SIGHUP, reload) */
};

/* What a client can ask of the core. One list; what each one means, with its faults, is supervisor 4.2's
 * method of that name (docs/compatibility.md). A process is named by group and name; a group by group alone. */
#define REQUESTS(ROW)                                                                              \
	ROW(START)        /* a process; `wait`: answer when it is RUNNING, or will not be */       \
	ROW(STOP)         /* a process; `wait`: answer when it has ended */                        \
	ROW(SIGNAL)       /* a process; `value` is the signal's number */                          \
	ROW(CLEAR_LOGS)   /* of a process */                                                       \
	ROW(STDIN)        /* of a process: write the data to it */                                 \
	ROW(REMOTE_EVENT) /* the data: the type, a NUL, and what comes with it */                  \
	ROW(REREAD)       /* read the configuration; the reply's data are the names of groups,      \
			   * each after '+' added, '~' changed or '-' removed, and before a NUL */ \
	ROW(ADD_GROUP)    /* as last read; and start what is to be started */                      \
	ROW(REMOVE_GROUP)                                                                          \
	ROW(TABLE)        /* the reply's data: what is fixed of each row, as JSON; core/table.c */ \
	ROW(CONFIG)       /* the reply's data: all programs as last read, as JSON; core/table.c */ \
	ROW(CLEAR_LOG)    /* the supervisor's own */                                               \
	ROW(RESTART)      /* all of it, as SIGHUP */                                               \
	ROW(SHUTDOWN)

enum request_kind {
	REQUEST_NONE,
#define ROW(name) REQUEST_##name,
	REQUESTS(ROW)
#undef ROW
	REQUEST_KINDS
};

/* A new core knows of no request: the gateway sends those again that are without an answer, with `again`.
 * What was asked for then may have been done already, which is no fault. */
struct message_request {
	uint32_t type;
	uint32_t kind;
	uint64_t number; /* the gateway's, and the reply's */
	int32_t value;
	uint8_t wait;
	uint8_t again;
	uint8_t unused[2];
	char group[CONFIG_NAME_MAX + 1]; /* NUL-terminated; "" where none is named */
	char name[CONFIG_NAME_MAX + 1];
};

#define REPLY_TEXT_SIZE 512

struct message_reply {
	uint32_t type;
	int32_t fault; /* enum fault; FAULT_SUCCESS: it is done */
	uint64_t number;
	char text[REPLY_TEXT_SIZE]; /* for the client, after the fault's name; NUL-terminated, or "" */
};

struct message_watch {
	uint32_t type;
	uint32_t on;
};

struct message_log_read {
	uint32_t type;
	uint32_t stream;
	uint64_t number; /* the gateway's, and the answer's */
};

struct message_log_file {
	uint32_t type;
	int32_t error; /* a negative errno, and no descriptor; -ENOENT: the stream has no file */
	uint64_t number;
};

/* A child has ended. Sent in order of `number`, and again to a new core until EXIT_SEEN. */
struct message_exited {
	uint32_t type;
	int32_t pid;
	int32_t status; /* as of wait(2) */
	uint32_t unused;
	uint64_t number;
	reeve_nsec when; /* CLOCK_MONOTONIC */
};

/* The supervisor was sent a signal that is the core's to act on. Sent again to a new core until SIGNAL_SEEN. */
struct message_signalled {
	uint32_t type;
	int32_t signal;
	int32_t pid; /* the sender, or 0 */
	int32_t uid;
};

struct message_stream {
	uint32_t type;
	uint32_t stream;
};

/* What a stream is looked at for. */
#define TAP_LOG 0x01u		/* pieces of output go into the feed */
#define TAP_CAPTURE 0x02u	/* what is between marks does not go to the log */
#define TAP_COMMUNICATION 0x04u /* ... but into the feed */

/* In the output of a stream with TAP_CAPTURE: another process writes from here on. */
#define TAP_RESET_MARK "<!--XSUPERVISOR:RESET-->"

/* Where a stream's bytes go. */
struct message_log_open {
	uint32_t type;
	uint32_t stream;
	int64_t max_bytes;   /* rotate when the file has this size or more; 0 or less: never */
	int32_t backups;     /* kept as PATH.1 ... PATH.n; 0: truncate in place */
	uint32_t mode;       /* of a file that is created, before the umask: 0644, or 0600 for AUTO */
	uint8_t strip_ansi;
	uint8_t to_syslog;   /* as well, or only, where the path is empty */
	uint8_t to_stdout;   /* STREAM_SELF only: the supervisor is in the foreground */
	uint8_t is_new;      /* AUTO, at first: the file must not exist yet */
	uint8_t taps;	     /* TAP_...: what of it is to be events */
	uint8_t unused[3];
	char name[256];      /* of the program, for syslog and for messages; NUL-terminated */
	char path[PATH_MAX]; /* "": no file. "/dev/stdout", "/dev/fd/N": the supervisor's own descriptors.
	                      * Last, and sent only as far as its NUL. */
};

/* The largest message, and the most descriptors with one. */
#define MESSAGE_MAX sizeof(struct message_log_open)
#define MESSAGE_FDS_MAX 2

union message {
	uint32_t type;
	struct message_plain plain;
	struct message_peer peer;
	struct message_row row;
	struct message_keep keep;
	struct message_forget forget;
	struct message_exit_seen exit_seen;
	struct message_signal_seen signal_seen;
	struct message_finished finished;
	struct message_exited exited;
	struct message_signalled signalled;
	struct message_stream stream;
	struct message_log_open log_open;
	struct message_request request;
	struct message_reply reply;
	struct message_watch watch;
	struct message_log_read log_read;
	struct message_log_file log_file;
};

/* Is this, as received, a whole message of a known type with its number of descriptors, its strings
 * terminated? Returns its type, or -EBADMSG. */
int message_check(const union message *message, size_t size, unsigned fds);

/* "LOG_OPEN" for MESSAGE_LOG_OPEN; "unknown" for what is none. */
const char *message_name(uint32_t type);

/* How many bytes of it are to be sent. */
size_t message_size(const union message *message);

#endif
