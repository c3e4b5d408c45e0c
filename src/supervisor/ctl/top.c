/* A live table on the whole terminal: which process does what, and uses how much. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/command.h"
#include "ctl/table.h"
#include "ctl/top_view.h"

static int tell(struct session *session, const struct table *table)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < table->count; i++) {
		const struct table_row *row = &table->rows[i];

		json_array_append_new(rows,
			json_pack("{s:s, s:s, s:I, s:s, s:o, s:o}", "name", row->name, "state", row->state, "pid",
				(json_int_t)row->pid, "description", row->description, "cpu_seconds",
				row->has_usage ? json_real(row->cpu_total) : json_null(), "memory",
				row->has_usage ? json_integer((json_int_t)row->memory) : json_null()));
	}
	tell_take(session, "processes", rows);
	return 0;
}

static int run(struct session *session, struct span arguments)
{
	struct table table = { 0 };
	char seconds[16];
	double interval = 1;
	int r = rpc_check_server(session);

	if (r <= 0)
		return r;
	snprintf(seconds, sizeof seconds, "%.*s", (int)span_length(arguments), arguments.start);
	if (span_length(arguments) > 0 && (sscanf(seconds, "%lf", &interval) != 1 || interval < 0.1 || interval > 3600))
		return command_misused(session, &command_top, STATUS_INVALID_ARGUMENTS, "top takes a number of seconds");
	if (!session->json && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
		complain(session, "Error: top needs a terminal");
		session->exit_status = STATUS_GENERIC;
		return 0;
	}
	r = table_refresh(session, &table);
	if (r == 0)
		r = session->json ? tell(session, &table)
				  : top_view(session, &table, (reeve_nsec)(interval * (double)REEVE_SEC));
	table_deinit(&table);
	return r;
}

const struct command command_top = {
	.name = "top",
	.summary = "a live table: states, processor, memory",
	.help = "top [SECONDS]\ta live table, looked at anew each second, or so many\n"
		"\t\tup, down: choose a process; s: start it, x: stop it, r: restart it\n"
		"\t\tn, c, m, p: sort by name, processor, memory, state; q: leave",
	.run = run,
};
