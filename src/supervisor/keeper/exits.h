/* Exits that were reaped, until the core has them on the board: a ring of fixed size. */
#ifndef KEEPER_EXITS_H
#define KEEPER_EXITS_H

#include "board/roles.h"
#include "reeve/process.h"

/* Whether there is room for one more. Without room nothing is reaped: the kernel keeps it. */
bool exits_have_room(const struct keeper_memory *memory);

void exits_add(struct keeper_memory *memory, const struct reeve_process_outcome *outcome);

/* Forget all up to `number`. -EBADMSG for a number that was never given. */
int exits_seen(struct keeper_memory *memory, uint64_t number);

const struct message_exited *exits_get(const struct keeper_memory *memory, uint64_t number);

#endif
