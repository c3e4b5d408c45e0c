/* The descriptors that the keeper holds for the other roles, row by row. */
#ifndef KEEPER_STORE_H
#define KEEPER_STORE_H

#include "board/roles.h"

/* Take what a KEEP message brought, in place of what is held under the same name. The descriptors are the
 * store's, or closed: -EBADMSG for a row, kind or number of descriptors that can't be. */
int store_keep_consume(
	struct keeper_memory *memory, const struct message_keep *keep, const int *fds, size_t count);

/* Close what is held for a row of one kind. -EBADMSG for a row or kind that can't be. */
int store_forget(struct keeper_memory *memory, const struct message_forget *forget);

/* Close all that is held for a row. -EBADMSG for one that can't be. */
int store_drop(struct keeper_memory *memory, uint32_t row);

/* Close all that is held for rows below `rows`. */
void store_drop_all(struct keeper_memory *memory, uint32_t rows);

/* Close all readings of the configuration. */
void store_drop_readings(struct keeper_memory *memory);

#endif
