#include "core/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "board/log.h"
#include "core/event_text.h"
#include "core/listener_link.h"
#include "reeve/error.h"

/* How long the end of all waits for listeners that have events. */
#define ENDING_LONGEST (5 * REEVE_SEC)

struct event_head *event_head(const struct events *events, uint32_t number)
{
	return &events->memory->heads[number];
}

/* ---- telling ---- */

void events_schedule(struct events *events)
{
	reeve_loop_deferred_schedule(events->dispatcher);
}

static struct told *told_of(const struct events *events, uint32_t row)
{
	return &events->memory->told[row];
}

static void note_told(struct events *events, const struct event_head *head)
{
	if (head->about > 0 && head->about <= BOARD_ROWS_MAX && head->state != UINT16_MAX)
		told_of(events, head->about - 1)->state = head->state;
}

void events_tell(struct events *events, enum event_type type, const struct event_source *from, const char *payload,
	size_t size)
{
	struct event_head head = {
		.type = (uint16_t)type,
		.serial = atomic_load(&events->memory->serial),
		.about = from && from->about ? from->about->row + 1 : 0,
		.state = from && from->about ? (uint16_t)process_state(from->about) : UINT16_MAX,
		.source = from ? from->feed : 0,
	};

	for (struct pool *pool = events->pools; pool; pool = pool->next)
		if (pool->wanted >> type & 1)
			pool_accept(events, pool, &head, payload, size);
	note_told(events, &head);
	atomic_store(&events->memory->serial, head.serial + 1);
}

static void tell(struct events *events, enum event_type type, const struct event_source *from, struct buffer *payload)
{
	if (payload->error)
		log_line(LOG_ERROR, "no memory for an event: %s is lost", event_type_name(type));
	else
		events_tell(events, type, from, buffer_text(payload), payload->length);
}

void events_tell_text(struct events *events, enum event_type type, uint64_t feed, struct buffer *payload)
{
	tell(events, type, &(struct event_source){ .feed = feed }, payload);
}

/* ---- processes ---- */

/* Of one that has ended, the board does not know it any more. */
int events_pid_of(const struct events *events, const struct process *process)
{
	int pid = process_record(process)->pid;

	if (pid <= 0)
		pid = process->last_pid;
	return pid > 0 ? pid : told_of(events, process->row)->pid;
}

/* The failure that BACKOFF is entered for is counted just after. */
static unsigned tries_of(const struct process *process)
{
	const struct board_record *record = process_record(process);

	return record->failures + (record->state == STATE_BACKOFF && record->due == 0);
}

void events_state(struct process *process, enum process_state from)
{
	struct events *events = process->group->core->events;
	CLEANUP_BUFFER struct buffer payload = BUFFER(EVENT_SIZE_MAX);
	struct event_source source = { .about = process };
	struct event_process about = { process_name(process), process->group->settings->name, 0 };
	struct event_change change = { .from = from, .to = process_state(process) };

	if (!events)
		return;
	if (process->listener)
		events_schedule(events);
	if (!events_wanted(events, event_type_of_state(change.to))) {
		told_of(events, process->row)->state = (int32_t)change.to;
		return;
	}
	about.pid = told_of(events, process->row)->pid = events_pid_of(events, process);
	change.tries = tries_of(process);
	change.expected = process_exit_is_expected(process);
	event_text_state(&payload, &about, &change);
	tell(events, event_type_of_state(change.to), &source, &payload);
}

void events_catch_up(struct process *process)
{
	struct events *events = process->group->core->events;
	int told;

	if (!events)
		return;
	told = told_of(events, process->row)->state;
	if (told != (int)process_state(process))
		events_state(process, (enum process_state)told);
}

/* ---- others ---- */

void events_remote(struct core *core, const char *type, const char *data, size_t size)
{
	CLEANUP_BUFFER struct buffer payload = BUFFER(EVENT_SIZE_MAX);

	if (!events_wanted(core->events, EVENT_REMOTE_COMMUNICATION))
		return;
	event_text_remote(&payload, type, data, size);
	tell(core->events, EVENT_REMOTE_COMMUNICATION, NULL, &payload);
}

static void tell_group(struct core *core, const char *name, enum event_type type)
{
	CLEANUP_BUFFER struct buffer payload = BUFFER(EVENT_SIZE_MAX);

	if (!events_wanted(core->events, type))
		return;
	event_text_group(&payload, name);
	tell(core->events, type, NULL, &payload);
}

static int add_pool(struct core *core, struct group *group)
{
	if (group->settings->kind != CONFIG_EVENTLISTENER || group->process_count == 0)
		return 0;
	return pool_add(core->events, group);
}

/* What the scribe is to look for in streams depends on what is wanted. */
static void retap(struct core *core, uint64_t wanted_before)
{
	const uint64_t tapped = UINT64_C(1) << EVENT_PROCESS_LOG_STDOUT | UINT64_C(1) << EVENT_PROCESS_LOG_STDERR |
				UINT64_C(1) << EVENT_PROCESS_COMMUNICATION_STDOUT |
				UINT64_C(1) << EVENT_PROCESS_COMMUNICATION_STDERR;

	if ((core->events->wanted ^ wanted_before) & tapped)
		logs_open_all(core);
}

void events_group_added(struct core *core, struct group *group)
{
	uint64_t wanted = core->events ? core->events->wanted : 0;
	int r;

	if (!core->events)
		return;
	for (size_t p = 0; p < group->process_count; p++)
		*told_of(core->events, group->processes[p].row) = (struct told){ STATE_STOPPED, 0 };
	r = add_pool(core, group);
	if (r < 0)
		log_line(LOG_ERROR, "no events for '%s': %s", group->settings->name, reeve_error_text(r));
	if (r == 0 && group->settings->kind == CONFIG_EVENTLISTENER)
		ticks_begin(core->events);
	retap(core, wanted);
	tell_group(core, group->settings->name, EVENT_PROCESS_GROUP_ADDED);
}

static struct pool *pool_of(const struct events *events, const struct group *group)
{
	struct pool *pool = events ? events->pools : NULL;

	while (pool && pool->group != group)
		pool = pool->next;
	return pool;
}

void events_group_removed(struct core *core, struct group *group)
{
	struct pool *pool = pool_of(core->events, group);
	uint64_t wanted = core->events ? core->events->wanted : 0;

	if (!core->events)
		return;
	for (size_t p = 0; p < group->process_count; p++)
		for (int is_stderr = 0; is_stderr < 2; is_stderr++)
			captures_forget(core->events, STREAM_OF(group->processes[p].row, is_stderr));
	if (pool)
		pool_remove(core->events, pool);
	retap(core, wanted);
	tell_group(core, group->settings->name, EVENT_PROCESS_GROUP_REMOVED);
}

void events_running(struct core *core)
{
	struct events *events = core->events;

	if (!events || atomic_load(&events->memory->begun))
		return;
	if (events_wanted(events, EVENT_SUPERVISOR_STATE_CHANGE_RUNNING))
		events_tell(events, EVENT_SUPERVISOR_STATE_CHANGE_RUNNING, NULL, "", 0);
	atomic_store(&events->memory->begun, 1);
}

void events_stopping(struct core *core)
{
	struct events *events = core->events;

	if (!events || atomic_load(&events->memory->stopping))
		return;
	if (events_wanted(events, EVENT_SUPERVISOR_STATE_CHANGE_STOPPING))
		events_tell(events, EVENT_SUPERVISOR_STATE_CHANGE_STOPPING, NULL, "", 0);
	atomic_store(&events->memory->stopping, 1);
}

bool events_wants_log(const struct core *core, bool is_stderr)
{
	return events_wanted(core->events, is_stderr ? EVENT_PROCESS_LOG_STDERR : EVENT_PROCESS_LOG_STDOUT);
}

bool events_wants_communication(const struct core *core, bool is_stderr)
{
	return events_wanted(
		core->events, is_stderr ? EVENT_PROCESS_COMMUNICATION_STDERR : EVENT_PROCESS_COMMUNICATION_STDOUT);
}

/* ---- the end of all ---- */

static void ending_due(struct reeve_loop_source *source, uint64_t expirations, void *data)
{
	core_schedule_progress(data);
}

static bool has_work(const struct pool *pool)
{
	bool has_alive = false, has_event = pool->count > 0;

	for (size_t i = 0; i < pool->group->process_count; i++) {
		has_event |= pool->links[i].event != NO_EVENT;
		has_alive |= link_is_alive(&pool->links[i]);
	}
	return has_alive && has_event;
}

bool events_has_work(struct group *group)
{
	struct events *events = group->core->events;
	struct pool *pool = pool_of(events, group);

	if (!pool || !has_work(pool))
		return false;
	if (pool->ends_by == 0) {
		pool->ends_by = reeve_now() + ENDING_LONGEST;
		if (!events->ending &&
			reeve_loop_add_timer(group->core->loop, ending_due, group->core, &events->ending) < 0)
			return false;
		reeve_loop_timer_start_at(events->ending, pool->ends_by, 0);
	}
	return reeve_now() < pool->ends_by;
}

/* ---- the beginning ---- */

static void dispatch(struct reeve_loop_source *source, void *data)
{
	struct events *events = data;

	for (struct pool *pool = events->pools; pool; pool = pool->next)
		pool_dispatch(events, pool);
	if (core_mood(events->core) < MOOD_RUNNING)
		core_schedule_progress(events->core);
}

/* An event that a core was killed over: some of its pools have it. */
static uint32_t find_unfinished(const struct events *events)
{
	uint64_t serial = atomic_load(&events->memory->serial);

	for (int64_t number = -1; (number = event_blocks_next(&events->blocks, number)) >= 0;)
		if (event_head(events, (uint32_t)number)->kind == EVENT_QUEUED &&
			event_head(events, (uint32_t)number)->serial == serial)
			return (uint32_t)number;
	return NO_EVENT;
}

static bool pool_has(const struct events *events, const struct pool *pool, uint64_t serial)
{
	for (int64_t number = -1; (number = event_blocks_next(&events->blocks, number)) >= 0;) {
		const struct event_head *head = event_head(events, (uint32_t)number);

		if (head->kind == EVENT_QUEUED && head->pool == pool->row && head->serial == serial)
			return true;
	}
	return false;
}

static void finish_unfinished(struct events *events)
{
	uint32_t number = find_unfinished(events);
	struct event_head head;

	if (number == NO_EVENT)
		return;
	head = *event_head(events, number);
	head.owner = 0;
	for (struct pool *pool = events->pools; pool; pool = pool->next)
		if ((pool->wanted >> head.type & 1) && !pool_has(events, pool, head.serial))
			pool_accept(events, pool, &head, events->memory->data[number], head.size);
	note_told(events, &head);
	atomic_store(&events->memory->serial, head.serial + 1);
}

static void recover(struct events *events)
{
	for (struct pool *pool = events->pools; pool; pool = pool->next)
		pool_recover(events, pool);
	finish_unfinished(events);
	events_schedule(events);
}

static int add_groups(struct core *core)
{
	int r = 0;

	for (size_t g = 0; r == 0 && g < core->group_count; g++) {
		r = add_pool(core, core->groups[g]);
		if (r == 0 && !atomic_load(&core->events->memory->begun))
			tell_group(core, core->groups[g]->settings->name, EVENT_PROCESS_GROUP_ADDED);
	}
	return r;
}

int events_begin(struct core *core, struct event_memory *memory, struct feed *feed)
{
	struct events *events;
	int r;

	if (!memory)
		return 0;
	events = calloc(1, sizeof *events);
	if (!events)
		return -ENOMEM;
	events->core = core;
	events->memory = memory;
	events->feed = feed;
	core->events = events;
	if (!atomic_load(&memory->begun)) /* killed before it had told anything: from the beginning */
		event_memory_clear(memory);
	r = reeve_loop_defer(core->loop, dispatch, events, &events->dispatcher);
	if (r == 0)
		r = event_blocks_init(&events->blocks, memory);
	events->next = calloc(EVENT_BLOCKS, sizeof *events->next);
	if (r == 0 && !events->next)
		r = -ENOMEM;
	if (r == 0)
		r = add_groups(core);
	if (r < 0)
		return r;
	if (core->start->again)
		recover(events);
	ticks_begin(events);
	captures_begin(events);
	return 0;
}

void events_end(struct core *core)
{
	struct events *events = core->events;

	if (!events)
		return;
	while (events->pools)
		pool_free(events, events->pools);
	reeve_loop_source_free(events->dispatcher);
	reeve_loop_source_free(events->ticker);
	reeve_loop_source_free(events->ending);
	captures_end(events);
	event_blocks_deinit(&events->blocks);
	free(events->next);
	free(events);
	core->events = NULL;
}
