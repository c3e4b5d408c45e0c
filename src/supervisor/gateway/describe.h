/* The JSON API's objects. NULL: out of memory. */
#ifndef GATEWAY_DESCRIBE_H
#define GATEWAY_DESCRIBE_H

#include <jansson.h>

#include "gateway/gateway.h"

/* A process, of its record and of what is fixed of it. */
json_t *describe_process(const struct board_record *record, const struct table_row *row);

/* All of them, by group and name. Rows that can't be read now are left out. */
json_t *describe_processes(const struct gateway *gateway, const struct table *table);

/* {name, priority, processes: [...]} of the rows of one group. */
json_t *describe_group(const struct gateway *gateway, const struct table_row *const *rows, size_t count);
json_t *describe_groups(const struct gateway *gateway, const struct table *table);

/* The supervisor itself. */
json_t *describe_supervisor(const struct gateway *gateway);

/* Read a row; one that a killed core left half-written is no row for us until the next core mends it. */
bool describe_read(const struct gateway *gateway, uint32_t row, struct board_record *ret);

#endif
