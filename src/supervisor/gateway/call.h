/* One call of a method: what methods see of it.
 *
 * A method is called with the right number of arguments, and (unless its row in methods.def says otherwise) with a table that
 * is not old and a supervisor that is not about to end. It writes its result, one value, to `answer` and says call_done(),
 * or says call_fault(). It does so at once, or later, from a callback of what it asked for; calls that are given up are
 * told nothing, and their requests are cancelled. */
#ifndef GATEWAY_CALL_H
#define GATEWAY_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/gateway.h"
#include "gateway/methods.h"
#include "text/buffer.h"
#include "text/xmlrpc.h"

/* The longest answer, and the most of a log that one call reads into memory. */
#define CALL_ANSWER_MAX ((size_t)64 << 20)
#define CALL_READ_MAX ((size_t)8 << 20)

struct fan;

struct call {
	struct gateway *gateway;
	const struct method *method;
	const struct xmlrpc_value *arguments;
	size_t argument_count;
	struct buffer *answer;
	size_t start; /* of its result in the answer */

	const struct table *table;   /* kept as long as the call, where the method needs one */
	const struct table_row *row; /* the one that the first argument names */

	void (*over)(struct call *call); /* called once, at its end; the call may be begun anew from there */
	bool is_over;
	int fault; /* FAULT_SUCCESS, or what failed */
	struct buffer fault_text;

	/* What is under way for it: one at a time. */
	struct table_waiter waiter;
	bool waits;
	struct request *request;
	struct log_ask *ask;
	struct fan *fan;
	void (*on_reply)(struct call *call, const struct message_reply *reply, const char *bytes, size_t size);
	void (*on_file)(struct call *call, int fd);

	/* A log that is too long for memory is read while it is sent, where `may_stream`: the descriptor, which is who
	 * sends it that closes, and what of it. */
	bool may_stream;
	int stream_fd; /* -1: none */
	int64_t stream_from, stream_to;
};

/* Begin a call of `method`, with `over` and `may_stream` set and all else zero. Arguments and answer are borrowed. */
void call_begin(struct call *call, struct gateway *gateway, const char *method,
	const struct xmlrpc_value *arguments, size_t count, struct buffer *answer);

/* Give it up, or release what is left of it after its end. */
void call_deinit(struct call *call);

/* ---- for methods ---- */

void call_done(struct call *call);

/* `extra` stands behind the fault's name; NULL: nothing does. */
void call_fault(struct call *call, int fault, const char *extra);

/* The n-th argument, from 0. NULL: there is none. */
const struct xmlrpc_value *call_argument(const struct call *call, size_t n);

/* False: it is none, and the call is over with a fault. */
bool call_integer(struct call *call, size_t n, int64_t *ret);
bool call_text(struct call *call, size_t n, const char **ret); /* bytes behind a NUL are not seen */

/* Python's truth of it; true where it was left out, as `wait` is. */
bool call_truth(const struct call *call, size_t n);

/* The process that the n-th argument names, or (*ret NULL) the whole group. False: the call is over, with
 * BAD_NAME. Groups are none where `ret_group` is NULL. */
struct name {
	char group[CONFIG_NAME_MAX + 1], name[CONFIG_NAME_MAX + 1];
};
bool call_process(struct call *call, size_t n, const struct table_row **ret, struct name *ret_group);

/* Also one without processes. */
bool call_knows_group(const struct call *call, const char *name);

/* Ask the core; what it replies goes to `on_reply`, or (NULL) becomes `true` or the fault. */
void call_ask(struct call *call, const struct message_request *request, const void *bytes, size_t size,
	void (*on_reply)(struct call *, const struct message_reply *, const char *, size_t));

/* Ask for the file of a log. */
void call_ask_file(struct call *call, uint32_t stream, void (*on_file)(struct call *, int fd));

/* Ask the core for each process of a list that `picks` its state, and answer with an array of what came of each, in the
 * list's order. */
void call_ask_each(struct call *call, const struct message_request *request, const struct table_row *const *rows,
	size_t count, bool (*picks)(enum process_state state));

/* The same, but nobody is asked: for each the same fault. */
void call_fault_each(struct call *call, int fault, const char *extra, const struct table_row *const *rows,
	size_t count, bool (*picks)(enum process_state state));

/* ---- fan.c ---- */

void fan_free(struct fan *fan);

#endif
