/* getProcessInfo's struct. */
#ifndef GATEWAY_PROCESS_INFO_H
#define GATEWAY_PROCESS_INFO_H

#include <time.h>

#include "gateway/gateway.h"
#include "text/buffer.h"

/* Read a table's row off the board. -ENOENT: it is not that process's any more; -EAGAIN: it cannot be read now. */
int row_read(struct gateway *gateway, const struct table_row *row, struct board_record *ret);

/* About so many bytes are written of one process. */
#define PROCESS_INFO_SIZE 1400

/* `now` is on CLOCK_MONOTONIC, `wall` in seconds since the Epoch. */
void process_info_write(struct buffer *buffer, const struct table_row *row,
	const struct board_record *record, reeve_nsec now, time_t wall);

#endif
