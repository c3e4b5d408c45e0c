/* Whether this process is the one that set things up, or a fork of it: told by a page that the
 * kernel wipes in the child (MADV_WIPEONFORK), so that it costs a load and works for every way
 * to fork. Async-signal-safe but for gate_open(). */
#ifndef LIB_SIGNAL_GATE_H
#define LIB_SIGNAL_GATE_H

#include <stdbool.h>

/* This process is the one from now on. The page stays for good. 0, or -ENOMEM. */
int gate_open(void);

/* Until gate_open(). */
void gate_close(void);

bool gate_is_open(void);

#endif
