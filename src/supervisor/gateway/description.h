/* Words about one process, as supervisor 4.2 has them. */
#ifndef GATEWAY_DESCRIPTION_H
#define GATEWAY_DESCRIPTION_H

#include <stddef.h>

#include "board/board.h"

/* "x" for process x of group x, "g:x" for another group's. */
#define DESCRIPTION_ID_SIZE (2 * BOARD_NAME_SIZE)
void description_id(const struct board_record *record, char text[DESCRIPTION_ID_SIZE]);

/* getProcessInfo's `description`: "pid 42, uptime 1:02:03"; why it failed; when it ended; or "". `now` is on
 * CLOCK_MONOTONIC. */
#define DESCRIPTION_SIZE (BOARD_TEXT_SIZE + BOARD_NAME_SIZE)
void description_write(const struct board_record *record, reeve_nsec now, char text[DESCRIPTION_SIZE]);

/* How the last process ended: "exit status 2", "terminated by SIGKILL", with " (core dumped)"; "" where none has. */
#define DESCRIPTION_END_SIZE 64
void description_end(const struct board_record *record, char text[DESCRIPTION_END_SIZE]);

/* getProcessInfo's `exitstatus`: 0 where none has ended, or one ended into BACKOFF; -1 by a signal. */
int description_exit_status(const struct board_record *record);

#endif
