#include "main/start.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/log.h"
#include "reeve/error.h"

__attribute__((format(printf, 3, 4))) static int fail(
	struct start_error *error, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof error->text, format, arguments);
	va_end(arguments);
	return code;
}

/* ---- user ---- */

static int become(const struct config_user *user)
{
	gid_t *groups;
	size_t count;
	int r = config_user_groups(user, &groups, &count);

	if (r < 0)
		return r;
	if (setgroups(count, groups) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
		setresuid(user->uid, user->uid, user->uid) < 0)
		r = -errno;
	free(groups);
	return r;
}

int start_set_user(const struct config *config, struct report *report, struct start_error *error)
{
	const struct config_user *user = config->supervisord.user;
	int r;

	if (!user) {
		if (getuid() == 0)
			report_add(report, REPORT_CRITICAL, NULL, 0,
				"Supervisor is running as root.  Privileges were not dropped because no "
				"user is specified in the config file.  If you intend to run as root, you "
				"can set user=root in the config file to avoid this message.");
		return 0;
	}
	if (user->uid != getuid()) {
		if (getuid() != 0)
			return fail(error, -EPERM, "Can't drop privilege as nonroot user");
		r = become(user);
		if (r < 0)
			return fail(error, r, "cannot become the user %s: %s", user->name,
				reeve_error_text(r));
	}
	report_add(report, REPORT_INFO, NULL, 0, "Set uid to user %u succeeded", (unsigned)user->uid);
	return 0;
}

/* ---- limits ---- */

static int raise_limit(int resource, int64_t wanted, const char *name, struct report *report)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	if (wanted <= 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= (rlim_t)wanted)
		return 0;
	limit.rlim_cur = (rlim_t)wanted;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur; /* for root */
	if (setrlimit(resource, &limit) < 0)
		return -errno;
	report_add(report, REPORT_INFO, NULL, 0, "Increased %s limit to %lld", name,
		(long long)wanted);
	return 0;
}

static long long hard_limit(int resource)
{
	struct rlimit limit = { 0 };

	getrlimit(resource, &limit);
	return (long long)limit.rlim_max;
}

int start_set_limits(const struct config *config, struct report *report, struct rlimit *ret_program_files,
	struct start_error *error)
{
	const struct supervisord_settings *settings = &config->supervisord;
	struct rlimit files;
	int r;

	r = raise_limit(RLIMIT_NOFILE, settings->minfds, "RLIMIT_NOFILE", report);
	if (r < 0)
		return fail(error, r,
			"minfds wants %lld file descriptors, but no more than %lld can be had here. Raise "
			"that limit (ulimit -Hn, LimitNOFILE=), or lower minfds",
			(long long)settings->minfds, hard_limit(RLIMIT_NOFILE));
	r = raise_limit(RLIMIT_NPROC, settings->minprocs, "RLIMIT_NPROC", report);
	if (r < 0)
		return fail(error, r,
			"minprocs wants %lld processes, but no more than %lld can be had here. Raise that "
			"limit (ulimit -Hu, LimitNPROC=), or lower minprocs",
			(long long)settings->minprocs, hard_limit(RLIMIT_NPROC));
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return fail(error, -errno, "cannot ask for RLIMIT_NOFILE: %s", strerror(errno));
	*ret_program_files = files;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files); /* more programs than minfds has room for; if not, fewer */
	return 0;
}

/* ---- the only one ---- */

int start_lock_pid_file(
	const struct config *config, struct reeve_pid_file **ret, struct start_error *error)
{
	const char *path = config->supervisord.pidfile;
	struct reeve_pid_file *file = NULL;
	pid_t owner = 0;
	int r = reeve_pid_file_open(path, &file, &owner);

	if (r == -EBUSY)
		return fail(error, r,
			"another reeved runs with the pid file %s (pid %d). Stop it first, or give each "
			"one a pidfile of its own",
			path, (int)owner);
	if (r < 0)
		log_line(LOG_CRITICAL, "could not write pidfile %s: %s", path, reeve_error_text(r));
	*ret = file;
	return 0;
}

/* ---- what is to come ---- */

void start_tell_what_is_missing(const struct config *config)
{
	for (size_t i = 0; i < config->group_count; i++)
		if (config->groups[i].kind == CONFIG_EVENTLISTENER)
			log_line(LOG_WARN,
				"[%s] is started, but this version sends no events to listeners",
				config->groups[i].section);
}

/* ---- what the last one left ---- */

/* NAME---IDENTIFIER-LETTERS.log, or that with a dot and up to four digits behind it. */
static bool is_auto_log(const char *name, const char *identifier)
{
	const char *mark = strstr(name + (*name != '\0'), "---");
	size_t length = strlen(identifier);

	for (; mark; mark = strstr(mark + 1, "---")) {
		const char *at = mark + 3, *end;

		if (strncmp(at, identifier, length) != 0 || at[length] != '-')
			continue;
		at += length + 1;
		end = strstr(at, ".log");
		if (end && end > at && strcspn(at, " \t\n\v\f\r") >= (size_t)(end - at))
			return true;
	}
	return false;
}

void start_remove_auto_logs(const struct config *config)
{
	const struct supervisord_settings *settings = &config->supervisord;
	DIR *directory;
	struct dirent *entry;

	if (settings->nocleanup)
		return;
	directory = opendir(settings->childlogdir);
	if (!directory) {
		log_line(LOG_WARN, "Could not clear childlog dir");
		return;
	}
	while ((entry = readdir(directory)))
		if (is_auto_log(entry->d_name, settings->identifier) &&
			unlinkat(dirfd(directory), entry->d_name, 0) < 0)
			log_line(LOG_WARN, "Failed to clean up '%s/%s'", settings->childlogdir,
				entry->d_name);
	closedir(directory);
}
