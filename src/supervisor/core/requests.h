/* Doing what clients ask for. Each kind of request is one function; what each means, in what order it is looked at
 * and what it fails with, is supervisor 4.2's. */
#ifndef CORE_REQUESTS_H
#define CORE_REQUESTS_H

#include "board/messages.h"
#include "core/state.h"

/* The most that a request's data are taken to be. */
#define REQUEST_DATA_MAX ((size_t)16 << 20)

/* One request while it is looked at. */
struct request {
	struct core *core;
	const struct message_request *message;
	struct process *process; /* that it names; NULL where its kind names none */
	int data;		 /* what came with it; borrowed; negative: nothing */
	int reply_data;		 /* what goes with the answer; closed afterwards; negative: nothing */
	char text[REPLY_TEXT_SIZE];
};

/* What such a function returns besides an enum fault: somebody else answers later. */
#define REQUEST_LATER 0

/* Do it, and see that it is answered. The descriptor is borrowed. */
void request_take(struct core *core, const struct message_request *message, int data);

/* Put the answer's text, and return `fault`. */
__attribute__((format(printf, 3, 4))) int request_refuse(
	struct request *request, int fault, const char *format, ...);

/* The data that came with it, mapped to be read only; to be released with request_data_free(). No descriptor: no bytes.
 * -EFBIG; -EINVAL: no sealed memory. */
struct request_data {
	const char *bytes;
	size_t size;
};
int request_data_map(const struct request *request, struct request_data *ret);
void request_data_free(struct request_data *data);

/* requests.c: of a process */
int request_start(struct request *request);
int request_stop(struct request *request);
int request_signal(struct request *request);
int request_clear_logs(struct request *request);
int request_stdin(struct request *request);

/* requests_self.c: of the supervisor */
int request_clear_log(struct request *request);
int request_remote_event(struct request *request);
int request_restart(struct request *request);
int request_shutdown(struct request *request);
int request_table(struct request *request);
int request_config(struct request *request);

/* requests_groups.c */
int request_reread(struct request *request);
int request_add_group(struct request *request);
int request_remove_group(struct request *request);

#endif
