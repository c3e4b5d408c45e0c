/* The channels to the other roles, and what the gateway's files keep of what they asked. */
#ifndef GATEWAY_MAIL_H
#define GATEWAY_MAIL_H

#include "gateway/gateway.h"

/* A channel to a role that may be away. */
struct peer {
	struct gateway *gateway;
	int fd; /* negative: it is away, and the keeper will say when it is back */
	struct reeve_loop_source *source;
	enum role role;
};

#define REQUEST_BUCKETS 1024

/* requests.c. All that have no answer are in one list, in order; those from `unsent` on are still to be sent. */
struct request_list {
	struct request *first, *last, *unsent;
	struct request *by_number[REQUEST_BUCKETS];
	uint64_t number; /* of the last one */
	size_t count, with_data;
};

/* logs.c. Likewise, but that only so many are under way at a time. */
struct log_ask_list {
	struct log_ask *first, *last, *unsent;
	uint64_t number;
	size_t count, under_way;
};

/* watch.c */
struct watch_list {
	struct watcher *first;
	struct watcher *next; /* the one to be told next, while they are told */
	bool told_core;
};

struct mail {
	struct peer peers[ROLES];
	int keeper; /* negative: it has ended */
	struct reeve_loop_source *keeper_source;
	struct request_list requests;
	struct log_ask_list log_asks;
	struct watch_list watches;
};

struct mail_channels {
	int keeper, core, scribe; /* the mail's own from now on, also on failure */
};

/* The loop and the board are there. 0 or -ENOMEM. To be released with mail_free(), which calls nobody back. */
int mail_new(struct gateway *gateway, const struct mail_channels *channels);
void mail_free(struct gateway *gateway);

/* Send to a role, with a descriptor (negative: none). Returns 0; -EAGAIN: there is no room now, and it will be said when
 * there is (mail.c calls what sends); -EPIPE: it is away. */
int mail_send(struct peer *peer, const void *message, int fd);

/* requests.c */
void requests_flush(struct gateway *gateway);
void requests_unsend(struct gateway *gateway);	/* a new core knows of none of them */
void requests_take(struct gateway *gateway, const struct message_reply *reply, int fd_consume);
void requests_free(struct gateway *gateway);

/* logs.c */
void log_asks_flush(struct gateway *gateway);
void log_asks_unsend(struct gateway *gateway);
void log_asks_take(struct gateway *gateway, const struct message_log_file *answer, int fd_consume);
void log_asks_free(struct gateway *gateway);

/* watch.c */
void watch_flush(struct gateway *gateway);
void watch_tell_all(struct gateway *gateway);

#endif
