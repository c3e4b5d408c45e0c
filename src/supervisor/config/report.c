#include "config/report.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/buffer.h"

void report_init(struct report *report)
{
	*report = (struct report){ 0 };
}

void report_deinit(struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->entries[i].file);
		free(report->entries[i].text);
	}
	free(report->entries);
	*report = (struct report){ .lint = report->lint };
}

static struct report_entry *next_entry(struct report *report)
{
	if (report->count == report->capacity) {
		size_t capacity = report->capacity ? report->capacity * 2 : 16;
		struct report_entry *entries =
			reallocarray(report->entries, capacity, sizeof *entries);

		if (!entries)
			return NULL;
		report->entries = entries;
		report->capacity = capacity;
	}
	return &report->entries[report->count];
}

void report_add_key(struct report *report, enum report_level level, const char *file, unsigned line,
	const char *key, const char *format, va_list arguments)
{
	struct buffer text = BUFFER(SIZE_MAX / 2);
	struct report_entry *entry = next_entry(report);
	struct report_entry filled = { .level = level, .line = line };

	if (key)
		buffer_print(&text, "%s: ", key);
	buffer_vprint(&text, format, arguments);
	filled.text = buffer_take(&text);
	filled.file = file ? strdup(file) : NULL;
	buffer_deinit(&text);
	if (!entry || !filled.text || (file && !filled.file)) {
		free(filled.text);
		free(filled.file);
		report->out_of_memory = true;
		return;
	}
	*entry = filled;
	report->count++;
}

void report_add(struct report *report, enum report_level level, const char *file, unsigned line,
	const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_add_key(report, level, file, line, NULL, format, arguments);
	va_end(arguments);
}

size_t report_count(const struct report *report, enum report_level level)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->entries[i].level == level;
	return count;
}

char *report_entry_text(const struct report_entry *entry)
{
	struct buffer text = BUFFER(SIZE_MAX / 2);

	if (entry->file && entry->line)
		buffer_print(&text, "%s:%u: ", entry->file, entry->line);
	else if (entry->file)
		buffer_print(&text, "%s: ", entry->file);
	buffer_add_text(&text, entry->text);
	if (text.error) {
		buffer_deinit(&text);
		return NULL;
	}
	return buffer_take(&text);
}
