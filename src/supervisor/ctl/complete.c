#include "ctl/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct candidates {
	const char *prefix;
	struct words *words;
};

/* Takes `text`, which may be NULL. */
static void add_take(struct candidates *candidates, char *text)
{
	struct words *words = candidates->words;
	char **list;

	if (!text || strncmp(text, candidates->prefix, strlen(candidates->prefix)) != 0 || words_have(words, text)) {
		free(text);
		return;
	}
	list = reallocarray(words->list, words->count + 2, sizeof *list);
	if (!list) {
		free(text);
		return;
	}
	words->list = list;
	list[words->count++] = text;
	list[words->count] = NULL;
}

static char *joined(const char *group, const char *name)
{
	char *text;

	return asprintf(&text, "%s:%s", group, name) < 0 ? NULL : text;
}

static void add_commands(struct candidates *candidates)
{
	for (size_t i = 0; i < command_count; i++)
		add_take(candidates, strdup(commands[i]->name));
}

static void add_process(struct candidates *candidates, const struct xmlrpc_value *process)
{
	const char *group = rpc_text(process, "group"), *name = rpc_text(process, "name");

	if (strchr(candidates->prefix, ':') || strcmp(group, name) != 0) {
		add_take(candidates, joined(group, name));
		add_take(candidates, joined(group, "*"));
	} else {
		add_take(candidates, strdup(name));
	}
}

static void add_named(struct session *session, struct candidates *candidates, enum completion completion)
{
	const struct xmlrpc_value *all;

	if (RPC_NO_ARGUMENTS(session, &all, "supervisor.getAllProcessInfo") != 0)
		return;
	for (const struct xmlrpc_value *process = all->first; process; process = process->next)
		if (completion == COMPLETE_GROUPS)
			add_take(candidates, strdup(rpc_text(process, "group")));
		else
			add_process(candidates, process);
}

size_t complete_word_length(const char *line)
{
	const char *end = line + strlen(line), *start = end;

	while (start > line && !strchr(" \t", start[-1]))
		start--;
	return (size_t)(end - start);
}

void complete_line(struct session *session, const char *line, struct words *ret)
{
	size_t length = complete_word_length(line);
	struct candidates candidates = { line + strlen(line) - length, ret };
	const struct command *command;
	struct line parsed;

	*ret = (struct words){ 0 };
	line_parse(line, &parsed);
	if (parsed.kind == LINE_EMPTY || (!parsed.is_question && candidates.prefix == parsed.whole.start)) {
		add_commands(&candidates);
		return;
	}
	command = parsed.is_question ? &command_help : command_find(parsed.command);
	if (!command)
		return;
	if (command->completes == COMPLETE_COMMANDS) {
		if (parsed.is_question && *candidates.prefix == '?')
			candidates.prefix++;
		add_commands(&candidates);
	} else if (command->completes != COMPLETE_NOTHING) {
		add_named(session, &candidates, command->completes);
	}
}

size_t complete_common(const struct words *words)
{
	size_t length = words->count ? strlen(words->list[0]) : 0;

	for (size_t i = 1; i < words->count; i++) {
		size_t same = 0;

		while (same < length && words->list[i][same] == words->list[0][same])
			same++;
		length = same;
	}
	return length;
}
