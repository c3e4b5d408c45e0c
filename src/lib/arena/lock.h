/* Locks of the kernel on single bytes of an arena's memfd: they are let go of when their holder
 * dies.
 *
 * Byte 0 is the structure: who makes or removes objects has it alone, sweepers share it. Byte n
 * is place n: who lives there has it, or who sweeps it. A byte of a place is locked before the
 * structure's, never after it.
 *
 * To be called with the arena's mutex held. */
#ifndef LIB_ARENA_LOCK_H
#define LIB_ARENA_LOCK_H

#include "lib/arena/arena.h"

#define STRUCTURE 0u

/* Around the life of an arena's handle: from open to close a forked child's copy loses lock and
 * place. Returns 0 or -ENOMEM, or as open(2). */
int arena_lock_open(struct reeve_arena *arena);
void arena_lock_close(struct reeve_arena *arena);

/* `type` is F_WRLCK or F_RDLCK. 0; -EAGAIN where another process has it; others as open(2),
 * fcntl(2). */
int arena_lock_try(struct reeve_arena *arena, unsigned byte, short type);

/* The same, trying again until `deadline`: 0, -ETIMEDOUT, -EINTR. */
int arena_lock_until(struct reeve_arena *arena, unsigned byte, short type, reeve_nsec deadline);

void arena_unlock(struct reeve_arena *arena, unsigned byte);

/* Whether another process has it: 1, 0, or a negative errno. */
int arena_lock_is_held(struct reeve_arena *arena, unsigned byte);

#endif
