#include "config/json.h"

#include <stdlib.h>
#include <string.h>

#include "config/drafts.h"
#include "config/settings.h"
#include "text/buffer.h"
#include "text/shell_words.h"
#include "text/unicode.h"

/* A text of the file is UTF-8; a path or a host name need not be: what is none is replaced. */
json_t *config_text_json(const char *text)
{
	struct buffer clean = BUFFER(SIZE_MAX / 2);
	const char *end;
	json_t *json;

	if (!text)
		return json_null();
	json = json_string(text);
	if (json)
		return json;
	end = text + strlen(text);
	while (text < end) {
		uint32_t character;
		size_t length = utf8_decode(text, end, &character);

		buffer_add(&clean, length ? text : "\xef\xbf\xbd", length ? length : 3);
		text += length ? length : 1;
	}
	json = clean.error ? NULL : json_string(buffer_text(&clean));
	buffer_deinit(&clean);
	return json;
}

static json_t *environment_json(const struct config_environment *environment)
{
	json_t *json = json_object();

	for (size_t i = 0; i < environment->count; i++) {
		const struct config_variable *variable = &environment->variables[i];

		json_object_setn_new(json, variable->text, variable->name_length,
			config_text_json(variable->text + variable->name_length + 1));
	}
	return json;
}

static json_t *user_json(const struct config_user *user)
{
	if (!user)
		return json_null();
	return user->uid_assumed ? config_text_json(user->name) : json_integer(user->uid);
}

static json_t *owner_json(const struct config_owner *owner)
{
	json_t *json = json_array();

	json_array_append_new(
		json, owner->user ? config_text_json(owner->user) : json_integer(owner->uid));
	json_array_append_new(
		json, owner->group ? config_text_json(owner->group) : json_integer(owner->gid));
	return json;
}

static json_t *exit_codes_json(const struct config_exit_codes *codes)
{
	json_t *json = json_array();

	for (size_t i = 0; i < codes->count; i++)
		json_array_append_new(json, json_integer(codes->list[i]));
	return json;
}

static json_t *autorestart_json(enum config_autorestart autorestart)
{
	if (autorestart == AUTORESTART_UNEXPECTED)
		return json_string("unexpected");
	return json_boolean(autorestart == AUTORESTART_ALWAYS);
}

static json_t *mode_json(int32_t mode)
{
	return mode < 0 ? json_null() : json_integer(mode);
}

/* The value of a row in the struct that its section came to. */
static json_t *setting_json(const struct setting *setting, const void *base)
{
	const char *member = (const char *)base + setting->offset;

	switch (setting->type) {
	case TYPE_TEXT:
	case TYPE_TEMPLATE:
	case TYPE_DIRECTORY:
	case TYPE_PATH:
	case TYPE_SERVER_URL: return config_text_json(*(const char *const *)member);
	case TYPE_INTEGER:
	case TYPE_SECONDS:
	case TYPE_BYTE_SIZE: return json_integer(*(const int64_t *)member);
	case TYPE_BOOLEAN: return json_boolean(*(const bool *)member);
	case TYPE_MODE: return mode_json(*(const int32_t *)member);
	case TYPE_SIGNAL: return json_integer(*(const uint8_t *)member);
	case TYPE_EXIT_CODES: return exit_codes_json((const void *)member);
	case TYPE_AUTORESTART:
		return autorestart_json(*(const enum config_autorestart *)(const void *)member);
	case TYPE_LOG_LEVEL:
		return json_string(config_log_level_name(
			*(const enum config_log_level *)(const void *)member));
	case TYPE_USER: return user_json(*(const struct config_user *const *)(const void *)member);
	case TYPE_OWNER: return owner_json((const void *)member);
	case TYPE_LOG_FILE: {
		const struct config_log *log = (const void *)member;

		return log->kind == CONFIG_LOG_AUTO ? json_string("AUTO") : config_text_json(log->path);
	}
	case TYPE_INET_ADDRESS:
		return config_text_json(((const struct inet_address *)(const void *)member)->host);
	case SETTING_TYPE_COUNT: break;
	}
	return NULL;
}

/* All rows of a kind whose members lie within the first `size` bytes of the draft. */
static void add_settings(json_t *json, enum section_kind kind, const void *base, size_t size)
{
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *setting = &setting_rows[i];

		if (setting->section == kind && setting->offset < size &&
			setting->type != TYPE_TEMPLATE)
			json_object_set_new(json, setting->type == TYPE_USER ? "uid" : setting->key,
				setting_json(setting, base));
	}
}

static json_t *supervisord_json(const struct supervisord_settings *settings)
{
	const struct config_user *user = settings->user;
	json_t *json = json_object();

	_Static_assert(offsetof(struct supervisord_draft, settings) == 0,
		"rows of the draft are rows of the settings");
	add_settings(json, SECTION_SUPERVISORD, settings, sizeof *settings);
	json_object_set_new(json, "environment", environment_json(settings->environment));
	json_object_set_new(json, "serverurl", config_text_json(settings->serverurl));
	json_object_set_new(json, "uid", user_json(user));
	json_object_set_new(json, "gid",
		!user               ? json_null()
		: user->gid_assumed ? json_string("primary")
				    : json_integer(user->gid));
	return json;
}

static void add_words(json_t *json, const char *command)
{
	const char *why;
	char **words;
	size_t count;
	int r = shell_words_split(command, &words, &count, &why);
	json_t *list;

	if (r < 0) {
		json_object_set_new(json, "argv", json_null());
		json_object_set_new(json, "argv_error", json_string(why));
		return;
	}
	list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, config_text_json(words[i]));
	free(words);
	json_object_set_new(json, "argv", list);
	if (!count)
		json_object_set_new(json, "argv_error", json_string("command is empty"));
}

static json_t *process_json(const struct program_settings *settings)
{
	json_t *json = json_object();

	_Static_assert(offsetof(struct program_draft, settings) == 0,
		"rows of the draft are rows of the settings");
	add_settings(json, SECTION_PROGRAM, settings, sizeof *settings);
	add_settings(json, SECTION_INSTANCE, settings, sizeof *settings);
	json_object_set_new(json, "name", config_text_json(settings->name));
	json_object_set_new(json, "environment", environment_json(settings->environment));
	add_words(json, settings->command);
	return json;
}

static json_t *events_json(uint64_t events)
{
	const char *names[EVENT_TYPE_COUNT];
	size_t count = 0;
	json_t *json = json_array();

	for (size_t type = 0; type < EVENT_TYPE_COUNT; type++) {
		size_t at = count;

		if (!(events >> type & 1))
			continue;
		for (; at > 0 && strcmp(names[at - 1], event_type_name((enum event_type)type)) > 0;
			at--)
			names[at] = names[at - 1];
		names[at] = event_type_name((enum event_type)type);
		count++;
	}
	for (size_t i = 0; i < count; i++)
		json_array_append_new(json, json_string(names[i]));
	return json;
}

static json_t *socket_json(const struct config_socket *socket)
{
	json_t *json = json_object();

	json_object_set_new(json, "url", config_text_json(socket->url));
	json_object_set_new(
		json, "backlog", socket->backlog ? json_integer(socket->backlog) : json_null());
	if (socket->family == CONFIG_UNIX) {
		json_object_set_new(json, "mode", json_integer(socket->mode));
		json_object_set_new(json, "owner",
			socket->has_owner ? owner_json(&socket->owner) : json_null());
	}
	return json;
}

static json_t *group_json(const struct config_group *group)
{
	static const char *const kinds[] = {
		[CONFIG_PROGRAM] = "program",
		[CONFIG_EVENTLISTENER] = "eventlistener",
		[CONFIG_FCGI_PROGRAM] = "fcgi-program",
	};
	json_t *json = json_object(), *processes = json_array();

	json_object_set_new(json, "name", config_text_json(group->name));
	json_object_set_new(json, "kind", json_string(kinds[group->kind]));
	json_object_set_new(json, "priority", json_integer(group->priority));
	for (size_t i = 0; i < group->process_count; i++)
		json_array_append_new(processes, process_json(&group->processes[i]));
	json_object_set_new(json, "processes", processes);
	if (group->kind == CONFIG_EVENTLISTENER) {
		json_object_set_new(json, "buffer_size", json_integer(group->buffer_size));
		json_object_set_new(json, "events", events_json(group->events));
		json_object_set_new(json, "result_handler", config_text_json(group->result_handler));
	}
	if (group->kind == CONFIG_FCGI_PROGRAM)
		json_object_set_new(json, "socket", socket_json(group->socket));
	return json;
}

static json_t *server_json(const struct config_server *server)
{
	json_t *json = json_object();

	json_object_set_new(json, "section", config_text_json(server->section));
	json_object_set_new(json, "username", config_text_json(server->username));
	json_object_set_new(json, "password", config_text_json(server->password));
	if (server->family == CONFIG_UNIX) {
		json_object_set_new(json, "family", json_string("unix"));
		json_object_set_new(json, "file", config_text_json(server->file));
		json_object_set_new(json, "chmod", json_integer(server->chmod));
		json_object_set_new(json, "chown", owner_json(&server->chown));
	} else {
		json_object_set_new(json, "family", json_string("inet"));
		json_object_set_new(json, "host", config_text_json(server->host));
		json_object_set_new(json, "port", json_integer(server->port));
	}
	return json;
}

static json_t *rpcinterface_json(const struct config_rpcinterface *interface)
{
	json_t *json = json_object(), *options = json_object();

	json_object_set_new(json, "name", config_text_json(interface->name));
	json_object_set_new(json, "factory", config_text_json(interface->factory));
	for (size_t i = 0; i < interface->option_count; i++)
		json_object_set_new(
			options, interface->options[i].key, config_text_json(interface->options[i].value));
	json_object_set_new(json, "options", options);
	return json;
}

static json_t *warnings_json(const struct report *report)
{
	json_t *json = json_array();

	for (size_t i = 0; i < report->count; i++)
		if (report->entries[i].level == REPORT_WARNING)
			json_array_append_new(json, config_text_json(report->entries[i].text));
	return json;
}

json_t *config_to_json(const struct config *config, const struct report *report)
{
	json_t *json = json_object(), *servers = json_array(), *interfaces = json_array(),
	       *groups = json_array(), *included = json_array();

	for (size_t i = 0; i < config->server_count; i++)
		json_array_append_new(servers, server_json(&config->servers[i]));
	for (size_t i = 0; i < config->rpcinterface_count; i++)
		json_array_append_new(interfaces, rpcinterface_json(&config->rpcinterfaces[i]));
	for (size_t i = 0; i < config->group_count; i++)
		json_array_append_new(groups, group_json(&config->groups[i]));
	for (size_t i = 0; i < config->included_count; i++)
		json_array_append_new(included, config_text_json(config->included[i]));
	json_object_set_new(json, "supervisord", supervisord_json(&config->supervisord));
	json_object_set_new(json, "servers", servers);
	json_object_set_new(json, "rpcinterfaces", interfaces);
	json_object_set_new(json, "groups", groups);
	json_object_set_new(json, "included", included);
	json_object_set_new(json, "warnings", warnings_json(report));
	return json;
}

json_t *report_to_json(const struct report *report)
{
	struct buffer text = BUFFER(SIZE_MAX / 2);
	json_t *json = json_object();

	for (size_t i = 0; i < report->count; i++) {
		char *line;

		if (report->entries[i].level != REPORT_ERROR)
			continue;
		line = report_entry_text(&report->entries[i]);
		buffer_print(&text, "%s%s", text.length ? "\n" : "", line ? line : "out of memory");
		free(line);
	}
	json_object_set_new(json, "error", config_text_json(buffer_text(&text)));
	buffer_deinit(&text);
	return json;
}
