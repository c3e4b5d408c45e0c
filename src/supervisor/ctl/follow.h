/* What arrives on log streams (`/logtail/NAME/stdout`), on standard output as it comes, until they end or somebody presses Ctrl-C. */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include "ctl/session.h"

struct follow_source {
	char *label;  /* before each line; NULL: bytes go out as they come in. Owned */
	char *target; /* owned */
};

struct follow {
	struct follow_source *sources;
	size_t count;

	/* Called when standard input can be read; nonzero ends it. NULL: nobody reads it. */
	int (*on_input)(void *data);
	void *data;
};

/* Returns what on_input() returned, or 0: the streams have ended; or FOLLOW_INTERRUPTED: Ctrl-C. What can't be had of a stream is told
 * on standard error, as supervisorctl does. */
enum { FOLLOW_INTERRUPTED = 1 };
int follow_run(struct session *session, const struct follow *follow);

/* "/logtail/NAME/CHANNEL", with what can't stand in a path encoded; to be freed. NULL: out of memory. */
char *follow_target(const char *name, const char *channel);

#endif
