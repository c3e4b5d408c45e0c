/* What is fixed of each process, and what is configured, as JSON for the gateway. */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include "core/state.h"
#include "text/buffer.h"

/* { "tables": as on the board, "logfile": the supervisor's own or "",
 *   "groups": [ { "name", "kind", "priority" } ],
 *   "rows": [ { "row", "group", "name", "group_priority", "priority", "kind", "stdout_logfile", "stderr_logfile" ("":
 *              none), "redirect_stderr", "autostart", "command" } ] }
 * groups and rows in start order. */
void table_write(const struct core *core, struct buffer *buffer);

/* All that getAllConfigInfo tells, in its order and with its names for what is not set; and "autorestart": false, true
 * or "unexpected". */
void table_write_config(const struct core *core, struct buffer *buffer);

#endif
