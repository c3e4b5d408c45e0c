/* `starting 37/100`, on the terminal, while a call waits for many processes. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include "ctl/rpc.h"

/* rpc_ask() of a method that waits for the processes of a group, or all (NULL). Where somebody watches, a second connection
 * looks how far it is. */
int progress_ask(struct session *session, const char *doing, const char *group, const char *method,
	const struct rpc_parameter *parameters, size_t count, const struct xmlrpc_value **ret);

#endif
