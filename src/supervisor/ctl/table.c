#include "ctl/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/rpc.h"
#include "ctl/status.h"

static void free_rows(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		free(table->rows[i].name);
		free(table->rows[i].state);
		free(table->rows[i].description);
	}
	free(table->rows);
	table->rows = NULL;
	table->count = 0;
}

void table_deinit(struct table *table)
{
	free_rows(table);
	usages_deinit(&table->last);
}

/* Pids mean something only here. */
static bool is_local(const struct session *session)
{
	return session->server.path || strcmp(session->server.host, "localhost") == 0 ||
	       strcmp(session->server.host, "::1") == 0 || strncmp(session->server.host, "127.", 4) == 0;
}

static int fill_row(struct table_row *row, const struct xmlrpc_value *process)
{
	CLEANUP_BUFFER struct buffer name = BUFFER(SIZE_MAX / 2);

	add_process_name(&name, process);
	row->name = buffer_take(&name);
	row->state = strdup(rpc_text(process, "statename"));
	row->description = strdup(rpc_text(process, "description"));
	row->state_number = rpc_number(process, "state");
	row->pid = (pid_t)rpc_number(process, "pid");
	return row->name && row->state && row->description ? 0 : -ENOMEM;
}

static int measure(struct table *table, struct table_row *row, reeve_nsec passed, struct usages *now)
{
	const struct usage *before;
	struct usage usage;

	if (row->pid <= 0 || usage_read(row->pid, &usage) < 0)
		return 0;
	before = usages_find(&table->last, &usage);
	row->has_usage = true;
	row->memory = usage.memory;
	row->cpu_total = usage.cpu;
	if (before && passed > 0)
		row->cpu = 100 * (usage.cpu - before->cpu) / ((double)passed / (double)REEVE_SEC);
	return usages_add(now, &usage);
}

static int measure_all(struct table *table)
{
	struct usages now = { 0 };
	reeve_nsec looked = reeve_now();
	int r = 0;

	for (size_t i = 0; i < table->count && r == 0; i++)
		r = measure(table, &table->rows[i], looked - table->looked, &now);
	usages_deinit(&table->last);
	table->last = now;
	table->looked = looked;
	return r;
}

int table_refresh(struct session *session, struct table *table)
{
	const struct xmlrpc_value *all;
	int r = RPC_NO_ARGUMENTS(session, &all, "supervisor.getAllProcessInfo");

	if (r != 0)
		return r < 0 ? r : session_fail_fault(session);
	free_rows(table);
	table->rows = calloc(all->count + 1, sizeof *table->rows);
	if (!table->rows)
		return session_fail_errno(session, -ENOMEM);
	for (const struct xmlrpc_value *process = all->first; process && r == 0; process = process->next)
		r = fill_row(&table->rows[table->count++], process);
	if (r == 0 && is_local(session))
		r = measure_all(table);
	return r < 0 ? session_fail_errno(session, r) : 0;
}

/* ---- order ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct table_row *)a)->name, ((const struct table_row *)b)->name);
}

static int falling(double a, double b)
{
	return (a < b) - (a > b);
}

static int by_cpu(const void *a, const void *b)
{
	int order = falling(((const struct table_row *)a)->cpu, ((const struct table_row *)b)->cpu);

	return order ? order : by_name(a, b);
}

static int by_memory(const void *a, const void *b)
{
	int order = falling((double)((const struct table_row *)a)->memory, (double)((const struct table_row *)b)->memory);

	return order ? order : by_name(a, b);
}

static int by_state(const void *a, const void *b)
{
	int order = falling((double)((const struct table_row *)a)->state_number,
		(double)((const struct table_row *)b)->state_number);

	return order ? order : by_name(a, b);
}

void table_sort(struct table *table, enum table_order order)
{
	static int (*const orders[])(const void *, const void *) = {
		[ORDER_NAME] = by_name,
		[ORDER_CPU] = by_cpu,
		[ORDER_MEMORY] = by_memory,
		[ORDER_STATE] = by_state,
	};

	qsort(table->rows, table->count, sizeof *table->rows, orders[order]);
}

void table_format_bytes(uint64_t bytes, char text[16])
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes / 1024;
	size_t unit = 0;

	while (value >= 1000 && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	snprintf(text, 16, value < 10 && unit > 0 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}
