#include "core/table.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config/json.h"

static const char *kind_name(enum config_group_kind kind)
{
	static const char *const names[] = {
		[CONFIG_PROGRAM] = "program",
		[CONFIG_EVENTLISTENER] = "eventlistener",
		[CONFIG_FCGI_PROGRAM] = "fcgi-program",
	};

	return names[kind];
}

static int add_bytes(const char *bytes, size_t size, void *data)
{
	struct buffer *buffer = data;

	buffer_add(buffer, bytes, size);
	return buffer->error ? -1 : 0;
}

/* One element of an array. Objects are written one by one: there may be many. */
static void add_consume(struct buffer *buffer, bool is_first, json_t *json)
{
	if (!is_first)
		buffer_add_char(buffer, ',');
	if (!json || json_dump_callback(json, add_bytes, buffer, JSON_COMPACT) < 0)
		buffer->error = -ENOMEM;
	json_decref(json);
}

/* ---- the table ---- */

static void add_group(struct buffer *buffer, bool is_first, const struct group *group)
{
	json_t *json = json_object();

	json_object_set_new(json, "name", config_text_json(group->settings->name));
	json_object_set_new(json, "kind", json_string(kind_name(group->settings->kind)));
	json_object_set_new(json, "priority", json_integer(group->settings->priority));
	add_consume(buffer, is_first, json);
}

static void add_row(struct buffer *buffer, bool is_first, const struct process *process)
{
	const struct config_group *group = process->group->settings;
	const struct program_settings *settings = process->settings;
	char out[PATH_MAX], err[PATH_MAX];
	json_t *json = json_object();

	logs_name(process, false, out, sizeof out);
	logs_name(process, true, err, sizeof err);
	json_object_set_new(json, "row", json_integer(process->row));
	json_object_set_new(json, "group", config_text_json(group->name));
	json_object_set_new(json, "name", config_text_json(settings->name));
	json_object_set_new(json, "group_priority", json_integer(group->priority));
	json_object_set_new(json, "priority", json_integer(settings->priority));
	json_object_set_new(json, "kind", json_string(kind_name(group->kind)));
	json_object_set_new(json, "stdout_logfile", config_text_json(out));
	json_object_set_new(json, "stderr_logfile", config_text_json(err));
	json_object_set_new(json, "redirect_stderr", json_boolean(settings->redirect_stderr));
	json_object_set_new(json, "autostart", json_boolean(settings->autostart));
	json_object_set_new(json, "command", config_text_json(settings->command));
	add_consume(buffer, is_first, json);
}

void table_write(const struct core *core, struct buffer *buffer)
{
	const char *logfile = core->config->supervisord.logfile;
	bool is_first = true;

	buffer_print(buffer, "{\"tables\":%u,\"logfile\":", atomic_load(&core->board->header->tables));
	if (strcmp(logfile, "syslog") == 0)
		logfile = "";
	{
		json_t *json = config_text_json(logfile);

		if (!json || json_dump_callback(json, add_bytes, buffer, JSON_ENCODE_ANY) < 0)
			buffer->error = -ENOMEM;
		json_decref(json);
	}
	buffer_add_text(buffer, ",\"groups\":[");
	for (size_t g = 0; g < core->group_count; g++)
		add_group(buffer, g == 0, core->groups[g]);
	buffer_add_text(buffer, "],\"rows\":[");
	for (size_t g = 0; g < core->group_count; g++) {
		for (size_t p = 0; p < core->groups[g]->process_count; p++) {
			add_row(buffer, is_first, &core->groups[g]->processes[p]);
			is_first = false;
		}
	}
	buffer_add_text(buffer, "]}");
}

/* ---- the configuration ---- */

/* One process as it is configured; where it stands in the configuration, for processes of one name. */
struct entry {
	const struct config_group *group;
	const struct program_settings *settings;
	const struct process *process; /* the one that lives by these very settings, or NULL */
	bool in_use;
	size_t place;
};

static json_t *text_or_none(const char *text)
{
	return config_text_json(text ? text : "none");
}

static void set_log(json_t *json, const struct entry *entry, bool is_stderr)
{
	const struct config_log *log =
		is_stderr ? &entry->settings->stderr_log : &entry->settings->stdout_log;
	const char *stream = is_stderr ? "stderr" : "stdout";
	char path[PATH_MAX];
	json_t *file;
	const struct {
		const char *suffix;
		json_t *value;
	} members[] = {
		{ "capture_maxbytes", json_integer(log->capture_maxbytes) },
		{ "events_enabled", json_boolean(log->events_enabled) },
		{ "logfile_backups", json_integer(log->backups) },
		{ "logfile_maxbytes", json_integer(log->maxbytes) },
		{ "syslog", json_boolean(log->syslog) },
	};

	if (log->kind == CONFIG_LOG_AUTO && entry->process) {
		logs_name(entry->process, is_stderr, path, sizeof path);
		file = config_text_json(path);
	} else {
		file = text_or_none(log->kind == CONFIG_LOG_AUTO ? "auto" : log->path);
	}
	snprintf(path, sizeof path, "%s_logfile", stream);
	json_object_set_new(json, path, file);
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		snprintf(path, sizeof path, "%s_%s", stream, members[i].suffix);
		json_object_set_new(json, path, members[i].value);
	}
}

static json_t *exit_codes_json(const struct config_exit_codes *codes)
{
	json_t *json = json_array();

	for (size_t i = 0; i < codes->count; i++)
		json_array_append_new(json, json_integer(codes->list[i]));
	return json;
}

static json_t *entry_json(const struct entry *entry)
{
	const struct program_settings *settings = entry->settings;
	json_t *json = json_object();

	json_object_set_new(json, "autostart", json_boolean(settings->autostart));
	json_object_set_new(json, "autorestart",
		settings->autorestart == AUTORESTART_UNEXPECTED
			? json_string("unexpected")
			: json_boolean(settings->autorestart == AUTORESTART_ALWAYS));
	json_object_set_new(json, "directory", text_or_none(settings->directory));
	json_object_set_new(json, "uid",
		settings->user ? json_integer(settings->user->uid) : json_string("none"));
	json_object_set_new(json, "command", config_text_json(settings->command));
	json_object_set_new(json, "exitcodes", exit_codes_json(&settings->exitcodes));
	json_object_set_new(json, "group", config_text_json(entry->group->name));
	json_object_set_new(json, "group_prio", json_integer(entry->group->priority));
	json_object_set_new(json, "inuse", json_boolean(entry->in_use));
	json_object_set_new(json, "killasgroup", json_boolean(settings->killasgroup));
	json_object_set_new(json, "name", config_text_json(settings->name));
	json_object_set_new(json, "process_prio", json_integer(settings->priority));
	json_object_set_new(json, "redirect_stderr", json_boolean(settings->redirect_stderr));
	json_object_set_new(json, "startretries", json_integer(settings->startretries));
	json_object_set_new(json, "startsecs", json_integer(settings->startsecs));
	json_object_set_new(json, "stopsignal", json_integer(settings->stopsignal));
	json_object_set_new(json, "stopwaitsecs", json_integer(settings->stopwaitsecs));
	json_object_set_new(json, "serverurl", text_or_none(settings->serverurl));
	set_log(json, entry, false);
	set_log(json, entry, true);
	return json;
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = strcmp(a->settings->name, b->settings->name);

	return order ? order : a->place < b->place ? -1 : 1;
}

static size_t collect(const struct core *core, const struct config *config, struct entry *entries)
{
	size_t count = 0;

	for (size_t g = 0; g < config->group_count; g++) {
		const struct config_group *settings = &config->groups[g];
		const struct group *group = group_by_name(core, settings->name);

		for (size_t p = 0; p < settings->process_count; p++) {
			struct entry *entry = &entries[count];

			*entry = (struct entry){
				.group = settings,
				.settings = &settings->processes[p],
				.in_use = group,
				.place = count,
			};
			if (group && group->settings == settings)
				entry->process = process_by_name(core, settings->name, entry->settings->name);
			count++;
		}
	}
	return count;
}

void table_write_config(const struct core *core, struct buffer *buffer)
{
	const struct config *config = core->readings[reading_latest(core)].config;
	struct entry *entries = calloc(config->process_count + 1, sizeof *entries);
	size_t count;

	if (!entries) {
		buffer->error = -ENOMEM;
		return;
	}
	count = collect(core, config, entries);
	qsort(entries, count, sizeof *entries, compare_entries);
	buffer_add_char(buffer, '[');
	for (size_t i = 0; i < count; i++)
		add_consume(buffer, i == 0, entry_json(&entries[i]));
	buffer_add_char(buffer, ']');
	free(entries);
}
