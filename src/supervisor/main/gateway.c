#include "main/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "board/log.h"
#include "config/json.h"
#include "reeve/error.h"
#include "reeve/map.h"

#define PROGRAM "reeve-gateway"

/* As a shell says that there is no such program. */
#define EXIT_NO_PROGRAM 127

/* Who it is where reeved is root: the first of these that the system has. */
static const char *const users[] = { "reeve", "nobody" };

/* ---- its settings ---- */

static json_t *server_as_json(const struct config_server *server)
{
	bool is_unix = server->family == CONFIG_UNIX, has_password = server_has_password(server);
	json_t *address = is_unix ? config_text_json(server->file)
				  : json_sprintf("%s:%u", server->host, server->port);

	return json_pack("{s:o, s:b, s:o, s:s, s:s}", "section", config_text_json(server->section), "unix", is_unix,
		"address", address, "username", has_password ? server->username : "", "password",
		has_password ? server->password : "");
}

/* NULL: out of memory, or a password that is no UTF-8. */
static json_t *settings_as_json(const struct servers *all, const struct config *config)
{
	json_t *servers = json_array(), *namespaces = json_array();
	int r = 0;

	for (size_t i = 0; i < all->count; i++)
		r |= json_array_append_new(servers, server_as_json(all->list[i].settings));
	for (size_t i = 0; i < config->rpcinterface_count; i++)
		r |= json_array_append_new(namespaces, config_text_json(config->rpcinterfaces[i].name));
	if (r != 0) {
		json_decref(servers);
		json_decref(namespaces);
		return NULL;
	}
	return json_pack("{s:o, s:i, s:o, s:o}", "identifier", config_text_json(config->supervisord.identifier),
		"log_level", log_level(), "servers", servers, "namespaces", namespaces);
}

static int make_settings(const struct servers *servers, const struct config *config)
{
	json_t *settings = settings_as_json(servers, config);
	int fd, r;

	if (!settings)
		return -EINVAL;
	fd = memfd_create("reeve gateway", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	r = fd < 0 ? -errno : json_dumpfd(settings, fd, JSON_COMPACT) < 0 ? -ENOSPC : 0;
	json_decref(settings);
	if (r == 0 && fcntl(fd, F_ADD_SEALS,
			      F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		r = -errno;
	if (r < 0 && fd >= 0)
		close(fd);
	return r < 0 ? r : fd;
}

static void forget_settings(struct gateway_birth *birth)
{
	if (birth->settings >= 0)
		close(birth->settings);
	birth->settings = -EBADF;
}

int gateway_prepare(struct gateway_birth *birth, const struct config *config, struct start_error *error)
{
	int r = servers_open(&birth->servers, config, error);

	forget_settings(birth);
	if (r < 0 || birth->servers.count == 0)
		return r;
	servers_log(&birth->servers, config);
	birth->settings = make_settings(&birth->servers, config);
	if (birth->settings == -EINVAL && error)
		snprintf(error->text, sizeof error->text,
			"the username and password of an HTTP server must be UTF-8");
	return birth->settings < 0 ? birth->settings : 0;
}

void gateway_remove(struct gateway_birth *birth)
{
	forget_settings(birth);
	servers_remove(&birth->servers);
}

/* ---- the program ---- */

/* Beside reeved itself, or where it is installed. Opened before anything is given up: the way there may not be
 * open to everybody. */
static int open_program(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof PROGRAM);
	char *slash;
	int fd = -1;

	path[length > 0 ? length : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
		fd = open(path, O_PATH | O_CLOEXEC);
	}
	if (fd < 0)
		fd = open(REEVE_LIBEXECDIR "/" PROGRAM, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- giving up ---- */

static int become_nobody(void)
{
	const struct passwd *user = NULL;

	if (geteuid() != 0)
		return 0;
	for (size_t i = 0; i < sizeof users / sizeof users[0] && !user; i++)
		user = getpwnam(users[i]);
	if (!user)
		return -ENOENT;
	if (setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
		setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return -errno;
	return 0;
}

static int give_up(void)
{
	int r = become_nobody();

	if (r < 0)
		log_line(LOG_WARN,
			"the gateway stays root, though without root's rights: it cannot become another "
			"user: %s",
			reeve_error_text(r));
	umask(077);
	if (chdir("/") < 0)
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* ---- descriptors ---- */

struct move {
	int from, to;
};

/* Make each what it is to be, and close all others but `program`, which closes itself. They are moved out of the way
 * first, for where one is to be another may be now. */
static int arrange(struct move *moves, int count, int *program)
{
	int above = moves[count - 1].to + 1;

	for (int i = 0; i < count; i++) {
		moves[i].from = fcntl(moves[i].from, F_DUPFD_CLOEXEC, above + 1);
		if (moves[i].from < 0)
			return -errno;
	}
	*program = fcntl(*program, F_DUPFD_CLOEXEC, above + 1);
	if (*program < 0)
		return -errno;
	for (int i = 0; i < count; i++)
		if (dup2(moves[i].from, moves[i].to) < 0)
			return -errno;
	if (dup3(*program, above, O_CLOEXEC) < 0)
		return -errno;
	*program = above;
	return close_range((unsigned)above + 1, ~0u, 0) < 0 ? -errno : 0;
}

static int arrange_all(const struct role_start *start, const struct gateway_birth *birth, int *program)
{
	const struct servers *servers = &birth->servers;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t count = 0;
	struct move *moves = calloc(GATEWAY_SERVERS + servers->count, sizeof *moves);
	int r;

	if (null < 0 || !moves) {
		free(moves);
		return null < 0 ? -errno : -ENOMEM;
	}
	moves[count++] = (struct move){ null, STDIN_FILENO };
	moves[count++] = (struct move){ null, STDOUT_FILENO };
	moves[count++] = (struct move){ STDERR_FILENO, STDERR_FILENO };
	moves[count++] = (struct move){ birth->settings, GATEWAY_SETTINGS };
	moves[count++] = (struct move){ reeve_map_fd(start->board->map), GATEWAY_BOARD };
	moves[count++] = (struct move){ start->keeper, GATEWAY_KEEPER };
	moves[count++] = (struct move){ start->peers[ROLE_CORE], GATEWAY_CORE };
	moves[count++] = (struct move){ start->peers[ROLE_SCRIBE], GATEWAY_SCRIBE };
	moves[count++] = (struct move){ start->log_write, GATEWAY_LOG };
	for (size_t i = 0; i < servers->count; i++)
		moves[count++] = (struct move){ servers->list[i].fd, GATEWAY_SERVERS + (int)i };
	r = arrange(moves, (int)count, program);
	free(moves);
	return r;
}

int gateway_become(const struct role_start *start, const struct gateway_birth *birth)
{
	const char *const arguments[] = { PROGRAM, NULL };
	const char *zone = getenv("TZ"); /* the log's times are of one zone */
	char variable[256] = "";
	const char *const environment[] = { variable, NULL };
	int program = open_program(), r = program;

	if (zone)
		snprintf(variable, sizeof variable, "TZ=%s", zone);
	if (r >= 0)
		r = arrange_all(start, birth, &program);
	if (r >= 0) {
		log_to(GATEWAY_LOG, start->settings->log_level);
		r = give_up();
	}
	if (r >= 0) {
		execveat(program, "", (char *const *)(uintptr_t)arguments,
			(char *const *)(uintptr_t)(zone ? environment : environment + 1), AT_EMPTY_PATH);
		r = -errno;
	}
	log_line(LOG_CRITICAL, "the gateway's program, " PROGRAM ", cannot be executed: %s",
		reeve_error_text(r));
	return EXIT_NO_PROGRAM;
}
