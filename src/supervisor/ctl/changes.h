/* What a reread of the configuration found: names of groups. */
#ifndef CTL_CHANGES_H
#define CTL_CHANGES_H

#include "ctl/rpc.h"
#include "ctl/words.h"

struct changes {
	struct words added, changed, removed;
};

/* Make the server read its configuration. Returns 0, RPC_FAULT, -1. */
int changes_ask(struct session *session, struct changes *ret);
void changes_deinit(struct changes *changes);

static inline void cleanup_changes(struct changes *changes)
{
	changes_deinit(changes);
}

#define CLEANUP_CHANGES __attribute__((cleanup(cleanup_changes)))

#endif
