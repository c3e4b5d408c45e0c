/* What reading a configuration has to say: errors that refuse it, the warnings and notes that
 * supervisord logs in these very words, and the lint of `reeved --check`. */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum report_level {
	REPORT_ERROR,    /* the configuration is refused */
	REPORT_CRITICAL, /* what supervisord logs as CRIT when it starts */
	REPORT_WARNING,  /* supervisord's parse warnings, word for word */
	REPORT_INFO, /* supervisord's parse notes, word for word (`Included extra file "F" during
			parsing`) */
	REPORT_LINT, /* accepted, but can hardly be meant */
};

struct report_entry {
	enum report_level level;
	char *file;    /* NULL: of no file (the command line) */
	unsigned line; /* from 1; 0: of the whole file */
	char *text;    /* one line or more, without the place and without a final newline */
};

/* Entries in the order in which they were found. */
struct report {
	struct report_entry *entries;
	size_t count;
	size_t capacity;
	bool lint;          /* set by the caller: look for lint too */
	bool out_of_memory; /* an entry could not be kept */
};

void report_init(struct report *report);

/* Legal at any moment after report_init(), and twice. */
void report_deinit(struct report *report);

/* Add one entry; `file` (may be NULL) and the text are copied. */
__attribute__((format(printf, 5, 6))) void report_add(struct report *report,
	enum report_level level, const char *file, unsigned line, const char *format, ...);

/* The same with "KEY: " before the text, unless `key` is NULL. */
__attribute__((format(printf, 6, 0))) void report_add_key(struct report *report,
	enum report_level level, const char *file, unsigned line, const char *key,
	const char *format, va_list arguments);

/* How many entries are of this level. */
size_t report_count(const struct report *report, enum report_level level);

/* "FILE:LINE: TEXT", as far as there is a file and a line; to be freed. NULL: out of memory. */
char *report_entry_text(const struct report_entry *entry);

#endif
