/* What events say, in supervisor's words: the payload of each type, and the line before it. */
#ifndef CORE_EVENT_TEXT_H
#define CORE_EVENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/states.h"
#include "config/config.h"
#include "text/buffer.h"

/* Who an event is about. */
struct event_process {
	const char *name, *group;
	int pid;
};

struct event_change {
	enum process_state from, to;
	unsigned tries; /* STARTING, BACKOFF */
	bool expected;	/* EXITED */
};

/* PROCESS_STATE_*: the type of an event, and its payload. */
enum event_type event_type_of_state(enum process_state state);
void event_text_state(struct buffer *out, const struct event_process *process, const struct event_change *change);

/* PROCESS_LOG_* and PROCESS_COMMUNICATION_*. What is no UTF-8 is shown as supervisord shows it: "Undecodable: b'...'". */
void event_text_log(struct buffer *out, const struct event_process *process, bool is_stderr, const char *data, size_t size);
void event_text_communication(
	struct buffer *out, const struct event_process *process, const char *data, size_t size);

void event_text_remote(struct buffer *out, const char *type, const char *data, size_t size);
void event_text_tick(struct buffer *out, int64_t when);
void event_text_group(struct buffer *out, const char *group);

struct event_line {
	const char *server, *pool;
	uint64_t serial, pool_serial;
	enum event_type type;
	bool in_bytes; /* the length that is told; else it is in characters, as supervisord's */
	const char *payload;
	size_t size;
};

/* The line before the payload. */
void event_text_line(struct buffer *out, const struct event_line *line);

#endif
