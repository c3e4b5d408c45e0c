/* The gateway: answers clients. A program of its own, reeve-gateway, without privileges, that is born with its
 * listening sockets, the board and a channel to each of the other roles (board/roles.h), and that opens no path
 * a client names. How things are it reads off the board; what is to be done it asks the core for.
 *
 * It may be killed at any moment: its clients see one broken connection, and its successor has all that it had.
 * What it keeps for the core or the scribe while one of them is away it sends when the next one is there, so a
 * request is answered late, but answered, once.
 *
 * This header is what its files share. Everything is called from the one loop; no callback is called from within
 * the call that asked for it. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/board.h"
#include "board/messages.h"
#include "reeve/loop.h"

/* ---- settings.c: what it was started with ---- */

struct gateway_server {
	const char *section; /* "unix_http_server:x" */
	bool is_unix;
	const char *address;  /* the socket's file, or "host:port" */
	const char *username; /* NULL: who connects is welcome */
	const char *password; /* as configured, "{SHA}..." too; NULL with the username */
	int fd;		      /* listens, and is non-blocking; the gateway's */
};

struct gateway_settings {
	const char *identifier;
	int log_level;
	struct gateway_server *servers;
	size_t server_count;
	const char **namespaces; /* of the API, each by [rpcinterface:NAME]; "supervisor" as a rule */
	size_t namespace_count;
};

struct http;
struct live;
struct mail;
struct table_set;

struct gateway {
	const struct gateway_settings *settings;
	struct board board; /* read-only: board_read(), board.header */
	struct reeve_loop *loop;
	struct mail *mail;
	struct table_set *tables;

	/* Called once, when the supervisor ends and all replies that there will be have been acted on; calls
	 * gateway_end() when answers are written. NULL: it ends at once. */
	void (*finish)(struct gateway *gateway);
	struct http *http; /* who answers clients */
	struct live *live; /* who tells them what happens; live.h */
};

/* ---- requests.c: what the core is asked ---- */

/* So many are unanswered at a time, and so many of them with data. */
#define REQUESTS_MAX (2 * BOARD_ROWS_MAX)
#define REQUESTS_WITH_DATA_MAX 256

/* The largest data, either way. */
#define REQUEST_DATA_MAX ((size_t)64 << 20)

/* One that is not answered yet. Void once its callback is called. */
struct request;

/* What came of it; `bytes` is the reply's data (NULL: none). All is borrowed for the call. */
typedef void request_callback(
	void *data, const struct message_reply *reply, const char *bytes, size_t size);

/* Ask the core. Of `request` kind, value, wait, group and name are read; `bytes` (NULL: none) goes with it.
 * The answer may take as long as the core is away, or as what is waited for takes.
 *
 *   ret   may be NULL where it will never be cancelled
 *
 * Returns 0, -EBUSY (too many are unanswered), -EMSGSIZE (more than REQUEST_DATA_MAX), -ENOMEM, -EMFILE. */
int request_send(struct gateway *gateway, const struct message_request *request, const void *bytes,
	size_t size, request_callback *callback, void *data, struct request **ret);

/* Its client has gone: the callback is not called any more. What was asked for is done all the same. */
void request_cancel(struct request *request);

/* ---- logs.c: log files, which the scribe opens ---- */

#define LOG_ASKS_MAX 1024

struct log_ask;

/* `fd` is open for reading alone, and the callee's to close; or it is a negative errno: -ENOENT where the stream
 * has no file. */
typedef void log_file_callback(void *data, int fd);

/* Ask for the file that a stream (STREAM_OF(), STREAM_SELF) goes to now. To follow a log over its rotation, ask
 * again and compare st_dev and st_ino. Returns 0, -EBUSY, -ENOMEM. */
int log_file_ask(struct gateway *gateway, uint32_t stream, log_file_callback *callback, void *data,
	struct log_ask **ret);
void log_file_cancel(struct log_ask *ask);

/* ---- watch.c: changes on the board, as they come ---- */

/* Somebody who wants to know; inside whatever `changed` needs. A new core counts as a change. */
struct watcher {
	struct watcher *next;
	void (*changed)(struct watcher *watcher);
};

/* A watcher may end itself, or others, from its own call. */
void watch_begin(struct gateway *gateway, struct watcher *watcher);
void watch_end(struct gateway *gateway, struct watcher *watcher);

/* ---- table.c: what is fixed of each row ---- */

/* One process, as core/table.c describes it. */
struct table_row {
	uint32_t row; /* of the board */
	const char *group, *name;
	int64_t group_priority, priority;
	enum config_group_kind kind; /* of its group */
	const char *stdout_logfile, *stderr_logfile; /* "": none */
	const char *command;
	bool redirect_stderr, autostart;
};

/* A group, which may be without processes. */
struct table_group {
	const char *name;
	int64_t priority;
	enum config_group_kind kind;
};

struct table {
	uint32_t number; /* board.header->tables, as it was */
	struct table_row *rows; /* in start order: groups by priority and name, processes by priority and name */
	size_t count;
	const struct table_row **by_name; /* all of them, by group, then name, in byte order */
	struct table_group *groups; /* in start order */
	size_t group_count;
	const char *logfile; /* the supervisor's own; "": none */
};

/* The table as it is now, borrowed until the callback returns in which it was asked for; NULL: the one there is is
 * old, and a new one has been asked for. See table_keep() and table_wait(). */
const struct table *table_now(struct gateway *gateway);

/* Keep it longer, until it is released. */
const struct table *table_keep(const struct table *table);
void table_release(const struct table *table);

/* NULL: there is none. */
const struct table_row *table_find(const struct table *table, const char *group, const char *name);

/* Those of one group: how many, and in *ret the first of them in by_name. */
size_t table_find_group(const struct table *table, const char *group, const struct table_row *const **ret);

/* Somebody who waits for a table that is not old: called once, with it, borrowed for the call. Where none can be had
 * it is the last one there was, or NULL. */
struct table_waiter {
	struct table_waiter *next;
	void (*here)(struct table_waiter *waiter, const struct table *table);
};

void table_wait(struct gateway *gateway, struct table_waiter *waiter);
void table_stop_waiting(struct gateway *gateway, struct table_waiter *waiter);

/* ---- gateway.c ---- */

/* How long answers may take that are under way when the supervisor ends. */
#define GATEWAY_FINISH_LONGEST REEVE_SEC

struct mail_channels;

/* Make one of what it was born with: the descriptors are its own from now on, but the board's, which is borrowed.
 * 0 or a negative errno; to be released with gateway_deinit() in either case. */
int gateway_init(struct gateway *gateway, const struct gateway_settings *settings, int board,
	const struct mail_channels *channels);
void gateway_deinit(struct gateway *gateway);

/* Answer clients until the end. 0 or a negative errno. */
int gateway_run(struct gateway *gateway);

/* All is over: have answers finished, and end. */
void gateway_finish(struct gateway *gateway);

/* End: the last thing that the gateway does. */
void gateway_end(struct gateway *gateway);

#endif
