/* The table of processes, for who shows it. */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include "ctl/command.h"

/* getAllProcessInfo()'s answer, and those of it that were asked for, in order. Valid until the next call. */
struct selection {
	const struct xmlrpc_value **list;
	size_t count;
};

/* No names, or `all` among them: every process. A name that nobody has is told. Returns 0 or -1. */
int selection_ask(struct session *session, const struct words *names, struct selection *ret);
void selection_deinit(struct selection *selection);

static inline void cleanup_selection(struct selection *selection)
{
	selection_deinit(selection);
}

#define CLEANUP_SELECTION __attribute__((cleanup(cleanup_selection)))

/* "g:x" of a process. */
void add_process_name(struct buffer *buffer, const struct xmlrpc_value *process);

/* A line each: name, state and description in columns. */
void selection_print(struct session *session, const struct selection *selection);

#endif
