/* The table as the core's TABLE tells it. */
#ifndef GATEWAY_TABLE_H
#define GATEWAY_TABLE_H

#include "gateway/gateway.h"

/* 0 or -ENOMEM; table_set_free() calls no waiter. */
int table_set_new(struct gateway *gateway);
void table_set_free(struct gateway *gateway);

/* Read the core's JSON. To be released. -EBADMSG: it makes no sense; -ENOMEM. */
int table_parse(const char *text, size_t size, const struct table **ret);

#endif
