#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/command.h"

static int run(struct session *session, struct span arguments)
{
	char *url = strndup(arguments.start, span_length(arguments));
	int before = session->exit_status, r;

	if (!url)
		return session_fail_errno(session, -ENOMEM);
	if (strncasecmp(url, "unix:", 5) != 0 && strncasecmp(url, "http:", 5) != 0) {
		free(url);
		complain(session, "ERROR: url must be http:// or unix://");
		session->exit_status = STATUS_GENERIC;
		return 0;
	}
	r = session_set_server(session, url);
	free(url);
	if (r < 0)
		return session_fail_errno(session, r);
	r = command_status.run(session, (struct span){ "", "" });
	session->exit_status = before;
	return r;
}

const struct command command_open = {
	.name = "open",
	.summary = "go on with another supervisor",
	.help = "open URL\tgo on with the supervisor at http://HOST:PORT or unix:///PATH",
	.run = run,
};
