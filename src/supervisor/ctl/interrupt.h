/* Ctrl-C in the interactive mode, where it must not cost the history: it ends what is waited for, and then the mode. */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT is remembered, and interrupts a wait, instead of ending the process. */
void interrupt_catch(void);

bool interrupt_pending(void);

#endif
