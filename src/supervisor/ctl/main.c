/* reevectl: which server, which command. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/search.h"
#include "ctl/command.h"
#include "ctl/interactive.h"
#include "ctl/options.h"

#define EXIT_USAGE 2

static int usage_error(const char *program, const char *text)
{
	fprintf(stderr, "Error: %s\nFor help, use %s -h\n", text, program);
	return -EINVAL;
}

static int refuse_configuration(const char *program, const struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		char *text = report->entries[i].level == REPORT_ERROR ? report_entry_text(&report->entries[i]) : NULL;

		if (text)
			usage_error(program, text);
		free(text);
		if (text)
			break;
	}
	return -EINVAL;
}

/* The settings of a file. No file is as good as an empty section, unless one was asked for. */
static int read_configuration(const char *program, const struct options *options, struct config **ret)
{
	struct config_request request = {
		.path = options->configuration,
		.environment = (const char *const *)environ,
	};
	struct report report;
	char *found = NULL;
	int r = options->configuration ? 0 : config_search(program, &found, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (found)
		request.path = found;
	report_init(&report);
	r = config_read_client(&request, ret, &report);
	if (r == -EINVAL)
		refuse_configuration(program, &report);
	report_deinit(&report);
	free(found);
	return r;
}

static const char *first_of(const char *a, const char *b)
{
	return a ? a : b;
}

static bool wants_colours(void)
{
	const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(none && *none) && terminal && strcmp(terminal, "dumb") != 0;
}

static int begin_session(const char *program, const struct options *options, struct session *session)
{
	static const struct supervisorctl_settings nothing;
	const struct supervisorctl_settings *settings = &nothing;
	struct config *config = NULL;
	int r = read_configuration(program, options, &config);

	if (r < 0)
		return r;
	if (config)
		settings = &config->supervisorctl;
	r = session_init(session, first_of(options->serverurl, settings->serverurl),
		first_of(options->username, settings->username), first_of(options->password, settings->password),
		settings->prompt, first_of(options->history_file, settings->history_file));
	config_free(config);
	session->interactive = options->interactive || !*options->words;
	session->json = options->json;
	session->colours = !options->json && wants_colours();
	return r;
}

/* The words are one line again, which is taken apart as if it had been typed. */
static int run_words(struct session *session, char **words)
{
	CLEANUP_BUFFER struct buffer line = BUFFER(SIZE_MAX / 2);

	for (char **word = words; *word; word++) {
		if (word != words)
			buffer_add_char(&line, ' ');
		buffer_add_text(&line, *word);
	}
	if (line.error)
		return STATUS_GENERIC;
	command_run_line(session, buffer_text(&line));
	return session->exit_status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct session session = { .http = HTTP_CLOSED };
	char error[1024];
	int r, status = 0;

	if (options_parse(argc, argv, &options, error, sizeof error) < 0) {
		usage_error(argv[0], error);
		return EXIT_USAGE;
	}
	if (options.help || options.version) {
		if (options.help)
			options_print_help(argv[0]);
		else
			printf("reevectl %s\n", REEVE_VERSION);
		return 0;
	}
	r = begin_session(argv[0], &options, &session);
	if (r == 0 && *options.words)
		status = run_words(&session, options.words);
	else if (r == 0)
		interactive_run(&session);
	else if (r == -ENOMEM)
		usage_error(argv[0], "out of memory");
	session_deinit(&session);
	if (fflush(stdout) != 0)
		return STATUS_GENERIC;
	return r < 0 ? EXIT_USAGE : status;
}
