#include "config/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/json.h"

enum { EXIT_GOOD = 0, EXIT_REFUSED = 2 };

static const char *const levels[] = {
	[REPORT_ERROR] = "error",
	[REPORT_CRITICAL] = "critical",
	[REPORT_WARNING] = "warning",
	[REPORT_INFO] = "info",
	[REPORT_LINT] = "lint",
};

static void print_entry(const struct report_entry *entry, FILE *out)
{
	if (entry->file && entry->line)
		fprintf(out, "%s:%u: ", entry->file, entry->line);
	else if (entry->file)
		fprintf(out, "%s: ", entry->file);
	fprintf(out, "%s: %s\n", levels[entry->level], entry->text);
}

static void print_findings(
	const struct report *report, const struct config *config, const char *path, FILE *out)
{
	for (size_t i = 0; i < report->count; i++)
		print_entry(&report->entries[i], out);
	if (config)
		fprintf(out, "%s: good: %zu processes in %zu groups\n", path, config->process_count,
			config->group_count);
	else
		fprintf(out, "%s: refused\n", path);
}

/* False: out of memory, or `out` cannot be written. */
static bool print_json(const struct report *report, const struct config *config, FILE *out)
{
	json_t *json = config ? config_to_json(config, report) : report_to_json(report);
	int r = json ? json_dumpf(json, out, JSON_INDENT(1) | JSON_SORT_KEYS) : -1;

	json_decref(json);
	return r == 0 && fputc('\n', out) != EOF;
}

int config_check(const struct config_check *check, FILE *out)
{
	struct config *config = NULL;
	struct report report;
	int r;

	report_init(&report);
	report.lint = !check->json;
	r = config_read(&check->request, &config, &report);
	if (r == -ENOMEM)
		report_add(&report, REPORT_ERROR, check->request.path, 0, "out of memory");
	if (check->json && !print_json(&report, config, out))
		r = -EIO;
	else if (!check->json)
		print_findings(&report, config, check->request.path, out);
	config_free(config);
	report_deinit(&report);
	return r < 0 ? EXIT_REFUSED : EXIT_GOOD;
}
