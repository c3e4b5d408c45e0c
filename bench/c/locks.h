/* locks.h - the lock bench's kinds: one program for each library, its kinds in lock_kinds[], its main in locks_main.c. */
#ifndef LOCKS_H
#define LOCKS_H
#include "rb.h"
struct lock_kind {
    const char *name;           /* NULL ends the list */
    void (*init)(void);         /* in the parent, before any fork */
    void (*begin)(void);        /* in each process that contends; may be NULL */
    void (*lock)(void);
    void (*unlock)(void);
    void (*end)(void);          /* in the parent; may be NULL */
};
extern const struct lock_kind lock_kinds[];
extern const char *(*const lock_version)(void);
#endif
