/* Calls of the API's methods. */
#ifndef CTL_RPC_H
#define CTL_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/session.h"

#define RPC_CONNECT_PATIENCE (30 * REEVE_SEC)
#define RPC_PATIENCE (120 * REEVE_SEC) /* for an answer that depends on no program */

enum { RPC_FAULT = 1 };

struct rpc_parameter {
	const char *text; /* NULL: a number */
	int64_t number;
};

#define RPC_TEXT(value)                                                                            \
	(struct rpc_parameter)                                                                     \
	{                                                                                          \
		.text = (value)                                                                    \
	}
#define RPC_NUMBER(value)                                                                          \
	(struct rpc_parameter)                                                                     \
	{                                                                                          \
		.number = (value)                                                                  \
	}

/* Ask, and take the answer.
 *
 *   ret   the answer, valid until the next call
 *
 * Returns 0, RPC_FAULT (`fault` and `fault_text` say which), -1 (`failure` says why). */
int rpc_ask(struct session *session, const char *method, const struct rpc_parameter *parameters, size_t count,
	reeve_nsec patience, const struct xmlrpc_value **ret);

/* rpc_ask() in two steps: after the first, session->http.fd becomes readable when there is something of an answer. */
int rpc_send(struct session *session, const char *method, const struct rpc_parameter *parameters, size_t count);
int rpc_receive(struct session *session, reeve_nsec patience, const struct xmlrpc_value **ret);

/* RPC(session, &answer, "supervisor.getProcessInfo", RPC_TEXT(name)): a method that answers at once; and one that waits for programs. */
#define RPC_LIST(...) ((const struct rpc_parameter[]){ __VA_ARGS__ })
#define RPC(session, ret, method, ...)                                                             \
	rpc_ask(session, method, RPC_LIST(__VA_ARGS__),                                            \
		sizeof(RPC_LIST(__VA_ARGS__)) / sizeof(struct rpc_parameter), RPC_PATIENCE, ret)
#define RPC_WAITING(session, ret, method, ...)                                                     \
	rpc_ask(session, method, RPC_LIST(__VA_ARGS__),                                            \
		sizeof(RPC_LIST(__VA_ARGS__)) / sizeof(struct rpc_parameter), REEVE_FOREVER, ret)
#define RPC_NO_ARGUMENTS(session, ret, method) rpc_ask(session, method, NULL, 0, RPC_PATIENCE, ret)

/* Members of a struct; "" or 0 where it has none of that name and kind. */
const char *rpc_text(const struct xmlrpc_value *value, const char *name);
int64_t rpc_number(const struct xmlrpc_value *value, const char *name);

/* The same value as JSON. NULL: out of memory. */
json_t *rpc_json(const struct xmlrpc_value *value);

/* Whether the server is there and speaks our version of the API; if not, that is told, and `exit_status` set. Returns 1, 0, or -1. */
int rpc_check_server(struct session *session);

#endif
