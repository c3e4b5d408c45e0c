/* Python's getopt, for what is refused is to be refused in its words. */
#include "ctl/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "text/repr.h"

struct option {
	char letter;
	const char *name;
	const char *argument; /* what it is called; NULL: it takes none */
	size_t member;	      /* of struct options, where the argument goes; NO_MEMBER: it is --help */
	const char *help;
};

#define NO_MEMBER SIZE_MAX
#define MEMBER(name) offsetof(struct options, name)

static const struct option options[] = {
	{ 'c', "configuration", "FILE", MEMBER(configuration),
		"the configuration with [supervisorctl] (looked for if not given)" },
	{ 'h', "help", NULL, NO_MEMBER, "print this and exit; also -?" },
	{ 'i', "interactive", NULL, MEMBER(interactive), "read commands from standard input" },
	{ 's', "serverurl", "URL", MEMBER(serverurl),
		"http://HOST:PORT or unix:///PATH (http://localhost:9001)" },
	{ 'u', "username", "NAME", MEMBER(username), "who we say we are" },
	{ 'p', "password", "TEXT", MEMBER(password), "how we prove it" },
	{ 'r', "history_file", "FILE", MEMBER(history_file), "keep the interactive history here" },
};
enum { OPTIONS = sizeof options / sizeof *options };

struct parser {
	struct options *result;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int refuse(
	struct parser *parser, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(parser->error, parser->error_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* "scheme:something", as Python's urlparse finds it. */
static bool is_url(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	const char *rest = text + length + 1;

	if (length == 0 || text[length] != ':')
		return false;
	if (strncmp(rest, "//", 2) == 0)
		rest += 2;
	return *rest && *rest != '?' && *rest != '#' && *rest != ';';
}

static int set(struct parser *parser, const struct option *option, const char *typed, const char *value)
{
	const char **member;
	char shown[512];

	if (option->member == NO_MEMBER)
		parser->result->help = true;
	if (parser->result->help)
		return 0; /* it is all that will be done */
	member = (const char **)(void *)((char *)parser->result + option->member);
	if (member == &parser->result->serverurl && !is_url(value)) {
		repr(value, shown, sizeof shown);
		return refuse(parser, "invalid value for %s %s: value %s is not a URL", typed, shown, shown);
	}
	if (*member)
		return refuse(parser, "conflicting command line option '%s'", typed);
	*member = value;
	return 0;
}

static const struct option *find_long(const char *word, size_t length, unsigned *ret_candidates)
{
	const struct option *found = NULL;

	*ret_candidates = 0;
	for (size_t i = 0; i < OPTIONS; i++) {
		if (strncmp(options[i].name, word, length) != 0)
			continue;
		if (strlen(options[i].name) == length) {
			*ret_candidates = 1;
			return &options[i];
		}
		found = &options[i];
		++*ret_candidates;
	}
	return found;
}

/* Returns how many words it took, or -EINVAL. */
static int parse_long(struct parser *parser, char **words)
{
	const char *word = words[0] + 2, *value = strchr(word, '=');
	size_t length = strcspn(word, "=");
	unsigned candidates;
	const struct option *option = find_long(word, length, &candidates);
	char typed[64];
	int taken = 1, r;

	if (strcmp(word, "json") == 0) {
		parser->result->json = true;
		return 1;
	}
	if (strcmp(word, "version") == 0) {
		parser->result->version = true;
		return 1;
	}
	if (candidates == 0)
		return refuse(parser, "option --%.*s not recognized", (int)length, word);
	if (candidates > 1)
		return refuse(parser, "option --%.*s not a unique prefix", (int)length, word);
	if (value && !option->argument)
		return refuse(parser, "option --%s must not have an argument", option->name);
	if (!value && option->argument) {
		if (!words[1])
			return refuse(parser, "option --%s requires argument", option->name);
		taken = 2;
	}
	snprintf(typed, sizeof typed, "--%s", option->name);
	r = set(parser, option, typed, value ? value + 1 : taken == 2 ? words[1] : "");
	return r < 0 ? r : taken;
}

static const struct option *find_letter(char letter)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].letter == (letter == '?' ? 'h' : letter))
			return &options[i];
	return NULL;
}

static int parse_letters(struct parser *parser, char **words)
{
	for (const char *letter = words[0] + 1; *letter; letter++) {
		const struct option *option = find_letter(*letter);
		char typed[3] = { '-', *letter, '\0' };
		int r;

		if (!option)
			return refuse(parser, "option -%c not recognized", *letter);
		if (!option->argument) {
			r = set(parser, option, typed, "");
			if (r < 0)
				return r;
			continue;
		}
		if (!letter[1] && !words[1])
			return refuse(parser, "option -%c requires argument", *letter);
		r = set(parser, option, typed, letter[1] ? letter + 1 : words[1]);
		return r < 0 ? r : letter[1] ? 1 : 2;
	}
	return 1;
}

int options_parse(int argc, char **argv, struct options *ret, char *error, size_t error_size)
{
	struct parser parser = { ret, error, error_size };
	char **words = argv + (argc > 0);
	int taken;

	*ret = (struct options){ 0 };
	for (; *words && words[0][0] == '-' && words[0][1]; words += taken) {
		if (strcmp(words[0], "--") == 0) {
			words++;
			break;
		}
		taken = words[0][1] == '-' ? parse_long(&parser, words) : parse_letters(&parser, words);
		if (taken < 0)
			return taken;
	}
	ret->words = words;
	return 0;
}

void options_print_help(const char *program)
{
	printf("Usage: %s [options] [command [arguments]]\n\n"
	       "Control a supervisor: reeved, or supervisord 4. Without a command, commands are read from\n"
	       "standard input; `help` lists them.\n\nOptions:\n",
		program);
	for (size_t i = 0; i < OPTIONS; i++) {
		char left[64];

		snprintf(left, sizeof left, "-%c, --%s%s%s", options[i].letter, options[i].name,
			options[i].argument ? "=" : "", options[i].argument ? options[i].argument : "");
		printf("  %-27s %s\n", left, options[i].help);
	}
	printf("  %-27s %s\n", "    --json", "print what a command finds or does as JSON");
	printf("  %-27s %s\n", "    --version", "print our own version and exit");
}
