/* Text to a descriptor from a signal handler: no allocation, no lock, no SIGPIPE. */
#ifndef LIB_DAEMON_FAULT_WRITER_H
#define LIB_DAEMON_FAULT_WRITER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each line goes out in one write(2), longer ones in several. */
struct fault_writer {
	int fd; /* negative: nothing is written */
	int error;
	sigset_t mask;
	bool pipe_was_pending;
	size_t used;
	char text[512];
};

/* Between begin and end SIGPIPE is blocked in the calling thread. */
void writer_begin(struct fault_writer *writer, int fd);

/* Returns 0, or the first error that there was, negative. */
int writer_end(struct fault_writer *writer);

void writer_text(struct fault_writer *writer, const char *text);

/* What is not printable becomes '?', and after `max` bytes it is cut. */
void writer_foreign_text(struct fault_writer *writer, const char *text, size_t max);

void writer_number(struct fault_writer *writer, intmax_t number);

/* With "0x"; padded with zeroes to `digits`. */
void writer_hex(struct fault_writer *writer, uintptr_t number, int digits);

#endif
