/* Environments: sets of variables, in the order of their names, shared where they are equal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "text/environment.h"

struct collector {
	struct reader *reader;
	struct config_variable *list;
	size_t count, capacity;
};

static int compare_names(const struct config_variable *a, const struct config_variable *b)
{
	size_t shorter = a->name_length < b->name_length ? a->name_length : b->name_length;
	int order = memcmp(a->text, b->text, shorter);

	return order ? order
		     : (a->name_length > b->name_length) - (a->name_length < b->name_length);
}

static int compare_variables(const void *a, const void *b)
{
	return compare_names(a, b);
}

static int put(struct collector *collector, struct config_variable variable)
{
	for (size_t i = 0; i < collector->count; i++)
		if (compare_names(&collector->list[i], &variable) == 0) {
			collector->list[i] = variable;
			return 0;
		}
	if (collector->count == collector->capacity) {
		size_t capacity = collector->capacity ? collector->capacity * 2 : 16;
		struct config_variable *list =
			reallocarray(collector->list, capacity, sizeof *list);

		if (!list)
			return -ENOMEM;
		collector->list = list;
		collector->capacity = capacity;
	}
	collector->list[collector->count++] = variable;
	return 0;
}

static int collect(
	void *context, const char *key, size_t key_length, const char *value, size_t value_length)
{
	struct collector *collector = context;
	CLEANUP_BUFFER struct buffer text = BUFFER(SIZE_MAX / 2);
	struct config_variable variable = { .name_length = key_length };

	buffer_add(&text, key, key_length);
	buffer_add_char(&text, '=');
	buffer_add(&text, value, value_length);
	if (!text.error)
		variable.text = arena_intern(collector->reader->arena, text.data, text.length);
	return variable.text ? put(collector, variable) : -ENOMEM;
}

static int finish(struct collector *collector, const struct config_environment **ret)
{
	size_t bytes = collector->count * sizeof *collector->list;
	struct config_environment *whole = malloc(sizeof *whole + bytes);

	if (!whole)
		return -ENOMEM;
	if (collector->count)
		qsort(collector->list, collector->count, sizeof *collector->list,
			compare_variables);
	whole->count = collector->count;
	if (bytes)
		memcpy(whole->variables, collector->list, bytes);
	*ret = arena_intern(collector->reader->arena, whole, sizeof *whole + bytes);
	free(whole);
	return *ret ? 0 : -ENOMEM;
}

int read_environment(struct reader *reader, struct place place, const char *text,
	const struct config_environment **ret)
{
	struct collector collector = { .reader = reader };
	const char *why = "";
	int r = environment_parse(text, collect, &collector, &why);

	if (r == 0)
		r = finish(&collector, ret);
	free(collector.list);
	if (r == -EINVAL)
		return reader_refuse(reader, place,
			"%s in %s (wanted is KEY=\"value\",KEY2=\"value\", with quotes around "
			"values that have other characters than letters, digits and _/.+-():)",
			why, quoted_text(reader, text));
	return r;
}

int merge_environments(struct reader *reader, const struct config_environment *base,
	const struct config_environment *own, const struct config_environment **ret)
{
	struct collector collector = { .reader = reader };
	int r = 0;

	if (!base->count || !own->count) {
		*ret = base->count ? base : own;
		return 0;
	}
	for (size_t i = 0; i < base->count && r == 0; i++)
		r = put(&collector, base->variables[i]);
	for (size_t i = 0; i < own->count && r == 0; i++)
		r = put(&collector, own->variables[i]);
	if (r == 0)
		r = finish(&collector, ret);
	free(collector.list);
	return r;
}

int name_variables(struct reader *reader, const struct config_environment *environment,
	struct expansion_names *names)
{
	for (size_t i = 0; i < environment->count; i++) {
		const struct config_variable *variable = &environment->variables[i];
		CLEANUP_BUFFER struct buffer name = BUFFER(SIZE_MAX / 2);
		const char *kept;

		buffer_add_text(&name, "ENV_");
		buffer_add(&name, variable->text, variable->name_length);
		kept = name.error ? NULL : arena_intern_text(reader->ini.arena, buffer_text(&name));
		if (!kept || expansion_set_text(
				     names, kept, variable->text + variable->name_length + 1) < 0)
			return -ENOMEM;
	}
	return 0;
}
