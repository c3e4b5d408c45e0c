/* The effective configuration: what a supervisord.conf, its includes and the command line come to,
 * as supervisor 4.2 reads them, with every value final, expanded and converted.
 *
 * Everything that a `struct config` points to lives in one arena inside it: strings are shared
 * where they are equal, nothing may be changed, and config_free() ends all of it. No pointer in it
 * is NULL unless said so. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/report.h"
#include "config/source.h"

#define CONFIG_PROCESSES_MAX 65536         /* processes in all */
#define CONFIG_NAME_MAX 159                /* bytes of a process's or a group's name */
#define CONFIG_VALUE_MAX ((size_t)1 << 20) /* bytes of one value after its expansion */

enum event_type {
#define EVENT(name, parent) EVENT_##name,
#include "config/events.def"
#undef EVENT
	EVENT_TYPE_COUNT,
};

/* Bytes, for there is one in each process. */
#define CONFIG_BYTE __attribute__((packed))
enum CONFIG_BYTE config_autorestart {
	AUTORESTART_NEVER,
	AUTORESTART_UNEXPECTED,
	AUTORESTART_ALWAYS
};

enum config_log_level {
	LOG_LEVEL_CRITICAL,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_TRACE,
	LOG_LEVEL_BLATHER
};

enum CONFIG_BYTE config_log_kind { CONFIG_LOG_NONE, CONFIG_LOG_AUTO, CONFIG_LOG_FILE };

enum config_group_kind { CONFIG_PROGRAM, CONFIG_EVENTLISTENER, CONFIG_FCGI_PROGRAM };

enum config_family { CONFIG_UNIX, CONFIG_INET };

/* A user that something is to run as. Equal users share one object. */
struct config_user {
	const char *name;
	uid_t uid;
	gid_t gid;        /* its primary group */
	bool uid_assumed; /* `--assume` and known by name only: uid means nothing */
	bool gid_assumed;
};

/* Who a socket is to belong to; -1: left as it is. */
struct config_owner {
	int64_t uid, gid;
	const char *user, *group; /* `--assume`: the name that stands for uid, gid; else NULL */
};

struct config_variable {
	const char *text;   /* "NAME=value" */
	size_t name_length; /* of NAME; the value begins after the `=` */
};

/* In byte order of the names, each name once. */
struct config_environment {
	size_t count;
	struct config_variable variables[];
};

struct config_exit_codes {
	const uint8_t *list; /* NULL: none */
	uint32_t count;
};

struct config_log {
	const char *path; /* of CONFIG_LOG_FILE; else NULL, or "" where that was written */
	int64_t maxbytes; /* 0: no rotation */
	int64_t backups;
	int64_t capture_maxbytes; /* 0: no capture */
	enum config_log_kind kind;
	bool events_enabled;
	bool syslog;
};

/* One process: every key of [program:x], [eventlistener:x] and [fcgi-program:x]. Integers are as
 * written: the dialect lets them be negative. */
struct program_settings {
	const char *name;               /* process_name */
	const char *command;            /* to be split by shell_words_split(); may be empty */
	const char *directory;          /* NULL: none */
	const char *serverurl;          /* NULL: AUTO */
	const struct config_user *user; /* NULL: as reeved itself */
	const struct config_environment
		*environment; /* that of [supervisord] with its own over it */
	int64_t priority;
	int64_t startsecs;
	int64_t startretries;
	int64_t stopwaitsecs;
	struct config_log stdout_log;
	struct config_log stderr_log;
	struct config_exit_codes exitcodes; /* the expected ones */
	int32_t umask;                      /* -1: as reeved itself */
	uint8_t stopsignal;
	enum config_autorestart autorestart;
	bool autostart;
	bool stopasgroup;
	bool killasgroup;
	bool redirect_stderr;
};

/* The listening socket of an fcgi-program. */
struct config_socket {
	const char *url; /* "unix:///path" or "tcp://host:port" */
	enum config_family family;
	const char *address; /* path or host */
	uint16_t port;
	uint16_t backlog; /* 0: the system's limit */
	int32_t mode;
	struct config_owner owner;
	bool has_owner; /* false: leave it as it is created */
};

/* Groups stand in start order: by priority, then name. Names of groups may repeat (the first one
 * wins). */
struct config_group {
	const char *name;
	const char *section; /* its section in the file */
	enum config_group_kind kind;
	int64_t priority;
	const struct program_settings *processes;
	size_t process_count;

	/* The processes that live, as indices, in start order: of a name that occurs twice only the
	 * last. */
	const uint32_t *start_order;
	size_t start_count;

	uint64_t events; /* of an eventlistener: bit `1 << enum event_type` */
	int64_t buffer_size;
	bool length_in_bytes;               /* what its events' `len:` counts; else characters */
	const char *result_handler;         /* of an eventlistener, else NULL */
	const struct config_socket *socket; /* of an fcgi-program, else NULL */
};

struct config_server {
	const char *section;
	enum config_family family;
	const char *file; /* of a unix server, else NULL */
	const char *host; /* of an inet server, else NULL; "" means every address */
	uint16_t port;
	int32_t chmod;
	struct config_owner chown;
	const char *username, *password; /* both or neither NULL */
};

struct config_option {
	const char *key, *value;
};

struct config_rpcinterface {
	const char *name;
	const char *factory;
	const struct config_option *options;
	size_t option_count;
};

struct supervisord_settings {
	const char *logfile; /* an absolute path, or "syslog" */
	int64_t logfile_maxbytes;
	int64_t logfile_backups;
	enum config_log_level loglevel;
	const char *pidfile;
	int32_t umask;
	bool nodaemon;
	bool silent;
	bool nocleanup;
	bool strip_ansi;
	int64_t minfds;
	int64_t minprocs;
	const char *childlogdir;
	const char *user_text;          /* as written; NULL: none */
	const struct config_user *user; /* NULL: stay who we are */
	const char *directory;          /* NULL: none */
	const char *identifier;
	const struct config_environment *environment;
	const char *serverurl; /* what children are told; NULL: there is no server */
};

/* [supervisorctl]; NULL for what the file does not set or sets to something that cannot be
 * expanded. */
struct supervisorctl_settings {
	bool present;
	const char *serverurl, *username, *password, *prompt, *history_file;
};

struct config {
	const char *file; /* the main file */
	const char *here; /* its directory */
	struct supervisord_settings supervisord;
	struct supervisorctl_settings supervisorctl;
	const struct config_server *servers; /* inet first, then unix */
	size_t server_count;
	const struct config_rpcinterface *rpcinterfaces;
	size_t rpcinterface_count;
	const struct config_group *groups;
	size_t group_count;
	size_t process_count;        /* in all groups */
	const char *const *included; /* in the order of their reading */
	size_t included_count;
	size_t memory; /* bytes of the arena */
	struct arena *arena;
};

struct config_override {
	const char *key; /* of [supervisord]: "nodaemon", "umask", ... */
	const char *value;
};

struct config_request {
	const char *path;                        /* of the main file */
	const struct config_source *source;      /* NULL: config_source_machine */
	const struct config_override *overrides; /* from the command line: each beats the file */
	size_t override_count;
	const char *const *environment; /* "NAME=value" strings, NULL-terminated; NULL: none */
	const char *host_name;          /* NULL: what uname(2) says */
	const char *working_directory;  /* relative paths start here; NULL: getcwd(3) */
	const uid_t *uid;               /* who reads; NULL: getuid(2), root if `assume` */
	bool assume;                    /* Python plug-ins are taken as they come */
};

/* Read a configuration.
 *
 *   request  borrowed for the call only
 *   ret      on success the configuration, to be released with config_free(); untouched on failure
 *   report   initialised; what there is to say is added, also on success
 *
 * Returns 0, -EINVAL (refused; the report has at least one REPORT_ERROR), -ENOMEM. Not thread-safe
 * on the machine source (getpwnam(3)). */
int config_read(const struct config_request *request, struct config **ret, struct report *report);

/* Read what a client needs: of the main file the section [supervisorctl], which has to be there, and no other; includes
 * are not followed. All else of the configuration is empty. Otherwise as config_read(). */
int config_read_client(
	const struct config_request *request, struct config **ret, struct report *report);

/* Takes NULL, returns NULL. */
struct config *config_free(struct config *config);

/* Whether a value would do for a key of [supervisord], as on the command line. Returns 0, -ENOENT
 * (no such key), -EINVAL with the reason, which is to be freed, in `ret_why`, -ENOMEM. */
int config_check_override(const struct config_override *override, char **ret_why);

/* The groups that a process of this user is a member of, its primary one first, as initgroups(3)
 * has them; to be freed. -ENOENT: no such user any more. */
int config_user_groups(const struct config_user *user, gid_t **ret, size_t *ret_count);

/* "PROCESS_STATE_EXITED". */
const char *event_type_name(enum event_type type);

/* What a listener that asks for `type` gets an event by: the event itself or one of its parents. */
enum event_type event_type_parent(enum event_type type);

/* -ENOENT: there is none of that name. */
int event_type_from_name(const char *name, enum event_type *ret);

const char *config_log_level_name(enum config_log_level level);

/* What changed between two configurations, group by group, as `supervisorctl reread` has it. */
bool config_group_equal(const struct config_group *a, const struct config_group *b);

/* Whether nothing at all changed, also of what a reread does not look at (logs that are AUTO, a socket's mode). */
bool config_group_identical(const struct config_group *a, const struct config_group *b);

#endif
