#include "gateway/past.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/description.h"
#include "gateway/words.h"

struct state {
	int64_t when;
	int32_t state;
};

/* One row, as it was at the last look. */
struct process {
	char *id; /* NULL: not in use */
	int32_t state, pid;
	uint64_t starts;
	int64_t stopped;
	struct state *states; /* oldest first */
	uint32_t count, capacity;
};

struct event {
	char *id; /* NULL: the supervisor */
	int64_t when;
	int32_t from, to, pid;
	char text[BOARD_TEXT_SIZE];
};

struct past {
	int64_t since;
	struct process *processes; /* by row */
	uint32_t rows;
	struct event events[PAST_EVENTS_MAX]; /* number n is at n % PAST_EVENTS_MAX; the first is 1 */
	uint64_t newest;
};

struct past *past_new(int64_t now)
{
	struct past *past = calloc(1, sizeof *past);

	if (past)
		past->since = now;
	return past;
}

static void forget(struct process *process)
{
	free(process->id);
	free(process->states);
	*process = (struct process){ 0 };
}

struct past *past_free(struct past *past)
{
	if (!past)
		return NULL;
	for (uint32_t row = 0; row < past->rows; row++)
		forget(&past->processes[row]);
	for (size_t i = 0; i < PAST_EVENTS_MAX; i++)
		free(past->events[i].id);
	free(past->processes);
	free(past);
	return NULL;
}

static struct process *process_at(struct past *past, uint32_t row)
{
	struct process *processes;
	uint32_t rows = past->rows ? past->rows : 64;

	if (row >= BOARD_ROWS_MAX)
		return NULL;
	while (rows <= row)
		rows *= 2;
	if (rows != past->rows) {
		processes = reallocarray(past->processes, rows, sizeof *processes);
		if (!processes)
			return NULL;
		memset(processes + past->rows, 0, (rows - past->rows) * sizeof *processes);
		past->processes = processes;
		past->rows = rows;
	}
	return &past->processes[row];
}

static void add_state(struct process *process, int64_t when, int32_t state)
{
	uint32_t capacity = process->capacity ? process->capacity * 2 : 4;
	struct state *states;

	if (process->count == PAST_STATES_MAX) {
		process->count--;
		memmove(process->states, process->states + 1, process->count * sizeof *process->states);
	}
	if (process->count == process->capacity) {
		states = reallocarray(process->states, capacity, sizeof *states);
		if (!states)
			return;
		process->states = states;
		process->capacity = capacity;
	}
	process->states[process->count++] = (struct state){ .when = when, .state = state };
}

static struct event *new_event(struct past *past, const char *id)
{
	struct event *event = &past->events[++past->newest % PAST_EVENTS_MAX];

	free(event->id);
	*event = (struct event){ .id = id ? strdup(id) : NULL };
	return event;
}

static void add_event(struct past *past, const struct process *process, const struct board_record *record)
{
	struct event *event = new_event(past, process->id);

	event->when = record->changed_wall;
	event->from = process->state;
	event->to = record->state;
	event->pid = record->pid;
	if (record->state == STATE_EXITED || record->state == STATE_STOPPED)
		description_end(record, event->text);
	else if (record->state == STATE_BACKOFF || record->state == STATE_FATAL)
		snprintf(event->text, sizeof event->text, "%s", record->error);
}

/* It ended and was started again between two looks: what its end must have been. */
static void add_unseen_end(struct past *past, struct process *process, const struct board_record *record)
{
	struct board_record end = *record;

	if (process->state == STATE_RUNNING)
		end.state = STATE_EXITED;
	else if (process->state == STATE_STARTING)
		end.state = STATE_BACKOFF;
	else if (process->state == STATE_STOPPING)
		end.state = STATE_STOPPED;
	else
		return;
	end.pid = process->pid;
	end.changed_wall = record->stopped_wall;
	end.has_status = 1;
	add_event(past, process, &end);
	add_state(process, end.changed_wall, end.state);
	process->state = end.state;
}

static void remember(struct process *process, const struct board_record *record)
{
	process->state = record->state;
	process->pid = record->pid;
	process->starts = record->starts;
	process->stopped = record->stopped_wall;
}

enum past_change past_look(struct past *past, uint32_t row, const struct board_record *record)
{
	struct process *process = process_at(past, row);
	char id[DESCRIPTION_ID_SIZE];

	if (!process)
		return PAST_SAME;
	description_id(record, id);
	if (!process->id || strcmp(process->id, id) != 0) {
		forget(process);
		process->id = strdup(id);
		if (!process->id)
			return PAST_SAME;
		add_state(process, record->changed_wall, record->state);
		remember(process, record);
		return PAST_ANOTHER;
	}
	if (process->state != record->state || process->starts != record->starts) {
		if (process->starts != record->starts)
			add_unseen_end(past, process, record);
		add_event(past, process, record);
		add_state(process, record->changed_wall, record->state);
		remember(process, record);
		return PAST_STATE;
	}
	if (process->pid == record->pid && process->stopped == record->stopped_wall)
		return PAST_SAME;
	remember(process, record);
	return PAST_DETAIL;
}

bool past_gone(struct past *past, uint32_t row)
{
	if (row >= past->rows || !past->processes[row].id)
		return false;
	forget(&past->processes[row]);
	return true;
}

void past_mood(struct past *past, int from, int to, int64_t now)
{
	struct event *event = new_event(past, NULL);

	event->when = now;
	event->from = from;
	event->to = to;
}

/* ---- as JSON ---- */

uint64_t past_newest(const struct past *past)
{
	return past->newest;
}

json_t *past_event_json(const struct past *past, uint64_t number)
{
	const struct event *event = &past->events[number % PAST_EVENTS_MAX];
	const char *from = event->id ? process_state_name(event->from) : mood_name(event->from);
	const char *to = event->id ? process_state_name(event->to) : mood_name(event->to);

	return json_pack("{sI so sI ss ss si so}", "number", (json_int_t)number, "id",
		event->id ? words_json(event->id) : json_null(), "when", (json_int_t)event->when, "from",
		from ? from : "UNKNOWN", "to", to ? to : "UNKNOWN", "pid", (int)event->pid, "text",
		words_json(event->text));
}

json_t *past_events_json(const struct past *past)
{
	uint64_t count = past->newest < PAST_EVENTS_MAX ? past->newest : PAST_EVENTS_MAX;
	json_t *events = json_array();

	for (uint64_t number = past->newest - count + 1; number <= past->newest; number++)
		json_array_append_new(events, past_event_json(past, number));
	return events;
}

static json_t *states_json(const struct process *process, int64_t from)
{
	json_t *states = json_array();
	uint32_t first = 0;

	while (first + 1 < process->count && process->states[first + 1].when < from)
		first++;
	for (; first < process->count; first++) {
		const struct state *state = &process->states[first];
		const char *name = process_state_name(state->state);

		json_array_append_new(states,
			json_pack("[Is]", (json_int_t)state->when, name ? name : "UNKNOWN"));
	}
	return states;
}

json_t *past_json(const struct past *past, int64_t now)
{
	json_t *processes = json_object();

	for (uint32_t row = 0; row < past->rows; row++) {
		const struct process *process = &past->processes[row];

		if (process->id)
			words_set(processes, process->id, states_json(process, now - PAST_SECONDS));
	}
	return json_pack("{sI so}", "since", (json_int_t)past->since, "processes", processes);
}
