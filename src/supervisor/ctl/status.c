#include "ctl/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/faults.h"
#include "board/states.h"

#define STATUS_UNKNOWN 4 /* an exit status of this command alone */
#define STATUS_SOME_STOPPED 3
#define NAME_WIDTH_MIN 30

static struct namespec namespec_of_process(const struct xmlrpc_value *process)
{
	return (struct namespec){ span_of(rpc_text(process, "group")), span_of(rpc_text(process, "name")) };
}

void add_process_name(struct buffer *buffer, const struct xmlrpc_value *process)
{
	add_name(buffer, namespec_of_process(process));
}

/* ---- which ---- */

static bool equal_spans(struct span a, struct span b)
{
	return span_length(a) == span_length(b) && memcmp(a.start, b.start, span_length(a)) == 0;
}

static bool is_named(const struct xmlrpc_value *process, struct namespec name)
{
	struct namespec its = namespec_of_process(process);

	return equal_spans(its.group, name.group) &&
	       (!name.process.start || equal_spans(its.process, name.process));
}

static void select_named(struct session *session, const struct xmlrpc_value *all, const char *text,
	struct selection *selection)
{
	struct namespec name = namespec_of(text);
	size_t before = selection->count;

	for (const struct xmlrpc_value *process = all->first; process; process = process->next)
		if (is_named(process, name))
			selection->list[selection->count++] = process;
	if (selection->count > before)
		return;
	if (!name.process.start)
		report_error(session, name, FAULT_BAD_NAME, "no such group");
	else
		report_error(session, (struct namespec){ span_of(text), { NULL, NULL } }, FAULT_BAD_NAME,
			"no such process");
	session->exit_status = STATUS_UNKNOWN;
}

int selection_ask(struct session *session, const struct words *names, struct selection *ret)
{
	const struct xmlrpc_value *all;
	bool every = names->count == 0 || words_have(names, "all");
	int r = RPC_NO_ARGUMENTS(session, &all, "supervisor.getAllProcessInfo");

	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	*ret = (struct selection){ 0 };
	ret->list = reallocarray(NULL, all->count * (every ? 1 : names->count) + 1, sizeof *ret->list);
	if (!ret->list)
		return session_fail_errno(session, -ENOMEM);
	if (every)
		for (const struct xmlrpc_value *process = all->first; process; process = process->next)
			ret->list[ret->count++] = process;
	else
		for (size_t i = 0; i < names->count; i++)
			select_named(session, all, names->list[i], ret);
	return 0;
}

void selection_deinit(struct selection *selection)
{
	free(selection->list);
	*selection = (struct selection){ 0 };
}

/* ---- how they are ---- */

static void pad(struct buffer *line, size_t width, size_t used)
{
	buffer_fill(line, ' ', width > used ? width - used : 0);
}

static void add_row(struct session *session, struct buffer *line, const struct xmlrpc_value *process, size_t width)
{
	const char *state = rpc_text(process, "statename");
	size_t start = line->length;

	add_process_name(line, process);
	pad(line, width, utf8_count(line->data + start, line->length - start));
	buffer_add_text(line, colour(session, state_colour(rpc_number(process, "state"))));
	buffer_add_text(line, state);
	buffer_add_text(line, colour(session, COLOUR_NONE));
	pad(line, 10, utf8_count(state, strlen(state)));
	buffer_add_text(line, rpc_text(process, "description"));
}

void selection_print(struct session *session, const struct selection *selection)
{
	CLEANUP_BUFFER struct buffer line = BUFFER(SIZE_MAX / 2);
	size_t width = NAME_WIDTH_MIN;

	for (size_t i = 0; i < selection->count; i++) {
		size_t length;

		buffer_clear(&line);
		add_process_name(&line, selection->list[i]);
		length = utf8_count(buffer_text(&line), line.length);
		width = length > width ? length : width;
	}
	for (size_t i = 0; i < selection->count; i++) {
		buffer_clear(&line);
		add_row(session, &line, selection->list[i], width + 3);
		say(session, "%s", buffer_text(&line));
	}
}

static bool is_stopped(int64_t state)
{
	return state == STATE_STOPPED || state == STATE_EXITED || state == STATE_FATAL || state == STATE_UNKNOWN;
}

static void tell_selection(struct session *session, const struct selection *selection)
{
	json_t *processes = json_array();

	for (size_t i = 0; i < selection->count; i++)
		json_array_append_new(processes, rpc_json(selection->list[i]));
	tell_take(session, "processes", processes);
}

static int run(struct session *session, struct span arguments)
{
	CLEANUP_WORDS struct words names = { 0 };
	CLEANUP_SELECTION struct selection selection = { 0 };
	int r = rpc_check_server(session);

	if (r == 0)
		session->exit_status = STATUS_UNKNOWN;
	if (r <= 0)
		return r;
	if (words_split(arguments, &names) < 0)
		return session_fail_errno(session, -ENOMEM);
	r = selection_ask(session, &names, &selection);
	if (r < 0)
		return r;
	if (session->json)
		tell_selection(session, &selection);
	else
		selection_print(session, &selection);
	for (size_t i = 0; i < selection.count; i++)
		if (is_stopped(rpc_number(selection.list[i], "state")))
			session->exit_status = STATUS_SOME_STOPPED;
	return 0;
}

const struct command command_status = {
	.name = "status",
	.summary = "how processes are",
	.help = "status\t\t\tall processes\n"
		"status NAME...\t\tthese\n"
		"status GROUP:*...\tthose of a group",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
