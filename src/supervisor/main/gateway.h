/* The gateway as the keeper's child: from a copy of reeved with all that reeved has to the program reeve-gateway
 * with what it needs. */
#ifndef MAIN_GATEWAY_H
#define MAIN_GATEWAY_H

#include "board/roles.h"
#include "main/servers.h"

/* What it is born with, again and again. */
struct gateway_birth {
	struct servers servers;
	int settings; /* negative: there is nobody to serve, and no gateway */
};

/* Make it of the configuration: at the start, or, with `error` NULL, at a reload; see servers_open(). Returns 0 or a
 * negative errno.
 *
 * What the gateway is told is JSON in a sealed memfd:
 *
 *	{"identifier": "supervisor", "log_level": 20, "namespaces": ["supervisor"], "servers": [
 *		{"section": "unix_http_server", "unix": true, "address": "/run/supervisor.sock",
 *		 "username": "", "password": ""}]}
 *
 * The n-th server is descriptor GATEWAY_SERVERS + n. */
int gateway_prepare(struct gateway_birth *birth, const struct config *config, struct start_error *error);

/* It is all over: remove the sockets. */
void gateway_remove(struct gateway_birth *birth);

/* In the role's process: give up what it must not have and become the program. Returns the exit status where that
 * can't be. */
int gateway_become(const struct role_start *start, const struct gateway_birth *birth);

#endif
