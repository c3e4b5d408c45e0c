/* A stack for signal handlers, one a thread, so that a stack overflow can be handled (sigaltstack(2)). */
#ifndef LIB_BASE_ALTERNATE_STACK_H
#define LIB_BASE_ALTERNATE_STACK_H

#include <stdbool.h>

/* Give the calling thread one, released when the thread ends. One that it has already is kept. Returns 0 or a negative
 * errno. */
int alternate_stack_enter(void);

/* Whether threads that the library starts are to have one: from the first time that somebody asked for it. */
void alternate_stack_want(void);
bool alternate_stack_is_wanted(void);

#endif
