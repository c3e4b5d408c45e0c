#include "main/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row an option: short and long name, the key of [supervisord] that it sets (NULL: none), what its
 * argument is called (NULL: it takes none, and sets "true"), and its help. */
#define OPTIONS(ROW)                                                                               \
	ROW('c', "configuration", NULL, "FILE", "the configuration (looked for if not given)")     \
	ROW('n', "nodaemon", "nodaemon", NULL, "stay in the foreground")                           \
	ROW('s', "silent", "silent", NULL, "in the foreground, no log on standard output")         \
	ROW('h', "help", NULL, NULL, "print this and exit")                                        \
	ROW('v', "version", NULL, NULL, "print the version and exit")                              \
	ROW('u', "user", "user", "USER", "run as this user (name or number)")                      \
	ROW('m', "umask", "umask", "OCTAL", "umask of the daemon (022)")                           \
	ROW('d', "directory", "directory", "DIR", "change to this directory as a daemon")          \
	ROW('l', "logfile", "logfile", "FILE", "the supervisor's own log")                         \
	ROW('y', "logfile_maxbytes", "logfile_maxbytes", "BYTES", "its size before it is rotated") \
	ROW('z', "logfile_backups", "logfile_backups", "N", "how many of them to keep")            \
	ROW('e', "loglevel", "loglevel", "LEVEL",                                                  \
		"critical, error, warn, info, debug, trace or blather")                            \
	ROW('j', "pidfile", "pidfile", "FILE", "where to write the daemon's pid")                  \
	ROW('i', "identifier", "identifier", "TEXT", "the name of this supervisor")                \
	ROW('q', "childlogdir", "childlogdir", "DIR", "where AUTO logs of programs go")            \
	ROW('k', "nocleanup", "nocleanup", NULL, "keep the AUTO logs of the last run")             \
	ROW('a', "minfds", "minfds", "N", "descriptors that must be available")                    \
	ROW('t', "strip_ansi", "strip_ansi", NULL, "strip colours from the programs' output")      \
	ROW(256, "minprocs", "minprocs", "N", "processes that must be available")                  \
	ROW(257, "profile_options", NULL, "LIST", "of supervisord's profiler; accepted, ignored")

static const struct row {
	int code; /* the short option, or from 256 on for none */
	const char *name, *key, *argument, *help;
} rows[] = {
#define ROW(code, name, key, argument, help) { code, name, key, argument, help },
	OPTIONS(ROW)
#undef ROW
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* reeve's own words. */
static const struct own {
	const char *name;
	enum options_job job;
	const char *help;
} own_words[] = {
	{ "--check", JOB_CHECK, "read the configuration, tell what is wrong or odd, and exit" },
	{ "--json", JOB_SUPERVISE, "with --check: print the effective configuration as JSON" },
	{ "--assume", JOB_SUPERVISE, "with --check: every user, group and directory exists" },
	{ "--status", JOB_STATUS, "print how the programs of a running reeved are, and exit" },
};
enum { OWN_WORDS = sizeof own_words / sizeof own_words[0] };

static const struct row *row_of(int code)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

static void fill_tables(struct option *longs, char *shorts)
{
	*shorts++ = '+'; /* stop at the first that is no option */
	*shorts++ = ':'; /* tell a missing argument from an unknown option */
	*shorts++ = '?';
	for (size_t i = 0; i < ROWS; i++) {
		longs[i] = (struct option){
			.name = rows[i].name,
			.has_arg = rows[i].argument ? required_argument : no_argument,
			.val = rows[i].code,
		};
		if (rows[i].code < 256) {
			*shorts++ = (char)rows[i].code;
			if (rows[i].argument)
				*shorts++ = ':';
		}
	}
	longs[ROWS] = (struct option){ 0 };
	*shorts = '\0';
}

static bool only_prints(const struct options *options)
{
	return options->job == JOB_HELP || options->job == JOB_VERSION;
}

static bool take_own_word(const char *word, struct options *options)
{
	for (size_t i = 0; i < OWN_WORDS; i++) {
		if (strcmp(word, own_words[i].name) != 0)
			continue;
		if (own_words[i].job != JOB_SUPERVISE)
			options->job = only_prints(options) ? options->job : own_words[i].job;
		else if (strcmp(word, "--json") == 0)
			options->json = true;
		else
			options->assume = true;
		return true;
	}
	return false;
}

/* Why getopt_long() did not take this word, in the words of Python's getopt. */
static void explain(const char *word, char *error, size_t size)
{
	size_t length = strcspn(word, "=");
	unsigned candidates = 0;

	if (strncmp(word, "--", 2) != 0) {
		snprintf(error, size, "option -%c not recognized", optopt);
		return;
	}
	for (size_t i = 0; i < ROWS; i++)
		candidates += length > 2 && strncmp(rows[i].name, word + 2, length - 2) == 0;
	if (candidates == 0)
		snprintf(error, size, "option %.*s not recognized", (int)length, word);
	else if (candidates == 1)
		snprintf(error, size, "option %.*s must not have an argument", (int)length, word);
	else
		snprintf(error, size, "option %.*s not a unique prefix", (int)length, word);
}

/* An option as it stands on the command line. */
struct typed {
	const struct row *row;
	const char *value;
	char name[40]; /* "-m" or "--umask" */
};

static void name_as_typed(struct typed *typed, const char *word)
{
	if (strncmp(word, "--", 2) == 0)
		snprintf(typed->name, sizeof typed->name, "--%s", typed->row->name);
	else
		snprintf(typed->name, sizeof typed->name, "-%c", typed->row->code);
}

static int take_override(
	const struct typed *typed, struct options *options, char *error, size_t size)
{
	const struct row *row = typed->row;
	struct config_override *override = &options->overrides[options->override_count];
	char *why = NULL;

	for (size_t i = 0; i < options->override_count; i++) {
		if (strcmp(options->overrides[i].key, row->key) == 0) {
			snprintf(error, size, "conflicting command line option '%s'", typed->name);
			return -EINVAL;
		}
	}
	*override = (struct config_override){
		.key = row->key,
		.value = row->argument ? typed->value : "true",
	};
	if (config_check_override(override, &why) < 0) {
		snprintf(error, size, "invalid value for %s '%s': %s", typed->name, override->value,
			why ? why : "out of memory");
		free(why);
		return -EINVAL;
	}
	options->override_count++;
	return 0;
}

static int take(const struct typed *typed, struct options *options, char *error, size_t size)
{
	if (typed->row->key)
		return take_override(typed, options, error, size);
	switch (typed->row->code) {
	case 'c':
		if (options->configuration) {
			snprintf(error, size, "conflicting command line option '%s'", typed->name);
			return -EINVAL;
		}
		options->configuration = typed->value;
		break;
	case 'h':
		options->job = JOB_HELP;
		break;
	case 'v':
		options->job = JOB_VERSION;
		break;
	}
	return 0;
}

/* Words behind the options, as supervisord shows them. */
static void explain_rest(char **words, char *error, size_t size)
{
	const char *before = "positional arguments are not supported: [";
	size_t used = 0;

	for (; *words && used < size; words++, before = ", ")
		used += (size_t)snprintf(error + used, size - used, "%s'%s'", before, *words);
	if (used < size)
		snprintf(error + used, size - used, "]");
}

int options_parse(int argc, char **argv, struct options *ret, char *error, size_t error_size)
{
	struct option longs[ROWS + 1];
	char shorts[3 + 2 * ROWS + 1];
	struct options options = { .job = JOB_SUPERVISE };
	struct typed typed;
	int code, r;

	fill_tables(longs, shorts);
	opterr = 0;
	optind = 0; /* glibc: begin anew, whoever parsed before */
	for (;;) {
		int at = optind > 0 ? optind : 1;

		code = getopt_long(argc, argv, shorts, longs, NULL);
		if (code == -1)
			break;
		if (code == '?' && at < argc && strcmp(argv[at], "-?") == 0)
			code = 'h';
		if (code == ':') {
			snprintf(error, error_size, "option %s requires argument", argv[optind - 1]);
			return -EINVAL;
		}
		if (code == '?') {
			if (take_own_word(argv[optind - 1], &options))
				continue;
			explain(argv[optind - 1], error, error_size);
			return -EINVAL;
		}
		if (only_prints(&options))
			continue; /* what comes behind must be known, but is not looked at */
		typed = (struct typed){ .row = row_of(code), .value = optarg };
		name_as_typed(&typed, argv[at]);
		r = take(&typed, &options, error, error_size);
		if (r < 0)
			return r;
	}
	if (options.job == JOB_CHECK && optind == argc - 1 && !options.configuration) {
		options.configuration = argv[optind++]; /* reeved --check FILE */
	}
	if (!only_prints(&options) && optind < argc) {
		explain_rest(&argv[optind], error, error_size);
		return -EINVAL;
	}
	*ret = options;
	return 0;
}

void options_print_help(const char *program)
{
	printf("reeved: run and supervise the programs of a supervisord.conf\n\n"
	       "Usage: %s [OPTIONS]\n\nOptions:\n",
		program);
	for (size_t i = 0; i < ROWS; i++) {
		char left[64];
		int used = 0;

		if (rows[i].code < 256)
			used = snprintf(left, sizeof left, "-%c, ", rows[i].code);
		snprintf(left + used, sizeof left - (size_t)used, "--%s%s%s", rows[i].name,
			rows[i].argument ? " " : "", rows[i].argument ? rows[i].argument : "");
		printf("  %-32s %s\n", left, rows[i].help);
	}
	for (size_t i = 0; i < OWN_WORDS; i++)
		printf("  %-32s %s\n", own_words[i].name, own_words[i].help);
}
