/* The gateway as the keeper's child: from a copy of reeved with all that reeved has to the program reeve-gateway
 * with what it needs. */
#ifndef MAIN_GATEWAY_H
#define MAIN_GATEWAY_H

#include "board/roles.h"
#include "main/servers.h"

/* What it is told, as JSON in a sealed memfd, the caller's to close:
 *
 *	{"identifier": "supervisor", "log_level": 20, "namespaces": ["supervisor"], "servers": [
 *		{"section": "unix_http_server", "unix": true, "address": "/run/supervisor.sock",
 *		 "username": "", "password": ""}]}
 *
 * The n-th server is descriptor GATEWAY_SERVERS + n. Returns the descriptor or a negative errno. */
int gateway_settings_make(const struct config *config);

/* In the role's process: give up what it must not have and become the program. Returns the exit status where that
 * can't be. */
int gateway_become(const struct role_start *start, const struct servers *servers, int settings);

#endif
