#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "board/faults.h"
#include "ctl/changes.h"
#include "ctl/command.h"

struct change {
	const char *group, *what;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->group, ((const struct change *)b)->group);
}

static void add_changes(struct change *list, size_t *count, const struct words *groups, const char *what)
{
	for (size_t i = 0; i < groups->count; i++)
		list[(*count)++] = (struct change){ groups->list[i], what };
}

static int print(struct session *session, const struct changes *changes)
{
	struct change *list = calloc(
		changes->added.count + changes->changed.count + changes->removed.count + 1, sizeof *list);
	size_t count = 0;

	if (!list)
		return session_fail_errno(session, -ENOMEM);
	add_changes(list, &count, &changes->added, "available");
	add_changes(list, &count, &changes->changed, "changed");
	add_changes(list, &count, &changes->removed, "disappeared");
	qsort(list, count, sizeof *list, by_name);
	for (size_t i = 0; i < count; i++)
		report_done(session, (struct namespec){ span_of(list[i].group), { NULL, NULL } }, list[i].what);
	if (count == 0)
		say(session, "No config updates to processes");
	free(list);
	return 0;
}

static int run(struct session *session, struct span arguments)
{
	CLEANUP_CHANGES struct changes changes = { 0 };
	int r = changes_ask(session, &changes);

	(void)arguments;
	if (r < 0)
		return r;
	if (r == 0)
		return print(session, &changes);
	session->exit_status = STATUS_GENERIC;
	if (session->fault == FAULT_SHUTDOWN_STATE)
		complain(session, "ERROR: supervisor shutting down");
	else if (session->fault == FAULT_CANT_REREAD)
		complain(session, "ERROR: %s", session->fault_text);
	else
		return session_fail_fault(session);
	return 0;
}

const struct command command_reread = {
	.name = "reread",
	.summary = "read the configuration, and change nothing yet",
	.help = "reread\t\tread the configuration and tell which groups are new, changed or gone; nothing is\n"
		"\t\tstarted or stopped: see add, remove and update",
	.no_arguments = true,
	.run = run,
};
