/* What is fixed of each row: asked of the core when somebody wants it and the board says that it has changed. */
#include "gateway/table.h"

#include <errno.h>
#include <stdlib.h>

#include "board/log.h"
#include "reeve/error.h"

/* Where groups are added all the time: after so many answers that were old when they came, one of these does. */
#define OLD_ANSWERS_MOST 8

struct table_set {
	const struct table *table; /* the last one; NULL: none yet */
	struct table_waiter *waiters, *telling; /* telling: those who are being told */
	struct reeve_loop_source *cannot_ask;
	bool asked;
	unsigned old_answers; /* in a row */
};

static bool is_old(const struct gateway *gateway)
{
	const struct table *table = gateway->tables->table;

	return !table || table->number != atomic_load(&gateway->board.header->tables);
}

/* Who waits again meanwhile waits for the next one. */
static void tell_waiters(struct table_set *tables)
{
	struct table_waiter *waiter;

	tables->telling = tables->waiters;
	tables->waiters = NULL;
	while ((waiter = tables->telling)) {
		tables->telling = waiter->next;
		waiter->here(waiter, tables->table);
	}
}

static void cannot_ask(struct reeve_loop_source *source, void *data)
{
	tell_waiters(((struct gateway *)data)->tables);
}

static void ask(struct gateway *gateway);

static void take_answer(struct table_set *tables, const char *bytes, size_t size)
{
	const struct table *table;
	int r = bytes ? table_parse(bytes, size, &table) : -EBADMSG;

	if (r < 0) {
		log_line(LOG_ERROR, "gateway: cannot read the table of processes: %s", reeve_error_text(r));
		return;
	}
	table_release(tables->table);
	tables->table = table;
}

static void answered(void *data, const struct message_reply *reply, const char *bytes, size_t size)
{
	struct gateway *gateway = data;
	struct table_set *tables = gateway->tables;
	bool failed = reply->fault != FAULT_SUCCESS;

	tables->asked = false;
	if (!failed)
		take_answer(tables, bytes, size);
	if (!failed && is_old(gateway) && ++tables->old_answers < OLD_ANSWERS_MOST) {
		ask(gateway);
		return;
	}
	tables->old_answers = 0;
	tell_waiters(tables);
}

static void ask(struct gateway *gateway)
{
	struct message_request request = { .kind = REQUEST_TABLE };

	if (gateway->tables->asked)
		return;
	if (request_send(gateway, &request, NULL, 0, answered, gateway, NULL) == 0)
		gateway->tables->asked = true;
	else
		reeve_loop_deferred_schedule(gateway->tables->cannot_ask);
}

const struct table *table_now(struct gateway *gateway)
{
	if (!is_old(gateway))
		return gateway->tables->table;
	ask(gateway);
	return NULL;
}

void table_wait(struct gateway *gateway, struct table_waiter *waiter)
{
	waiter->next = gateway->tables->waiters;
	gateway->tables->waiters = waiter;
	ask(gateway);
}

static void take_out(struct table_waiter **at, const struct table_waiter *waiter)
{
	while (*at && *at != waiter)
		at = &(*at)->next;
	if (*at)
		*at = waiter->next;
}

void table_stop_waiting(struct gateway *gateway, struct table_waiter *waiter)
{
	take_out(&gateway->tables->waiters, waiter);
	take_out(&gateway->tables->telling, waiter);
}

int table_set_new(struct gateway *gateway)
{
	gateway->tables = calloc(1, sizeof *gateway->tables);
	if (!gateway->tables)
		return -ENOMEM;
	return reeve_loop_defer(gateway->loop, cannot_ask, gateway, &gateway->tables->cannot_ask);
}

void table_set_free(struct gateway *gateway)
{
	if (!gateway->tables)
		return;
	reeve_loop_source_free(gateway->tables->cannot_ask);
	table_release(gateway->tables->table);
	free(gateway->tables);
	gateway->tables = NULL;
}
