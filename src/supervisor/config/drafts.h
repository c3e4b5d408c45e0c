/* What the rows of settings.def are read into, section by section, before the final structs are
 * made of it. */
#ifndef CONFIG_DRAFTS_H
#define CONFIG_DRAFTS_H

#include <stddef.h>

#include "config/config.h"

struct inet_address {
	const char *host; /* "": every address */
	uint16_t port;    /* 0: not set */
};

struct include_draft {
	const char *files;
};

struct supervisord_draft {
	struct supervisord_settings settings;
	const char *environment;
};

struct server_draft {
	const char *file;
	int32_t chmod;
	struct config_owner chown;
	struct inet_address address;
	const char *username, *password;
};

struct rpcinterface_draft {
	const char *factory;
};

struct group_draft {
	const char *programs;
	int64_t priority;
};

struct program_draft {
	struct program_settings settings;
	int64_t numprocs, numprocs_start;
	const char *environment;
	const char *process_name;
};

struct listener_draft {
	int64_t priority;
	int64_t buffer_size;
	const char *result_handler;
	const char *events;
	const char *event_length;
	bool redirect_stderr;
};

struct fcgi_draft {
	int64_t priority;
	const struct config_user *user;
	int64_t backlog; /* 0: not set */
	struct config_owner owner;
	int32_t mode; /* -1: not set */
	const char *socket;
};

#endif
