/* A scribe in the test's own process, driven round by round, with a directory of its own to write to and a
 * pipe in place of the supervisor's log. */
#ifndef TESTS_SUPPORT_SCRIBE_RIG_H
#define TESTS_SUPPORT_SCRIBE_RIG_H

#include <limits.h>

#include "scribe/state.h"

struct scribe_rig {
	struct scribe scribe;
	char directory[64];
	int log[2]; /* what log_line() said is read from the first */
};

void rig_start(struct scribe_rig *rig, const char *syslog_path);
void rig_end(struct scribe_rig *rig);

/* The path of a file in its directory: static memory, one of eight in turn. */
const char *rig_path(const struct scribe_rig *rig, const char *name);

/* LOG_OPEN for a plain file that is never rotated. */
struct message_log_open log_open_message(uint32_t stream, const char *path);

/* Open a stream; returns the pipe's write end. */
int rig_open(struct scribe_rig *rig, const struct message_log_open *open);

/* Send LOG_CLOSE, LOG_CLEAR, LOG_REOPEN. */
void rig_send(struct scribe_rig *rig, uint32_t type, uint32_t stream);

/* Write all of it and let the scribe carry it, until the pipe is empty. */
void rig_write(struct scribe_rig *rig, int pipe, const char *data, size_t size);
void rig_print(struct scribe_rig *rig, int pipe, const char *text);

/* Wait until a target that failed is tried again, then print. */
void rig_print_later(struct scribe_rig *rig, int pipe, const char *text);

/* Let it do what there is to do. */
void rig_run(struct scribe_rig *rig);

/* What is in a file; a file that is not there has "-". Static memory, for one call at a time. */
const char *file_text(const char *path);
long long file_size(const char *path); /* -1: it is not there */
void put_file(const char *path, const char *text);

/* What was logged since the last call. Static memory. */
const char *rig_log(struct scribe_rig *rig);

#endif
