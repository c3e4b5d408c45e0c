/* Metrics, in the text format of Prometheus. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include "gateway/gateway.h"
#include "text/buffer.h"

/* Of everything on the board now, with CPU and memory from /proc. */
void metrics_write(const struct gateway *gateway, struct buffer *buffer);

/* A label's value: what has a meaning of its own there is escaped, what is no UTF-8 replaced. */
void metrics_label(struct buffer *buffer, const char *text);

#endif
