/* Syslog, one record a line: `NAME line`, as supervisord's: facility user, priority info, for standard error
 * too. Sent as datagrams to the socket, never waiting: what it has no room for is dropped and counted.
 *
 * (Not syslog(3), which waits.) */
#ifndef SCRIBE_SYSLOG_H
#define SCRIBE_SYSLOG_H

#include <stddef.h>
#include <stdint.h>

#include "reeve/base.h"

/* A longer line is sent in pieces of this length. */
#define SYSLOG_LINE_MAX 8000

struct syslog_sender {
	const char *path, *ident; /* borrowed */
	int fd;			  /* negative: not connected */
	int failing;		  /* why records don't get through; 0: they do */
	reeve_nsec retry;
	uint64_t dropped;
};

void syslog_init(struct syslog_sender *sender, const char *path, const char *ident);
void syslog_deinit(struct syslog_sender *sender);

/* The beginning of a line whose end has not come yet. All zeroes: none. */
struct syslog_line {
	char *text;
	uint16_t size, room;
};

/* Send the lines of `data`; `line` is what came before, and then what is left. An empty name: the lines alone. */
void syslog_write(struct syslog_sender *sender, struct syslog_line *line, const char *name,
	const char *data, size_t size);

/* The stream ends: send what is left, and release it. */
void syslog_finish(struct syslog_sender *sender, struct syslog_line *line, const char *name);

#endif
