/* The gateway's HTTP servers in the test's own process, driven round by round, with the test in place of the core and
 * the scribe: what is asked of them is kept, and answered when the test says so. */
#ifndef TESTS_SUPPORT_HTTP_RIG_H
#define TESTS_SUPPORT_HTTP_RIG_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "gateway/gateway.h"

#define RIG_ASKED_MAX 64

/* One that was asked for; its callback is NULL once it was answered or cancelled. */
struct request {
	struct message_request message;
	char *bytes;
	size_t size;
	request_callback *callback;
	void *data;
	bool cancelled;
};

struct log_ask {
	uint32_t stream;
	log_file_callback *callback;
	void *data;
};

struct http_rig {
	struct gateway gateway;
	struct gateway_settings settings;
	struct gateway_server server;
	struct sockaddr_un address;
	socklen_t address_size;

	struct request asked[RIG_ASKED_MAX];
	size_t asked_count;
	struct log_ask logs[RIG_ASKED_MAX];
	size_t logs_count;
	int log_fd; /* what the scribe opens for every stream, from the beginning; or a negative errno */
	struct table table;
	struct table_row rows[8];
	const struct table_row *by_name[8];
	struct table_group groups[8];
	int table_users;
	bool table_is_old;
	struct table_waiter *waiter;
	bool ended;
};

extern struct http_rig rig;

/* With processes "a" (group a), "g:x", "g:y" and "z" (which has no logs), all of them STOPPED, and an empty group
 * "empty". */
void rig_start(const char *username, const char *password);
void rig_end(void);

void rig_state(const char *name, enum process_state state);

/* The core's reply to the n-th request. */
void rig_reply(size_t n, int fault, const char *text, const char *bytes, size_t size);

/* Run rounds until there is nothing more to do at once. */
void rig_settle(void);

/* A client's connection. */
int rig_connect(void);
void rig_send(int fd, const char *bytes, size_t size);

/* What it is told: one whole answer, head and body, to be freed; with `whole` false what has come by now. NULL: the
 * connection was closed. */
char *rig_receive(int fd, bool whole);
bool rig_is_closed(int fd);

/* POST /RPC2 with this method and these parameters, XML; and the answer to it on a connection of its own. */
void rig_call(int fd, const char *method, const char *parameters);
char *rig_ask(const char *method, const char *parameters);

/* Wait until so many requests, or asks for logs, have been made. */
void rig_wait_asked(size_t count);

#endif
