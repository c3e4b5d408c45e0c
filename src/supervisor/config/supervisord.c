/* [supervisord], the command line over it, and [supervisorctl]. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/drafts.h"
#include "config/reader.h"

/* The directory for temporary files as Python chooses it. */
static const char *temporary_directory(struct reader *reader)
{
	static const char *const variables[] = { "ENV_TMPDIR", "ENV_TEMP", "ENV_TMP" };
	static const char *const usual[] = { "/tmp", "/var/tmp", "/usr/tmp" };
	const struct config_source *source = reader->source;

	for (size_t i = 0; i < 6; i++) {
		const struct expansion_name *variable =
			i < 3 ? expansion_find(
					&reader->environment, variables[i], strlen(variables[i]))
			      : NULL;
		const char *path = i < 3 ? (variable ? variable->text : "") : usual[i - 3];

		if (!*path)
			continue;
		path = absolute_path(reader, path);
		if (!path || source->is_writable_directory(source->context, path) == 1)
			return path;
	}
	return reader->working_directory;
}

/* supervisord expands this value twice, the second time with the host's name. */
static int read_variables(struct reader *reader, struct place place, const char *text)
{
	struct expansion_names names = { .parent = &reader->here };
	int r = expansion_set_text(&names, "host_node_name", reader->host_name);

	if (r == 0)
		r = expand_text(reader, place, &names, text, &text);
	expansion_names_deinit(&names);
	if (r == 0)
		r = read_environment(reader, place, text, &reader->config->supervisord.environment);
	return r < 0 ? r
		     : name_variables(reader, reader->config->supervisord.environment,
			       &reader->environment);
}

static int apply_overrides(struct reader *reader, struct supervisord_draft *draft)
{
	int result = 0;

	for (size_t i = 0; i < reader->request->override_count; i++) {
		const struct config_override *override = &reader->request->overrides[i];
		const struct setting *setting = setting_find(SECTION_SUPERVISORD, override->key);
		struct place place = { .key = override->key };
		int r = setting ? convert_setting(reader, setting, place, override->value, draft)
				: reader_refuse(reader, place, "there is no such setting");

		if (r == -ENOMEM)
			return r;
		result = r < 0 ? r : result;
	}
	return result;
}

/* What can be read of it is kept also where something else cannot. */
int read_supervisord(struct reader *reader, const struct ini_section *section)
{
	struct supervisord_settings *settings = &reader->config->supervisord;
	struct supervisord_draft draft = { .environment = "" };
	int r, environment_r, overrides_r;

	if (!ini_get(&reader->ini, section, "childlogdir")) {
		draft.settings.childlogdir = temporary_directory(reader);
		if (!draft.settings.childlogdir)
			return -ENOMEM;
	}
	r = read_settings(reader, SECTION_SUPERVISORD, section, &reader->here, &draft);
	if (r == -ENOMEM)
		return r;
	overrides_r = apply_overrides(reader, &draft);
	if (overrides_r == -ENOMEM)
		return overrides_r;
	*settings = draft.settings;
	environment_r = read_variables(
		reader, setting_place(reader, section, "environment"), draft.environment);
	if (environment_r == -EINVAL && !settings->environment &&
		read_environment(reader, section_place(section), "", &settings->environment) < 0)
		return -ENOMEM;
	return environment_r < 0 ? environment_r : overrides_r < 0 ? overrides_r : r;
}

/* `user=` is only looked up after the command line had its say; the log's path is made absolute
 * unless it is the word syslog. */
int finish_supervisord(struct reader *reader)
{
	struct supervisord_settings *settings = &reader->config->supervisord;
	const struct ini_section *section = ini_find(&reader->ini, "supervisord");
	int r;

	if (settings->logfile && strcmp(settings->logfile, "syslog") != 0) {
		settings->logfile = normal_path(reader, settings->logfile);
		if (!settings->logfile)
			return -ENOMEM;
	}
	if (settings->pidfile) {
		settings->pidfile = normal_path(reader, settings->pidfile);
		if (!settings->pidfile)
			return -ENOMEM;
	}
	if (!settings->user_text)
		return 0;
	r = find_user(reader, settings->user_text, &settings->user);
	if (r == -EINVAL)
		return reader_refuse(reader, setting_place(reader, section, "user"), "%s is not %s",
			quoted_text(reader, settings->user_text), setting_type_phrases[TYPE_USER]);
	return r;
}

/* Only of the main file, and for the daemon never a reason to refuse it: it is supervisorctl's part. */
static int read_ctl_setting(
	struct reader *reader, const struct ini_section *section, const struct setting *setting)
{
	const struct ini_value *value = ini_get(&reader->ini, section, setting->key);
	bool knows_here =
		strcmp(setting->key, "serverurl") == 0 || strcmp(setting->key, "history_file") == 0;
	struct expansion_error error;
	int r;

	if (!value || value->file != reader->main_file)
		return 0;
	if (reader->is_client)
		return read_setting(reader, setting, section,
			knows_here ? &reader->here : &reader->environment,
			&reader->config->supervisorctl);
	buffer_clear(&reader->value);
	r = expand(value->text, knows_here ? &reader->here : &reader->environment, &reader->value,
		&error);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		report_add(reader->report, REPORT_LINT, value->file, value->line,
			"%s: supervisorctl will refuse this value, for it cannot be expanded",
			value->key);
		return 0;
	}
	return convert_setting(reader, setting, value_place(value), buffer_text(&reader->value),
		&reader->config->supervisorctl);
}

/* Paths that a client is to use whatever its working directory: as supervisorctl makes them absolute. */
static int finish_client(struct reader *reader)
{
	static const char scheme[] = "unix://";
	struct supervisorctl_settings *settings = &reader->config->supervisorctl;
	CLEANUP_BUFFER struct buffer url = BUFFER(CONFIG_VALUE_MAX);

	if (settings->history_file && *settings->history_file) {
		settings->history_file = normal_path(reader, settings->history_file);
		if (!settings->history_file)
			return -ENOMEM;
	}
	if (settings->serverurl && strncmp(settings->serverurl, scheme, strlen(scheme)) == 0) {
		const char *path = normal_path(reader, settings->serverurl + strlen(scheme));

		if (!path)
			return -ENOMEM;
		buffer_add_text(&url, scheme);
		buffer_add_text(&url, path);
		settings->serverurl = arena_intern_text(reader->arena, buffer_text(&url));
		return url.error || !settings->serverurl ? -ENOMEM : 0;
	}
	return 0;
}

int read_supervisorctl(struct reader *reader)
{
	const struct ini_section *section = ini_find(&reader->ini, "supervisorctl");

	reader->config->supervisorctl.present = section != NULL;
	for (size_t i = 0; section && i < setting_count; i++) {
		int r = setting_rows[i].section == SECTION_SUPERVISORCTL
				? read_ctl_setting(reader, section, &setting_rows[i])
				: 0;

		if (r < 0)
			return r;
	}
	return reader->is_client ? finish_client(reader) : 0;
}

int config_check_override(const struct config_override *override, char **ret_why)
{
	const struct setting *setting = setting_find(SECTION_SUPERVISORD, override->key);
	struct config_request request = { .overrides = override, .override_count = 1 };
	struct supervisord_draft draft = { 0 };
	struct report report;
	struct reader reader = {
		.request = &request,
		.source = &config_source_machine,
		.report = &report,
		.value = BUFFER(CONFIG_VALUE_MAX),
	};
	int r;

	if (!setting)
		return -ENOENT;
	report_init(&report);
	reader.arena = arena_new();
	reader.home = getenv("HOME");
	r = reader.arena ? ini_init(&reader.ini) : -ENOMEM;
	if (r == 0)
		r = convert_setting(&reader, setting, (struct place){ 0 }, override->value, &draft);
	if (r == -EINVAL) {
		*ret_why = report.count ? strdup(report.entries[0].text) : NULL;
		r = *ret_why ? r : -ENOMEM;
	}
	ini_deinit(&reader.ini);
	arena_free(reader.arena);
	report_deinit(&report);
	return r;
}
