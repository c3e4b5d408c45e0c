/* Small questions about a configuration that was read. */
#include "config/config.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "text/units.h"

static const struct {
	const char *name;
	enum event_type parent;
} events[] = {
#define EVENT(name, parent) [EVENT_##name] = { #name, EVENT_##parent },
#include "config/events.def"
#undef EVENT
};

_Static_assert(EVENT_TYPE_COUNT <= 64, "a set of events is 64 bits");

const char *event_type_name(enum event_type type)
{
	return events[type].name;
}

enum event_type event_type_parent(enum event_type type)
{
	return events[type].parent;
}

int event_type_from_name(const char *name, enum event_type *ret)
{
	for (size_t i = 0; i < EVENT_TYPE_COUNT; i++)
		if (equal_ignoring_case(name, events[i].name)) {
			*ret = (enum event_type)i;
			return 0;
		}
	return -ENOENT;
}

int config_user_groups(const struct config_user *user, gid_t **ret, size_t *ret_count)
{
	int capacity = 32;

	for (;;) {
		int count = capacity;
		gid_t *groups = reallocarray(NULL, (size_t)capacity, sizeof *groups);

		if (!groups)
			return -ENOMEM;
		if (getgrouplist(user->name, user->gid, groups, &count) >= 0) {
			*ret = groups;
			*ret_count = (size_t)count;
			return 0;
		}
		free(groups);
		capacity = count > capacity ? count : capacity * 2;
		if (capacity > 65536)
			return -E2BIG;
	}
}

static bool equal_texts(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool equal_environments(
	const struct config_environment *a, const struct config_environment *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!equal_texts(a->variables[i].text, b->variables[i].text))
			return false;
	return true;
}

/* An AUTO log never makes a difference: its file has a name of its own each time. */
static bool equal_logs(const struct config_log *a, const struct config_log *b)
{
	bool automatic = a->kind == CONFIG_LOG_AUTO || b->kind == CONFIG_LOG_AUTO;

	return (automatic || (a->kind == b->kind && equal_texts(a->path, b->path))) &&
	       a->maxbytes == b->maxbytes && a->backups == b->backups &&
	       a->capture_maxbytes == b->capture_maxbytes &&
	       a->events_enabled == b->events_enabled && a->syslog == b->syslog;
}

static bool equal_users(const struct config_user *a, const struct config_user *b)
{
	return a == b || (a && b && a->uid == b->uid && strcmp(a->name, b->name) == 0);
}

static bool equal_processes(const struct program_settings *a, const struct program_settings *b)
{
	return equal_texts(a->name, b->name) && equal_texts(a->command, b->command) &&
	       equal_texts(a->directory, b->directory) && equal_texts(a->serverurl, b->serverurl) &&
	       equal_users(a->user, b->user) &&
	       equal_environments(a->environment, b->environment) && a->priority == b->priority &&
	       a->startsecs == b->startsecs && a->startretries == b->startretries &&
	       a->stopwaitsecs == b->stopwaitsecs && equal_logs(&a->stdout_log, &b->stdout_log) &&
	       equal_logs(&a->stderr_log, &b->stderr_log) &&
	       a->exitcodes.count == b->exitcodes.count &&
	       (!a->exitcodes.count ||
		       memcmp(a->exitcodes.list, b->exitcodes.list, a->exitcodes.count) == 0) &&
	       a->umask == b->umask && a->stopsignal == b->stopsignal &&
	       a->autorestart == b->autorestart && a->autostart == b->autostart &&
	       a->stopasgroup == b->stopasgroup && a->killasgroup == b->killasgroup &&
	       a->redirect_stderr == b->redirect_stderr;
}

bool config_group_equal(const struct config_group *a, const struct config_group *b)
{
	if (!equal_texts(a->name, b->name) || a->kind != b->kind || a->priority != b->priority ||
		a->process_count != b->process_count || a->events != b->events ||
		a->buffer_size != b->buffer_size || a->length_in_bytes != b->length_in_bytes ||
		!equal_texts(a->result_handler, b->result_handler) || !a->socket != !b->socket ||
		(a->socket && !equal_texts(a->socket->url, b->socket->url)))
		return false;
	for (size_t i = 0; i < a->process_count; i++)
		if (!equal_processes(&a->processes[i], &b->processes[i]))
			return false;
	return true;
}

static bool identical_logs(const struct config_log *a, const struct config_log *b)
{
	return equal_logs(a, b) && a->kind == b->kind && equal_texts(a->path, b->path);
}

static bool identical_processes(const struct program_settings *a, const struct program_settings *b)
{
	bool same_user = a->user == b->user || (a->user && b->user && a->user->gid == b->user->gid);

	return equal_processes(a, b) && same_user && identical_logs(&a->stdout_log, &b->stdout_log) &&
	       identical_logs(&a->stderr_log, &b->stderr_log);
}

static bool identical_sockets(const struct config_socket *a, const struct config_socket *b)
{
	if (!a || !b)
		return a == b;
	return equal_texts(a->url, b->url) && a->backlog == b->backlog && a->mode == b->mode &&
	       a->has_owner == b->has_owner && a->owner.uid == b->owner.uid &&
	       a->owner.gid == b->owner.gid;
}

bool config_group_identical(const struct config_group *a, const struct config_group *b)
{
	if (!config_group_equal(a, b) || !equal_texts(a->section, b->section) ||
		!identical_sockets(a->socket, b->socket) || a->start_count != b->start_count ||
		(a->start_count > 0 && memcmp(a->start_order, b->start_order,
					       a->start_count * sizeof *a->start_order) != 0))
		return false;
	for (size_t i = 0; i < a->process_count; i++)
		if (!identical_processes(&a->processes[i], &b->processes[i]))
			return false;
	return true;
}
