#include "ctl/progress.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/states.h"

#define BETWEEN_LOOKS_MS 200

struct progress {
	struct session look; /* on a connection of its own */
	const char *doing, *group;
	bool starts;
	size_t total; /* of the group, or of all */
	bool shown;
};

static bool is_there(const struct progress *progress, int64_t state)
{
	bool stopped = state == STATE_STOPPED || state == STATE_EXITED || state == STATE_FATAL ||
		       state == STATE_UNKNOWN;

	return progress->starts ? state == STATE_RUNNING || state == STATE_FATAL || state == STATE_BACKOFF : stopped;
}

static bool is_meant(const struct progress *progress, const struct xmlrpc_value *process)
{
	return !progress->group || strcmp(progress->group, rpc_text(process, "group")) == 0;
}

/* How many of them are where they are to be. */
static size_t count(struct progress *progress, bool *ret_known)
{
	const struct xmlrpc_value *answer;
	size_t there = 0, meant = 0;

	*ret_known = RPC_NO_ARGUMENTS(&progress->look, &answer, "supervisor.getAllProcessInfo") == 0;
	if (!*ret_known)
		return 0;
	for (const struct xmlrpc_value *process = answer->first; process; process = process->next)
		if (is_meant(progress, process)) {
			meant++;
			there += is_there(progress, rpc_number(process, "state"));
		}
	progress->total = meant;
	return there;
}

static void show(struct progress *progress)
{
	bool known;
	size_t there = count(progress, &known);

	if (!known)
		return;
	fprintf(stderr, "\r\033[K%s %zu/%zu", progress->doing, there, progress->total);
	progress->shown = true;
}

/* Look every now and then until there is an answer. */
static void watch(struct progress *progress, const struct http *http)
{
	struct pollfd fd = { .fd = http->fd, .events = POLLIN };
	int r;

	do {
		r = poll(&fd, 1, BETWEEN_LOOKS_MS);
		if (r == 0)
			show(progress);
	} while (r == 0 || (r < 0 && errno == EINTR));
	if (progress->shown)
		fputs("\r\033[K", stderr);
}

int progress_ask(struct session *session, const char *doing, const char *group, const char *method,
	const struct rpc_parameter *parameters, size_t parameter_count, const struct xmlrpc_value **ret)
{
	struct progress progress = { .doing = doing, .group = group, .starts = strcmp(doing, "starting") == 0 };
	int r = rpc_send(session, method, parameters, parameter_count);

	if (r < 0)
		return r;
	if (isatty(STDERR_FILENO)) {
		if (session_init(&progress.look, session->serverurl, session->username, session->password, NULL,
			    NULL) == 0)
			watch(&progress, &session->http);
		session_deinit(&progress.look);
	}
	return rpc_receive(session, REEVE_FOREVER, ret);
}
