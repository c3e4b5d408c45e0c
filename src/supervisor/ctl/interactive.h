/* Commands read from standard input: with a line editor on a terminal. */
#ifndef CTL_INTERACTIVE_H
#define CTL_INTERACTIVE_H

#include "ctl/session.h"

void interactive_run(struct session *session);

#endif
