/* The live view: what the page is told by /events, and the past of the processes, which is kept all the time.
 *
 * GET /events is a stream of server-sent events, each with JSON:
 *
 *   hello       {supervisor, token, processes, events, history, usage}: first, and all there is to know
 *   processes   [process, ...]: there are others now than before
 *   process     one that has changed
 *   usage       {ID: [CPU in percent, resident bytes]}, every two seconds
 *   event       one of past.h
 *   supervisor  as in hello, when it changed
 *
 * A client that does not read is let go: it comes back by itself, and begins with a hello. */
#ifndef GATEWAY_LIVE_H
#define GATEWAY_LIVE_H

#include <jansson.h>

#include "gateway/gateway.h"

/* Streams at a time, and bytes that wait in one besides its hello. */
#define LIVE_VIEWERS_MAX 32
#define LIVE_WAITING_MAX ((size_t)1 << 20)

/* Begin; gateway->live is set. Returns 0, -ENOMEM, or what getrandom(2) says. */
int live_start(struct gateway *gateway);
void live_end(struct gateway *gateway);

/* The token of this gateway's pages; see browser.h. */
const char *live_token(const struct gateway *gateway);

/* What past.h remembers. */
json_t *live_history(const struct gateway *gateway);
json_t *live_events(const struct gateway *gateway);

#endif
