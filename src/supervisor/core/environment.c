/* What a program finds in its environment: the supervisor's own, what supervisord tells its children, and over
 * both what the configuration sets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/state.h"

static bool same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return strncmp(a, b, length) == 0 && b[length] == '=';
}

/* Put `text`, "NAME=value", in the place of a variable of that name, or behind all. */
static void put(char **variables, size_t *count, char *text)
{
	for (size_t i = 0; i < *count; i++) {
		if (same_name(text, variables[i])) {
			variables[i] = text;
			return;
		}
	}
	variables[(*count)++] = text;
}

static size_t variable_size(const char *name, const char *value)
{
	return strlen(name) + 1 + strlen(value) + 1;
}

char **environment_make(const struct process *process)
{
	const struct program_settings *settings = process->settings;
	const struct config_environment *own = settings->environment;
	const char *url = settings->serverurl ? settings->serverurl
					      : process->group->core->config->supervisord.serverurl;
	struct {
		const char *name, *value;
	} told[] = {
		{ "SUPERVISOR_ENABLED", "1" },
		{ "SUPERVISOR_SERVER_URL", url },
		{ "SUPERVISOR_PROCESS_NAME", settings->name },
		{ "SUPERVISOR_GROUP_NAME", process->group->settings->name },
	};
	enum { TOLD = sizeof told / sizeof told[0] };
	size_t inherited = 0, bytes = 0, count = 0, size;
	char **variables, *texts;

	while (environ[inherited])
		inherited++;
	for (int i = 0; i < TOLD; i++)
		if (told[i].value)
			bytes += variable_size(told[i].name, told[i].value);
	variables = malloc((inherited + TOLD + own->count + 1) * sizeof *variables + bytes);
	if (!variables)
		return NULL;
	texts = (char *)(variables + inherited + TOLD + own->count + 1);
	memcpy(variables, environ, inherited * sizeof *variables);
	count = inherited;
	for (int i = 0; i < TOLD; i++) {
		if (!told[i].value)
			continue;
		size = variable_size(told[i].name, told[i].value);
		snprintf(texts, size, "%s=%s", told[i].name, told[i].value);
		put(variables, &count, texts);
		texts += size;
	}
	for (size_t i = 0; i < own->count; i++)
		put(variables, &count, (char *)(uintptr_t)own->variables[i].text);
	variables[count] = NULL;
	return variables;
}
