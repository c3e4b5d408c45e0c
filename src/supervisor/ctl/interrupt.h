/* Ctrl-C where it must not end the process at once: in the interactive mode, which has a history to save, and where the terminal is
 * not as it was. It ends what is waited for. */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT is remembered, and interrupts a wait, instead of ending the process. */
void interrupt_catch(void);

bool interrupt_pending(void);

/* It ended what it was to end. */
void interrupt_forget(void);

#endif
