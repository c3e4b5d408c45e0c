/* [program:x], [eventlistener:x] and [fcgi-program:x]: one section, any number of processes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/drafts.h"
#include "config/reader.h"
#include "text/units.h"

struct program_reader {
	struct reader *reader;
	const struct ini_section *section;
	struct expansion_names names;
	struct program_draft draft;   /* what the section says for all of its processes */
	const char *environment_text; /* of the process before, and what came of it */
	const struct config_environment *own, *merged;
	struct program_settings *processes;
	size_t count;
};

static int set_names(
	struct program_reader *program, const char *program_name, const char *group_name)
{
	struct expansion_names *names = &program->names;
	const struct reader *reader = program->reader;

	names->parent = &reader->environment;
	if (expansion_set_text(names, "here", reader->config->here) < 0 ||
		expansion_set_text(names, "program_name", program_name) < 0 ||
		expansion_set_text(names, "host_node_name", reader->host_name) < 0 ||
		expansion_set_text(names, "group_name", group_name) < 0)
		return -ENOMEM;
	return 0;
}

static struct place place_of(const struct program_reader *program, const char *key)
{
	return setting_place(program->reader, program->section, key);
}

/* The template of the names of the processes, without the blanks around it. */
static int check_process_name(struct program_reader *program)
{
	struct reader *reader = program->reader;
	struct program_draft *draft = &program->draft;
	struct span name;
	char bad;

	if (!parse_name(draft->process_name, &name, &bad))
		return reader_refuse(reader, place_of(program, "process_name"),
			"Invalid name: %s because of character: '%c'",
			quoted_text(reader, draft->process_name), bad);
	draft->process_name = arena_intern(reader->ini.arena, name.start, span_length(name));
	if (!draft->process_name)
		return -ENOMEM;
	if (draft->numprocs > 1 && !strstr(draft->process_name, "%(process_num)"))
		return reader_refuse(reader, place_of(program, "process_name"),
			"%%(process_num) must be present within process_name when numprocs > 1, as "
			"in "
			"%%(program_name)s_%%(process_num)02d");
	return 0;
}

static int read_section(struct program_reader *program)
{
	struct reader *reader = program->reader;
	struct program_draft *draft = &program->draft;
	struct program_settings *settings = &draft->settings;
	int64_t last;
	int r;

	settings->umask = -1;
	settings->stdout_log.kind = settings->stderr_log.kind = CONFIG_LOG_AUTO;
	r = read_settings(reader, SECTION_PROGRAM, program->section, &program->names, draft);
	if (r < 0)
		return r;
	if (!ini_get(&reader->ini, program->section, "killasgroup"))
		settings->killasgroup = settings->stopasgroup;
	if (settings->stopasgroup && !settings->killasgroup)
		return reader_refuse(reader, place_of(program, "killasgroup"),
			"Cannot set stopasgroup=true and killasgroup=false");
	if (__builtin_add_overflow(draft->numprocs_start, draft->numprocs, &last))
		return reader_refuse(reader, place_of(program, "numprocs_start"),
			"the numbers of the processes are too large");
	return check_process_name(program);
}

static int read_process_environment(
	struct program_reader *program, struct program_settings *settings)
{
	struct reader *reader = program->reader;
	struct place place = place_of(program, "environment");
	const char *text;
	int r = expand_text(reader, place, &program->names, program->draft.environment, &text);

	if (r == 0 && text != program->environment_text) {
		r = read_environment(reader, place, text, &program->own);
		if (r == 0)
			r = merge_environments(reader, reader->config->supervisord.environment,
				program->own, &program->merged);
		if (r == 0)
			program->environment_text = text;
	}
	if (r < 0)
		return r;
	settings->environment = program->merged;
	return name_variables(reader, program->own, &program->names);
}

/* supervisord's old way to say stdout_syslog=true, and its warnings, once for each process as it
 * has them. */
static void settle_log(struct program_reader *program, struct config_log *log, const char *stream,
	struct place place)
{
	struct report *report = program->reader->report;
	const char *section = program->section->name;

	if (log->kind == CONFIG_LOG_FILE && strcmp(log->path, "syslog") == 0) {
		report_add(report, REPORT_WARNING, place.file, place.line,
			"For [%s], %s_logfile=syslog but this is deprecated and will be removed.  "
			"Use %s_syslog=true to enable syslog instead.",
			section, stream, stream);
		log->kind = CONFIG_LOG_NONE;
		log->path = NULL;
		log->syslog = true;
	}
	if (log->kind == CONFIG_LOG_AUTO && log->maxbytes == 0)
		report_add(report, REPORT_WARNING, place.file, place.line,
			"For [%s], AUTO logging used for %s_logfile without rollover, set maxbytes "
			"> 0 to avoid filling up filesystem unintentionally",
			section, stream);
}

static void settle_redirection(struct program_reader *program, struct program_settings *settings)
{
	struct place place = place_of(program, "stderr_logfile");
	struct config_log *log = &settings->stderr_log;

	if (!settings->redirect_stderr)
		return;
	if (log->path)
		report_add(program->reader->report, REPORT_WARNING, place.file, place.line,
			"For [%s], redirect_stderr=true but stderr_logfile has also been set to a "
			"filename, the filename has been ignored",
			program->section->name);
	log->kind = CONFIG_LOG_NONE;
	log->path = NULL;
}

/* Names that an earlier process of the section has set stay, unless reeved's own environment has
 * them. */
static int read_process(struct program_reader *program, int64_t number)
{
	struct reader *reader = program->reader;
	struct program_draft draft = program->draft;
	struct program_settings *settings = &draft.settings;
	int r;

	expansion_unshadow(&program->names);
	if (expansion_set_number(&program->names, "process_num", number) < 0 ||
		expansion_set_number(&program->names, "numprocs", draft.numprocs) < 0)
		return -ENOMEM;
	r = read_process_environment(program, settings);
	if (r == 0)
		r = read_settings(
			reader, SECTION_INSTANCE, program->section, &program->names, &draft);
	if (r < 0)
		return r;
	settle_log(program, &settings->stdout_log, "stdout", place_of(program, "stdout_logfile"));
	settle_log(program, &settings->stderr_log, "stderr", place_of(program, "stderr_logfile"));
	settle_redirection(program, settings);
	if (!settings->command)
		return reader_refuse(reader, section_place(program->section),
			"program section %s does not specify a command", program->section->name);
	r = expand_text(reader, place_of(program, "process_name"), &program->names,
		draft.process_name, &settings->name);
	if (r < 0)
		return r;
	if (strlen(settings->name) > CONFIG_NAME_MAX)
		return reader_refuse(reader, place_of(program, "process_name"),
			"the name of a process of [%s] is longer than %d bytes",
			program->section->name, CONFIG_NAME_MAX);
	settings->name = arena_intern_text(reader->arena, settings->name);
	if (!settings->name)
		return -ENOMEM;
	if (reader->report->lint && !program->count)
		lint_process(reader, program->section, &draft);
	program->processes[program->count++] = *settings;
	return 0;
}

/* By name; the context is the array that both are indices of. */
static int compare_names(const void *a, const void *b, void *context)
{
	const struct program_settings *processes = context;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = strcmp(processes[left].name, processes[right].name);

	return order ? order : (left > right) - (left < right);
}

static int sort_processes(struct program_reader *program)
{
	struct arena *scratch = program->reader->ini.arena;
	size_t count = program->count;
	uint32_t *order = arena_alloc(scratch, count * sizeof *order);
	struct program_settings *sorted = arena_alloc(scratch, count * sizeof *sorted);

	if (!order || !sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, count, sizeof *order, compare_names, program->processes);
	for (size_t i = 0; i < count; i++)
		sorted[i] = program->processes[order[i]];
	program->processes = sorted;
	return 0;
}

static int read_processes(struct program_reader *program)
{
	const struct program_draft *draft = &program->draft;
	struct reader *reader = program->reader;
	size_t count = draft->numprocs > 0 ? (size_t)draft->numprocs : 0;

	if (count > CONFIG_PROCESSES_MAX - reader->config->process_count)
		return reader_refuse(reader, place_of(program, "numprocs"),
			"there are more than %d processes in all", CONFIG_PROCESSES_MAX);
	program->processes = arena_alloc(reader->ini.arena, count * sizeof *program->processes);
	if (!program->processes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r = read_process(program, draft->numprocs_start + (int64_t)i);

		if (r < 0)
			return r;
	}
	reader->config->process_count += count;
	return sort_processes(program);
}

int read_program(struct reader *reader, const struct ini_section *section, const char *group_name,
	struct program_settings **ret, size_t *ret_count)
{
	struct program_reader program = { .reader = reader, .section = section };
	struct span name;
	const char *kept;
	char bad;
	int r;

	if (!parse_name(strchr(section->name, ':') + 1, &name, &bad))
		return reader_refuse(reader, section_place(section),
			"[%s]: Invalid name because of character: '%c'", section->name, bad);
	kept = arena_intern(reader->ini.arena, name.start, span_length(name));
	r = kept ? set_names(&program, kept, group_name) : -ENOMEM;
	if (r == 0)
		r = read_section(&program);
	if (r == 0)
		r = read_processes(&program);
	expansion_names_deinit(&program.names);
	if (r < 0)
		return r;
	*ret = program.processes;
	*ret_count = program.count;
	return 0;
}
