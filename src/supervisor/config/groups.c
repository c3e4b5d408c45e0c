/* The groups: those of [group:x], and each program, listener or fcgi program that is in none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/drafts.h"
#include "config/reader.h"
#include "text/units.h"

struct group_reader {
	struct reader *reader;
	struct config_group *groups;
	size_t count, capacity;
	bool *member; /* of each section: whether a [group:x] has it */
};

struct process_list {
	struct program_settings *processes;
	size_t count;
};

static int append(struct process_list *list, const struct program_settings *processes, size_t count)
{
	struct program_settings *larger;

	if (!count)
		return 0;
	larger = reallocarray(list->processes, list->count + count, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	memcpy(larger + list->count, processes, count * sizeof *processes);
	list->processes = larger;
	list->count += count;
	return 0;
}

struct named_process {
	const char *name; /* interned: equal names are one pointer */
	uint32_t first, last;
	int64_t priority;
};

static int compare_names(const void *a, const void *b)
{
	const struct named_process *left = a, *right = b;

	if (left->name != right->name)
		return (uintptr_t)left->name < (uintptr_t)right->name ? -1 : 1;
	return (left->first > right->first) - (left->first < right->first);
}

static int compare_starts(const void *a, const void *b)
{
	const struct named_process *left = a, *right = b;

	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	return (left->first > right->first) - (left->first < right->first);
}

/* Of the processes of one name only the last lives, in the place of the first. Returns how many
 * names there are. */
static size_t unite_names(
	struct named_process *list, size_t count, const struct program_settings *processes)
{
	size_t names = 0;

	for (size_t i = 0; i < count; i++)
		list[i] = (struct named_process){ processes[i].name, (uint32_t)i, (uint32_t)i, 0 };
	qsort(list, count, sizeof *list, compare_names);
	for (size_t i = 0; i < count; i++) {
		if (names && list[names - 1].name == list[i].name)
			list[names - 1].last = list[i].last;
		else
			list[names++] = list[i];
		list[names - 1].priority = processes[list[names - 1].last].priority;
	}
	qsort(list, names, sizeof *list, compare_starts);
	return names;
}

static int set_start_order(struct reader *reader, struct config_group *group)
{
	struct named_process *list = calloc(group->process_count + 1, sizeof *list);
	uint32_t *order;

	if (!list)
		return -ENOMEM;
	group->start_count = unite_names(list, group->process_count, group->processes);
	order = arena_alloc(reader->arena, group->start_count * sizeof *order);
	for (size_t i = 0; order && i < group->start_count; i++)
		order[i] = list[i].last;
	free(list);
	group->start_order = order;
	return order ? 0 : -ENOMEM;
}

static int add_group(
	struct group_reader *groups, struct config_group group, const struct process_list *list)
{
	struct reader *reader = groups->reader;
	size_t bytes = list->count * sizeof *list->processes;
	struct program_settings *processes = arena_alloc(reader->arena, bytes);

	if (groups->count == groups->capacity) {
		size_t capacity = groups->capacity ? groups->capacity * 2 : 16;
		struct config_group *larger =
			reallocarray(groups->groups, capacity, sizeof *larger);

		if (!larger)
			return -ENOMEM;
		groups->groups = larger;
		groups->capacity = capacity;
	}
	if (!processes || !group.name || !group.section)
		return -ENOMEM;
	if (bytes)
		memcpy(processes, list->processes, bytes);
	group.processes = processes;
	group.process_count = list->count;
	groups->groups[groups->count++] = group;
	return set_start_order(reader, &groups->groups[groups->count - 1]);
}

/* The name after the colon; an event listener's stays as it is written. */
static int group_name(
	struct reader *reader, const struct ini_section *section, bool strip, const char **ret)
{
	struct span name = span_of(strchr(section->name, ':') + 1);
	char bad;

	if (strip && !parse_name(name.start, &name, &bad))
		return reader_refuse(reader, section_place(section),
			"[%s]: Invalid name because of character: '%c'", section->name, bad);
	if (span_length(name) > CONFIG_NAME_MAX)
		return reader_refuse(reader, section_place(section),
			"[%s]: the name is longer than %d bytes", section->name, CONFIG_NAME_MAX);
	*ret = arena_intern(reader->arena, name.start, span_length(name));
	return *ret ? 0 : -ENOMEM;
}

static struct config_group new_group(struct reader *reader, const struct ini_section *section,
	enum config_group_kind kind, const char *name, int64_t priority)
{
	return (struct config_group){
		.name = name,
		.section = arena_intern_text(reader->arena, section->name),
		.kind = kind,
		.priority = priority,
	};
}

/* [program:NAME] or [fcgi-program:NAME]. */
static int find_member(struct reader *reader, const struct ini_section *group, struct span name,
	const struct ini_section **ret)
{
	struct place place = setting_place(reader, group, "programs");
	CLEANUP_BUFFER struct buffer program = BUFFER(SIZE_MAX / 2);
	CLEANUP_BUFFER struct buffer fcgi = BUFFER(SIZE_MAX / 2);
	const struct ini_section *first, *second;

	buffer_add_text(&program, section_names[SECTION_PROGRAM]);
	buffer_add(&program, name.start, span_length(name));
	buffer_add_text(&fcgi, section_names[SECTION_FCGI_PROGRAM]);
	buffer_add(&fcgi, name.start, span_length(name));
	if (program.error || fcgi.error)
		return -ENOMEM;
	first = ini_find(&reader->ini, buffer_text(&program));
	second = ini_find(&reader->ini, buffer_text(&fcgi));
	if (!first && !second)
		return reader_refuse(reader, place,
			"[%s] names unknown program or fcgi-program %.*s", group->name,
			(int)span_length(name), name.start);
	if (first && second)
		return reader_refuse(reader, place,
			"[%s] name %.*s is ambiguous (exists as program and fcgi-program)",
			group->name, (int)span_length(name), name.start);
	*ret = first ? first : second;
	return 0;
}

static int add_members(struct group_reader *groups, const struct ini_section *section,
	const char *programs, const char *name, struct process_list *list)
{
	struct reader *reader = groups->reader;
	const char *next = list_begin(programs);
	struct span element;
	int result = 0;

	while (list_next(&next, &element)) {
		const struct ini_section *member = NULL;
		struct program_settings *processes;
		size_t count;
		int r = find_member(reader, section, element, &member);

		if (r == 0) {
			groups->member[member - reader->ini.sections] = true;
			r = read_program(reader, member, name, &processes, &count);
		}
		if (r == 0)
			r = append(list, processes, count);
		if (r == -ENOMEM)
			return r;
		result = r < 0 ? r : result;
	}
	return result;
}

static int read_group(struct group_reader *groups, const struct ini_section *section)
{
	struct reader *reader = groups->reader;
	struct process_list list = { 0 };
	struct group_draft draft = { 0 };
	const char *name;
	int r = group_name(reader, section, true, &name);

	if (r == 0)
		r = read_settings(reader, SECTION_GROUP, section, &reader->here, &draft);
	if (r == 0)
		r = add_members(groups, section, draft.programs, name, &list);
	if (r == 0)
		r = add_group(groups,
			new_group(reader, section, CONFIG_PROGRAM, name, draft.priority), &list);
	free(list.processes);
	return r;
}

/* The one group of a section that is in no [group:x]. */
static int add_single(
	struct group_reader *groups, const struct ini_section *section, struct config_group group)
{
	struct process_list list;
	int r = read_program(groups->reader, section, group.name, &list.processes, &list.count);

	if (r < 0)
		return r;
	return add_group(groups, group, &list);
}

/* The group's priority knows fewer names than the program's, though both come from one line. */
static int read_single_program(struct group_reader *groups, const struct ini_section *section)
{
	struct reader *reader = groups->reader;
	struct program_draft draft = { 0 };
	const char *name;
	int r = group_name(reader, section, true, &name);

	if (r == 0)
		r = read_setting(reader, setting_find(SECTION_PROGRAM, "priority"), section,
			&reader->here, &draft);
	if (r < 0)
		return r;
	return add_single(groups, section,
		new_group(reader, section, CONFIG_PROGRAM, name, draft.settings.priority));
}

static int read_events(
	struct reader *reader, const struct ini_section *section, const char *text, uint64_t *ret)
{
	struct place place = setting_place(reader, section, "events");
	const char *next = list_begin(text);
	struct span element;

	*ret = 0;
	while (list_next(&next, &element)) {
		const char *name =
			arena_intern(reader->ini.arena, element.start, span_length(element));
		enum event_type type;

		if (!name)
			return -ENOMEM;
		if (event_type_from_name(name, &type) < 0)
			return reader_refuse(reader, place, "Unknown event type %s in [%s] events",
				name, section->name);
		*ret |= UINT64_C(1) << type;
	}
	return *ret ? 0
		    : reader_refuse(reader, place, "[%s] section requires an \"events\" line",
			      section->name);
}

static int read_event_length(
	struct reader *reader, const struct ini_section *section, const char *text, bool *ret_in_bytes)
{
	*ret_in_bytes = strcmp(text, "bytes") == 0;
	if (*ret_in_bytes || strcmp(text, "characters") == 0)
		return 0;
	return reader_refuse(reader, setting_place(reader, section, "event_length"),
		"[%s]: event_length is \"characters\" or \"bytes\", not \"%s\"", section->name, text);
}

static int read_listener(struct group_reader *groups, const struct ini_section *section)
{
	static const char *const handlers[] = { "supervisor.dispatchers:default_handler",
		"supervisor_stdout:event_handler", NULL };
	struct reader *reader = groups->reader;
	struct listener_draft draft = { 0 };
	struct config_group group;
	const char *name;
	int r = group_name(reader, section, false, &name);

	if (r == 0)
		r = read_settings(reader, SECTION_EVENTLISTENER, section, &reader->here, &draft);
	if (r == 0)
		r = check_plugin(reader, setting_place(reader, section, "result_handler"),
			draft.result_handler, handlers);
	if (r < 0)
		return r;
	group = new_group(reader, section, CONFIG_EVENTLISTENER, name, draft.priority);
	group.buffer_size = draft.buffer_size;
	group.result_handler = draft.result_handler;
	r = read_event_length(reader, section, draft.event_length, &group.length_in_bytes);
	if (r == 0)
		r = read_events(reader, section, draft.events, &group.events);
	if (r == 0 && draft.redirect_stderr)
		return reader_refuse(reader, setting_place(reader, section, "redirect_stderr"),
			"[%s] section sets redirect_stderr=true but this is not allowed because it "
			"will interfere with the eventlistener protocol",
			section->name);
	return r < 0 ? r : add_single(groups, section, group);
}

static int read_fcgi_program(struct group_reader *groups, const struct ini_section *section)
{
	struct reader *reader = groups->reader;
	struct expansion_names names = { .parent = &reader->here };
	struct fcgi_draft draft = { .mode = -1, .owner = { .uid = -1, .gid = -1 } };
	struct config_group group;
	const char *name;
	int r = group_name(reader, section, true, &name);

	if (r < 0)
		return r;
	r = read_fcgi_settings(reader, section, name, &names, &draft);
	expansion_names_deinit(&names);
	if (r < 0)
		return r;
	group = new_group(reader, section, CONFIG_FCGI_PROGRAM, name, draft.priority);
	if (!draft.socket || !*draft.socket)
		return reader_refuse(reader, setting_place(reader, section, "socket"),
			"[%s] section requires a \"socket\" line", section->name);
	r = read_socket(reader, setting_place(reader, section, "socket"), &draft, &group.socket);
	return r < 0 ? r : add_single(groups, section, group);
}

/* By priority, then name; the context is the array that both are indices of. */
static int compare_groups(const void *a, const void *b, void *context)
{
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct config_group *left = (struct config_group *)context + i,
				  *right = (struct config_group *)context + k;
	int order;

	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	order = strcmp(left->name, right->name);
	return order ? order : (i > k) - (i < k);
}

static int read_kind(struct group_reader *groups, enum section_kind kind,
	int (*read)(struct group_reader *groups, const struct ini_section *section))
{
	const struct reader *reader = groups->reader;
	const char *name;
	int result = 0;

	for (size_t i = 0; i < reader->ini.count; i++) {
		int r;

		if (groups->member[i] || !section_is(&reader->ini.sections[i], kind, &name))
			continue;
		r = read(groups, &reader->ini.sections[i]);
		if (r == -ENOMEM)
			return r;
		result = r < 0 ? r : result;
	}
	return result;
}

static int read_kinds(struct group_reader *groups)
{
	static const struct {
		enum section_kind kind;
		int (*read)(struct group_reader *groups, const struct ini_section *section);
	} kinds[] = {
		{ SECTION_GROUP, read_group },
		{ SECTION_PROGRAM, read_single_program },
		{ SECTION_EVENTLISTENER, read_listener },
		{ SECTION_FCGI_PROGRAM, read_fcgi_program },
	};
	int result = 0;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		int r = read_kind(groups, kinds[i].kind, kinds[i].read);

		if (r == -ENOMEM)
			return r;
		result = r < 0 ? r : result;
	}
	return result;
}

static int keep_groups(struct group_reader *groups)
{
	struct config *config = groups->reader->config;
	struct config_group *kept =
		arena_alloc(groups->reader->arena, groups->count * sizeof *kept);
	uint32_t *order = calloc(groups->count + 1, sizeof *order);

	if (!kept || !order) {
		free(order);
		return -ENOMEM;
	}
	for (size_t i = 0; i < groups->count; i++)
		order[i] = (uint32_t)i;
	if (groups->count)
		qsort_r(order, groups->count, sizeof *order, compare_groups, groups->groups);
	for (size_t i = 0; i < groups->count; i++)
		kept[i] = groups->groups[order[i]];
	free(order);
	config->groups = kept;
	config->group_count = groups->count;
	return 0;
}

int read_groups(struct reader *reader)
{
	struct group_reader groups = { .reader = reader };
	int r;

	groups.member = calloc(reader->ini.count + 1, sizeof *groups.member);
	if (!groups.member)
		return -ENOMEM;
	r = read_kinds(&groups);
	if (r == 0)
		r = keep_groups(&groups);
	free(groups.member);
	free(groups.groups);
	return r;
}
