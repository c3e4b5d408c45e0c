/* What changes, as it changes: on a terminal the table, again and again; else a line for each change. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "ctl/status.h"

#define BETWEEN_LOOKS_MS 1000

/* The state that each process was last seen in. */
struct seen {
	char *name;
	int64_t state;
};

struct watch {
	struct session *session;
	struct words names;
	struct seen *seen;
	size_t count;
	bool tables; /* not lines */
};

static void forget(struct watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		free(watch->seen[i].name);
	free(watch->seen);
	watch->seen = NULL;
	watch->count = 0;
}

static const struct seen *find(const struct watch *watch, const char *name)
{
	for (size_t i = 0; i < watch->count; i++)
		if (strcmp(watch->seen[i].name, name) == 0)
			return &watch->seen[i];
	return NULL;
}

static void print_change(struct watch *watch, const char *name, const char *state, const char *description)
{
	struct session *session = watch->session;
	char when[32];
	time_t now = time(NULL);
	struct tm parts;

	localtime_r(&now, &parts);
	strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
	if (session->json) {
		json_t *line = json_pack("{s:s, s:s, s:s, s:s}", "time", when, "name", name, "state", state,
			"description", description);

		json_dumpf(line, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(line);
	} else {
		printf("%s %s %s%s%s\n", when, name, state, *description ? " " : "", description);
	}
}

static int look_for_changes(struct watch *watch, const struct selection *selection)
{
	struct watch now = *watch;

	now.count = 0;
	now.seen = calloc(selection->count + 1, sizeof *now.seen);
	if (!now.seen)
		return session_fail_errno(watch->session, -ENOMEM);
	for (size_t i = 0; i < selection->count; i++) {
		const struct xmlrpc_value *process = selection->list[i];
		CLEANUP_BUFFER struct buffer name = BUFFER(SIZE_MAX / 2);
		int64_t state = rpc_number(process, "state");
		const struct seen *before;

		add_process_name(&name, process);
		before = find(watch, buffer_text(&name));
		if (!before || before->state != state)
			print_change(watch, buffer_text(&name), rpc_text(process, "statename"),
				rpc_text(process, "description"));
		now.seen[now.count].state = state;
		now.seen[now.count].name = buffer_take(&name);
		if (!now.seen[now.count].name) {
			forget(&now);
			return session_fail_errno(watch->session, -ENOMEM);
		}
		now.count++;
	}
	for (size_t i = 0; i < watch->count; i++)
		if (!find(&now, watch->seen[i].name))
			print_change(watch, watch->seen[i].name, "REMOVED", "");
	forget(watch);
	watch->seen = now.seen;
	watch->count = now.count;
	return 0;
}

static int look(struct watch *watch)
{
	CLEANUP_SELECTION struct selection selection = { 0 };
	int r;

	if (watch->tables)
		fputs("\033[H\033[2J", stdout);
	r = selection_ask(watch->session, &watch->names, &selection);
	if (r < 0)
		return r;
	if (watch->tables)
		selection_print(watch->session, &selection);
	else
		r = look_for_changes(watch, &selection);
	fflush(stdout);
	return r;
}

static int run(struct session *session, struct span arguments)
{
	struct watch watch = { .session = session, .tables = !session->json && isatty(STDOUT_FILENO) };
	int r = rpc_check_server(session);

	if (r <= 0)
		return r;
	if (words_split(arguments, &watch.names) < 0)
		return session_fail_errno(session, -ENOMEM);
	json_decref(session->document); /* with --json each line is a document of its own */
	session->document = NULL;
	interrupt_catch();
	do {
		r = look(&watch);
		if (r == 0 && !interrupt_pending())
			poll(NULL, 0, BETWEEN_LOOKS_MS);
	} while (r == 0 && !interrupt_pending() && !ferror(stdout));
	if (interrupt_pending())
		r = 0;
	interrupt_forget();
	forget(&watch);
	words_deinit(&watch.names);
	return r;
}

const struct command command_watch = {
	.name = "watch",
	.summary = "status again and again, or what changes",
	.help = "watch [NAME...]\t\ton a terminal what status shows, again each second; else a line for each\n"
		"\t\t\tchange of a state; until Ctrl-C",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
