/* [unix_http_server], [inet_http_server] and [rpcinterface:x]. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/drafts.h"
#include "config/reader.h"

#define DEFAULT_FACTORY "supervisor.rpcinterface:make_main_rpcinterface"

bool section_is(const struct ini_section *section, enum section_kind kind, const char **ret_name)
{
	size_t length = strlen(section_names[kind]);

	if (strncmp(section->name, section_names[kind], length) != 0)
		return false;
	*ret_name = section->name + length;
	return true;
}

static size_t count_sections(const struct reader *reader, enum section_kind kind)
{
	const char *name;
	size_t count = 0;

	for (size_t i = 0; i < reader->ini.count; i++)
		count += section_is(&reader->ini.sections[i], kind, &name);
	return count;
}

static int check_server(struct reader *reader, const struct ini_section *section,
	const struct server_draft *draft, enum config_family family)
{
	struct place place = section_place(section);

	if (family == CONFIG_UNIX && !draft->file && !ini_get(&reader->ini, section, "file"))
		return reader_refuse(
			reader, place, "section [%s] has no file value", section->name);
	if (family == CONFIG_INET && !draft->address.host &&
		!ini_get(&reader->ini, section, "port"))
		return reader_refuse(
			reader, place, "section [%s] has no port value", section->name);
	if (!draft->username != !draft->password)
		return reader_refuse(reader, place,
			"Section [%s] contains incomplete authentication: If a username or a "
			"password is specified, both the username and password must be specified",
			section->name);
	return 0;
}

/* Of the sections' values only `file` knows %(here)s (unless an include has put the directory into
 * all of them). */
static int read_server_settings(struct reader *reader, const struct ini_section *section,
	enum config_family family, struct server_draft *draft)
{
	enum section_kind kind = family == CONFIG_UNIX ? SECTION_UNIX_SERVER : SECTION_INET_SERVER;
	int result = 0;

	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *setting = &setting_rows[i];
		int r;

		if (setting->section != kind)
			continue;
		r = read_setting(reader, setting, section,
			strcmp(setting->key, "file") == 0 ? &reader->here : &reader->environment,
			draft);
		if (r == -ENOMEM)
			return r;
		result = r < 0 ? r : result;
	}
	return result;
}

static bool is_local(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0;
}

static void warn_open_server(struct reader *reader, const struct ini_section *section,
	const struct config_server *server)
{
	struct place place = setting_place(reader, section, "port");

	if (server->family == CONFIG_INET && !server->password && !is_local(server->host))
		report_add(reader->report, REPORT_CRITICAL, place.file, place.line,
			"[%s] listens on %s without a password: whoever reaches this port can "
			"start any program",
			section->name, *server->host ? server->host : "every address");
}

static int read_server(struct reader *reader, const struct ini_section *section,
	enum config_family family, struct config_server *server)
{
	struct server_draft draft = { .chmod = -1, .chown = { .uid = -1, .gid = -1 } };
	int r = read_server_settings(reader, section, family, &draft);

	if (r == 0)
		r = check_server(reader, section, &draft, family);
	if (r < 0)
		return r;
	*server = (struct config_server){
		.section = arena_intern_text(reader->arena, section->name),
		.family = family,
		.host = draft.address.host,
		.port = draft.address.port,
		.chmod = draft.chmod,
		.chown = draft.chown,
		.username = draft.username,
		.password = draft.password,
	};
	if (family == CONFIG_UNIX) {
		struct span file = span_strip(span_of(draft.file));

		server->file = arena_copy(reader->arena, file.start, span_length(file));
		server->file = server->file ? normal_path(reader, server->file) : NULL;
	}
	warn_open_server(reader, section, server);
	return server->section && (family == CONFIG_INET || server->file) ? 0 : -ENOMEM;
}

/* What children are told: the first unix server, else the last inet server. */
static int choose_server_url(struct reader *reader)
{
	struct config *config = reader->config;
	CLEANUP_BUFFER struct buffer url = BUFFER(SIZE_MAX / 2);
	const struct config_server *chosen = NULL;

	for (size_t i = 0; i < config->server_count; i++)
		if (!chosen || chosen->family == CONFIG_INET)
			chosen = &config->servers[i];
	if (!chosen)
		return 0;
	if (chosen->family == CONFIG_UNIX)
		buffer_print(&url, "unix://%s", chosen->file);
	else
		buffer_print(&url, "http://%s:%u", *chosen->host ? chosen->host : "localhost",
			chosen->port);
	config->supervisord.serverurl =
		url.error ? NULL : arena_intern_text(reader->arena, buffer_text(&url));
	return config->supervisord.serverurl ? 0 : -ENOMEM;
}

int read_servers(struct reader *reader)
{
	static const enum section_kind kinds[] = {
		[CONFIG_UNIX] = SECTION_UNIX_SERVER, [CONFIG_INET] = SECTION_INET_SERVER
	};
	static const enum config_family order[] = { CONFIG_INET, CONFIG_UNIX };
	struct config *config = reader->config;
	size_t count = count_sections(reader, SECTION_UNIX_SERVER) +
		       count_sections(reader, SECTION_INET_SERVER);
	struct config_server *servers = arena_alloc(reader->arena, count * sizeof *servers);
	int result = 0;

	if (!servers)
		return -ENOMEM;
	config->servers = servers;
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < reader->ini.count; i++) {
			const struct ini_section *section = &reader->ini.sections[i];
			const char *rest;
			int r;

			if (!section_is(section, kinds[order[k]], &rest))
				continue;
			r = read_server(reader, section, order[k], &servers[config->server_count]);
			if (r == -ENOMEM)
				return r;
			if (r < 0)
				result = r;
			else
				config->server_count++;
		}
	return result < 0 ? result : choose_server_url(reader);
}

/* A part of "module:attribute": letters, digits, underscores and dots, between blanks. */
static bool plugin_part(struct span span, struct span *ret)
{
	span = span_strip(span);
	for (const char *p = span.start; p < span.end; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			    (*p >= '0' && *p <= '9') || *p == '_' || *p == '.' ||
			    (unsigned char)*p >= 0x80))
			return false;
	*ret = span;
	return span.start < span.end;
}

/* Without `[extra,...]` at its end, which says what to install with a plug-in. */
static struct span without_extras(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,-";
	struct span span = span_strip(span_of(text));
	const char *bracket = strchr(text, '[');

	if (bracket && bracket[1] && bracket + 1 + strspn(bracket + 1, letters) == span.end - 1 &&
		span.end[-1] == ']')
		span.end = bracket;
	return span;
}

static bool is_plugin(struct span module, struct span attribute, const char *known)
{
	size_t length = strcspn(known, ":");

	known += length + 1;
	return span_length(module) == length &&
	       strncmp(module.start, known - length - 1, length) == 0 &&
	       span_length(attribute) == strlen(known) &&
	       strncmp(attribute.start, known, strlen(known)) == 0;
}

int check_plugin(
	struct reader *reader, struct place place, const char *text, const char *const *known)
{
	struct span whole = without_extras(text), module, attribute;
	const char *colon = memchr(whole.start, ':', span_length(whole));

	if (!plugin_part((struct span){ whole.start, colon ? colon : whole.end }, &module) ||
		(colon && !plugin_part((struct span){ colon + 1, whole.end }, &attribute)))
		return reader_refuse(reader, place, "%s is not a Python plug-in (module:function)",
			quoted_text(reader, text));
	if (reader->request->assume)
		return 0;
	for (; colon && *known; known++)
		if (is_plugin(module, attribute, *known))
			return 0;
	return reader_refuse(reader, place,
		"the Python plug-in %s cannot be run by reeved, which runs no Python",
		quoted_text(reader, text));
}

/* One option, of the section or of [DEFAULT]. */
static int read_option(struct reader *reader, const struct ini_value *value,
	struct config_option *options, size_t *count)
{
	struct config_option *option = &options[*count];
	const char *text;
	int r;

	if (strcmp(value->key, "supervisor.rpcinterface_factory") == 0)
		return 0;
	r = expand_text(reader, value_place(value), &reader->environment, value->text, &text);
	if (r < 0)
		return r;
	option->key = arena_intern_text(reader->arena, value->key);
	option->value = arena_intern_text(reader->arena, text);
	++*count;
	return option->key && option->value ? 0 : -ENOMEM;
}

static int read_options(struct reader *reader, const struct ini_section *section,
	struct config_rpcinterface *interface)
{
	const struct ini_section *defaults = &reader->ini.defaults;
	struct config_option *options =
		arena_alloc(reader->arena, (section->count + defaults->count) * sizeof *options);
	size_t *count = &interface->option_count;
	int r = 0;

	if (!options)
		return -ENOMEM;
	interface->options = options;
	for (size_t i = 0; i < section->count && r == 0; i++)
		r = read_option(reader, &section->values[i], options, count);
	for (size_t i = 0; i < defaults->count && r == 0; i++)
		if (!ini_section_get(section, defaults->values[i].key))
			r = read_option(reader, &defaults->values[i], options, count);
	return r;
}

static int read_rpcinterface(struct reader *reader, const struct ini_section *section,
	const char *name, struct config_rpcinterface *interface)
{
	static const char *const known[] = { DEFAULT_FACTORY, NULL };
	struct rpcinterface_draft draft = { 0 };
	int r = read_settings(reader, SECTION_RPCINTERFACE, section, &reader->environment, &draft);

	if (r < 0)
		return r;
	if (!draft.factory)
		return reader_refuse(reader, section_place(section),
			"section [%s] does not specify a supervisor.rpcinterface_factory",
			section->name);
	r = check_plugin(reader, setting_place(reader, section, "supervisor.rpcinterface_factory"),
		draft.factory, known);
	if (r < 0)
		return r;
	*interface = (struct config_rpcinterface){ .name = arena_intern_text(reader->arena, name),
		.factory = draft.factory };
	return interface->name ? read_options(reader, section, interface) : -ENOMEM;
}

int read_rpcinterfaces(struct reader *reader)
{
	struct config *config = reader->config;
	size_t count = count_sections(reader, SECTION_RPCINTERFACE);
	struct config_rpcinterface *interfaces =
		arena_alloc(reader->arena, count * sizeof *interfaces);
	int result = 0;

	if (!interfaces)
		return -ENOMEM;
	config->rpcinterfaces = interfaces;
	for (size_t i = 0; i < reader->ini.count; i++) {
		const struct ini_section *section = &reader->ini.sections[i];
		const char *name;
		int r;

		if (!section_is(section, SECTION_RPCINTERFACE, &name))
			continue;
		r = read_rpcinterface(
			reader, section, name, &interfaces[config->rpcinterface_count]);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			result = r;
		else
			config->rpcinterface_count++;
	}
	return result;
}
