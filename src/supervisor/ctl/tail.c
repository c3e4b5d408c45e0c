#include "ctl/tail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "board/faults.h"
#include "ctl/status.h"
#include "text/repr.h"
#include "text/units.h"

/* ---- for maintail, too ---- */

bool tail_parse_modifier(const char *word, bool *ret_follows, int64_t *ret_bytes)
{
	*ret_follows = strcmp(word, "-f") == 0;
	return *ret_follows || parse_integer(word + 1, ret_bytes) == 0;
}

int tail_bad_argument(struct session *session, const char *word)
{
	complain(session, "Error: bad argument %s", word);
	session->exit_status = STATUS_GENERIC;
	return 0;
}

int tail_follow(struct session *session, struct follow_source *sources, size_t count)
{
	struct follow follow = { .sources = sources, .count = count };
	int r;

	say(session, "==> Press Ctrl-C to exit <==");
	json_decref(session->document); /* with --json each line is a document of its own */
	session->document = NULL;
	r = follow_run(session, &follow);
	for (size_t i = 0; i < count; i++) {
		free(sources[i].label);
		free(sources[i].target);
	}
	if (r == FOLLOW_INTERRUPTED)
		say(session, "%s", "");
	return r < 0 ? r : 0;
}

int tail_tell(struct session *session, int result, const struct xmlrpc_value *answer, const char *name)
{
	struct namespec whole = { span_of(name), { NULL, NULL } };

	if (result < 0)
		return result;
	if (result == 0) {
		if (!session->json) {
			fwrite(answer->text ? answer->text : "", 1, answer->length, stdout);
			putchar('\n');
		}
		tell_take(session, "log", rpc_json(answer));
		return 0;
	}
	session->exit_status = STATUS_GENERIC;
	switch (session->fault) {
	case FAULT_NO_FILE: report_error(session, whole, session->fault, "no log file"); return 0;
	case FAULT_FAILED: report_error(session, whole, session->fault, "unknown error reading log"); return 0;
	case FAULT_BAD_NAME: report_error(session, whole, session->fault, "no such process name"); return 0;
	default: return session_fail_fault(session);
	}
}

/* ---- several at once, which supervisorctl does not do ---- */

static int add_source(struct follow_source *source, const char *name, const char *channel, bool labelled)
{
	source->target = follow_target(name, channel);
	source->label = labelled ? strdup(name) : NULL;
	return source->target && (!labelled || source->label) ? 0 : -ENOMEM;
}

static int follow_selected(struct session *session, const struct words *names, const char *channel)
{
	CLEANUP_SELECTION struct selection selection = { 0 };
	CLEANUP_BUFFER struct buffer name = BUFFER(SIZE_MAX / 2);
	struct follow_source *sources;
	int r = selection_ask(session, names, &selection);

	if (r < 0 || selection.count == 0)
		return r;
	sources = calloc(selection.count, sizeof *sources);
	if (!sources)
		return session_fail_errno(session, -ENOMEM);
	for (size_t i = 0; i < selection.count && r == 0; i++) {
		buffer_clear(&name);
		add_process_name(&name, selection.list[i]);
		r = add_source(&sources[i], buffer_text(&name), channel, true);
	}
	r = r < 0 ? session_fail_errno(session, r) : tail_follow(session, sources, selection.count);
	free(sources);
	return r;
}

static bool is_channel(const char *word)
{
	return strcasecmp(word, "stdout") == 0 || strcasecmp(word, "stderr") == 0;
}

/* `tail -f NAME... [stdout|stderr]`. */
static int follow(struct session *session, const struct words *words)
{
	struct words names = *words;
	const char *channel = "stdout";
	struct follow_source source;

	if (names.count > 1 && is_channel(names.list[names.count - 1]))
		channel = strcasecmp(names.list[--names.count], "stderr") == 0 ? "stderr" : "stdout";
	if (names.count > 1 || words_have(&names, "all") || !namespec_of(names.list[0]).process.start)
		return follow_selected(session, &names, channel);
	if (add_source(&source, names.list[0], channel, session->json) < 0)
		return session_fail_errno(session, -ENOMEM);
	return tail_follow(session, &source, 1);
}

/* ---- the command ---- */

static int read_log(struct session *session, const struct words *words, int64_t bytes)
{
	const struct xmlrpc_value *answer;
	const char *channel = words->count > 1 ? words->list[words->count - 1] : "stdout";
	char shown[256];
	int r;

	if (!is_channel(channel)) {
		repr(channel, shown, sizeof shown);
		complain(session, "Error: bad channel %s", shown);
		session->exit_status = STATUS_GENERIC;
		return 0;
	}
	r = RPC(session, &answer,
		strcasecmp(channel, "stderr") == 0 ? "supervisor.readProcessStderrLog"
						   : "supervisor.readProcessStdoutLog",
		RPC_TEXT(words->list[0]), RPC_NUMBER(-bytes), RPC_NUMBER(0));
	return tail_tell(session, r, answer, words->list[0]);
}

static int misused(struct session *session, const char *what)
{
	return command_misused(session, &command_tail, STATUS_GENERIC, what);
}

static int run_words(struct session *session, const struct words *words)
{
	struct words names = *words;
	int64_t bytes = TAIL_BYTES;
	bool follows = false, modified = words->count > 0 && words->list[0][0] == '-';

	if (words->count < 1)
		return misused(session, "too few arguments");
	follows = strcmp(words->list[0], "-f") == 0;
	if (words->count > 3 && !follows)
		return misused(session, "too many arguments");
	if (modified) {
		names.list++;
		names.count--;
	}
	if (names.count == 0) {
		complain(session, "Error: tail requires process name");
		session->exit_status = STATUS_GENERIC;
		return 0;
	}
	if (modified && !tail_parse_modifier(words->list[0], &follows, &bytes))
		return tail_bad_argument(session, words->list[0]);
	return follows ? follow(session, &names) : read_log(session, &names, bytes);
}

static int run(struct session *session, struct span arguments)
{
	CLEANUP_WORDS struct words words = { 0 };
	int r = rpc_check_server(session);

	if (r <= 0)
		return r;
	if (words_split(arguments, &words) < 0)
		return session_fail_errno(session, -ENOMEM);
	return run_words(session, &words);
}

const struct command command_tail = {
	.name = "tail",
	.summary = "the end of a log, or what comes",
	.help = "tail [-BYTES] NAME [stdout|stderr]\tthe last 1600, or so many, bytes of a process's output\n"
		"tail -f NAME... [stdout|stderr]\t\twhat comes, of one or several processes (NAME, GROUP:*, all),\n"
		"\t\t\t\t\tuntil Ctrl-C",
	.completes = COMPLETE_PROCESSES,
	.run = run,
};
