/* The table on the terminal, until somebody leaves it. */
#ifndef CTL_TOP_VIEW_H
#define CTL_TOP_VIEW_H

#include "ctl/table.h"

/* Returns 0 or -1. */
int top_view(struct session *session, struct table *table, reeve_nsec interval);

#endif
