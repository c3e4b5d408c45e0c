/* What judges a listener's result: supervisor's default handler, and that of the supervisor_stdout package, whose
 * listener answers with what is to be shown on the supervisor's own standard output. */
#ifndef CORE_RESULT_HANDLER_H
#define CORE_RESULT_HANDLER_H

#include <stdbool.h>

#include "config/config.h"
#include "core/listener.h"
#include "text/buffer.h"

/* The longest result that a handler looks at; the rest of a longer one is dropped. */
#define RESULT_SHOWN_MAX ((size_t)1 << 20)

/* Does the group's handler want to see results? */
bool result_is_looked_at(const struct config_group *group);

/* LISTENER_SAYS_OK, LISTENER_SAYS_FAIL or LISTENER_BAD_RESULT. `result`: all of it, where it is looked at. */
enum listener_event result_judge(
	const struct config_group *group, const struct listener *listener, const struct buffer *result);

#endif
