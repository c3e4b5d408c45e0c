/* A table from the JSON that core/table.c writes, and finding one's way in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "gateway/table.h"

/* All texts live in `json`. */
struct owned_table {
	struct table table;
	json_t *json;
	unsigned users;
};

static struct owned_table *owner_of(const struct table *table)
{
	return (struct owned_table *)(uintptr_t)table;
}

const struct table *table_keep(const struct table *table)
{
	owner_of(table)->users++;
	return table;
}

void table_release(const struct table *table)
{
	struct owned_table *owned = owner_of(table);

	if (!table || --owned->users > 0)
		return;
	json_decref(owned->json);
	free(owned->table.rows);
	free(owned->table.by_name);
	free(owned->table.groups);
	free(owned);
}

/* ---- reading ---- */

static int parse_kind(const char *name, enum config_group_kind *ret)
{
	static const char *const names[] = {
		[CONFIG_PROGRAM] = "program",
		[CONFIG_EVENTLISTENER] = "eventlistener",
		[CONFIG_FCGI_PROGRAM] = "fcgi-program",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum config_group_kind)i;
			return 0;
		}
	}
	return -EBADMSG;
}

static int take_row(json_t *json, struct table_row *row)
{
	json_int_t number, group_priority, priority;
	int redirect_stderr, autostart;
	const char *kind;

	if (json_unpack(json, "{s:I, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:b, s:b}", "row", &number,
		    "group", &row->group, "name", &row->name, "group_priority", &group_priority,
		    "priority", &priority, "kind", &kind, "stdout_logfile", &row->stdout_logfile,
		    "stderr_logfile", &row->stderr_logfile, "command", &row->command,
		    "redirect_stderr", &redirect_stderr, "autostart", &autostart) < 0 ||
		number < 0 || number >= BOARD_ROWS_MAX)
		return -EBADMSG;
	row->row = (uint32_t)number;
	row->group_priority = group_priority;
	row->priority = priority;
	row->redirect_stderr = redirect_stderr;
	row->autostart = autostart;
	return parse_kind(kind, &row->kind);
}

static int take_group(json_t *json, struct table_group *group)
{
	json_int_t priority;
	const char *kind;

	if (json_unpack(json, "{s:s, s:I, s:s}", "name", &group->name, "priority", &priority, "kind",
		    &kind) < 0)
		return -EBADMSG;
	group->priority = priority;
	return parse_kind(kind, &group->kind);
}

static int compare_names(const char *group, const char *name, const struct table_row *row)
{
	int order = strcmp(group, row->group);

	return order ? order : strcmp(name, row->name);
}

static int compare_rows(const void *a, const void *b)
{
	const struct table_row *row = *(const struct table_row *const *)a;

	return compare_names(row->group, row->name, *(const struct table_row *const *)b);
}

static int take_rows(struct table *table, json_t *json)
{
	size_t count = json_array_size(json);

	if (count > BOARD_ROWS_MAX)
		return -EBADMSG;
	table->rows = calloc(count ? count : 1, sizeof *table->rows);
	table->by_name = calloc(count ? count : 1, sizeof *table->by_name);
	if (!table->rows || !table->by_name)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = take_row(json_array_get(json, i), &table->rows[i]);

		if (r < 0)
			return r;
		table->by_name[i] = &table->rows[i];
	}
	table->count = count;
	qsort(table->by_name, count, sizeof *table->by_name, compare_rows);
	return 0;
}

static int take_groups(struct table *table, json_t *json)
{
	size_t count = json_array_size(json);

	table->groups = calloc(count ? count : 1, sizeof *table->groups);
	if (!table->groups)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = take_group(json_array_get(json, i), &table->groups[i]);

		if (r < 0)
			return r;
	}
	table->group_count = count;
	return 0;
}

static int take(struct table *table, json_t *json)
{
	json_t *rows, *groups;
	json_int_t number;
	int r;

	if (json_unpack(json, "{s:I, s:s, s:o, s:o}", "tables", &number, "logfile", &table->logfile,
		    "rows", &rows, "groups", &groups) < 0 ||
		number < 0 || number > UINT32_MAX)
		return -EBADMSG;
	table->number = (uint32_t)number;
	r = take_rows(table, rows);
	return r < 0 ? r : take_groups(table, groups);
}

int table_parse(const char *text, size_t size, const struct table **ret)
{
	struct owned_table *owned = calloc(1, sizeof *owned);
	int r;

	if (!owned)
		return -ENOMEM;
	owned->users = 1;
	owned->json = json_loadb(text, size, 0, NULL);
	r = owned->json ? take(&owned->table, owned->json) : -EBADMSG;
	if (r < 0) {
		table_release(&owned->table);
		return r;
	}
	*ret = &owned->table;
	return 0;
}

/* ---- finding ---- */

/* The first in by_name that is not before these names. */
static size_t lower_bound(const struct table *table, const char *group, const char *name)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_names(group, name, table->by_name[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct table_row *table_find(const struct table *table, const char *group, const char *name)
{
	size_t at = lower_bound(table, group, name);

	if (at == table->count || compare_names(group, name, table->by_name[at]) != 0)
		return NULL;
	return table->by_name[at];
}

size_t table_find_group(const struct table *table, const char *group, const struct table_row *const **ret)
{
	size_t first = lower_bound(table, group, ""), end = first;

	while (end < table->count && strcmp(table->by_name[end]->group, group) == 0)
		end++;
	*ret = table->by_name + first;
	return end - first;
}
