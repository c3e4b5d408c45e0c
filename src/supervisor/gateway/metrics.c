#include "gateway/metrics.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/describe.h"
#include "gateway/description.h"
#include "gateway/exchange.h"
#include "gateway/usage.h"
#include "text/unicode.h"

/* A process as it is now. */
struct row {
	struct board_record record;
	struct usage usage;
	bool has_usage;
};

struct rows {
	struct row *list;
	size_t count;
};

void metrics_label(struct buffer *buffer, const char *text)
{
	const char *end = text + strlen(text);
	uint32_t character;

	while (text < end) {
		size_t taken = utf8_decode(text, end, &character);

		if (!taken)
			buffer_add_text(buffer, "\xef\xbf\xbd");
		else if (*text == '\n')
			buffer_add_text(buffer, "\\n");
		else if (*text == '"' || *text == '\\')
			buffer_print(buffer, "\\%c", *text);
		else
			buffer_add(buffer, text, taken);
		text += taken ? taken : 1;
	}
}

static void family(struct buffer *buffer, const char *name, const char *type, const char *help)
{
	buffer_print(buffer, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The name and labels of one sample, up to its value. */
static void sample(struct buffer *buffer, const char *name, const struct board_record *record)
{
	buffer_print(buffer, "%s{group=\"", name);
	metrics_label(buffer, record->group);
	buffer_add_text(buffer, "\",name=\"");
	metrics_label(buffer, record->name);
	buffer_add_text(buffer, "\"");
}

/* ---- one family a function: a value, or none, of each process ---- */

static bool up(const struct row *row, double *ret)
{
	*ret = row->record.state == STATE_RUNNING;
	return true;
}

static bool starts(const struct row *row, double *ret)
{
	*ret = (double)row->record.starts;
	return true;
}

static bool start_time(const struct row *row, double *ret)
{
	*ret = (double)row->record.started_wall;
	return row->record.pid > 0;
}

static bool exit_status(const struct row *row, double *ret)
{
	*ret = description_exit_status(&row->record);
	return row->record.has_status && row->record.pid == 0;
}

static bool cpu_seconds(const struct row *row, double *ret)
{
	*ret = row->usage.cpu_seconds;
	return row->has_usage;
}

static bool resident(const struct row *row, double *ret)
{
	*ret = (double)row->usage.memory;
	return row->has_usage;
}

static bool virtual_size(const struct row *row, double *ret)
{
	*ret = (double)row->usage.virtual_memory;
	return row->has_usage;
}

static const struct {
	const char *name, *type, *help;
	bool (*value)(const struct row *row, double *ret);
} families[] = {
	{ "reeve_process_up", "gauge", "Whether the process is RUNNING.", up },
	{ "reeve_process_starts_total", "counter", "Starts of the process since the supervisor began.", starts },
	{ "reeve_process_start_time_seconds", "gauge",
		"When the process was started, in seconds since the Epoch; only while there is one.", start_time },
	{ "reeve_process_exit_status", "gauge",
		"How the process ended, -1 by a signal; only while there is none.", exit_status },
	{ "reeve_process_cpu_seconds_total", "counter",
		"CPU time of the process itself, without its children.", cpu_seconds },
	{ "reeve_process_resident_memory_bytes", "gauge", "Resident memory of the process itself.", resident },
	{ "reeve_process_virtual_memory_bytes", "gauge", "Virtual memory of the process itself.", virtual_size },
};

static void write_states(const struct rows *rows, struct buffer *buffer)
{
	static const int states[] = {
#define PROCESS_STATE(name, number) number,
#include "board/states.def"
#undef PROCESS_STATE
	};

	family(buffer, "reeve_process_state", "gauge", "1 for the state that the process is in, 0 for the others.");
	for (size_t i = 0; i < rows->count; i++)
		for (size_t j = 0; j < sizeof states / sizeof *states; j++) {
			sample(buffer, "reeve_process_state", &rows->list[i].record);
			buffer_print(buffer, ",state=\"%s\"} %d\n", process_state_name(states[j]),
				rows->list[i].record.state == states[j]);
		}
}

static void write_processes(const struct rows *rows, struct buffer *buffer)
{
	double value;

	write_states(rows, buffer);
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		family(buffer, families[i].name, families[i].type, families[i].help);
		for (size_t j = 0; j < rows->count; j++)
			if (families[i].value(&rows->list[j], &value)) {
				sample(buffer, families[i].name, &rows->list[j].record);
				buffer_print(buffer, "} %.17g\n", value);
			}
	}
}

static void write_self(const struct gateway *gateway, struct buffer *buffer)
{
	struct board_header *header = gateway->board.header;

	family(buffer, "reeve_supervisor_info", "gauge", "The supervisor, always 1.");
	buffer_add_text(buffer, "reeve_supervisor_info{identifier=\"");
	metrics_label(buffer, gateway->settings->identifier);
	buffer_print(buffer, "\",version=\"%s\"} 1\n", REEVE_VERSION);
	family(buffer, "reeve_supervisor_running", "gauge", "Whether the supervisor is neither ending nor beginning anew.");
	buffer_print(buffer, "reeve_supervisor_running %d\n", atomic_load(&header->mood) == MOOD_RUNNING);
	family(buffer, "reeve_supervisor_start_time_seconds", "gauge",
		"When the supervisor was started, in seconds since the Epoch.");
	buffer_print(buffer, "reeve_supervisor_start_time_seconds %lld\n",
		(long long)atomic_load(&header->started_wall));
	family(buffer, "reeve_supervisor_role_starts_total", "counter", "Starts of the supervisor's own roles.");
	buffer_print(buffer,
		"reeve_supervisor_role_starts_total{role=\"core\"} %u\n"
		"reeve_supervisor_role_starts_total{role=\"scribe\"} %u\n"
		"reeve_supervisor_role_starts_total{role=\"gateway\"} %u\n",
		atomic_load(&header->core_starts), atomic_load(&header->scribe_starts),
		atomic_load(&header->gateway_starts));
}

static int compare(const void *a, const void *b)
{
	const struct row *one = a, *other = b;
	int order = strcmp(one->record.group, other->record.group);

	return order ? order : strcmp(one->record.name, other->record.name);
}

void metrics_write(const struct gateway *gateway, struct buffer *buffer)
{
	uint32_t most = atomic_load(&gateway->board.header->rows);
	struct rows rows = { 0 };

	if (most > BOARD_ROWS_MAX)
		most = BOARD_ROWS_MAX;
	rows.list = calloc((size_t)most + 1, sizeof *rows.list);
	if (!rows.list) {
		buffer->error = -ENOMEM;
		return;
	}
	for (uint32_t number = 0; number < most; number++) {
		struct row *row = &rows.list[rows.count];

		if (!describe_read(gateway, number, &row->record))
			continue;
		row->has_usage = row->record.pid > 0 && usage_read(row->record.pid, &row->usage) == 0;
		rows.count++;
	}
	qsort(rows.list, rows.count, sizeof *rows.list, compare);
	write_self(gateway, buffer);
	write_processes(&rows, buffer);
	free(rows.list);
}

void metrics_handle(struct exchange *exchange)
{
	struct buffer body = BUFFER((size_t)256 << 20);

	metrics_write(exchange_gateway(exchange), &body);
	exchange_add_header(exchange, "Cache-Control", "no-store");
	exchange_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
	buffer_deinit(&body);
}
