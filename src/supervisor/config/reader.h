/* What the files of the reader share: the state of one reading, and how places and failures are
 * told. */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "config/config.h"
#include "config/drafts.h"
#include "config/settings.h"
#include "text/arena.h"
#include "text/buffer.h"
#include "text/expansion.h"
#include "text/ini.h"
#include "text/unicode.h"

struct reader {
	const struct config_request *request;
	const struct config_source *source;
	struct report *report;
	struct config *config;
	struct arena *arena;   /* the configuration's */
	struct ini ini;        /* its arena holds what ends with the reading */
	const char *main_file; /* as ini values name it */
	const char *working_directory;
	const char *host_name;
	const char *home; /* $HOME, or NULL */
	uid_t uid;
	struct expansion_names environment; /* ENV_X */
	struct expansion_names here;        /* %(here)s on top of it */
	struct buffer value;                /* of the conversion at hand */
	const char *known_directory;        /* the last one that was found to exist */
	const char **included;              /* config->included, to be added to */
	bool is_client; /* reads [supervisorctl] for itself, and refuses what is wrong there */
	bool refused;
};

/* Where a value stands. */
struct place {
	const char *file;
	unsigned line;
	const char *key;
};

/* Report an error and refuse the configuration; returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int reader_refuse(
	struct reader *reader, struct place place, const char *format, ...);

struct place section_place(const struct ini_section *section);
struct place value_place(const struct ini_value *value);

/* A quoted, printable and not too long form of a value, good until the reading ends; never NULL. */
const char *quoted_text(struct reader *reader, const char *text);

/* Expand a text of the file into a string of the reading; `place` is for the error. -EINVAL is
 * reported already; -ENOMEM. */
int expand_text(struct reader *reader, struct place place, const struct expansion_names *names,
	const char *text, const char **ret);

/* Read one row's text, already expanded, into its member. -EINVAL is reported already; -ENOMEM. */
int convert_setting(struct reader *reader, const struct setting *setting, struct place place,
	const char *text, void *draft);

/* One row from a section: its value or its default, expanded with these names. */
int read_setting(struct reader *reader, const struct setting *setting,
	const struct ini_section *section, const struct expansion_names *names, void *draft);

/* Read the rows of a kind from a section: expanded with these names, defaults included. Members
 * without text and default stay as they are. Returns 0, -EINVAL (at least one failed, all are
 * reported), -ENOMEM. */
int read_settings(struct reader *reader, enum section_kind kind, const struct ini_section *section,
	const struct expansion_names *names, void *draft);

/* The place of a key in a section, or of the section where it is not set. */
struct place setting_place(
	const struct reader *reader, const struct ini_section *section, const char *key);

/* Paths as Python's os.path has them; strings of the configuration, NULL: out of memory. */
const char *absolute_path(struct reader *reader, const char *path);  /* abspath */
const char *user_path(struct reader *reader, const char *path);      /* expanduser */
const char *normal_path(struct reader *reader, const char *path);    /* both */
const char *directory_name(struct reader *reader, const char *path); /* dirname */

/* A user of the configuration. -EINVAL: there is none; -ENOMEM. Nothing is reported. */
int find_user(struct reader *reader, const char *name, const struct config_user **ret);

/* `user` or `user:group`. */
int find_owner(struct reader *reader, const char *text, struct config_owner *ret);

/* The variables of an `environment=` text. */
int read_environment(struct reader *reader, struct place place, const char *text,
	const struct config_environment **ret);

/* Those of `own` and those of `base` that it has not. */
int merge_environments(struct reader *reader, const struct config_environment *base,
	const struct config_environment *own, const struct config_environment **ret);

/* Make every variable of it an ENV_X name. */
int name_variables(struct reader *reader, const struct config_environment *environment,
	struct expansion_names *names);

/* Whether section names of this kind begin like this one; what follows the colon is in `ret_name`.
 */
bool section_is(const struct ini_section *section, enum section_kind kind, const char **ret_name);

/* "module:attribute" of a Python plug-in; `known` are the ones that reeved has built in. -EINVAL is
 * reported already. */
int check_plugin(
	struct reader *reader, struct place place, const char *text, const char *const *known);

/* The parts of the configuration, each in a file of its own. */
int read_files(struct reader *reader);
int read_supervisord(struct reader *reader, const struct ini_section *section);
int finish_supervisord(struct reader *reader);
int read_supervisorctl(struct reader *reader);
int read_rpcinterfaces(struct reader *reader);
int read_servers(struct reader *reader);
int read_groups(struct reader *reader);

/* The processes of a section, in the order of their names, in the memory of the reading. */
int read_program(struct reader *reader, const struct ini_section *section, const char *group_name,
	struct program_settings **ret, size_t *ret_count);

/* The rows of FCGI_PROGRAM; only `socket` knows the program's name, which is put into `names`. */
int read_fcgi_settings(struct reader *reader, const struct ini_section *section, const char *name,
	struct expansion_names *names, struct fcgi_draft *draft);

/* The socket of a `socket=` text. -EINVAL is reported already. */
int read_socket(struct reader *reader, struct place place, const struct fcgi_draft *draft,
	const struct config_socket **ret);

/* What can hardly be meant goes into the report: of the files as a whole after they were read, of one process while
 * its section is read (the first one of the section only), and of the result. */
void lint_files(struct reader *reader);
void lint_process(struct reader *reader, const struct ini_section *section,
	const struct program_draft *draft);
void lint_result(struct reader *reader);

__attribute__((format(printf, 3, 4))) void lint_add(
	struct reader *reader, struct place place, const char *format, ...);

/* Which kind of section this is; false: none that is known. */
bool section_kind(
	const struct ini_section *section, enum section_kind *ret_kind, const char **ret_name);

#endif
