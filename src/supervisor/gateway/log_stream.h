/* A long piece of a log as the answer to a call: read while it is sent, so that it costs no memory. */
#ifndef GATEWAY_LOG_STREAM_H
#define GATEWAY_LOG_STREAM_H

#include <stdint.h>

#include "gateway/exchange.h"

struct log_stream;

/* Answer with a string: what of the file is from `from` to `to`. `fd` stays the caller's, open until the exchange is over;
 * then the stream is to be freed. NULL: out of memory, and that is what was answered. */
struct log_stream *log_stream_answer(struct exchange *exchange, int fd, int64_t from, int64_t to);

/* Takes NULL, returns NULL. */
struct log_stream *log_stream_free(struct log_stream *stream);

#endif
