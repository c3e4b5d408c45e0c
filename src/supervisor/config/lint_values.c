/* Values that can be read but can hardly be meant. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/drafts.h"
#include "config/reader.h"
#include "text/shell_words.h"

static struct place place_of(
	const struct reader *reader, const struct ini_section *section, const char *key)
{
	return setting_place(reader, section, key);
}

/* Words that a shell would act on. */
static bool is_operator(const char *word)
{
	static const char *const operators[] = { "&&", "||", "|", ">", ">>", "<", "<<", ";", "&",
		"2>", "2>&1", "&>", "1>&2" };

	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
		if (strcmp(word, operators[i]) == 0)
			return true;
	return false;
}

/* `$NAME` or `${`, but not the `$` of a pattern. */
static bool has_variable(const char *word)
{
	const char *dollar = strchr(word, '$');

	return dollar && (dollar[1] == '{' || dollar[1] == '(' || dollar[1] == '_' ||
				 (dollar[1] >= 'A' && dollar[1] <= 'Z'));
}

static bool is_shell(const char *program)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "zsh", "ksh", "busybox",
		"env", "su", "sudo", "gosu", "runuser", "ssh", "docker", "perl", "awk" };
	const char *slash = strrchr(program, '/');

	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
		if (strcmp(slash ? slash + 1 : program, shells[i]) == 0)
			return true;
	return false;
}

static void lint_words(struct reader *reader, struct place place, char *const *words)
{
	if (is_shell(words[0]))
		return;
	for (size_t i = 0; words[i]; i++) {
		if (is_operator(words[i]))
			lint_add(reader, place,
				"no shell reads the command: %s is an argument of the program (sh "
				"-c '...' has a shell)",
				quoted_text(reader, words[i]));
		else if (has_variable(words[i]))
			lint_add(reader, place,
				"no shell reads the command: %s stays as it is (%%(ENV_NAME)s is a "
				"variable's value)",
				quoted_text(reader, words[i]));
		else
			continue;
		return;
	}
}

static void lint_command(struct reader *reader, struct place place, const char *command)
{
	const char *why = "";
	char **words;
	size_t count;
	int r = shell_words_split(command, &words, &count, &why);

	if (r == -ENOMEM)
		reader->report->out_of_memory = true;
	if (r < 0) {
		lint_add(reader, place,
			"no start will succeed, for the command cannot be split: %s", why);
		return;
	}
	if (!count)
		lint_add(reader, place, "no start will succeed, for the command is empty");
	else
		lint_words(reader, place, words);
	free(words);
}

static void lint_quotes(struct reader *reader, struct place place, const char *path)
{
	size_t length = path ? strlen(path) : 0;

	if (length >= 2 && (*path == '"' || *path == '\'') && path[length - 1] == *path)
		lint_add(reader, place, "the quotes are part of the value");
}

static void lint_number(struct reader *reader, struct place place, int64_t number)
{
	if (number < 0)
		lint_add(reader, place, "%" PRId64 " is negative", number);
}

static void lint_log(struct reader *reader, const struct ini_section *section,
	const struct program_draft *draft, const struct config_log *log, const char *key)
{
	const struct ini_value *value = ini_get(&reader->ini, section, key);

	lint_quotes(reader, place_of(reader, section, key), log->path);
	if (draft->numprocs > 1 && value && log->kind == CONFIG_LOG_FILE &&
		strncmp(log->path, "/dev/", 5) != 0 && !strstr(value->text, "%(process_num)") &&
		!strstr(value->text, "%(ENV_"))
		lint_add(reader, value_place(value),
			"all %" PRId64
			" processes write to one file; %%(process_num)d would tell them apart",
			draft->numprocs);
}

void lint_process(
	struct reader *reader, const struct ini_section *section, const struct program_draft *draft)
{
	const struct program_settings *program = &draft->settings;
	const struct config_source *source = reader->source;

	lint_command(reader, place_of(reader, section, "command"), program->command);
	lint_quotes(reader, place_of(reader, section, "directory"), program->directory);
	lint_log(reader, section, draft, &program->stdout_log, "stdout_logfile");
	lint_log(reader, section, draft, &program->stderr_log, "stderr_logfile");
	lint_number(reader, place_of(reader, section, "startsecs"), program->startsecs);
	lint_number(reader, place_of(reader, section, "startretries"), program->startretries);
	lint_number(reader, place_of(reader, section, "stopwaitsecs"), program->stopwaitsecs);
	if (program->stopsignal == 0)
		lint_add(reader, place_of(reader, section, "stopsignal"),
			"0 is no signal: every stop waits for its SIGKILL");
	if (program->directory && *program->directory == '/' &&
		source->is_directory(source->context, program->directory) == 0)
		lint_add(reader, place_of(reader, section, "directory"),
			"%s does not exist, or is no directory",
			quoted_text(reader, program->directory));
}

static struct place group_place(const struct reader *reader, const struct config_group *group)
{
	const struct ini_section *section = ini_find(&reader->ini, group->section);

	return section ? section_place(section) : (struct place){ 0 };
}

static void lint_groups(struct reader *reader)
{
	const struct config *config = reader->config;

	for (size_t i = 0; i < config->group_count; i++) {
		const struct config_group *group = &config->groups[i];

		if (!group->process_count)
			lint_add(reader, group_place(reader, group), "group %s has no process",
				group->name);
		if (group->start_count < group->process_count)
			lint_add(reader, group_place(reader, group),
				"%zu processes of group %s have the name of another one and are "
				"lost",
				group->process_count - group->start_count, group->name);
		for (size_t k = 0; k < i; k++)
			if (config->groups[k].name == group->name)
				lint_add(reader, group_place(reader, group),
					"there is already a group %s: this one is lost",
					group->name);
	}
}

/* `{SHA}` and the 40 digits of an SHA-1. */
static bool is_password(const char *password)
{
	return strncmp(password, "{SHA}", 5) != 0 ||
	       (strlen(password) == 45 && strspn(password + 5, "0123456789abcdefABCDEF") == 40);
}

static void lint_servers(struct reader *reader)
{
	const struct config *config = reader->config;

	for (size_t i = 0; i < config->server_count; i++) {
		const struct config_server *server = &config->servers[i];
		const struct ini_section *section = ini_find(&reader->ini, server->section);

		if (server->family == CONFIG_UNIX && server->chmod & 02 && !server->password)
			lint_add(reader, place_of(reader, section, "chmod"),
				"every user of this machine may start and stop programs here");
		if (server->password && !is_password(server->password))
			lint_add(reader, place_of(reader, section, "password"),
				"{SHA} is followed by the 40 digits of an SHA-1");
	}
}

static bool has_server(const struct config *config, const char *path)
{
	for (size_t i = 0; i < config->server_count; i++)
		if (config->servers[i].family == CONFIG_UNIX &&
			strcmp(config->servers[i].file, path) == 0)
			return true;
	return false;
}

/* Whether supervisorctl will find what it looks for. */
static void lint_ctl(struct reader *reader)
{
	const struct config *config = reader->config;
	const struct ini_section *section = ini_find(&reader->ini, "supervisorctl");
	const char *url = config->supervisorctl.serverurl;
	bool main_interface = false;

	for (size_t i = 0; i < config->rpcinterface_count; i++)
		main_interface =
			main_interface || strcmp(config->rpcinterfaces[i].name, "supervisor") == 0;
	if (config->server_count && !main_interface)
		lint_add(reader, section_place(ini_find(&reader->ini, "supervisord")),
			"there is no [rpcinterface:supervisor]: supervisorctl will not be "
			"understood");
	if (section && url && strncmp(url, "unix://", 7) == 0) {
		const char *path = normal_path(reader, url + 7);

		reader->report->out_of_memory = reader->report->out_of_memory || !path;
		if (path && !has_server(config, path))
			lint_add(reader, place_of(reader, section, "serverurl"),
				"no [unix_http_server] listens at %s", path);
	}
}

/* The main interface takes no options: supervisord cannot start with one. */
static void lint_rpcinterfaces(struct reader *reader)
{
	const struct config *config = reader->config;

	for (size_t i = 0; i < config->rpcinterface_count; i++) {
		const struct config_rpcinterface *interface = &config->rpcinterfaces[i];

		if (interface->option_count)
			report_add(reader->report, REPORT_LINT, NULL, 0,
				"[rpcinterface:%s] has the option %s (a key of [DEFAULT] counts "
				"too): supervisord would not start with it",
				interface->name, interface->options[0].key);
	}
}

void lint_result(struct reader *reader)
{
	lint_groups(reader);
	lint_servers(reader);
	lint_ctl(reader);
	lint_rpcinterfaces(reader);
}
