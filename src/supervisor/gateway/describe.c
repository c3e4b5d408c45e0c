#include "gateway/describe.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "gateway/description.h"
#include "gateway/words.h"

static json_int_t restarts(const struct board_record *record)
{
	return record->starts > 1 ? (json_int_t)(record->starts - 1) : 0;
}

json_t *describe_process(const struct board_record *record, const struct table_row *row)
{
	char id[DESCRIPTION_ID_SIZE], description[DESCRIPTION_SIZE], end[DESCRIPTION_END_SIZE];
	const char *state = process_state_name(record->state);

	description_id(record, id);
	description_write(record, reeve_now(), description);
	description_end(record, end);
	return json_pack("{so so so ss si si so sI sI sI sI si ss so so so si si}", "id", words_json(id), "name",
		words_json(record->name), "group", words_json(record->group), "state",
		state ? state : "UNKNOWN", "statecode", (int)record->state, "pid", (int)record->pid,
		"description", words_json(description), "start", (json_int_t)record->started_wall, "stop",
		(json_int_t)record->stopped_wall, "changed", (json_int_t)record->changed_wall, "restarts",
		restarts(record), "exitstatus", description_exit_status(record), "end", end, "spawnerr",
		words_json(record->error), "stdout_logfile", words_json(row->stdout_logfile),
		"stderr_logfile", words_json(row->stderr_logfile), "priority", (int)row->priority,
		"group_priority", (int)row->group_priority);
}

bool describe_read(const struct gateway *gateway, uint32_t row, struct board_record *ret)
{
	return board_read(&gateway->board, row, ret) == 0;
}

static void append(json_t *array, const struct gateway *gateway, const struct table_row *row)
{
	struct board_record record;

	/* The row may be another's already, where the table is just becoming old. */
	if (describe_read(gateway, row->row, &record) && strcmp(record.name, row->name) == 0 &&
		strcmp(record.group, row->group) == 0)
		json_array_append_new(array, describe_process(&record, row));
}

json_t *describe_processes(const struct gateway *gateway, const struct table *table)
{
	json_t *array = json_array();

	for (size_t i = 0; i < table->count; i++)
		append(array, gateway, table->by_name[i]);
	return array;
}

json_t *describe_group(const struct gateway *gateway, const struct table_row *const *rows, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		append(array, gateway, rows[i]);
	return json_pack("{so sI so}", "name", words_json(rows[0]->group), "priority",
		(json_int_t)rows[0]->group_priority, "processes", array);
}

json_t *describe_groups(const struct gateway *gateway, const struct table *table)
{
	json_t *array = json_array();
	size_t count;

	for (size_t i = 0; i < table->count; i += count) {
		for (count = 1; i + count < table->count; count++)
			if (strcmp(table->by_name[i]->group, table->by_name[i + count]->group) != 0)
				break;
		json_array_append_new(array, describe_group(gateway, table->by_name + i, count));
	}
	return array;
}

static json_t *role_json(const _Atomic int32_t *pid, uint32_t starts)
{
	return json_pack("{si sI}", "pid", (int)atomic_load(pid), "starts", (json_int_t)starts);
}

json_t *describe_supervisor(const struct gateway *gateway)
{
	struct board_header *header = gateway->board.header;
	int32_t mood = atomic_load(&header->mood);
	const char *name = mood_name(mood);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return json_pack("{so ss ss ss ss si si sI sf s{so so so so}}", "identifier",
		words_json(gateway->settings->identifier), "version", REEVE_VERSION, "supervisor_version",
		"4.2.5", "api_version", "3.0", "state", name ? name : "UNKNOWN", "statecode", (int)mood, "pid",
		(int)atomic_load(&header->keeper_pid), "start",
		(json_int_t)atomic_load(&header->started_wall), "now",
		(double)now.tv_sec + (double)(now.tv_nsec / 1000000) / 1000, "roles", "keeper",
		role_json(&header->keeper_pid, 1), "core",
		role_json(&header->core_pid, atomic_load(&header->core_starts)), "scribe",
		role_json(&header->scribe_pid, atomic_load(&header->scribe_starts)), "gateway",
		role_json(&header->gateway_pid, atomic_load(&header->gateway_starts)));
}
