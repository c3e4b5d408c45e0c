/* Processes: how they are, and what is done to them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/call.h"
#include "gateway/process_info.h"
#include "text/units.h"
#include "text/xmlrpc_write.h"

/* ---- how they are ---- */

void method_process_info(struct call *call)
{
	const struct table_row *row;
	struct board_record record;
	int r;

	if (!call_process(call, 0, &row, NULL))
		return;
	r = row_read(call->gateway, row, &record);
	if (r == -ENOENT)
		call_fault(call, FAULT_BAD_NAME, call_argument(call, 0)->text);
	else if (r < 0)
		call_fault(call, FAULT_FAILED, "it is being changed");
	else {
		process_info_write(call->answer, row, &record, reeve_now(), time(NULL));
		call_done(call);
	}
}

void method_all_process_info(struct call *call)
{
	const struct table *table = call->table;
	reeve_nsec now = reeve_now();
	struct board_record record;
	time_t wall = time(NULL);

	buffer_reserve(call->answer, table->count * PROCESS_INFO_SIZE);
	xmlrpc_array_begin(call->answer);
	for (size_t i = 0; i < table->count; i++)
		if (row_read(call->gateway, table->by_name[i], &record) == 0)
			process_info_write(call->answer, table->by_name[i], &record, now, wall);
	xmlrpc_array_end(call->answer);
	call_done(call);
}

/* ---- one, a group, all ---- */

/* What is asked for, and of which processes of several. */
struct deed {
	enum request_kind kind;
	bool (*picks)(enum process_state state);
	bool wait;
	int signal;
	const char *bad_signal; /* as the client wrote it; NULL: it is one */
};

static bool is_not_running(enum process_state state)
{
	return !process_state_is_running(state);
}

static void do_to_one(struct call *call, const struct deed *deed, const struct table_row *row)
{
	struct message_request request = { .kind = deed->kind, .wait = deed->wait, .value = deed->signal };

	if (deed->bad_signal) {
		call_fault(call, FAULT_BAD_SIGNAL, deed->bad_signal);
		return;
	}
	snprintf(request.group, sizeof request.group, "%s", row->group);
	snprintf(request.name, sizeof request.name, "%s", row->name);
	call_ask(call, &request, NULL, 0, NULL);
}

/* `group` NULL: of all groups. */
static void do_to_many(struct call *call, const struct deed *deed, const char *group)
{
	struct message_request request = { .kind = deed->kind, .wait = deed->wait, .value = deed->signal };
	const struct table *table = call->table;
	const struct table_row **rows = calloc(table->count + 1, sizeof *rows);
	size_t count = 0;

	if (!rows) {
		call_fault(call, FAULT_FAILED, "out of memory");
		return;
	}
	for (size_t i = 0; i < table->count; i++)
		if (!group || strcmp(table->rows[i].group, group) == 0)
			rows[count++] = &table->rows[i];
	if (deed->bad_signal)
		call_fault_each(call, FAULT_BAD_SIGNAL, deed->bad_signal, rows, count, deed->picks);
	else
		call_ask_each(call, &request, rows, count, deed->picks);
	free(rows);
}

static void do_to_named(struct call *call, const struct deed *deed)
{
	const struct table_row *row;
	struct name group;

	if (!call_process(call, 0, &row, &group))
		return;
	if (row)
		do_to_one(call, deed, row);
	else
		do_to_many(call, deed, group.group);
}

static void do_to_group(struct call *call, const struct deed *deed)
{
	const char *group;

	if (!call_text(call, 0, &group))
		return;
	if (!call_knows_group(call, group))
		call_fault(call, FAULT_BAD_NAME, group);
	else
		do_to_many(call, deed, group);
}

/* ---- starting and stopping: `wait` is the last argument ---- */

static struct deed starting(const struct call *call, size_t wait)
{
	return (struct deed){ .kind = REQUEST_START, .picks = is_not_running, .wait = call_truth(call, wait) };
}

static struct deed stopping(const struct call *call, size_t wait)
{
	return (struct deed){
		.kind = REQUEST_STOP, .picks = process_state_is_running, .wait = call_truth(call, wait)
	};
}

void method_start(struct call *call)
{
	struct deed deed = starting(call, 1);

	do_to_named(call, &deed);
}

void method_start_group(struct call *call)
{
	struct deed deed = starting(call, 1);

	do_to_group(call, &deed);
}

void method_start_all(struct call *call)
{
	struct deed deed = starting(call, 0);

	do_to_many(call, &deed, NULL);
}

void method_stop(struct call *call)
{
	struct deed deed = stopping(call, 1);

	do_to_named(call, &deed);
}

void method_stop_group(struct call *call)
{
	struct deed deed = stopping(call, 1);

	do_to_group(call, &deed);
}

void method_stop_all(struct call *call)
{
	struct deed deed = stopping(call, 0);

	do_to_many(call, &deed, NULL);
}

/* ---- signals ---- */

/* `text` has room for a number. False: the call is over. */
static bool read_signal(struct call *call, size_t n, char text[24], struct deed *ret)
{
	const struct xmlrpc_value *value = call_argument(call, n);
	const char *name = text;

	*ret = (struct deed){ .kind = REQUEST_SIGNAL, .picks = process_state_is_signallable };
	if (value->kind == XMLRPC_INT || value->kind == XMLRPC_BOOLEAN)
		snprintf(text, 24, "%lld", (long long)value->integer);
	else if (!call_text(call, n, &name))
		return false;
	if (parse_signal(name, &ret->signal) < 0)
		ret->bad_signal = name;
	return true;
}

void method_signal(struct call *call)
{
	struct deed deed;
	char text[24];

	if (read_signal(call, 1, text, &deed))
		do_to_named(call, &deed);
}

void method_signal_group(struct call *call)
{
	struct deed deed;
	char text[24];

	if (read_signal(call, 1, text, &deed))
		do_to_group(call, &deed);
}

void method_signal_all(struct call *call)
{
	struct deed deed;
	char text[24];

	if (read_signal(call, 0, text, &deed))
		do_to_many(call, &deed, NULL);
}

/* ---- logs and standard input ---- */

void method_clear_logs(struct call *call)
{
	struct deed deed = { .kind = REQUEST_CLEAR_LOGS };
	const struct table_row *row;

	if (call_process(call, 0, &row, NULL))
		do_to_one(call, &deed, row);
}

void method_clear_all_logs(struct call *call)
{
	struct deed deed = { .kind = REQUEST_CLEAR_LOGS };

	do_to_many(call, &deed, NULL);
}

void method_send_stdin(struct call *call)
{
	struct message_request request = { .kind = REQUEST_STDIN };
	const struct xmlrpc_value *text = call_argument(call, 1);
	const struct table_row *row;
	char number[24];

	if (text->kind != XMLRPC_STRING) {
		snprintf(number, sizeof number, "%lld", (long long)text->integer);
		call_fault(call, FAULT_INCORRECT_PARAMETERS,
			text->kind == XMLRPC_INT ? number : NULL);
		return;
	}
	if (!call_process(call, 0, &row, NULL))
		return;
	snprintf(request.group, sizeof request.group, "%s", row->group);
	snprintf(request.name, sizeof request.name, "%s", row->name);
	call_ask(call, &request, text->text, text->length, NULL);
}
