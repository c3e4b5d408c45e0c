/* The supervisor's own log, as each role writes it: a line a record into one pipe that the scribe reads.
 *
 * A write never waits: where the pipe is full the record is dropped and counted, and the next one that gets
 * through says how many were. Lines read as supervisor's: `2026-11-22 13:45:07,123 INFO text`. */
#ifndef SUPERVISOR_BOARD_LOG_H
#define SUPERVISOR_BOARD_LOG_H

#include <stdbool.h>

/* One list: level, number (as in the API), its four letters in the log, its word in the configuration. */
#define LOG_LEVELS(ROW)                                                                            \
	ROW(CRITICAL, 50, "CRIT", "critical")                                                      \
	ROW(ERROR, 40, "ERRO", "error")                                                            \
	ROW(WARN, 30, "WARN", "warn")                                                              \
	ROW(INFO, 20, "INFO", "info")                                                              \
	ROW(DEBUG, 10, "DEBG", "debug")                                                            \
	ROW(TRACE, 5, "TRAC", "trace")                                                             \
	ROW(BLATHER, 3, "BLAT", "blather")

enum log_level {
#define ROW(name, number, letters, word) LOG_##name = number,
	LOG_LEVELS(ROW)
#undef ROW
};

/* A record is cut at this length, its newline included: what PIPE_BUF promises to be written whole. So are records
 * that are held together. */
#define LOG_RECORD_MAX 4096

/* From now on records of `level` and above go to `fd`, a non-blocking pipe's write end, at once; borrowed. */
void log_to(int fd, int level);

/* From now on records are kept until log_flush(), a few at most: what is urgent goes first, and one write does for
 * all. What was not flushed dies with the process. */
void log_hold(void);
void log_flush(void);

/* The level as it stands. */
int log_level(void);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#endif
