/* The listening sockets of [unix_http_server] and [inet_http_server]. They are made before the first role starts
 * and are every role's by birth, so that a gateway that is killed takes no client's attempt along. */
#ifndef MAIN_SERVERS_H
#define MAIN_SERVERS_H

#include "main/start.h"

struct server {
	const struct config_server *settings; /* as long as the configuration is there */
	int fd;
	char *file;	    /* of a unix socket; else NULL */
	dev_t device;	    /* of that file: not to remove somebody else's */
	ino_t inode;
	char *host;	    /* of an inet socket; else NULL */
	uint16_t port;
};

/* In the configuration's order; zeroes: none. */
struct servers {
	struct server *list;
	size_t count;
};

/* Listen where the configuration says. What `servers` has of it already (a reload) stays as it is, without a gap for
 * clients, and what it has besides is removed.
 *
 *   error   supervisord's words for what went wrong: then nothing listens any more. NULL: what can't be had is told
 *           in the log and left out
 *
 * Returns 0 or a negative errno. */
int servers_open(struct servers *servers, const struct config *config, struct start_error *error);

/* Whether clients have to say who they are. An empty name is none, as supervisord has it. */
bool server_has_password(const struct config_server *settings);

/* Say in the log what supervisord says of its servers. */
void servers_log(const struct servers *servers, const struct config *config);

/* Close and forget them; the files stay. For a process that has no use for them. */
void servers_close(struct servers *servers);

/* Close them, and remove the files that are still ours. */
void servers_remove(struct servers *servers);

#endif
