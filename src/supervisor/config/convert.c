/* From a text to the member of a draft: expansion, one converter a type, and the words for what
 * fails. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/drafts.h"
#include "config/reader.h"
#include "text/environment.h"
#include "text/units.h"

#define QUOTED_MAX 80

static const char *const log_levels[] = {
	[LOG_LEVEL_CRITICAL] = "critical",
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_TRACE] = "trace",
	[LOG_LEVEL_BLATHER] = "blather",
};

const char *config_log_level_name(enum config_log_level level)
{
	return log_levels[level];
}

int reader_refuse(struct reader *reader, struct place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_add_key(
		reader->report, REPORT_ERROR, place.file, place.line, place.key, format, arguments);
	va_end(arguments);
	reader->refused = true;
	return -EINVAL;
}

struct place section_place(const struct ini_section *section)
{
	return (struct place){ section->file, section->line, NULL };
}

struct place value_place(const struct ini_value *value)
{
	return (struct place){ value->file, value->line, value->key };
}

struct place setting_place(
	const struct reader *reader, const struct ini_section *section, const char *key)
{
	const struct ini_value *value = ini_get(&reader->ini, section, key);

	return value ? value_place(value) : (struct place){ section->file, section->line, key };
}

const char *quoted_text(struct reader *reader, const char *text)
{
	CLEANUP_BUFFER struct buffer quoted = BUFFER(SIZE_MAX / 2);
	const char *kept;

	buffer_add_char(&quoted, '"');
	for (const char *p = text; *p; p++) {
		if (p - text > QUOTED_MAX && ((unsigned char)*p & 0xc0) != 0x80) {
			buffer_add_text(&quoted, "...");
			break;
		}
		if (*p == '\n')
			buffer_add_text(&quoted, "\\n");
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			buffer_print(&quoted, "\\x%02x", (unsigned char)*p);
		else
			buffer_add_char(&quoted, *p);
	}
	buffer_add_char(&quoted, '"');
	kept = quoted.error ? NULL : arena_intern_text(reader->ini.arena, buffer_text(&quoted));
	reader->report->out_of_memory = reader->report->out_of_memory || !kept;
	return kept ? kept : "\"...\"";
}

/* The names that a value could have used: environment variables are summed up. */
static const char *known_names(struct reader *reader, const struct expansion_names *names)
{
	CLEANUP_BUFFER struct buffer list = BUFFER(SIZE_MAX / 2);
	const char *kept;

	for (; names; names = names->parent)
		for (size_t i = 0; i < names->count; i++)
			if (strncmp(names->list[i].name, "ENV_", 4) != 0)
				buffer_print(&list, "%s, ", names->list[i].name);
	buffer_add_text(&list, "ENV_x for each environment variable x");
	kept = list.error ? NULL : arena_intern_text(reader->ini.arena, buffer_text(&list));
	reader->report->out_of_memory = reader->report->out_of_memory || !kept;
	return kept ? kept : "";
}

static int refuse_name(struct reader *reader, struct place place,
	const struct expansion_names *names, const char *text, const char *name, size_t length)
{
	int shown = (int)(length < 200 ? length : 200);

	if (length > 4 && strncmp(name, "ENV_", 4) == 0)
		return reader_refuse(reader, place,
			"%s needs the environment variable %.*s, which is not set",
			quoted_text(reader, text), shown - 4, name + 4);
	return reader_refuse(reader, place,
		"%s names \"%.*s\", which cannot be expanded here. Known are %s",
		quoted_text(reader, text), shown, name, known_names(reader, names));
}

static int refuse_expansion(struct reader *reader, struct place place,
	const struct expansion_names *names, const char *text, const struct expansion_error *error)
{
	if (error->fault == EXPANSION_UNKNOWN_NAME)
		return refuse_name(reader, place, names, text, error->name, error->name_length);
	return reader_refuse(reader, place, "%s is badly formatted at its character %zu: %s",
		quoted_text(reader, text), error->position + 1, error->reason);
}

int expand_text(struct reader *reader, struct place place, const struct expansion_names *names,
	const char *text, const char **ret)
{
	struct expansion_error error;
	const char *expanded = text;
	int r;

	if (strchr(text, '%')) {
		buffer_clear(&reader->value);
		r = expand(text, names, &reader->value, &error);
		if (r == -E2BIG)
			return reader_refuse(reader, place,
				"%s is longer than %zu bytes after its expansion",
				quoted_text(reader, text), CONFIG_VALUE_MAX);
		if (r == -EINVAL)
			return refuse_expansion(reader, place, names, text, &error);
		if (r < 0)
			return r;
		expanded = arena_intern_text(reader->ini.arena, buffer_text(&reader->value));
		if (!expanded)
			return -ENOMEM;
	}
	*ret = expanded;
	return 0;
}

static int convert_text(struct reader *reader, const char *text, void *member)
{
	const char *kept = arena_intern_text(reader->arena, text);

	if (!kept)
		return -ENOMEM;
	*(const char **)member = kept;
	return 0;
}

static int convert_template(struct reader *reader, const char *text, void *member)
{
	const char *kept = arena_intern_text(reader->ini.arena, text);

	if (!kept)
		return -ENOMEM;
	*(const char **)member = kept;
	return 0;
}

static int convert_integer(struct reader *reader, const char *text, void *member)
{
	return parse_integer(text, member);
}

static int convert_boolean(struct reader *reader, const char *text, void *member)
{
	return parse_boolean(text, member);
}

static int convert_byte_size(struct reader *reader, const char *text, void *member)
{
	return parse_byte_size(text, member);
}

static int convert_mode(struct reader *reader, const char *text, void *member)
{
	int64_t mode;
	int r = parse_octal(text, &mode);

	if (r < 0)
		return r;
	if (mode < 0 || mode > INT32_MAX)
		return -ERANGE;
	*(int32_t *)member = (int32_t)mode;
	return 0;
}

static int convert_signal(struct reader *reader, const char *text, void *member)
{
	int number, r = parse_signal(text, &number);

	if (r < 0)
		return r;
	*(uint8_t *)member = (uint8_t)number;
	return 0;
}

static int convert_exit_codes(struct reader *reader, const char *text, void *member)
{
	size_t capacity = strlen(text) / 2 + 1, count;
	uint8_t *codes = malloc(capacity);
	const uint8_t *kept = NULL;
	int r = codes ? parse_exit_codes(text, codes, capacity, &count) : -ENOMEM;

	if (r == 0 && count) {
		kept = arena_intern(reader->arena, codes, count);
		r = kept ? 0 : -ENOMEM;
	}
	free(codes);
	if (r < 0)
		return r;
	*(struct config_exit_codes *)member = (struct config_exit_codes){ kept, (uint32_t)count };
	return 0;
}

static int convert_autorestart(struct reader *reader, const char *text, void *member)
{
	enum config_autorestart *autorestart = member;
	bool always;

	if (parse_boolean(text, &always) == 0)
		*autorestart = always ? AUTORESTART_ALWAYS : AUTORESTART_NEVER;
	else if (equal_ignoring_case(text, "unexpected"))
		*autorestart = AUTORESTART_UNEXPECTED;
	else
		return -EINVAL;
	return 0;
}

static int convert_log_level(struct reader *reader, const char *text, void *member)
{
	for (size_t i = 0; i < sizeof log_levels / sizeof *log_levels; i++)
		if (equal_ignoring_case(text, log_levels[i])) {
			*(enum config_log_level *)member = (enum config_log_level)i;
			return 0;
		}
	return -EINVAL;
}

int find_user(struct reader *reader, const char *name, const struct config_user **ret)
{
	struct config_identity identity;
	struct config_user user;
	int r = reader->source->find_user(reader->source->context, name, &identity);

	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	memset(&user, 0, sizeof user); /* its padding is compared too */
	user.name = arena_intern_text(reader->arena, identity.name);
	user.uid = identity.uid;
	user.gid = identity.gid;
	user.uid_assumed = identity.id_assumed;
	user.gid_assumed = identity.primary_assumed;
	free(identity.name);
	free(identity.home);
	*ret = user.name ? arena_intern(reader->arena, &user, sizeof user) : NULL;
	return *ret ? 0 : -ENOMEM;
}

static int convert_user(struct reader *reader, const char *text, void *member)
{
	return find_user(reader, text, member);
}

static int find_group(struct reader *reader, const char *name, struct config_owner *owner)
{
	struct config_identity identity;
	int r = reader->source->find_group(reader->source->context, name, &identity);

	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	owner->gid = identity.gid;
	if (identity.id_assumed) {
		owner->group = arena_intern_text(reader->arena, identity.name);
		r = owner->group ? 0 : -ENOMEM;
	}
	free(identity.name);
	free(identity.home);
	return r;
}

int find_owner(struct reader *reader, const char *text, struct config_owner *ret)
{
	const char *colon = strchr(text, ':');
	const struct config_user *user;
	char *name = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	int r = name ? find_user(reader, name, &user) : -ENOMEM;

	free(name);
	if (r < 0)
		return r;
	*ret = (struct config_owner){
		.uid = user->uid, .gid = -1, .user = user->uid_assumed ? user->name : NULL
	};
	return colon ? find_group(reader, colon + 1, ret) : 0;
}

static int convert_owner(struct reader *reader, const char *text, void *member)
{
	return find_owner(reader, text, member);
}

/* The directory of the path must be there; a path without one is fine. */
static int check_path(struct reader *reader, const char *text, const char **ret)
{
	const char *path = user_path(reader, text);
	const char *directory = path ? directory_name(reader, path) : NULL;

	if (!directory)
		return -ENOMEM;
	if (*directory && directory != reader->known_directory) {
		int r = reader->source->is_directory(reader->source->context, directory);
		if (r <= 0)
			return r < 0 ? r : -EINVAL;
		reader->known_directory = directory;
	}
	*ret = path;
	return 0;
}

static int convert_path(struct reader *reader, const char *text, void *member)
{
	return check_path(reader, text, member);
}

static int convert_directory(struct reader *reader, const char *text, void *member)
{
	const char *path = user_path(reader, text);
	int r;

	if (!path)
		return -ENOMEM;
	r = *text ? reader->source->is_directory(reader->source->context, path) : 0;
	if (r <= 0)
		return r < 0 ? r : -EINVAL;
	*(const char **)member = path;
	return 0;
}

/* `syslog` is a file's name here; read_program() sees to it. */
static int convert_log_file(struct reader *reader, const char *text, void *member)
{
	struct config_log *log = member;

	log->path = NULL;
	if (equal_ignoring_case(text, "none") || equal_ignoring_case(text, "off")) {
		log->kind = CONFIG_LOG_NONE;
		return 0;
	}
	if (equal_ignoring_case(text, "auto")) {
		log->kind = CONFIG_LOG_AUTO;
		return 0;
	}
	log->kind = *text ? CONFIG_LOG_FILE : CONFIG_LOG_NONE;
	if (equal_ignoring_case(text, "syslog"))
		return convert_text(reader, "syslog", &log->path);
	return check_path(reader, text, &log->path);
}

static int convert_inet_address(struct reader *reader, const char *text, void *member)
{
	struct inet_address *address = member;
	struct span host;
	int r = parse_inet_address(text, &host, &address->port);
	char *lower;

	if (r < 0)
		return -EINVAL;
	lower = arena_copy(reader->arena, host.start, span_length(host));
	if (!lower)
		return -ENOMEM;
	for (char *p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	address->host = lower;
	return 0;
}

static int convert_server_url(struct reader *reader, const char *text, void *member)
{
	struct span url = span_strip(span_of(text));

	if (span_length(url) == 4 && strncasecmp(url.start, "AUTO", 4) == 0)
		return 0;
	return convert_text(reader, text, member);
}

static int (*const converters[SETTING_TYPE_COUNT])(struct reader *, const char *, void *) = {
	[TYPE_TEXT] = convert_text,
	[TYPE_TEMPLATE] = convert_template,
	[TYPE_INTEGER] = convert_integer,
	[TYPE_SECONDS] = convert_integer,
	[TYPE_BOOLEAN] = convert_boolean,
	[TYPE_BYTE_SIZE] = convert_byte_size,
	[TYPE_MODE] = convert_mode,
	[TYPE_SIGNAL] = convert_signal,
	[TYPE_EXIT_CODES] = convert_exit_codes,
	[TYPE_AUTORESTART] = convert_autorestart,
	[TYPE_LOG_LEVEL] = convert_log_level,
	[TYPE_USER] = convert_user,
	[TYPE_OWNER] = convert_owner,
	[TYPE_DIRECTORY] = convert_directory,
	[TYPE_PATH] = convert_path,
	[TYPE_LOG_FILE] = convert_log_file,
	[TYPE_INET_ADDRESS] = convert_inet_address,
	[TYPE_SERVER_URL] = convert_server_url,
};

static bool is_number(enum setting_type type)
{
	return type == TYPE_INTEGER || type == TYPE_SECONDS || type == TYPE_BYTE_SIZE;
}

static int check_limits(
	struct reader *reader, const struct setting *setting, struct place place, int64_t number)
{
	if (number < setting->minimum)
		return reader_refuse(reader, place,
			"%" PRId64 " is below the least allowed, %" PRId64, number,
			setting->minimum);
	if (number > setting->maximum)
		return reader_refuse(reader, place,
			"%" PRId64 " is above the most allowed, %" PRId64, number,
			setting->maximum);
	return 0;
}

int convert_setting(struct reader *reader, const struct setting *setting, struct place place,
	const char *text, void *draft)
{
	void *member = (char *)draft + setting->offset;
	int r = converters[setting->type](reader, text, member);

	if (r == -ERANGE)
		return reader_refuse(
			reader, place, "%s is out of range", quoted_text(reader, text));
	if (r == -EINVAL)
		return reader_refuse(reader, place, "%s is not %s", quoted_text(reader, text),
			setting_type_phrases[setting->type]);
	if (r < 0)
		return r;
	return is_number(setting->type) ? check_limits(reader, setting, place, *(int64_t *)member)
					: 0;
}

int read_setting(struct reader *reader, const struct setting *setting,
	const struct ini_section *section, const struct expansion_names *names, void *draft)
{
	const struct ini_value *value = ini_get(&reader->ini, section, setting->key);
	const char *text = value ? value->text : setting->default_text;
	struct place place = value ? value_place(value)
				   : (struct place){ section->file, section->line, setting->key };
	int r;

	if (!text)
		return 0;
	/* supervisord expands the path of a log twice: a percent sign in it takes four. */
	for (int times = setting->type == TYPE_TEMPLATE   ? 0
			 : setting->type == TYPE_LOG_FILE ? 2
							  : 1;
		times > 0; times--) {
		r = expand_text(reader, place, names, text, &text);
		if (r < 0)
			return r;
	}
	return convert_setting(reader, setting, place, text, draft);
}

int read_settings(struct reader *reader, enum section_kind kind, const struct ini_section *section,
	const struct expansion_names *names, void *draft)
{
	int result = 0;

	for (size_t i = 0; i < setting_count; i++) {
		int r = setting_rows[i].section == kind
				? read_setting(reader, &setting_rows[i], section, names, draft)
				: 0;

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			result = r;
	}
	return result;
}
