/* What tail and maintail share. */
#ifndef CTL_TAIL_H
#define CTL_TAIL_H

#include "ctl/command.h"
#include "ctl/follow.h"

#define TAIL_BYTES 1600

/* "-f" or "-N": false for anything else. */
bool tail_parse_modifier(const char *word, bool *ret_follows, int64_t *ret_bytes);

/* "-x" is no modifier; returns 0. */
int tail_bad_argument(struct session *session, const char *word);

/* Follow until that ends or is ended. Frees what the sources own. Returns 0 or -1. */
int tail_follow(struct session *session, struct follow_source *sources, size_t count);

/* What a reading method returned; `faults` that are expected are told as those of `name`. Returns 0 or -1. */
int tail_tell(struct session *session, int result, const struct xmlrpc_value *answer, const char *name);

#endif
