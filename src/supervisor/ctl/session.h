/* What lasts from one command to the next: the server, the connection to it, and how things went.
 *
 * A command that can't go on returns -1 with `failure` filled in; who runs it tells that (supervisorctl: an exception). */
#ifndef CTL_SESSION_H
#define CTL_SESSION_H

#include <jansson.h>
#include <stdbool.h>

#include "ctl/http.h"
#include "text/buffer.h"
#include "text/xmlrpc.h"

/* Exit statuses, those of an init script (LSB). */
enum {
	STATUS_GENERIC = 1,
	STATUS_INVALID_ARGUMENTS = 2,
	STATUS_NO_NAMESPACE = 3,
	STATUS_REFUSED = 4,
	STATUS_WRONG_VERSION = 5,
	STATUS_NOT_RUNNING = 7,
};

#define FAILURE_TEXT_SIZE 2048

struct failure {
	const char *type; /* a constant: the name of Python's exception, which scripts may look for */
	int error;	  /* its errno, or 0 */
	int http_status;  /* 0: the failure is not an answer's status */
	char text[FAILURE_TEXT_SIZE];
};

struct session {
	char *serverurl, *username, *password, *prompt, *history_file; /* NULL but for the first and `prompt`: none */
	bool interactive;
	bool json;
	bool colours;
	bool leaving;	/* the interactive mode is to end */
	bool has_checked; /* that the server is one, in the command at hand */
	int exit_status;

	struct http_server server;
	bool server_known; /* `server` is of `serverurl` */
	char *authorization;
	struct http http;
	struct xmlrpc_reader *reader;
	struct buffer answer; /* the last one's bytes */

	struct failure failure;
	int fault;		/* of the last call: a number of the API */
	const char *fault_text; /* in `reader` */

	json_t *document; /* --json: what the command at hand has told so far */
};

/* What is given is copied; NULL: the default, or none. -ENOMEM. */
int session_init(struct session *session, const char *serverurl, const char *username, const char *password,
	const char *prompt, const char *history_file);
void session_deinit(struct session *session);

/* Talk to another server, or as somebody else, from now on. -ENOMEM. */
int session_set_server(struct session *session, const char *serverurl);
int session_set_user(struct session *session, const char *username, const char *password);

/* Find out who `serverurl` means. 0 or -1. */
int session_find_server(struct session *session);

/* Fill in `failure`; returns -1. */
__attribute__((format(printf, 3, 4))) int session_fail(
	struct session *session, const char *type, const char *format, ...);

/* The same for a result of the HTTP client, and for one that the system gave. */
int session_fail_errno(struct session *session, int result);

/* The same for the fault in `fault`, which nobody expected. */
int session_fail_fault(struct session *session);

#endif
